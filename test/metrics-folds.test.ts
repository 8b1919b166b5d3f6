/** Accuracy by cross-validation: by hand, against trying every threshold, and at its limits. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateFolds, type FoldOptions } from '../lib/metrics.ts';
import { errorOf } from './error-of.ts';

const evaluate = (similarities: readonly number[], same: readonly number[], options: FoldOptions = {}) =>
  evaluateFolds(Float32Array.from(similarities), Uint8Array.from(same), options);

describe('by hand', () => {
  it('a threshold comes from the other folds', () => {
    // The second fold, .625 same and .75 not, is at best half right: accepting nothing is the strictest way, above .75. The
    // first, .875 same and .25 not, is right half-way between. Deviations of 1 and 1/2 from 3/4: √(2 · 1/16 / 1).
    const result = evaluate([0.875, 0.25, 0.625, 0.75], [1, 0, 1, 0], { folds: 2 });
    expect(result).toEqual({
      accuracy: 0.75,
      standardDeviation: Math.sqrt(0.125),
      standardError: Math.sqrt(0.125) / Math.sqrt(2),
      folds: [
        { accuracy: 1, threshold: 0.75, pairs: 2 },
        { accuracy: 0.5, threshold: 0.5625, pairs: 2 },
      ],
    });
  });

  it('neighbours make a fold, and the first ones are longer', () => {
    const eleven = Array.from({ length: 11 }, (_, i) => i % 2);
    expect(evaluate(eleven, eleven, { folds: 3 }).folds.map(({ pairs }) => pairs)).toEqual([4, 4, 3]);
    expect(evaluate(eleven, eleven).folds.map(({ pairs }) => pairs)).toEqual([2, ...Array(9).fill(1)]);
  });

  it('folds may be given by number, in any order', () => {
    const given = evaluate([0.625, 0.875, 0.75, 0.25], [1, 1, 0, 0], { folds: Int32Array.of(7, -3, 7, -3) });
    expect(given.folds.map(({ accuracy }) => accuracy)).toEqual([1, 0.5]); // −3 is the first
  });

  it('accepts everything where that is best, and nothing at an equal similarity', () => {
    const { folds } = evaluate([0.5, 0.25, 0.5, 0.5], [1, 1, 1, 0], { folds: 2 });
    // From .5 same, .5 not: nothing is half right, as good as all: above .5. From two genuine pairs: everything.
    expect(folds).toEqual([
      { accuracy: 0, threshold: 0.5, pairs: 2 },
      { accuracy: 0.5, threshold: Number.NEGATIVE_INFINITY, pairs: 2 },
    ]);
  });

  it('the grid is of squared distances, .01 apart, and of equals takes the smallest', () => {
    // Squared distances 2 − 2s of .5 (same) and 1.5 (not): right from the first grid point above .5, that is .51: s > .745.
    const { folds } = evaluate([0.75, 0.25, 0.75, 0.25], [1, 0, 1, 0], { folds: 2, thresholds: 'grid' });
    expect(folds[0].threshold).toBe(1 - 0.51 / 2);
    // At .99 + rounding nothing is nearer than distance 0; two equal rows whose cosine was rounded up are not.
    const rounded = evaluate([1.0000001, 1, 1.0000001, 1], [0, 1, 0, 1], { folds: 2, thresholds: 'grid' });
    expect(rounded.folds[0]).toEqual({ accuracy: 0.5, threshold: 1, pairs: 2 });
    // The last point is 3.99: s > −.995.
    const far = evaluate([-1, -0.99, -1, -0.99], [0, 1, 0, 1], { folds: 2, thresholds: 'grid' });
    expect(far.folds[0].threshold).toBe(1 - 3.99 / 2);
  });

  it('thresholds may be given', () => {
    const { folds } = evaluate([3, 1, 3, 1], [1, 0, 1, 0], { folds: 2, thresholds: [0, 2, 1.5, 4] });
    expect(folds[0]).toEqual({ accuracy: 1, threshold: 2, pairs: 2 });
  });
});

/** Eighths: many ties, exact in float32, and so are half-way points. */
const pairsOf = fc
  .array(fc.record({ eighths: fc.integer({ min: -8, max: 8 }), same: fc.nat(1), fold: fc.nat(3) }), {
    minLength: 4,
    maxLength: 40,
  })
  .filter((pairs) => new Set(pairs.map(({ same }) => same)).size === 2 && new Set(pairs.map((p) => p.fold)).size > 1);

