/** Other people's implementations agree: 262 cases and published literals, on every engine. Tolerances: golden/GOLDEN.md. */
import { describe, expect, it } from 'vitest';
import { hostRows } from '../lib/candidates.ts';
import type { PairLossOptions } from '../lib/index.ts';
import { computeInDouble, engineList, nativeEngines, sessionOn } from './engine-list.ts';
import { type GoldenCase, readGolden, readLiterals } from './golden.ts';

const golden = readGolden();

interface Tolerance {
  /** Relative to the loss. */
  loss: number;
  /** Relative to the largest component of the gradient. */
  gradient: number;
  /** What one similarity may be off by, in units of 2⁻²⁴, where that is more than rounding with fused multiply-adds. */
  units?: number;
}

/** torch's softplus drops log1p(e^−x) ≤ 2.06e-9 beyond x = 20, so the peers' double precision ends there. */
const double: Tolerance = { loss: 1e-8, gradient: 1e-8 };

/** What every peer's own float32 run keeps. */
const single: Tolerance = { loss: 1e-5, gradient: 1e-4 };

/** Products and sums each rounded, as before FMA: one loss of 0.017 at γ = 256 is off by 1.1e-5. See `lossTolerance`. */
const unfused: Tolerance = { loss: 1e-5, gradient: 1e-4, units: 1 };

/**
 * Tensor cores truncate where they add, up to 2⁻²⁴ of a similarity near 1, and coordinates of 22 bits and the product that
 * is left out add about as much: losses of 1e-5 and less at γ = 64 are off by 1.2e-5.
 */
const truncated: Tolerance = { loss: 1e-5, gradient: 1e-4, units: 2 };

const gammaOf = ({ pairLoss }: PairLossOptions) => (pairLoss.type === 'triplet' ? 1 : pairLoss.gamma!);

/**
 * A loss below 1 is about e^(LSE_p + LSE_n), so its relative error is the absolute error of that sum: γ for each of two
 * similarities that float32 rounds by up to 2⁻²⁴. From γ = 84 on that is more than 1e-5, which only fused multiply-adds
 * keep.
 */
function lossTolerance({ options, expected }: GoldenCase, { loss, units = 0 }: Tolerance): number {
  return expected.closedForm >= 1 ? loss : Math.max(loss, 2 * gammaOf(options) * units * 2 ** -24);
}

/**
 * One anchor's loss has no mean that levels out the roundings of its two decisive similarities, each a sum of dim
 * products; ∂L/∂(LSE_p + LSE_n) = 1 − e^−L is at most the loss and at most 1. Peers' smallest losses have lost digits.
 */
function anchorLossBound(loss: number, { options }: GoldenCase, tolerance: Tolerance): number {
  const rounding = tolerance === double ? 0 : 2 * gammaOf(options) * Math.sqrt(options.dim) * 2 ** -24;
  return tolerance.loss * (loss + 1e-6) + rounding * Math.min(loss, 1);
}

/** The peers' float64 cross-entropy rounds such losses away: only their size is known. */
const isVanishing = ({ isClassLevel, expected }: GoldenCase) => isClassLevel && expected.closedForm < 1e-9;

function expectLoss(found: number, golden: GoldenCase, tolerance: Tolerance): void {
  const { closedForm, loss } = golden.expected;
  if (isVanishing(golden)) {
    expect(Math.abs(found - closedForm)).toBeLessThanOrEqual(1e-14);
    return;
  }
  const bound = lossTolerance(golden, tolerance);
  expect(Math.abs(found - closedForm)).toBeLessThanOrEqual(bound * closedForm);
  // Below 1e-6 the float64 peer itself has lost digits.
  expect(Math.abs(found - loss)).toBeLessThanOrEqual(Math.max(bound, loss < 1e-6 ? 1e-6 : 0) * loss);
}

type Numbers = Float32Array | Float64Array;

