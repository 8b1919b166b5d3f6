/** Objects that are used again, and asynchronous calls, on every engine. */
import { describe, expect, it } from 'vitest';
import type { Engine, Problem } from '../lib/engine.ts';
import { always } from '../lib/engines.ts';
import {
  computeCircleLoss,
  computeCircleLossAsync,
  computePairLoss,
  computePairLossAsync,
  computeSimilarity,
  computeSimilarityAsync,
  createPairLoss,
  type PairLoss,
  type PairLossOptions,
  type PairLossResult,
} from '../lib/index.ts';
import { createProblem } from '../lib/problem.ts';
import { referenceEngine } from '../lib/reference-engine.ts';
import { runAsync } from '../lib/run.ts';
import { openSession } from '../lib/session.ts';
import { cases, randomFrom, randomRows } from './cases.ts';
import { engineList, sessionOn, settingsOf } from './engine-list.ts';

const batchOf = (count: number, dim: number) => ({
  embeddings: randomRows(count, dim, randomFrom(count)),
  labels: Int32Array.from({ length: count }, (_, i) => i % 7),
});

const circle = { pairLoss: { type: 'circle' } } as const;

describe.each(engineList)('$name', (engine) => {
  it('batches that grow and shrink leave no trace in each other', () => {
    using session = sessionOn(engine, { dim: 9, ...circle });
    for (const count of [3, 150, 1, 64, 300, 2, 65]) {
      const { embeddings, labels } = batchOf(count, 9);
      using fresh = sessionOn(engine, { dim: 9, ...circle });
      expect(session.compute(embeddings, labels)).toEqual(fresh.compute(embeddings, labels));
    }
  });

  it('options are those of its creation, whatever becomes of the objects', () => {
    const { embeddings, labels } = batchOf(12, 4);
    const pairLoss = { type: 'circle', optima: { positive: 1.3, negative: -0.3 } } as const;
    using session = sessionOn(engine, { dim: 4, pairLoss });
    const expected = session.compute(embeddings, labels);
    Object.assign(pairLoss.optima, { positive: 9 });
    expect(session.compute(embeddings, labels)).toEqual(expected);
  });

  it('a step brings or replaces candidates, upstream and out', () => {
    const { embeddings, labels } = batchOf(12, 4);
    const classWeights = randomRows(7, 4, randomFrom(2));
    const other = batchOf(20, 4);
    const labelled = { candidates: other.embeddings, candidateLabels: other.labels };
    const gradient = new Float32Array(48);
    const alone = (options: object) => {
      using session = sessionOn(engine, { dim: 4, ...circle, ...options });
      return session.compute(embeddings, labels);
    };
    using session = sessionOn(engine, {
      dim: 4,
      ...circle,
      upstream: 3,
      classWeights: randomRows(7, 4, randomFrom(9)),
    });
    expect(session.compute(embeddings, labels, { classWeights })).toEqual(alone({ classWeights, upstream: 3 }));
    expect(session.compute(embeddings, labels, labelled)).toEqual(alone({ ...labelled, upstream: 3 }));
    expect(session.compute(embeddings, labels, { ...labelled, upstream: -1 })).toEqual(
      alone({ ...labelled, upstream: -1 }),
    );
    expect(session.compute(embeddings, labels, { out: { gradient } }).gradient).toBe(gradient);
  });

  it('results go to out, and are the same as without', async () => {
    const { embeddings, labels } = batchOf(12, 4);
    const options = { dim: 4, ...circle, classWeights: randomRows(7, 4, randomFrom(2)) };
    using session = sessionOn(engine, options);
    const usual = session.compute(embeddings, labels);
    // Two of them lie side by side in one buffer.
    const shared = new Float32Array(48 + 28);
    const out = {
      anchorLosses: new Float32Array(12),
      gradient: shared.subarray(0, 48),
      classWeightGradient: shared.subarray(48),
    };
    const expectOut = (found: PairLossResult) => {
      expect(found).toEqual(usual);
      expect(found.gradient).toBe(out.gradient);
      expect(found.anchorLosses).toBe(out.anchorLosses);
      expect(found.classWeightGradient).toBe(out.classWeightGradient);
      shared.fill(0);
    };
    expectOut(session.compute(embeddings, labels, { out }));
    expectOut(await session.computeAsync(embeddings, labels, { out }));
  });

  it('an asynchronous call gives the bits of a synchronous one', async () => {
    for (const { embeddings, labels, options } of cases.filter((_, index) => index % 7 === 0)) {
      using session = sessionOn(engine, options);
      expect(await session.computeAsync(embeddings, labels)).toEqual(session.compute(embeddings, labels));
    }
  });

  it('calls may overlap, with synchronous ones between', async () => {
    using session = sessionOn(engine, { dim: 16, ...circle });
    const batches = [200, 3, 90, 200, 41].map((count) => batchOf(count, 16));
    const running = batches.map(({ embeddings, labels }) => session.computeAsync(embeddings, labels));
    const between = batches.map(({ embeddings, labels }) => session.compute(embeddings, labels));
    expect(await Promise.all(running)).toEqual(between);
  });

  it('an asynchronous call works on copies', async () => {
    const { embeddings, labels } = batchOf(50, 8);
    const classWeights = randomRows(7, 8, randomFrom(1));
    const upstream = new Float32Array(50).fill(0.5);
    using session = sessionOn(engine, { dim: 8, ...circle });
    const expected = session.compute(embeddings, labels, { classWeights, upstream });
    const running = session.computeAsync(embeddings, labels, { classWeights, upstream });
    labels.fill(0);
    upstream.fill(9);
    classWeights.fill(1);
    structuredClone(embeddings, { transfer: [embeddings.buffer as ArrayBuffer] });
    expect(await running).toEqual(expected);
  });

  it('an abort rejects with AbortError and its reason, and out is untouched', async () => {
    using session = sessionOn(engine, { dim: 64, ...circle });
    const { embeddings, labels } = batchOf(1500, 64);
    const gradient = new Float32Array(embeddings.length).fill(7);
    const controller = new AbortController();
    const reason = new Error('no longer needed');
    const running = session.computeAsync(embeddings, labels, { out: { gradient }, signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await expect(running).rejects.toMatchObject({ name: 'AbortError', cause: reason });
    await expect(running).rejects.toBeInstanceOf(DOMException);
    expect(gradient.every((value) => value === 7)).toBe(true);
    // The session is none the worse for it.
    const small = batchOf(5, 64);
    expect(session.compute(small.embeddings, small.labels).validAnchors).toBe(0);
  });

  it('an already aborted signal rejects, even where the rows are bad', async () => {
    using session = sessionOn(engine, { dim: 2, ...circle });
    const running = session.computeAsync(Float32Array.of(Number.NaN, 1), [0], { signal: AbortSignal.abort('early') });
    await expect(running).rejects.toMatchObject({ name: 'AbortError', cause: 'early' });
  });

  it('an aborted job ends early and says so', async () => {
    const { embeddings, labels } = batchOf(1500, 64);
    const settings = settingsOf({ dim: 64, ...circle });
    const job = engine.open().computeAsync(createProblem(settings, settings.arrays, embeddings, labels));
    job.abort();
    expect((await job.done).status).toBe('aborted');
  });

  it('an already aborted signal copies nothing and starts nothing', async () => {
    const idle: Engine = { ...referenceEngine, computeAsync: () => expect.unreachable() };
    const session = openSession(settingsOf({ dim: 2, ...circle }), always(idle));
    const embeddings = Float32Array.of(1, 0);
    const running = session.computeAsync(embeddings, [0], { signal: AbortSignal.abort() });
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    const settings = settingsOf({ dim: 2, ...circle });
    const problem = createProblem(settings, {}, embeddings, [0]);
    const unread = {
      ...problem,
      get anchors(): Float32Array {
        return expect.unreachable();
      },
    };
    const aborted = runAsync(idle, unread, undefined, AbortSignal.abort());
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('outputs of an asynchronous call are allocated once, where no array of the caller is to be spared', async () => {
    const { embeddings, labels } = batchOf(12, 4);
    const out = { gradient: new Float32Array(48) };
    const settings = settingsOf({ dim: 4, ...circle });
    const problem = createProblem(settings, { out }, embeddings, labels);
    let written: Problem | undefined;
    const own = engine.open();
    const spy: Engine = {
      name: own.name,
      compute: own.compute.bind(own),
      computeAsync: (isolated) => {
        written = isolated;
        return own.computeAsync(isolated);
      },
      similarity: own.similarity.bind(own),
      similarityAsync: own.similarityAsync.bind(own),
      nearest: own.nearest.bind(own),
      nearestAsync: own.nearestAsync.bind(own),
      rank: own.rank.bind(own),
      rankAsync: own.rankAsync.bind(own),
      workspaceBytes: () => 0,
      release: () => {},
    };
    const found = await runAsync(spy, problem, out);
    expect(found.anchorLosses).toBe(written!.anchorLosses);
    expect(found.gradient).toBe(out.gradient);
    expect(written!.gradient).not.toBe(out.gradient);
    expect(written!.gradient).toEqual(out.gradient);
  });

  it('a call that has yet to begin when its object is disposed leaves no workspace', async () => {
    const { embeddings, labels } = batchOf(300, 16);
    const rounds = engine.name.startsWith('cuda') ? 8 : 50; // an emulated GPU takes a second for each
    for (let i = 0; i < rounds; i++) {
      const own = engine.open();
      const session = openSession(settingsOf({ dim: 16, ...circle, threads: 2 }), always(own));
      const calls = [session.computeAsync(embeddings, labels), session.computeAsync(embeddings, labels)];
      session.dispose();
      await Promise.all(calls);
      expect(own.workspaceBytes()).toBe(0);
    }
  });

  it('a disposed object refuses calls, and those in flight end well', async () => {
    const session = sessionOn(engine, { dim: 8, ...circle });
    const { embeddings, labels } = batchOf(100, 8);
    const expected = session.compute(embeddings, labels);
    const running = session.computeAsync(embeddings, labels);
    session.dispose();
    session.dispose();
    expect(await running).toEqual(expected);
    const refusal = expect.objectContaining({ code: 'ERR_CIRCLE_DISPOSED' });
    expect(() => session.compute(embeddings, labels)).toThrow(refusal);
    await expect(session.computeAsync(embeddings, labels)).rejects.toEqual(refusal);
  });
});

describe.each(['reference', 'auto'] as const)('one-shot functions on %s', (engine) => {
  const { embeddings, labels } = batchOf(30, 6);

  it('are the object, used once', async () => {
    using session = createPairLoss({ dim: 6, ...circle, engine });
    const expected = session.compute(embeddings, labels);
    expect(computeCircleLoss(embeddings, labels, { dim: 6, engine })).toEqual(expected);
    expect(computePairLoss(embeddings, labels, { dim: 6, engine, ...circle })).toEqual(expected);
    expect(await computeCircleLossAsync(embeddings, labels, { dim: 6, engine })).toEqual(expected);
    expect(await computePairLossAsync(embeddings, labels, { dim: 6, engine, ...circle })).toEqual(expected);
  });

  it('similarities: with out, without, asynchronously', async () => {
    const expected = computeSimilarity(embeddings, { dim: 6, engine });
    const out = new Float32Array(900);
    expect(computeSimilarity(embeddings, { dim: 6, engine, candidates: embeddings.slice(), out })).toBe(out);
    for (const [k, value] of out.entries()) expect(Math.abs(value - expected[k])).toBeLessThanOrEqual(10 * 2 ** -24);
    expect(await computeSimilarityAsync(embeddings, { dim: 6, engine })).toEqual(expected);
    const aborted = computeSimilarityAsync(embeddings, { dim: 6, engine, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('aborts reach them', async () => {
    const options = { dim: 6, engine, signal: AbortSignal.abort() };
    await expect(computeCircleLossAsync(embeddings, labels, options)).rejects.toMatchObject({ name: 'AbortError' });
    const pairLoss = { ...options, ...circle };
    await expect(computePairLossAsync(embeddings, labels, pairLoss)).rejects.toMatchObject({ name: 'AbortError' });
  });
});

it('the defaults of Circle loss are 0.4 and 80 pair-wise, 0.25 and 256 with class weights', () => {
  const { embeddings, labels } = batchOf(30, 6);
  const classWeights = randomRows(7, 6, randomFrom(4));
  expect(computeCircleLoss(embeddings, labels, { dim: 6 })).toEqual(
    computeCircleLoss(embeddings, labels, { dim: 6, margin: 0.4, gamma: 80 }),
  );
  expect(computeCircleLoss(embeddings, labels, { dim: 6, classWeights })).toEqual(
    computeCircleLoss(embeddings, labels, { dim: 6, margin: 0.25, gamma: 256, classWeights }),
  );
  const shape = { optima: { positive: 1.25, negative: -0.25 }, targets: { positive: 0.75, negative: 0.25 } };
  expect(computeCircleLoss(embeddings, labels, { dim: 6, classWeights, ...shape })).toEqual(
    computeCircleLoss(embeddings, labels, { dim: 6, classWeights }),
  );
});

it.each<[PairLoss, PairLoss]>([
  [{ type: 'unified' }, { type: 'unified', margin: 0.35, gamma: 64 }],
  [{ type: 'arcface' }, { type: 'arcface', margin: 0.5, gamma: 64, derivative: 'exact', beyondPi: 'linear' }],
  [{ type: 'triplet' }, { type: 'triplet', margin: 0.2 }],
])('the defaults of %o', (brief, full) => {
  const { embeddings, labels } = batchOf(30, 6);
  const compute = (pairLoss: PairLoss) => computePairLoss(embeddings, labels, { dim: 6, pairLoss } as PairLossOptions);
  expect(compute(brief)).toEqual(compute(full));
});
