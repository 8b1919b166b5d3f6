/** A worker thread of the soak: makes the calls it is told the seeds of, and says what came out. */
import { parentPort, workerData } from 'node:worker_threads';
import { kindsFor, type Place, randomOf } from './work.ts';

const { best } = workerData as { best: string | undefined };
const kinds = kindsFor(best);
parentPort!.on('message', async ({ kind, seed, place }: { kind: string; seed: number; place: Place }) => {
  parentPort!.postMessage(await kinds[kind](randomOf(seed), place));
});