/** Rows of norm 0 have gradients about 1e12, in whose shadow every other row would pass: they are held apart. */
function expectGradient(
  found: Numbers,
  expected: Float64Array,
  rows: Float32Array,
  golden: GoldenCase,
  tolerance: Tolerance,
): void {
  const { dim, pairLoss } = golden.options;
  const normOf = (row: number) => Math.hypot(...rows.subarray(row * dim, (row + 1) * dim));
  const all = Array.from({ length: rows.length / dim }, (_, row) => row);
  for (const group of [all.filter((row) => normOf(row) > 0), all.filter((row) => normOf(row) === 0)]) {
    let largest = 0;
    let worst = 0;
    for (const row of group) {
      for (let k = row * dim; k < (row + 1) * dim; k++) {
        largest = Math.max(largest, Math.abs(expected[k]));
        worst = Math.max(worst, Math.abs(found[k] - expected[k]));
      }
    }
    const isNoise = golden.tags.includes('grad_is_rounding_noise') || isVanishing(golden);
    if (isNoise) {
      // The true gradient is 0: what is left is the rounding of slopes, at most γ(2 + |m|), over the norm.
      const slope = ('gamma' in pairLoss ? pairLoss.gamma! : 1) * (2 + Math.abs(pairLoss.margin!));
      largest = slope / Math.min(...group.map(normOf));
    }
    expect(worst).toBeLessThanOrEqual(tolerance.gradient * largest);
  }
}

function expectResult(
  found: { loss: number; anchorLosses: Numbers; gradient: Numbers; candidateGradient?: Numbers },
  golden: GoldenCase,
  tolerance: Tolerance,
): void {
  const { expected, embeddings, options } = golden;
  expectLoss(found.loss, golden, tolerance);
  expectGradient(found.gradient, expected.gradient, embeddings, golden, tolerance);
  if (expected.candidateGradient) {
    const rows = hostRows(options.classWeights ?? options.candidates)!;
    expectGradient(found.candidateGradient!, expected.candidateGradient, rows, golden, tolerance);
  }
  expected.anchorLosses?.forEach((loss, i) => {
    expect(Math.abs(found.anchorLosses[i] - loss)).toBeLessThanOrEqual(anchorLossBound(loss, golden, tolerance));
  });
}

it('there are 262 cases', () => expect(golden.length).toBe(262));

describe('reference, in double precision', () => {
  it.each(golden)('$id', (golden) => {
    const found = computeInDouble(golden.embeddings, golden.labels, golden.options);
    expectResult(found, golden, double);
    // Without the peer's softplus in between.
    const { closedForm } = golden.expected;
    const bound = closedForm < 1e-6 ? 1e-9 * closedForm + 1e-14 : 1e-11 * closedForm;
    expect(Math.abs(found.loss - closedForm)).toBeLessThanOrEqual(bound);
  });
});

describe.each(nativeEngines)('$name', (engine) => {
  const tolerance = { 'cpu baseline': unfused, 'cuda exact': truncated }[engine.name] ?? single;
  it.each(golden)('$id', (golden) => {
    using session = sessionOn(engine, golden.options);
    const { classWeightGradient, ...result } = session.compute(golden.embeddings, golden.labels);
    expectResult({ ...result, candidateGradient: classWeightGradient ?? result.candidateGradient }, golden, tolerance);
  });
});

describe.each(engineList)("Keras' published numbers on $name", (engine) => {
  const literals = readLiterals();
  const flat = (rows: number[][]) => Float32Array.from(rows.flat());
  const againstReference = {
    candidates: flat(literals.ref_embeddings),
    candidateLabels: literals.ref_labels,
  };
  it.each(literals.expect)('γ $gamma, margin $margin, expectation %#', ({ gamma, margin, ...entry }) => {
    const usesReference = entry.embeddings === 'ref_embeddings';
    const embeddings = flat(usesReference ? literals.ref_embeddings : literals.y_pred);
    const labels = usesReference ? literals.ref_labels : literals.y_true;
    using session = sessionOn(engine, {
      dim: 4,
      pairLoss: { type: 'circle', gamma, margin },
      normalize: false,
      reduction: entry.reduction === 'sum' ? 'sum' : 'mean-nonzero',
      ...(entry.use_ref && againstReference),
    } as PairLossOptions);
    const { loss, anchorLosses } = session.compute(embeddings, labels);
    // Half a unit of the last decimal printed; the published float32 numbers have 2⁻²⁴ relative errors of their own, times a few.
    const decimals = (published: number) => String(published).split('.')[1]?.length ?? 0;
    const within = (published: number) => 0.5 * 10 ** -decimals(published) + 1e-6 * published;
    if (entry.loss !== undefined) expect(Math.abs(loss - entry.loss)).toBeLessThanOrEqual(within(entry.loss));
    entry.per_anchor?.forEach((published, i) => {
      expect(Math.abs(anchorLosses[i] - published)).toBeLessThanOrEqual(within(published));
    });
  });
});
