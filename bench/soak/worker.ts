/** A worker thread of the soak: makes the calls it is told the seeds of, says what came out, and tidies up when asked. */
import { parentPort, workerData } from 'node:worker_threads';
import { collect } from './collect.ts';
import { randomOf } from './problems.ts';
import { kindsFor, type Place } from './work.ts';

export type Order = 'tidy up' | { readonly kind: string; readonly seed: number; readonly place: Place };

const { best } = workerData as { best: string | undefined };
const kinds = kindsFor(best);
parentPort!.on('message', async (order: Order) => {
  if (order === 'tidy up') {
    await collect();
    parentPort!.postMessage(undefined);
  } else parentPort!.postMessage(await kinds[order.kind](randomOf(order.seed), order.place));
});
