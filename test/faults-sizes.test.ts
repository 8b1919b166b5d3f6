/** Numbers that no machine has room for. */
import { describe, expect, it } from 'vitest';
import {
  computeCircleLoss,
  computeSimilarity,
  createClassHead,
  createMemoryBank,
  findNearest,
  pkSampler,
} from '../lib/index.ts';
import {
  evaluateDistractors,
  evaluateFolds,
  evaluateReIdentification,
  evaluateRetrieval,
  evaluateVerification,
} from '../lib/metrics.ts';
import { randomFrom, randomRows } from './cases.ts';
import { errorOf } from './error-of.ts';

const [count, dim, classes] = [12, 5, 4];
const rows = () => randomRows(count, dim, randomFrom(1));
const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
const pairLoss = { type: 'circle' } as const;
const optimizer = { type: 'sgd', learningRate: 1e-3 } as const;

describe('sizes that no machine has', () => {
  const absurd = [0, -1, 1.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY, 1e300, -(2 ** 31), '5', null, 5n];

  it.each(absurd)('dim %s', (wrong) => {
    const given = { dim: wrong } as never;
    for (const call of [
      () => computeCircleLoss(rows(), labels, given),
      () => computeSimilarity(rows(), given),
      () => findNearest(rows(), { dim: wrong, k: 1 } as never),
      () => createClassHead({ dim: wrong, classes, pairLoss, optimizer } as never),
      () => createMemoryBank({ dim: wrong, capacity: 5, pairLoss } as never),
      () => evaluateRetrieval(rows(), labels, given),
    ]) {
      expect(errorOf(call)).toMatchObject({ code: 'ERR_CIRCLE_INVALID_ARGUMENT' });
    }
  });

  it.each(absurd)('k, classes, capacity, P and K of %s', (wrong) => {
    for (const call of [
      () => findNearest(rows(), { dim, k: wrong } as never),
      () => createClassHead({ classes, dim, pairLoss, engine: 'cpu', optimizer }).predict(rows(), wrong as never),
      () => createClassHead({ dim, classes: wrong, pairLoss, optimizer } as never),
      () => createMemoryBank({ dim, capacity: wrong, pairLoss } as never),
      () => pkSampler({ labels, classesPerBatch: wrong, samplesPerClass: 1, seed: 1 } as never),
      () => pkSampler({ labels, classesPerBatch: 1, samplesPerClass: wrong, seed: 1 } as never),
      () => evaluateRetrieval(rows(), labels, { dim, recallAt: [1, wrong] } as never),
    ]) {
      expect(errorOf(call)).toMatchObject({ code: 'ERR_CIRCLE_INVALID_ARGUMENT' });
    }
  });

  const most = 2 ** 53 - 1;
  it.each<[string, () => unknown, string, string]>([
    ['dim of a loss', () => computeCircleLoss(rows(), labels, { dim: most }), 'ERR_CIRCLE_SHAPE', 'embeddings must be'],
    [
      'a class head',
      () => createClassHead({ dim: most, classes: 2 ** 31 - 1, pairLoss, optimizer, engine: 'cpu' }),
      'ERR_CIRCLE_OUT_OF_MEMORY',
      'Use fewer classes, or an optimizer that keeps less.',
    ],
    [
      'a memory bank',
      () => createMemoryBank({ dim: most, capacity: 2 ** 31 - 1, pairLoss, engine: 'reference' }),
      'ERR_CIRCLE_OUT_OF_MEMORY',
      'Lower the capacity.',
    ],
    [
      'a batch of a sampler',
      () =>
        pkSampler({
          labels,
          classesPerBatch: 1,
          samplesPerClass: most,
          seed: 1,
          smallClasses: 'repeat',
        }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.samplesPerClass must be at most 2147483647 where classesPerBatch is 1',
    ],
    [
      'ranks of a curve',
      () => {
        const set = { embeddings: rows(), labels, cameras: labels.map((_, i) => i) };
        return evaluateReIdentification(set, { ...set, cameras: labels.map(() => 99) }, { dim, ranks: most });
      },
      'ERR_CIRCLE_OUT_OF_MEMORY',
      'Lower ranks.',
    ],
    [
      'a list of labels',
      () => computeCircleLoss(rows(), new Proxy([], { get: (_, key) => (key === 'length' ? 2 ** 40 : 0) }), { dim }),
      'ERR_CIRCLE_OUT_OF_MEMORY',
      'Use fewer rows.',
    ],
    [
      'a sparse list of labels',
      () => computeCircleLoss(rows(), new Array(2 ** 32 - 1), { dim }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'labels[0] must be an integer',
    ],
    [
      'a sparse list of rates',
      () =>
        evaluateVerification(new Float32Array(4), [true, false, true, false], {
          falseAcceptRates: new Array(2 ** 32 - 1),
        }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.falseAcceptRates.0 must be a number from 0 to 1; received undefined.',
    ],
    [
      'a sparse list of thresholds',
      () =>
        evaluateFolds(new Float32Array(4), [true, false, true, false], {
          folds: 2,
          thresholds: new Array(2 ** 32 - 1),
        }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.thresholds[0] must be a number; received undefined.',
    ],
  ])('%s', (_, call, code, words) => {
    let error: unknown;
    try {
      call();
    } catch (thrown) {
      error = thrown;
    }
    // An array of 16 GiB that nobody touches a machine may have: then what is in it is refused.
    const codes = code === 'ERR_CIRCLE_INVALID_ARGUMENT' ? [code, 'ERR_CIRCLE_OUT_OF_MEMORY'] : [code];
    expect(codes).toContain((error as { code?: string }).code);
    if ((error as { code: string }).code === code) expect((error as Error).message).toContain(words);
  });

  it('points of a ROC: as many as there are, at once, and those of a smaller number', () => {
    const similarities = Float32Array.from({ length: 200 }, (_, i) => (i * 37) % 101);
    const same = Array.from(similarities, (_, i) => i % 3 === 0);
    const rocOf = (rocPoints: number) => evaluateVerification(similarities, same, { rocPoints }).roc;
    // From n ln n + 2 points on no count is left out: 133 impostors, 651 points and more are the same curve.
    expect(rocOf(most)).toEqual(rocOf(652));
    expect(rocOf(652)!.far.length).toBe(rocOf(653)!.far.length);
    expect(rocOf(100)!.far.length).toBeLessThan(rocOf(most)!.far.length);
  });

  it('a hundred thousand rates are no argument list', () => {
    const query = { embeddings: rows(), labels };
    const falseAcceptRates = Array.from({ length: 2e5 }, (_, i) => i / 2e5);
    const { tarAtFar } = evaluateDistractors(query, randomRows(5, dim, randomFrom(3)), { dim, falseAcceptRates });
    expect(tarAtFar).toHaveLength(2e5);
  });
});
