/**
 * Calls whose native allocations fail, one after the other: `LD_PRELOAD=refuse.node node refused-memory.mjs refuse.node
 * <addon>` prints, of each kind of call, how many allocations were refused it, and what became of the calls. Ends
 * with an error where a call that was refused memory did anything but throw or compute the right thing.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { CircleLossError, createPairLoss, findNearestAsync } from '../../dist/index.mjs';
import { batch } from './rows.mjs';

const [refusing, addon] = process.argv.slice(2);
const engine = 'cpu';
const { refuse, allow } = createRequire(import.meta.url)(refusing);
const dim = 8;
const { embeddings, labels } = batch(200, dim);
const options = { pairLoss: { type: 'circle' }, dim, engine, threads: 3 };
const session = createPairLoss(options);

const calls = {
  'a session, and its first call': () => createPairLoss(options).compute(embeddings, labels).gradient,
  'an asynchronous call': async () => (await session.computeAsync(embeddings, labels)).gradient,
  'two calls at once on a new session': async () => {
    const own = createPairLoss(options);
    const both = await Promise.all([own.computeAsync(embeddings, labels), own.computeAsync(embeddings, labels)]);
    return both[1].gradient;
  },
  'a call of a session': () => session.compute(embeddings, labels).gradient,
  'nearest rows': async () => (await findNearestAsync(embeddings, { dim, engine, k: 3 })).similarities,
};
for (const [name, call] of Object.entries(calls)) {
  const expected = await call();
  const outcomes = { right: 0, ERR_CIRCLE_OUT_OF_MEMORY: 0 };
  let allocations = 0;
  for (; allocations < 100; allocations++) {
    let result;
    let error;
    refuse(addon, allocations);
    try {
      result = await call();
    } catch (thrown) {
      error = thrown;
    }
    const refused = allow();
    if (error === undefined) assert.deepEqual(result, expected);
    else assert(error instanceof CircleLossError, error);
    outcomes[error?.code ?? 'right']++;
    assert.deepEqual(await call(), expected);
    if (refused === 0) break;
  }
  console.log(JSON.stringify({ name, allocations, ...outcomes }));
}
