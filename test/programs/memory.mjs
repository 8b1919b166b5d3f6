/**
 * How much the process grows over many calls: `node --expose-gc memory.mjs <scenario> <calls>` prints the growth of its
 * resident memory in bytes from the second quarter of the calls, when caches and workspaces have their size, to the last.
 * Of each quarter the smallest reading counts: what is free but not yet given back comes and goes.
 */
import { once } from 'node:events';
import { setImmediate as eventLoop } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  computeCircleLoss,
  computeSimilarity,
  computeSimilarityAsync,
  createClassHead,
  createMemoryBank,
  createPairLoss,
  findNearest,
  findNearestAsync,
} from '../../dist/index.mjs';
import { batch } from './rows.mjs';

const dim = 8;
const options = { dim, engine: 'cpu', threads: 2 };
const pairLoss = { type: 'circle' };
const batches = [256, 17, 130, 256, 64, 200, 1, 97].map((count) => batch(count, dim));
const smaller = [17, 64, 1, 97].map((count) => batch(count, dim));
const optimizer = { type: 'adam', learningRate: 0.01 };
const session = createPairLoss({ ...options, pairLoss });

/** One call each, or for asynchronous ones eight at a time. */
const scenarios = {
  once: (i) => computeCircleLoss(batches[i % 8].embeddings, batches[i % 8].labels, options),
  session: (i) => session.compute(batches[i % 8].embeddings, batches[i % 8].labels),
  async: async (i) => {
    if (i % 8 !== 0) return;
    await Promise.all(batches.map(({ embeddings, labels }) => session.computeAsync(embeddings, labels)));
  },
  disposed: (i) => {
    const own = createPairLoss({ ...options, pairLoss });
    own.compute(batches[i % 8].embeddings, batches[i % 8].labels);
    own.dispose();
  },
  // Left to the garbage collector, which must hear of a workspace's size to care.
  dropped: (i) => createPairLoss({ ...options, pairLoss }).compute(batches[i % 8].embeddings, batches[i % 8].labels),
  // Eight calls each, synchronous and not, and disposed.
  head: async (i) => {
    if (i % 8 !== 0) return;
    const head = createClassHead({ ...options, pairLoss, classes: 10, optimizer });
    for (const [k, { embeddings, labels }] of batches.entries()) {
      if (k % 2 === 0) head.step(embeddings, labels);
      else await head.stepAsync(embeddings, labels);
      head.predict(embeddings.subarray(0, 8 * dim));
    }
    head.dispose();
  },
  bank: async (i) => {
    if (i % 8 !== 0) return;
    const bank = createMemoryBank({ ...options, pairLoss, capacity: 100 });
    for (const [k, { embeddings, labels }] of [...smaller, ...smaller].entries()) {
      if (k % 2 === 0) bank.loss(embeddings, labels);
      else await bank.lossAsync(embeddings, labels);
      bank.enqueue(embeddings, labels);
    }
    bank.dispose();
  },
  search: async (i) => {
    const { embeddings } = batches[i % 4];
    const found = [
      () => computeSimilarity(embeddings, options),
      () => findNearest(embeddings, { ...options, k: 3 }),
      () => computeSimilarityAsync(embeddings, options),
      () => findNearestAsync(embeddings, { ...options, k: 3 }),
    ];
    await found[Math.floor(i / 4) % 4]();
  },
  abort: async (i) => {
    if (i % 8 !== 0) return;
    const controllers = batches.map(() => new AbortController());
    const calls = batches.map(({ embeddings, labels }, k) =>
      session.computeAsync(embeddings, labels, { signal: controllers[k].signal }),
    );
    const settled = Promise.allSettled(calls);
    // Some before they begin, some as they compute, some when they are over.
    for (const controller of controllers) {
      controller.abort();
      await eventLoop();
    }
    await settled;
  },
  error: async (i) => {
    const { embeddings, labels } = batches[i % 8];
    const own = createPairLoss({ ...options, pairLoss });
    const wrong = [
      () =>
        own.compute(
          embeddings.map(() => Number.NaN),
          labels,
        ),
      () =>
        own.computeAsync(
          embeddings.map(() => Number.NaN),
          labels,
        ),
      () => own.computeAsync(embeddings, labels.subarray(1)),
    ];
    const error = await (async () => wrong[i % 3]())().catch((reason) => reason);
    if (error?.name !== 'CircleLossError') throw error ?? new Error('no error');
    own.dispose();
  },
  worker: async () => {
    const worker = new Worker(new URL('memory-worker.mjs', import.meta.url));
    await once(worker, 'message');
    await worker.terminate();
  },
};

const [scenario, calls] = process.argv.slice(2);
const count = Number(calls);
const period = Math.min(250, count / 8);
const smallest = [Infinity, Infinity, Infinity, Infinity];
for (let i = 0; i < count; i++) {
  await scenarios[scenario](i);
  if (i % period !== period - 1) continue;
  await collect();
  const quarter = Math.floor((4 * i) / count);
  smallest[quarter] = Math.min(smallest[quarter], process.memoryUsage.rss());
}
console.log(smallest[3] - smallest[1]);

/** Native objects are freed by the event loop, some time after the collector has found that nobody holds them. */
async function collect() {
  for (let time = 0; time < 2; time++) {
    gc();
    await eventLoop();
  }
}
