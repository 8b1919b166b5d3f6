/** The reference engine computes the definition, and its gradient is the derivative of it. */
import { describe, expect, it } from 'vitest';
import { type Case, candidatesOf, cases, casesOfOptions, casesOfSize } from './cases.ts';
import { computeInDouble } from './engine-list.ts';
import { plainLoss, rowsOf, similaritiesOf } from './plain-loss.ts';

const isBatch = ({ options }: Case) => options.classWeights === undefined && options.candidates === undefined;

/**
 * γ ≤ 256 times the rounding of two similarities, each a sum of at most 33 products rounded to 2⁻⁵³: 2e-12 of unit rows,
 * and ten times as much of rows as given, whose products are longer.
 */
const lossBound = 2e-11;

describe('the loss is the definition', () => {
  it.each(cases)('$name', (testCase) => {
    const { embeddings, labels, options } = testCase;
    const similarities = similaritiesOf(
      testCase,
      rowsOf(embeddings, options.dim),
      rowsOf(candidatesOf(testCase), options.dim),
    );
    const expected = plainLoss(testCase, similarities, similarities);
    const found = computeInDouble(embeddings, labels, options);
    expected.losses.forEach((loss, i) => {
      expect(Math.abs(found.anchorLosses[i] - loss)).toBeLessThanOrEqual(lossBound * Math.min(1, loss) + 1e-14 * loss);
    });
  });
});

/**
 * Fourth-order central differences with step h: the truncation is h⁴/30 times the fifth derivative, which is about the
 * fifth power of the logits' slope, and the rounding 2⁻⁵³ × loss/h. With slopes scaled to at most 64 (rows as given:
 * dot products up to dim), h = 2⁻¹⁴ leaves both below 1e-6 of the largest slope.
 */
const h = 2 ** -14;

function finiteDifference(final: (values: number[][]) => number, rows: number[][], i: number, k: number): number {
  const at = (steps: number) =>
    final(rows.map((row, r) => (r === i ? row.map((value, c) => (c === k ? value + steps * h : value)) : row)));
  return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h);
}

/** Derivatives of a dozen components, spread over the rows. */
function expectDerivative(gradient: Float64Array, rows: number[][], final: (values: number[][]) => number): void {
  const dim = rows[0].length;
  const scale = gradient.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-3);
  const stride = Math.max(1, Math.floor(gradient.length / 12));
  for (let at = 0; at < gradient.length; at += stride) {
    const expected = finiteDifference(final, rows, Math.floor(at / dim), at % dim);
    expect(Math.abs(gradient[at] - expected)).toBeLessThanOrEqual(1e-6 * scale);
  }
}

describe('the gradient is the derivative', () => {
  const small = casesOfSize.filter(({ embeddings, options }) => embeddings.length / options.dim <= 16);
  it.each([...small, ...casesOfOptions])('$name', (testCase) => {
    const { embeddings, labels, options } = testCase;
    const anchors = rowsOf(embeddings, options.dim);
    const candidates = rowsOf(candidatesOf(testCase), options.dim);
    const base = similaritiesOf(testCase, anchors, candidates);
    const { gradient, candidateGradient } = computeInDouble(embeddings, labels, options);
    expectDerivative(gradient, anchors, (rows) => {
      const similarities = similaritiesOf(testCase, rows, isBatch(testCase) ? rows : candidates);
      return plainLoss(testCase, similarities, base).final;
    });
    if (candidateGradient.length === 0) return;
    expectDerivative(candidateGradient, candidates, (rows) => {
      return plainLoss(testCase, similaritiesOf(testCase, anchors, rows), base).final;
    });
  });

  it('gradient of class weights and candidates is there to be judged', () => {
    const judged = casesOfOptions.filter((testCase) => !isBatch(testCase));
    for (const { embeddings, labels, options } of judged) {
      expect(computeInDouble(embeddings, labels, options).candidateGradient.some((value) => value !== 0)).toBe(true);
    }
  });
});
