/** Native memory comes back: a process does not grow over 10,000 calls and more, however their sessions end. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadCpu } from '../lib/load-native.ts';

const program = fileURLToPath(new URL('programs/memory.mjs', import.meta.url));

/**
 * Growth is measured over half of the calls. The smallest array of a call, its losses, has 512 bytes on average; a gradient has
 * 4 KB, a workspace more than 200 KB. Without a leak fragments of the allocators are left, and what the collector has not
 * come round to: less than a megabyte, however many calls there were.
 */
const bytesPerCall = 400;

/** A thread that left its session's workspace would leave twice this. Node's own cost of a thread is 30 KB. */
const bytesPerThread = 100_000;

/** glibc otherwise learns to keep up to 64 MB of freed memory, and V8 to fill 16 MB before it looks for young garbage. */
const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '65536' };
const flags = ['--expose-gc', '--max-semi-space-size=1'];

describe.skipIf(loadCpu().module === undefined)('memory (needs the native engine)', () => {
  it.each([
    ['10000', 'once', 'one-shot calls'],
    ['10000', 'session', 'a session, batches that grow and shrink'],
    ['10000', 'async', 'asynchronous calls, eight at a time'],
    ['10000', 'disposed', 'a session each, disposed'],
    // The collector takes a while to find its pace.
    ['20000', 'dropped', 'a session each, left to the garbage collector'],
    ['5000', 'head', 'steps and predictions, a head for eight'],
    ['5000', 'bank', 'losses, a memory for eight'],
    ['5000', 'search', 'similarities and neighbours, asynchronous too'],
    ['10000', 'abort', 'calls that are aborted, eight at a time'],
    ['10000', 'error', 'calls that fail, a session each'],
    ['24', 'worker', 'threads that end with a session and a head'],
  ])('%s calls, %s: %s', (calls, scenario) => {
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, program, scenario, calls], {
      encoding: 'utf8',
      env,
    });
    expect(stderr).toBe('');
    const bytes = scenario === 'worker' ? bytesPerThread : bytesPerCall;
    expect(Number.parseInt(stdout, 10)).toBeLessThan((bytes * Number(calls)) / 2);
  });
});