describe('against trying every threshold', () => {
  it.each(['midpoints', 'grid', 'given'] as const)('%s', (kind) => {
    const given = [-0.75, 0.125, 0.3, 0.5, 1];
    const property = (pairs: { eighths: number; same: number; fold: number }[]) => {
      const similarities = pairs.map(({ eighths }) => eighths / 8);
      const folds = Int32Array.from(pairs, ({ fold }) => fold);
      const thresholds = kind === 'given' ? given : kind;
      const result = evaluate(
        similarities,
        pairs.map(({ same }) => same),
        { folds, thresholds },
      );
      const rightAt = (chosen: typeof pairs, t: number) =>
        chosen.filter(({ eighths, same }) => Number(eighths / 8 > t) === same).length;
      for (const [at, fold] of [...new Set(folds)].sort().entries()) {
        const others = pairs.filter((pair) => pair.fold !== fold);
        const own = pairs.filter((pair) => pair.fold === fold);
        const values = [...new Set(others.map(({ eighths }) => eighths / 8))].sort((a, b) => b - a);
        const tried = {
          midpoints: [...values.map((v, i) => (i === 0 ? v : (v + values[i - 1]) / 2)), -Infinity],
          grid: Array.from({ length: 400 }, (_, i) => 1 - (i * 0.01) / 2),
          given: given.toReversed(),
        }[kind];
        const best = tried.reduce((b, t) => (rightAt(others, t) > rightAt(others, b) ? t : b));
        expect(result.folds[at]).toEqual({
          accuracy: rightAt(own, best) / own.length,
          threshold: best,
          pairs: own.length,
        });
      }
    };
    fc.assert(fc.property(pairsOf, property));
  });
});

describe('limits', () => {
  it('takes infinities, whose half-way points are none', () => {
    const { folds } = evaluate([Infinity, -Infinity, 2, -Infinity], [1, 0, 1, 0], { folds: 2 });
    expect(folds.map(({ accuracy }) => accuracy)).toEqual([1, 1]);
    expect(folds[1].threshold).toBe(Number.NEGATIVE_INFINITY);
    expect(evaluate([Infinity, 1, Infinity, 1], [1, 0, 1, 0], { folds: 2 }).folds[0].threshold).toBe(1);
  });

  it.each<[string, () => unknown, string, string]>([
    [
      'one fold',
      () => evaluate([1, 2], [0, 1], { folds: 1 }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.folds must be an integer from 2 or an Int32Array; received 1.',
    ],
    [
      'more folds than pairs',
      () => evaluate([1, 2], [0, 1]),
      'ERR_CIRCLE_SHAPE',
      'similarities must be of at least 10 pairs, one for each fold; received 2.',
    ],
    [
      'one number for all',
      () => evaluate([1, 2], [0, 1], { folds: Int32Array.of(3, 3) }),
      'ERR_CIRCLE_SHAPE',
      'options.folds must be of at least two folds; received 1.',
    ],
    [
      'too few numbers',
      () => evaluate([1, 2], [0, 1], { folds: Int32Array.of(3) }),
      'ERR_CIRCLE_SHAPE',
      'options.folds must be as long as similarities, 2; received 1.',
    ],
    [
      'no impostor',
      () => evaluate([1, 2], [1, 1], { folds: 2 }),
      'ERR_CIRCLE_SHAPE',
      'same must be false of at least one pair',
    ],
    [
      'NaN',
      () => evaluate([1, Number.NaN], [0, 1], { folds: 2 }),
      'ERR_CIRCLE_NOT_FINITE',
      'similarities[1] must be a number; received NaN.',
    ],
    [
      'no cosine',
      () => evaluate([1, 1.5], [0, 1], { folds: 2, thresholds: 'grid' }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      "similarities[1] must be a cosine for thresholds 'grid'; received 1.5. Use thresholds: 'midpoints'.",
    ],
    [
      'a word',
      () => evaluate([1, 2], [0, 1], { folds: 2, thresholds: 'all' as never }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      "options.thresholds must be 'midpoints', 'grid' or an array of numbers, at least one; received 'all'.",
    ],
    [
      'no threshold',
      () => evaluate([1, 2], [0, 1], { folds: 2, thresholds: [] }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.thresholds must be',
    ],
    [
      'a threshold that is none',
      () => evaluate([1, 2], [0, 1], { folds: 2, thresholds: [Number.NaN] }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.thresholds[0] must be a number; received NaN.',
    ],
    [
      'a typo',
      () => evaluate([1, 2], [0, 1], { fold: 2 } as never),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      "Did you mean 'folds'?",
    ],
  ])('refuses %s', (_, call, code, message) => {
    const error = errorOf(call);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});
