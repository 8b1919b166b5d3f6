/** The surrogate on plain arrays: value and gradient of the loss where it was computed, whoever differentiates. */
import { describe, expect, it } from 'vitest';
import {
  type CandidateSurrogate,
  computePairLoss,
  type PairLossResult,
  type SurrogateOps,
  surrogateGradient,
  surrogateGradientAsync,
} from '../lib/index.ts';
import { randomFrom, randomRows } from './cases.ts';
import { errorOf } from './error-of.ts';

const dim = 4;
const count = 12;
const embeddings = randomRows(count, dim, randomFrom(1));
const labels = Int32Array.from({ length: count }, (_, i) => i % 4);
const others = randomRows(4, dim, randomFrom(2));
const circle = { dim, pairLoss: { type: 'circle', gamma: 8 } } as const;

const ops: SurrogateOps<Float32Array, number> = {
  dot: (rows, constants) => rows.reduce((sum, value, i) => sum + value * constants[i], 0),
  add: (a, b) => a + b,
};

/** Sums in double precision of count × dim products of at most `size`, taken twice and subtracted. */
const rounding = (size: number) => 2 * (count * dim) ** 2 * 2 ** -53 * size;
const sizeOf = (rows: Float32Array, constants: Float32Array) =>
  Math.max(...rows.map((value, i) => Math.abs(value * constants[i])));

describe.each([
  { name: 'unit rows', options: circle },
  { name: 'rows as given, upstream', options: { ...circle, normalize: false, reduction: 'sum', upstream: -2 } },
] as const)('of the batch: $name', ({ options }) => {
  it('has the fields of the loss, and its value where it was computed', () => {
    const { surrogate, ...result } = surrogateGradient(embeddings, labels, options);
    expect(result).toEqual(computePairLoss(embeddings, labels, options));
    const error = Math.abs(surrogate(ops, embeddings) - result.loss);
    expect(error).toBeLessThanOrEqual(rounding(sizeOf(embeddings, result.gradient)));
  });

  it('moves with each number of the embeddings as the gradient says', () => {
    const { surrogate, loss, gradient } = surrogateGradient(embeddings, labels, options);
    embeddings.forEach((value, i) => {
      const moved = embeddings.slice();
      moved[i] += 1;
      const step = (moved[i] - value) * gradient[i];
      const size = Math.max(sizeOf(embeddings, gradient), sizeOf(moved, gradient));
      expect(Math.abs(surrogate(ops, moved) - loss - step)).toBeLessThanOrEqual(rounding(size));
    });
  });
});

describe.each([
  { name: 'class weights', options: { ...circle, normalize: false, classWeights: others } },
  {
    name: 'candidates',
    options: {
      ...circle,
      normalize: false,
      candidates: others,
      candidateLabels: [0, 1, 2, 3],
      candidateGradient: 'compute',
    },
  },
] as const)('of $name', ({ options }) => {
  it('has both gradients', () => {
    const call = surrogateGradient as (...call: unknown[]) => PairLossResult & CandidateSurrogate;
    const { surrogate, loss, gradient, classWeightGradient, candidateGradient } = call(embeddings, labels, options);
    const other = (classWeightGradient ?? candidateGradient)!;
    const moved = others.map((value, i) => value + (i % 3));
    const turned = embeddings.map((value, i) => value - (i % 2));
    const step = ops.dot(
      turned.map((value, i) => value - embeddings[i]),
      gradient,
    );
    const otherStep = ops.dot(
      moved.map((value, i) => value - others[i]),
      other,
    );
    const size = Math.max(sizeOf(turned, gradient), sizeOf(moved, other), sizeOf(embeddings, gradient));
    // The differences above are rounded to float32 once.
    const bound = rounding(size) + count * dim * 2 ** -24 * size;
    expect(Math.abs(surrogate(ops, turned, moved) - loss - step - otherStep)).toBeLessThanOrEqual(bound);
    expect(Math.abs(otherStep)).toBeGreaterThan(bound);
  });
});

describe('off the JavaScript thread', () => {
  it('has the same result, whatever becomes of the arrays meanwhile', async () => {
    const options = { ...circle, normalize: false, classWeights: others } as const;
    const { surrogate: expectedSurrogate, ...expected } = surrogateGradient(embeddings, labels, options);
    const mine = embeddings.slice();
    const weights = others.slice();
    const pending = surrogateGradientAsync(mine, labels, { ...options, classWeights: weights });
    mine.fill(7);
    weights.fill(-7);
    const { surrogate, ...found } = await pending;
    expect(found).toEqual(expected);
    expect(surrogate(ops, mine, weights)).toBe(expectedSurrogate(ops, mine, weights));
  });

  it('can be aborted', async () => {
    const options = { ...circle, signal: AbortSignal.abort() };
    await expect(surrogateGradientAsync(embeddings, labels, options)).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('refuses', () => {
  it.each<[string, unknown[], string]>([
    [
      'to do without the gradient',
      [embeddings, labels, { ...circle, gradient: 'skip' }],
      "options.gradient must be 'compute' or absent where the gradient is all there is to it; received 'skip'.",
    ],
    ['embeddings that are none', ['rows', labels, circle], "embeddings must be a Float32Array; received 'rows'."],
    [
      'no options',
      [embeddings, labels],
      "options must be an object such as { dim: 128, pairLoss: { type: 'circle' } }; received undefined.",
    ],
  ])('%s, now and later', async (_, call, message) => {
    const error = { code: 'ERR_CIRCLE_INVALID_ARGUMENT', message };
    const now = surrogateGradient as (...call: unknown[]) => unknown;
    const later = surrogateGradientAsync as (...call: unknown[]) => Promise<unknown>;
    expect(errorOf(() => now(...call))).toMatchObject(error);
    await expect(later(...call)).rejects.toMatchObject(error);
  });
});
