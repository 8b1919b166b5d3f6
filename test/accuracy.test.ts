/** The arithmetic that tells how exact double precision is. Errors themselves: `npm run accuracy`. */
import { describe, expect, it } from 'vitest';
import { batchOf, classWeightsOf } from '../bench/accuracy/data.ts';
import { computeExactly } from '../bench/accuracy/exact.ts';
import {
  cosine,
  divide,
  exponential,
  fixed,
  logarithm,
  one,
  sine,
  squareRoot,
  toNumber,
} from '../bench/accuracy/fixed-point.ts';
import type { PairLossOptions } from '../lib/index.ts';
import { computeInDouble } from './engine-list.ts';
import { distance, largest } from './sensitivity.ts';

const places = 50;
/** Digits after the point, cut off. */
const decimal = (x: bigint) => ((x * 10n ** BigInt(places)) / one).toString();

describe('numbers of 256 binary digits', () => {
  const half = one / 2n;
  // As tables have them.
  it.each([
    ['e', exponential(one), '271828182845904523536028747135266249775724709369995'],
    ['1/e', exponential(-one), '36787944117144232159552377016146086744581113103176'],
    ['log 2', logarithm(2n * one), '69314718055994530941723212145817656807550013436025'],
    ['log 10', logarithm(10n * one), '230258509299404568401799145468436420760110148862877'],
    ['cos 1', cosine(one), '54030230586813971740093660744297660373231042061792'],
    ['sin 1', sine(one), '84147098480789650665250232163029899962256306079837'],
    ['√2', squareRoot(2n * one), '141421356237309504880168872420969807856967187537694'],
    ['√½', squareRoot(half), '70710678118654752440084436210484903928483593768847'],
  ])('have %s to 50 decimal places', (_, value, expected) => {
    expect(decimal(value)).toBe(expected);
  });

  it.each([0, 1, -1, 0.1, -0.4, 1e30, 2 ** -149, Math.PI * 2 ** -100])('have the double %s exactly', (value) => {
    expect(toNumber(fixed(value))).toBe(value);
  });

  it('have e^x far below 1', () => {
    // Its digits end 256 places after the point: e^−100 is 2^−144.
    expect(toNumber(divide(exponential(fixed(-100)), exponential(fixed(-99))))).toBeCloseTo(Math.exp(-1), 15);
    expect(exponential(fixed(-200))).toBe(0n);
  });
});

describe('the exact loss', () => {
  const dim = 16;
  const { embeddings, labels } = batchOf('random', { n: 32, dim });
  const classWeights = classWeightsOf(20, dim);
  const chosen: Omit<PairLossOptions, 'dim'>[] = [
    { pairLoss: { type: 'circle', gamma: 1024 } },
    { pairLoss: { type: 'circle', margin: -0.1, weighting: 'differentiated' } },
    { pairLoss: { type: 'triplet' } },
    { pairLoss: { type: 'unified' }, classWeights },
    { pairLoss: { type: 'arcface' }, classWeights },
  ];

  // A similarity of 16 products of unit rows is within 16 · 2⁻⁵³ and moves a logit by 2γq times as much, q ≤ 2 (docs/math.md
  // §5), which is what a pair's weight changes by: 2¹⁶ · 2⁻⁵³ at γ = 1024. All the rest together is less.
  it.each(chosen)('is what double precision says: $pairLoss', (given) => {
    const options = { dim, ...given } as PairLossOptions;
    const exact = computeExactly(embeddings, labels, options);
    const found = computeInDouble(embeddings, labels, options);
    expect(Math.abs(found.loss - exact.loss)).toBeLessThan(2 ** -36 * exact.loss);
    expect(distance(found.gradient, exact.gradient)).toBeLessThan(2 ** -36 * largest(exact.gradient));
  });
});
