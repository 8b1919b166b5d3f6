/** Memory that ends, threads and processes that end, aborts and a collector at any moment: in processes of their own, which must outlive it. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadCpu } from '../lib/load-native.ts';
import { emulatedAddon } from './engine-list.ts';

const program = (name: string) => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const hasCpu = loadCpu().module !== undefined;
const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;

function run(flags: string[], ...args: (string | number)[]) {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, program('faults.mjs'), ...args.map(String)],
    { encoding: 'utf8', timeout: 120_000 },
  );
  return { status, signal, stderr, said: stdout.trim() === '' ? undefined : JSON.parse(stdout) };
}

/** Of a process that came through. */
function saidBy(flags: string[], ...args: (string | number)[]) {
  const { said, ...end } = run(flags, ...args);
  expect(end).toEqual({ status: 0, signal: null, stderr: '' });
  return said;
}

describe.skipIf(!hasCpu || !hasPrlimit)('a limit on the address space (needs prlimit and the native engine)', () => {
  /** V8 ends a process that has no room for its own heap, whoever took the rest: nothing in it can prevent that. */
  const isOfV8 = ({ signal, stderr }: ReturnType<typeof run>) =>
    signal === 'SIGABRT' && stderr.includes('JavaScript heap out of memory');

  // From where arrays of some megabytes fail to where only copies of a gigabyte do. Where V8 is the first to run out, which
  // is a matter of a few pages, a limit a little higher leaves it these: at one of three the package has to be the first.
  it.each([100, 200, 600])(
    '%d MiB above what the process has, or a little more: results or ERR_CIRCLE_OUT_OF_MEMORY',
    (more) => {
      const limits = [more, more + 16, more + 32];
      let end = run(['--max-semi-space-size=1'], 'memory', limits[0]);
      for (const limit of limits.slice(1)) if (isOfV8(end)) end = run(['--max-semi-space-size=1'], 'memory', limit);
      const { status, signal, stderr, said } = end;
      expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
      const { ok, ERR_CIRCLE_OUT_OF_MEMORY: out, ERR_CIRCLE_NOT_FINITE: _, ...others } = said.outcomes;
      expect(others).toEqual({});
      expect(ok).toBeGreaterThan(0);
      expect(out).toBeGreaterThan(0);
      expect(said.same).toBe(true);
    },
  );
});

describe.skipIf(!hasCpu)('threads (needs the native engine)', () => {
  it('32 that are terminated at any moment of any call leave the others their results', () => {
    expect(saidBy([], 'terminate', 32)).toEqual({ same: true, ended: 64 });
  });

  it('one that writes shared labels while a head checks and uses them', () => {
    const { outcomes, wrong } = saidBy([], 'race', 500);
    expect(wrong).toEqual([]);
    expect(outcomes.ok).toBeGreaterThan(0);
  });
});

describe.skipIf(!hasCpu)('a process that ends in the middle of calls (needs the native engine)', () => {
  it.each<[how: string, status: number | null, signal: string | null, said: string]>([
    ['exit', 7, null, ''],
    ['SIGTERM', null, 'SIGTERM', ''],
    ['SIGKILL', null, 'SIGKILL', ''],
    ['uncaught', 1, null, 'Error: nobody catches this'],
    ['rejection', 1, null, 'Error: nobody catches this'],
  ])('%s: with its own status, and no other words', (how, status, signal, words) => {
    const end = run([], 'end', how);
    expect(end).toMatchObject({ status, signal, said: { started: true } });
    expect(end.stderr).toContain(words);
    if (words === '') expect(end.stderr).toBe('');
  });
});

describe.skipIf(!hasCpu)('aborts (needs the native engine)', () => {
  it('at any moment: the result or an AbortError with the reason, out untouched, no listener left, the next call right', () => {
    const { outcomes, ...rest } = saidBy([], 'abort', 160);
    expect(rest).toEqual({ wrong: [], warnings: [], left: 0, same: true });
    expect(Math.min(outcomes.resolved, outcomes.aborted)).toBeGreaterThan(10);
  });

  it('of the steps of a head: a step is made whole, or not at all', () => {
    const { outcomes, same } = saidBy([], 'abortSteps', 60);
    expect(same).toBe(true);
    expect(outcomes.made + outcomes.aborted).toBe(60);
  });
});

describe.skipIf(!hasCpu)('the garbage collector (needs the native engine)', () => {
  it.each([
    ['a small young generation', ['--max-semi-space-size=1', '--expose-gc']],
    ['a small heap that is collected all the time', ['--max-old-space-size=40', '--gc-interval=400', '--expose-gc']],
    ['objects that move whenever they can', ['--stress-compaction', '--expose-gc', '--stress-incremental-marking']],
  ])('%s: arrays, sessions, heads and memories dropped in the middle of calls', (_, flags) => {
    expect(saidBy(flags, 'collect', 5)).toEqual({ same: true });
  });

  it('sessions, heads and memories disposed in the middle of calls: these end well', () => {
    expect(saidBy(['--expose-gc'], 'dispose', 10)).toEqual({ same: true });
  });
});

describe('an addon called directly', () => {
  const seconds = Number(process.env.CIRCLE_LOSS_FAULT_SECONDS ?? 2);
  const hammer = (addon: string, seed: number) => {
    const { status, signal, stdout, stderr } = spawnSync(
      process.execPath,
      [program('hostile-native.mjs'), addon, String(seconds), String(seed)],
      { encoding: 'utf8', timeout: 1000 * (seconds + 60) },
    );
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
    const { done, invalid, thrown, jobs, after } = JSON.parse(stdout);
    expect(Math.min(done, invalid, thrown, jobs)).toBeGreaterThan(0);
    expect(after).toBe(0);
  };
  const cpu = fileURLToPath(new URL('../build/Release/circle_cpu.node', import.meta.url));

  it.skipIf(!hasCpu)('with wrong arguments of every kind: circle_cpu.node (needs build/Release)', () => hammer(cpu, 1));

  const cuda = process.env.CIRCLE_LOSS_CUDA_ADDON;
  it.skipIf(cuda !== emulatedAddon)(
    'with wrong arguments of every kind: circle_cuda.node (needs the emulated GPU)',
    () => hammer(cuda!, 2),
  );
});
