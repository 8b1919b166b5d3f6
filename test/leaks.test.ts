/** Native memory comes back: a process does not grow over 10,000 calls and more, however their sessions end. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadCpu } from '../lib/load-native.ts';

const program = fileURLToPath(new URL('programs/memory.mjs', import.meta.url));

/**
 * Growth is measured over 5,000 calls at least. The smallest array of a call, its losses, has 512 bytes on average: leaked, it
 * would be 2.6 MB, a gradient 20 MB, a workspace more than 1 GB. Without a leak fragments of the allocators are left,
 * below 1 MB.
 */
const bound = 2e6;

/** glibc otherwise learns to keep up to 64 MB of freed memory. */
const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '65536' };

describe.skipIf(loadCpu().module === undefined)('memory (needs the native engine)', () => {
  it.each([
    ['10000', 'once', 'one-shot calls'],
    ['10000', 'session', 'a session, batches that grow and shrink'],
    ['10000', 'async', 'asynchronous calls, eight at a time'],
    ['10000', 'disposed', 'a session each, disposed'],
    // The collector takes a while to find its pace.
    ['20000', 'dropped', 'a session each, left to the garbage collector'],
  ])('%s calls, %s: %s', (calls, scenario) => {
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', program, scenario, calls], {
      encoding: 'utf8',
      env,
    });
    expect(stderr).toBe('');
    expect(Number.parseInt(stdout, 10)).toBeLessThan(bound);
  });
});
