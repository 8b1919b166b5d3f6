/**
 * How much the process grows over many calls: `node --expose-gc memory.mjs <scenario> <calls>` prints the growth of its
 * resident memory in bytes from the second quarter of the calls, when caches and workspaces have their size, to the last.
 * Of each quarter the smallest reading counts: what is free but not yet given back comes and goes.
 */
import { setImmediate as eventLoop } from 'node:timers/promises';
import { computeCircleLoss, createPairLoss } from '../../dist/index.mjs';
import { batch } from './rows.mjs';

const dim = 8;
const options = { dim, engine: 'cpu', threads: 2 };
const pairLoss = { type: 'circle' };
const batches = [256, 17, 130, 256, 64, 200, 1, 97].map((count) => batch(count, dim));
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
};

const [scenario, calls] = process.argv.slice(2);
const count = Number(calls);
const smallest = [Infinity, Infinity, Infinity, Infinity];
for (let i = 0; i < count; i++) {
  await scenarios[scenario](i);
  if (i % 250 !== 249) continue;
  await collect();
  const quarter = Math.floor((4 * i) / count);
  smallest[quarter] = Math.min(smallest[quarter], process.memoryUsage.rss());
}
console.log(smallest[3] - smallest[1]);

/** Native objects are freed by the event loop, some time after the collector has found that nobody holds them. */
async function collect() {
  gc();
  await eventLoop();
}
