/** Native memory comes back: a process does not grow over 10,000 calls and more, however their sessions end. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadCpu } from '../lib/load-native.ts';

const program = fileURLToPath(new URL('programs/memory.mjs', import.meta.url));

/**
 * Growth is measured over half of the calls. The smallest array of a call, its losses, has 512 bytes on average; a gradient has
 * 4 KB, a workspace more than 200 KB. Without a leak fragments of the allocators are left, and what the collector has not
 * come round to: one to four megabytes, however many calls there were.
 */
const boundOf = (calls: number) => (400 * calls) / 2;

/** glibc otherwise learns to keep up to 64 MB of freed memory. */
const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '65536' };

describe.skipIf(loadCpu().module === undefined)('memory (needs the native engine)', () => {
  it.each([
    ['10000', 'once', 'one-shot calls'],
    ['10000', 'session', 'a session, batches that grow and shrink'],
    ['10000', 'async', 'asynchronous calls, eight at a time'],
    ['10000', 'disposed', 'a session each, disposed'],
    // The collector takes a while to find its pace.
    ['40000', 'dropped', 'a session each, left to the garbage collector'],
  ])('%s calls, %s: %s', (calls, scenario) => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', program, scenario, calls], {
      encoding: 'utf8',
      env,
    });
    expect(stderr).toBe('');
    expect(Number.parseInt(stdout, 10)).toBeLessThan(boundOf(Number(calls)));
  });
});
