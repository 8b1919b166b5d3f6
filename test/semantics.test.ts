/** What holds at the edges, on every engine (docs/semantics.md). */
import { describe, expect, it } from 'vitest';
import type { PairLossOptions, Reduction } from '../lib/index.ts';
import { pairLosses, randomFrom, randomRows } from './cases.ts';
import { computeInDouble, engineList, type ListedEngine, sessionOn } from './engine-list.ts';

function computeOn(
  engine: ListedEngine,
  embeddings: Float32Array,
  labels: Int32Array | number[],
  options: PairLossOptions,
) {
  using session = sessionOn(engine, options);
  return session.compute(embeddings, labels);
}

const circle = { pairLoss: { type: 'circle' } } as const;
const reductions: Reduction[] = ['mean', 'mean-nonzero', 'mean-all', 'sum'];
const random = randomFrom(11);
const zeros = (count: number) => new Float32Array(count);

describe.each(engineList)('$name', (engine) => {
  describe.each(Object.entries(pairLosses))('%s', (_, pairLoss) => {
    const nothing = (count: number, dim: number) => ({
      loss: 0,
      anchorLosses: zeros(count),
      validAnchors: 0,
      gradient: zeros(count * dim),
    });

    it.each([
      ['one row', [7]],
      ['two rows', [1, 2]],
      ['two rows of one class', [1, 1]],
      ['one class', [3, 3, 3, 3, 3]],
      ['distinct classes', [1, 2, 3, 4, 5]],
    ])('%s: loss 0, gradient 0, no valid anchor', (_, labels) => {
      for (const reduction of reductions) {
        const rows = randomRows(labels.length, 3, random);
        const found = computeOn(engine, rows, labels, { dim: 3, pairLoss, reduction } as PairLossOptions);
        expect(found).toMatchObject(nothing(labels.length, 3));
      }
    });

    it('an anchor without a positive has loss 0, and is a candidate of the others all the same', () => {
      const rows = Float32Array.of(1, 0, 0.8, 0.6, 0.9, -0.4);
      const found = computeOn(engine, rows, [1, 1, 2], {
        dim: 2,
        pairLoss,
        upstream: zeros(3).fill(1),
      } as PairLossOptions);
      expect(found.validAnchors).toBe(2);
      expect(found.anchorLosses[2]).toBe(0);
      expect(found.anchorLosses[0]).toBeGreaterThan(0);
      expect(found.gradient.subarray(4).every((value) => value !== 0)).toBe(true);
    });

    it('labels are compared as int32, from −2³¹ to 2³¹ − 1', () => {
      const rows = randomRows(6, 5, random);
      const usual = computeOn(engine, rows, [0, 1, 2, 0, 1, 2], { dim: 5, pairLoss } as PairLossOptions);
      const extreme = [-(2 ** 31), 2 ** 31 - 1, -1, -(2 ** 31), 2 ** 31 - 1, -1];
      expect(computeOn(engine, rows, extreme, { dim: 5, pairLoss } as PairLossOptions)).toEqual(usual);
      // Equal in float32, which must not be what is compared.
      const near = [2 ** 31 - 1, 2 ** 31 - 2, 2 ** 31 - 3, 2 ** 31 - 1, 2 ** 31 - 2, 2 ** 31 - 3];
      expect(computeOn(engine, rows, near, { dim: 5, pairLoss } as PairLossOptions)).toEqual(usual);
    });

    it('with one class weight there is no negative: loss 0, gradient 0', () => {
      const options = { dim: 3, pairLoss, classWeights: randomRows(1, 3, random) } as PairLossOptions;
      const found = computeOn(engine, randomRows(4, 3, random), [0, 0, 0, 0], options);
      expect(found).toMatchObject({ ...nothing(4, 3), classWeightGradient: zeros(3) });
    });
  });

  it('one dimension: rows are ±1, and the gradient vanishes', () => {
    const found = computeOn(engine, Float32Array.of(2, -3, 0.5, 4), [0, 0, 1, 1], { dim: 1, ...circle });
    // Anchor 0 and 1: positive at s = −1, logit γ(4 − m²) = 307.2. Anchor 0 has negatives at 1, 1: γ(1 − m²) = 67.2 and ln 2.
    expect(found.anchorLosses[0]).toBeCloseTo(307.2 + 67.2 + Math.LN2, 3);
    // Anchor 1 has negatives at −1, clamped: logit 0 each.
    expect(found.anchorLosses[1]).toBeCloseTo(307.2 + Math.LN2, 3);
    // γ × slope 2.4, cancelled up to rounding.
    for (const value of found.gradient) expect(Math.abs(value)).toBeLessThan(192 * 2 ** -22 * 2);
  });

  it('duplicates of one label are similarity 1, of two labels the hardest negative', () => {
    const row = [0.6, -0.8, 0];
    const found = computeOn(engine, Float32Array.from([...row, ...row, ...row]), [0, 0, 1], { dim: 3, ...circle });
    // l_p(1) = γ(0 − m²) = −12.8, l_n(1) = γ(1 − m²) = 67.2; anchor 2 has no positive.
    const expected = 67.2 - 12.8;
    expect(found.anchorLosses[0]).toBeCloseTo(expected, 3);
    expect(found.anchorLosses[1]).toBeCloseTo(expected, 3);
    expect(found.loss).toBeCloseTo(expected, 3);
    // At s = 1 a move along the sphere does not change s.
    for (const value of found.gradient) expect(Math.abs(value)).toBeLessThan(192 * 2 ** -22);
  });

  it('an antipodal positive has the logit γ(4 − m²), and 16,380 is no overflow', () => {
    const rows = Float32Array.of(1, 0, -1, 0, 0, 1);
    const pairLoss = { type: 'circle', gamma: 4096, margin: 0.25 } as const;
    const found = computeOn(engine, rows, [0, 0, 1], { dim: 2, pairLoss });
    // The negative at s = 0: −γm² = −256.
    const expected = 4096 * (4 - 0.0625) - 256;
    expect(found.anchorLosses[0]).toBeCloseTo(expected, 2);
    expect(found.loss).toBeCloseTo(expected, 2);
  });

  it.each([1e-3, 1, 4096])('γ = %d: what the reference says', (gamma) => {
    const rows = randomRows(24, 6, random);
    const labels = Array.from({ length: 24 }, (_, i) => i % 5);
    for (const margin of [-0.2, 0, 0.25, 0.9]) {
      const options: PairLossOptions = { dim: 6, pairLoss: { type: 'circle', gamma, margin } };
      const found = computeOn(engine, rows, labels, options);
      const exact = computeInDouble(rows, labels, options);
      // Two logits move by γ × slope (at most 4) × the rounding of a similarity; so does the loss.
      const bound = 2 * gamma * 4 * 8 * 2 ** -24 + exact.loss * 2 ** -22;
      expect(Math.abs(found.loss - exact.loss)).toBeLessThanOrEqual(bound);
    }
  });

  it('a zero row has similarity 0, and a gradient 1e12 times that of its unit row', () => {
    const rows = Float32Array.of(0, 0, 1, 0, 0, 1);
    const found = computeOn(engine, rows, [0, 0, 1], {
      dim: 2,
      ...circle,
      reduction: 'sum',
      upstream: Float32Array.of(1, 0, 0),
    });
    // l_p(0) = γ(1 − m²), l_n(0) = −γm²: Z = 1, slopes −γ(1 + m) and γm.
    expect(found.anchorLosses[0]).toBeCloseTo(80 * (1 - 0.16) - 80 * 0.16, 3);
    expect(found.gradient[0] / 1e12).toBeCloseTo(-80 * 1.4, 3);
    expect(found.gradient[1] / 1e12).toBeCloseTo(80 * 0.4, 3);
    expect([...found.gradient.subarray(2)]).toEqual([0, 0, 0, 0]);
  });

  it('a row below the least norm is x/1e-12', () => {
    const rows = Float32Array.of(5e-13, 0, 1, 0, 0, 1);
    const found = computeOn(engine, rows, [0, 0, 1], { dim: 2, ...circle });
    const exact = 80 * (1.4 - 0.5) * (0.6 - 0.5) - 80 * 0.16;
    const expected = Math.log1p(Math.exp(exact));
    expect(Math.abs(found.anchorLosses[0] - expected)).toBeLessThan(1e-4 * expected);
  });

  it('rows of any length: the loss is that of the directions, even where squares leave float32', () => {
    const rows = randomRows(12, 8, random);
    const labels = Array.from({ length: 12 }, (_, i) => i % 3);
    const usual = computeOn(engine, rows, labels, { dim: 8, ...circle });
    for (const scale of [2 ** 90, 2 ** -20]) {
      const found = computeOn(
        engine,
        rows.map((value) => value * scale),
        labels,
        { dim: 8, ...circle },
      );
      // Powers of two change no rounding.
      expect(found.loss).toBe(usual.loss);
      const largest = usual.gradient.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      found.gradient.forEach((value, k) => {
        expect(Math.abs(value * scale - usual.gradient[k])).toBeLessThanOrEqual(largest * 2 ** -20);
      });
    }
  });

  it('of equally hard pairs the first has the gradient of triplet loss', () => {
    // Anchor 0; positives 1 and 2 alike, negatives 3 and 4 alike.
    const rows = Float32Array.of(1, 0, 0, 1, 0, 1, 0.8, 0.6, 0.8, 0.6);
    const upstream = Float32Array.of(1, 0, 0, 0, 0);
    const { gradient } = computeOn(engine, rows, [0, 0, 0, 1, 1], {
      dim: 2,
      pairLoss: { type: 'triplet' },
      normalize: false,
      upstream,
    });
    expect([...gradient.subarray(2, 6)]).toEqual([-1, 0, 0, 0]);
    expect([...gradient.subarray(6)]).toEqual([1, 0, 0, 0]);
  });

  it('divisors: valid anchors, losses above 0, all, none', () => {
    // Triplet losses of separated classes are 0; anchor 4 has no positive.
    const rows = Float32Array.of(1, 0, 1, 0.1, -1, 0, 0.9, 0.3, 0, 1);
    const labels = [0, 0, 1, 1, 2];
    const reduced = (reduction: PairLossOptions['reduction']) =>
      computeOn(engine, rows, labels, { dim: 2, pairLoss: { type: 'triplet', margin: 0.01 }, reduction });
    const { anchorLosses, loss: sum, validAnchors } = reduced('sum');
    const aboveZero = anchorLosses.filter((loss) => loss > 0).length;
    expect(validAnchors).toBe(4);
    expect(aboveZero).toBeGreaterThan(0);
    expect(aboveZero).toBeLessThan(4);
    for (const [reduction, divisor] of [
      ['mean', 4],
      ['mean-nonzero', aboveZero],
      ['mean-all', 5],
    ] as const) {
      const { loss, gradient } = reduced(reduction);
      expect(loss).toBeCloseTo(sum / divisor, 12);
      const whole = reduced('sum').gradient;
      gradient.forEach((value, k) => {
        expect(value).toBeCloseTo(whole[k] / divisor, 6);
      });
    }
  });

  it('an upstream array replaces number and divisor in the gradient, not in the loss', () => {
    const rows = randomRows(9, 4, random);
    const labels = [0, 1, 2, 0, 1, 2, 0, 1, 3];
    const sum = computeOn(engine, rows, labels, { dim: 4, ...circle, reduction: 'sum' });
    const ones = computeOn(engine, rows, labels, { dim: 4, ...circle, upstream: zeros(9).fill(1) });
    expect(ones.gradient).toEqual(sum.gradient);
    expect(ones.loss).toBeCloseTo(sum.loss / 8, 10);
    const doubled = computeOn(engine, rows, labels, { dim: 4, ...circle, reduction: 'sum', upstream: 2 });
    expect(doubled.loss).toBe(sum.loss);
    expect(doubled.gradient).toEqual(sum.gradient.map((value) => 2 * value));
  });

  describe.each(Object.entries(pairLosses))("with 'propagate', %s", (_, pairLoss) => {
    const propagate = (reduction: Reduction, extra: object = {}) =>
      ({ dim: 5, pairLoss, reduction, checkFinite: 'propagate', ...extra }) as PairLossOptions;
    const badRows = (count: number, row: number, bad: number) => {
      const rows = randomRows(count, 5, randomFrom(3));
      rows[row * 5 + 2] = bad;
      return rows;
    };
    const isNaNIn = (values: Float32Array | undefined) => Array.from(values ?? [], Number.isNaN);
    const rowsOf = (count: number, isBad: (row: number) => boolean) =>
      Array.from({ length: count * 5 }, (_, k) => isBad(Math.floor(k / 5)));
    const labels = Array.from({ length: 20 }, (_, i) => i % 3);
    const every = () => true;

    it.each(reductions)('%s: a bad row of the batch is in every loss and in every row of the gradient', (reduction) => {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        const found = computeOn(engine, badRows(20, 7, bad), labels, propagate(reduction));
        expect(found.loss).toBeNaN();
        expect(isNaNIn(found.anchorLosses)).toEqual(labels.map(every));
        expect(isNaNIn(found.gradient)).toEqual(rowsOf(20, every));
      }
    });

    it.each(reductions)(
      '%s: a bad anchor of another set spoils its own loss and row, and all candidates',
      (reduction) => {
        const classWeights = randomRows(3, 5, randomFrom(4));
        const found = computeOn(engine, badRows(20, 7, Number.NaN), labels, propagate(reduction, { classWeights }));
        expect(found.loss).toBeNaN();
        expect(isNaNIn(found.anchorLosses)).toEqual(labels.map((_, i) => i === 7));
        expect(isNaNIn(found.gradient)).toEqual(rowsOf(20, (row) => row === 7));
        expect(isNaNIn(found.classWeightGradient)).toEqual(rowsOf(3, every));
      },
    );

    it.each(reductions)('%s: a bad candidate is in every loss and gradient', (reduction) => {
      const candidates = badRows(20, 7, Number.NaN);
      const extra = { candidates, candidateLabels: labels, candidateGradient: 'compute' };
      const rows = randomRows(9, 5, randomFrom(5));
      const found = computeOn(engine, rows, labels.slice(0, 9), propagate(reduction, extra));
      expect(found.loss).toBeNaN();
      expect(isNaNIn(found.anchorLosses)).toEqual(Array(9).fill(true));
      expect(isNaNIn(found.gradient)).toEqual(rowsOf(9, every));
      expect(isNaNIn(found.candidateGradient)).toEqual(rowsOf(20, every));
    });
  });

  it("with 'propagate' an anchor without a positive has loss 0 even beside a bad row", () => {
    for (const pairLoss of Object.values(pairLosses)) {
      const options = { dim: 2, pairLoss, checkFinite: 'propagate' } as PairLossOptions;
      const found = computeOn(engine, Float32Array.of(1, 0, 0, 1, Number.NaN, 1), [0, 1, 1], options);
      expect(found.anchorLosses[0]).toBe(0);
      expect(found.anchorLosses[1]).toBeNaN();
      expect(found.validAnchors).toBe(2);
    }
  });
});
