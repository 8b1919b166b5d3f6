/** What a change of the input must and must not change, for random batches, on every engine. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PairLossOptions } from '../lib/index.ts';
import { pairLosses, randomFrom, randomRows } from './cases.ts';
import { engineList, sessionOn } from './engine-list.ts';

interface Batch {
  embeddings: Float32Array;
  labels: number[];
  options: PairLossOptions;
  seed: number;
}

/** γ at most 80: the bounds below are in units of it. */
const gamma = 80;
const losses = Object.values(pairLosses).map((pairLoss) =>
  pairLoss.type === 'triplet' ? pairLoss : { ...pairLoss, gamma: Math.min(pairLoss.gamma ?? gamma, gamma) },
);

const batches: fc.Arbitrary<Batch> = fc
  .record({
    count: fc.integer({ min: 2, max: 40 }),
    dim: fc.integer({ min: 2, max: 40 }),
    classes: fc.integer({ min: 1, max: 6 }),
    pairLoss: fc.constantFrom(...losses),
    seed: fc.integer(),
  })
  .map(({ count, dim, classes, pairLoss, seed }) => {
    const random = randomFrom(seed);
    const embeddings = randomRows(count, dim, random);
    const labels = Array.from({ length: count }, () => Math.floor(random() * classes));
    return { embeddings, labels, options: { dim, pairLoss } as PairLossOptions, seed };
  });

/**
 * Sums in another order round each similarity by at most (dim + 4) × 2⁻²⁴, on both sides of a comparison, and a loss
 * moves by the slopes of two logits, at most γ × 4 each (ArcFace's are steeper near s = 1, which random rows are not).
 */
const lossBound = (dim: number) => 2 * 2 * 4 * gamma * (dim + 4) * 2 ** -24;

