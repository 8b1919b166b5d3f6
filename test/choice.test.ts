/** Which calls `'auto'` gives to a GPU: a function of a call's shape, whatever this machine has. */
import { describe, expect, it } from 'vitest';
import { type CallShape, isWorthCuda, shapeOf } from '../lib/choice.ts';
import { engines } from '../lib/engines.ts';
import { withOneEngine } from '../lib/metrics/evaluation-options.ts';
import type { PairLossOptions } from '../lib/options.ts';
import { createProblem } from '../lib/problem.ts';
import { settingsOf } from './engine-list.ts';

/** A loss with all its gradients. */
const withGradients = (anchorCount: number, candidateCount: number, dim: number): CallShape => ({
  anchorCount,
  candidateCount,
  dim,
  candidates: 'host',
  results: (anchorCount + candidateCount) * dim + anchorCount,
});

const among = (count: number, dim: number): CallShape => ({
  anchorCount: count,
  candidateCount: count,
  dim,
  candidates: 'anchors',
  results: count * dim + count,
});

const matrix = (anchorCount: number, candidateCount: number, dim: number): CallShape => ({
  ...withGradients(anchorCount, candidateCount, dim),
  results: anchorCount * candidateCount,
});

describe('a call that is worth a GPU', () => {
  it.each<[string, CallShape, boolean]>([
    ['a large batch', among(4096, 512), true],
    ['2²⁸ multiply-adds', among(1024, 256), true],
    ['one dimension less', among(1024, 255), false],
    ['a small batch', among(256, 128), false],
    ['a batch against a large set', withGradients(1024, 65_536, 256), true],
    ['few anchors, whose classes are sent again each time', withGradients(8, 2 ** 20, 64), false],
    // 2 × 4 bytes × 64 a number: the harmonic mean of N and M is 1024, then just below.
    ['half the intensity on each side', { ...withGradients(512, 2 ** 16, 512), results: 0 }, true],
    ['as many anchors, gradients back', withGradients(512, 2 ** 16, 512), false],
    ['a matrix of long rows', matrix(4096, 4096, 1024), true],
    ['a matrix of short rows is mostly results', matrix(4096, 4096, 64), false],
    ['candidates that are there already', { ...withGradients(8, 2 ** 20, 64), candidates: 'device' }, true],
    ['even a few', { ...withGradients(1, 1, 1), candidates: 'device' }, true],
  ])('%s', (_, shape, expected) => {
    expect(isWorthCuda(shape)).toBe(expected);
  });
});

describe('the shape of a call', () => {
  const shape = (options: Partial<PairLossOptions>) => {
    const settings = settingsOf({ dim: 2, pairLoss: { type: 'circle' }, ...options } as PairLossOptions);
    return shapeOf(createProblem(settings, settings.arrays, Float32Array.of(1, 2, 3, 4, 5, 6), [0, 0, 1]));
  };
  const rows = new Float32Array(8);

  it.each<[string, Partial<PairLossOptions>, Partial<CallShape>]>([
    ['among the batch', {}, { candidateCount: 3, candidates: 'anchors', results: 3 + 6 }],
    ['without gradient', { gradient: 'skip' }, { candidateCount: 3, candidates: 'anchors', results: 3 }],
    ['class weights', { classWeights: rows }, { candidateCount: 4, candidates: 'host', results: 3 + 6 + 8 }],
    [
      'candidates',
      { candidates: rows, candidateLabels: [0, 1, 2, 3] },
      { candidateCount: 4, candidates: 'host', results: 3 + 6 },
    ],
    ['scope batch', { scope: 'batch' } as object, { results: 1 + 6 }],
  ])('%s', (_, options, expected) => {
    expect(shape(options)).toMatchObject({ anchorCount: 3, dim: 2, ...expected });
  });

  it('of a similarity matrix', () => {
    const common = { dim: 2, normalize: true, checkFinite: 'throw', threads: 1, precision: 'exact' } as const;
    const anchors = new Float32Array(6);
    const problem = { ...common, anchorCount: 3, candidateCount: 4, anchors, candidates: rows };
    const expected = { anchorCount: 3, candidateCount: 4, dim: 2, candidates: 'host', results: 12 };
    expect(shapeOf({ ...problem, out: new Float32Array(12) })).toEqual(expected);
  });
});

describe('one engine for an evaluation in pieces', () => {
  const options = { dim: 64 } as const;

  it('is the one named', () => {
    expect(withOneEngine({ ...options, engine: 'reference' }, 10, 10)).toEqual({ ...options, engine: 'reference' });
  });

  it("is of 'auto' the one that would take all of it", () => {
    const isUsable = (name: string) => engines().find((engine) => engine.name === name)!.available;
    const ownCpu = isUsable('cpu') ? 'cpu' : 'reference';
    expect(withOneEngine(options, 10, 10).engine).toBe(ownCpu);
    expect(withOneEngine(options, 100_000, 100_000).engine).toBe(isUsable('cuda') ? 'cuda' : ownCpu);
  });
});
