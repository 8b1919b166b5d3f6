/** Many asynchronous calls at once give the bits of synchronous ones, whoever shares a workspace with whom. */
import { describe, expect, it } from 'vitest';
import { computePairLoss, computePairLossAsync, type PairLossOptions } from '../lib/index.ts';
import { randomFrom, randomRows } from './cases.ts';
import { engineList, sessionOn } from './engine-list.ts';

interface Step {
  embeddings: Float32Array;
  labels: Int32Array;
}

/** Batches of all sizes up to several tiles, so that a workspace grows while others use theirs. */
const steps: Step[] = Array.from({ length: 48 }, (_, i) => {
  const count = 1 + ((i * 37) % 230);
  const random = randomFrom(i);
  return {
    embeddings: randomRows(count, 24, random),
    labels: Int32Array.from({ length: count }, () => Math.floor(random() * 9)),
  };
});

const options: PairLossOptions = { dim: 24, pairLoss: { type: 'circle' }, threads: 3 };

describe.each(engineList)('$name', (engine) => {
  it('48 calls in flight on one session, synchronous ones between', async () => {
    using session = sessionOn(engine, options);
    const expected = steps.map(({ embeddings, labels }) => session.compute(embeddings, labels));
    const calls = steps.map(({ embeddings, labels }, i) => {
      const call = session.computeAsync(embeddings, labels);
      if (i % 8 === 0) expect(session.compute(embeddings, labels)).toEqual(expected[i]);
      return call;
    });
    expect(await Promise.all(calls)).toEqual(expected);
  });

  it('a session each, all at once', async () => {
    using first = sessionOn(engine, options);
    const expected = steps.map(({ embeddings, labels }) => first.compute(embeddings, labels));
    const sessions = steps.map(() => sessionOn(engine, options));
    const calls = steps.map(({ embeddings, labels }, i) => sessions[i].computeAsync(embeddings, labels));
    // Disposed with a call in flight: the call has its workspace until it ends.
    for (const session of sessions) session.dispose();
    expect(await Promise.all(calls)).toEqual(expected);
  });
});

it('one-shot calls share an engine', async () => {
  const expected = steps.map(({ embeddings, labels }) => computePairLoss(embeddings, labels, options));
  const calls = steps.map(({ embeddings, labels }) => computePairLossAsync(embeddings, labels, options));
  expect(await Promise.all(calls)).toEqual(expected);
});
