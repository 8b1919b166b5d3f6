/**
 * Calls that wait for the engine of their session, in a process of their own: the collector may free device memory of other
 * tests at any time, and JavaScript's thread then waits for the device, as it would for a real one, and hears no timer.
 */
import { describe, expect, it } from 'vitest';
import { createPairLoss } from '../lib/index.ts';
import { randomFrom, randomRows } from './cases.ts';
import { cudaEngines, emulatedAddon } from './engine-list.ts';

const dim = 6;
const isEmulated = cudaEngines.length > 0 && process.env.CIRCLE_LOSS_CUDA_ADDON === emulatedAddon;

/** Only there a call takes long enough for another one to wait, whatever the machine. */
describe.runIf(isEmulated)('on the emulated GPU, cuda', () => {
  it('a call that waits for the session hears an abort, and the one before it ends well', async () => {
    using session = createPairLoss({ dim, engine: 'cuda', pairLoss: { type: 'circle' } });
    // Seconds of work: the timer below may be late by hundreds of milliseconds where other tests have the processors.
    const many = randomRows(1000, dim, randomFrom(8));
    const manyLabels = Int32Array.from({ length: 1000 }, (_, i) => i % 9);
    const order: string[] = [];
    const controller = new AbortController();
    const first = session.computeAsync(many, manyLabels).then(() => order.push('first'));
    const second = session
      .computeAsync(many, manyLabels, { signal: controller.signal })
      .catch(({ name }) => order.push(name));
    await new Promise((resolve) => setTimeout(resolve, 10));
    controller.abort();
    await Promise.all([first, second]);
    expect(order).toEqual(['AbortError', 'first']);
  });
});