function permutationOf(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

const row = (values: Float32Array, i: number, dim: number) => values.subarray(i * dim, (i + 1) * dim);

const runs = { numRuns: 40 };

describe.each(engineList)('$name', (engine) => {
  const compute = ({ embeddings, labels, options }: Batch) => {
    using session = sessionOn(engine, options);
    return session.compute(embeddings, labels);
  };
  const check = (property: (batch: Batch) => void) => fc.assert(fc.property(batches, property), runs);

  it('permuted rows: permuted losses', () => {
    check((batch) => {
      const { dim } = batch.options;
      const order = permutationOf(batch.labels.length, randomFrom(batch.seed));
      const embeddings = Float32Array.from(order.flatMap((i) => [...row(batch.embeddings, i, dim)]));
      const usual = compute(batch);
      const permuted = compute({ ...batch, embeddings, labels: order.map((i) => batch.labels[i]) });
      expect(permuted.validAnchors).toBe(usual.validAnchors);
      order.forEach((from, to) => {
        expect(Math.abs(permuted.anchorLosses[to] - usual.anchorLosses[from])).toBeLessThanOrEqual(lossBound(dim));
      });
      expect(Math.abs(permuted.loss - usual.loss)).toBeLessThanOrEqual(lossBound(dim));
    });
  });

  it('renamed labels: the same bits', () => {
    check((batch) => {
      const labels = batch.labels.map((label) => Math.imul(label + 1, -1_640_531_527));
      expect(compute({ ...batch, labels })).toEqual(compute(batch));
    });
  });

  it('a reflected space: the same loss, reflected gradients', () => {
    check((batch) => {
      const { dim } = batch.options;
      // A signed permutation of the axes is a rotation or reflection that float32 rows survive exactly.
      const random = randomFrom(batch.seed + 1);
      const axes = permutationOf(dim, random);
      const signs = axes.map(() => (random() < 0.5 ? -1 : 1));
      const turn = (values: Float32Array) =>
        values.map((_, k) => signs[k % dim] * values[k - (k % dim) + axes[k % dim]]);
      const usual = compute(batch);
      const turned = compute({ ...batch, embeddings: turn(batch.embeddings) });
      expect(Math.abs(turned.loss - usual.loss)).toBeLessThanOrEqual(lossBound(dim));
      expectParallel(turned.gradient, turn(usual.gradient), batch);
    });
  });

  it('a rotated plane: the same loss', () => {
    check((batch) => {
      const { dim } = batch.options;
      const [cosine, sine] = [Math.cos(batch.seed), Math.sin(batch.seed)];
      const embeddings = batch.embeddings.slice();
      for (let at = 0; at < embeddings.length; at += dim) {
        const [x, y] = batch.embeddings.subarray(at, at + 2);
        embeddings[at] = cosine * x - sine * y;
        embeddings[at + 1] = sine * x + cosine * y;
      }
      // The rotated numbers are rounded to float32 once more: one unit on top.
      expect(Math.abs(compute({ ...batch, embeddings }).loss - compute(batch).loss)).toBeLessThanOrEqual(
        lossBound(dim + 2),
      );
    });
  });

  it('rows scaled by powers of two: the same loss to the bit, gradients divided', () => {
    check((batch) => {
      const { dim } = batch.options;
      const scales = batch.labels.map((_, i) => 2 ** ((i * 7 + batch.seed) % 5));
      const scaled = compute({ ...batch, embeddings: batch.embeddings.map((x, k) => x * scales[Math.floor(k / dim)]) });
      const usual = compute(batch);
      expect(scaled.anchorLosses).toEqual(usual.anchorLosses);
      // Below the smallest normal number a division by 16 takes digits away, or all.
      const least = 16 * 2 ** -126;
      const normal = (gradient: Float32Array) => gradient.map((g) => (Math.abs(g) < least ? 0 : g));
      const times = scaled.gradient.map((g, k) => g * scales[Math.floor(k / dim)]);
      expect(normal(times)).toEqual(normal(usual.gradient));
    });
  });

  it('gradients are orthogonal to their rows', () => {
    check((batch) => {
      const { dim } = batch.options;
      const { gradient } = compute(batch);
      batch.labels.forEach((_, i) => {
        const x = row(batch.embeddings, i, dim);
        const g = row(gradient, i, dim);
        const along = g.reduce((sum, value, k) => sum + value * x[k], 0) / Math.hypot(...x);
        // What the projection takes away is at most the sum of the pair weights over the norm, at most 2 × 4γ of each side.
        expect(Math.abs(along)).toBeLessThanOrEqual((4 * 4 * gamma * (dim + 4) * 2 ** -24) / Math.hypot(...x));
      });
    });
  });

  it('the batch as labelled candidates: each anchor also meets itself, and the halves of the set share its gradient', () => {
    check((batch) => {
      const { embeddings, labels, options } = batch;
      const upstream = new Float32Array(labels.length).fill(1);
      const half = Math.ceil(labels.length / 2);
      const whole = { candidates: embeddings, candidateLabels: labels, candidateGradient: 'compute' } as const;
      const all = compute({ ...batch, options: { ...options, ...whole, upstream } as PairLossOptions });
      const parts = [
        [0, half],
        [half, labels.length],
      ].map(([from, to]) => ({
        from,
        to,
        found: compute({
          ...batch,
          embeddings: embeddings.slice(from * options.dim, to * options.dim),
          labels: labels.slice(from, to),
          options: { ...options, ...whole, upstream: upstream.slice(from, to) } as PairLossOptions,
        }),
      }));
      for (const { from, to, found } of parts) {
        found.anchorLosses.forEach((loss, i) => {
          expect(Math.abs(loss - all.anchorLosses[from + i])).toBeLessThanOrEqual(lossBound(options.dim));
        });
        expectParallel(found.gradient, all.gradient.slice(from * options.dim, to * options.dim), batch);
      }
      const sum = parts[0].found.candidateGradient!.map((value, k) => value + parts[1].found.candidateGradient![k]);
      expectParallel(sum, all.candidateGradient!, batch);
    });
  });

  it('the same bits twice, from any number of threads, with any workspace', () => {
    check((batch) => {
      const usual = compute(batch);
      expect(compute(batch)).toEqual(usual);
      for (const options of [{ threads: 1 }, { threads: 3 }, { threads: 16, workspaceLimit: 0 }]) {
        expect(compute({ ...batch, options: { ...batch.options, ...options } as PairLossOptions })).toEqual(usual);
      }
    });
  });
});

/**
 * Gradients of the same pairs summed otherwise. A pair's weight is e^(logit − lse) × slope, of which the exponent is
 * known to the rounding of two similarities times γ × 4 each: a relative error of lossBound × 2, of weights that add up
 * to at most 4γ a side and anchor, over the shortest row.
 */
function expectParallel(found: Float32Array, expected: Float32Array, { embeddings, labels, options }: Batch): void {
  const { dim } = options;
  const shortest = Math.min(...labels.map((_, i) => Math.hypot(...row(embeddings, i, dim))));
  const bound = (2 * lossBound(dim) * 2 * 4 * gamma) / shortest;
  found.forEach((value, k) => {
    expect(Math.abs(value - expected[k])).toBeLessThanOrEqual(bound);
  });
}
