/** Worker threads use the addon at once, end with a job in flight, and so does a process. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadCpu } from '../lib/load-native.ts';

const program = fileURLToPath(new URL('programs/threads.mjs', import.meta.url));

/** In a process of its own: a crash there is a failed test here. Of the built package, which workers can load. */
function run(scenario: string) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program, scenario], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, signal, stderr, said: stdout.trim() };
}

const ended = (status: number, said: object) => ({ status, signal: null, stderr: '', said: JSON.stringify(said) });

describe.skipIf(loadCpu().module === undefined)('the addon (needs the native engine)', () => {
  it('gives four threads at once the same bits', () => {
    expect(run('atOnce')).toEqual(ended(0, { same: true }));
  });

  it('outlives 25 threads that are terminated with a job in flight', () => {
    expect(run('terminate')).toEqual(ended(0, { same: true }));
  });

  it('lets a process exit with a job in flight, with the code that it chose', () => {
    expect(run('exit')).toEqual(ended(7, { started: true }));
  });

  it('keeps a process alive until its job is done', () => {
    expect(run('end')).toEqual(ended(0, { finite: true }));
  });
});
