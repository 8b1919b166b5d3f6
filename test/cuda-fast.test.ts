/** `precision: 'fast'` on engine 'cuda': as right as rows of halves can be, with bounds of its own. */
import { describe, expect, it } from 'vitest';
import type { PairLossOptions } from '../lib/index.ts';
import { referenceEngine } from '../lib/reference-engine.ts';
import { type Case, candidatesOf, cases, randomFrom, randomRows } from './cases.ts';
import {
  computeInDouble,
  computeSettingsInDouble,
  cudaEngines,
  type DoubleResult,
  sessionOn,
  settingsOf,
} from './engine-list.ts';
import { distance, largest, type Sensitivity, sensitivityOf } from './sensitivity.ts';

/** Eleven bits of a number: it is off by half of this at most. */
const half = 2 ** -11;

const [tensor, ffma] = cudaEngines;
const needs = '(needs circle_cuda.node and a GPU, or `node scripts/emulator-build.mjs`)';
const fast = (options: PairLossOptions): PairLossOptions => ({ ...options, precision: 'fast' });
const unitRows = cases.filter(({ options }) => options.normalize !== false);

/** In one dimension the gradient is 0: what is left is slopes of at most 4γ, rounded, over a norm of at least 2⁻⁸. */
const noise = ({ options }: Case) => (options.dim === 1 ? (4 * 256 * half) / 2 ** -8 : 1e-30);

function eachRow(dim: number, length: number, visit: (from: number, to: number) => void): void {
  for (let from = 0; from < length; from += dim) visit(from, from + dim);
}

function normsOf(rows: Float32Array, dim: number): number[] {
  const norms: number[] = [];
  eachRow(dim, rows.length, (from, to) => norms.push(Math.hypot(...rows.subarray(from, to))));
  return norms;
}

function unitRowsOf(rows: Float32Array, dim: number): Float32Array {
  const norms = normsOf(rows, dim);
  return rows.map((value, k) => value / norms[Math.floor(k / dim)]);
}

/** From the gradient of unit rows to that of the rows: (g − (g·x̂) x̂) / ‖x‖. */
function throughNormalization(gradient: Float64Array, rows: Float32Array, dim: number): void {
  const norms = normsOf(rows, dim);
  const unit = unitRowsOf(rows, dim);
  eachRow(dim, rows.length, (from, to) => {
    let along = 0;
    for (let k = from; k < to; k++) along += gradient[k] * unit[k];
    for (let k = from; k < to; k++) gradient[k] = (gradient[k] - along * unit[k]) / norms[from / dim];
  });
}

/**
 * Each coordinate of a unit row is rounded to 11 bits, by half a unit at most; a similarity, 2·dim roundings of random
 * sign times products that add up to 1, is then off by 2⁻¹² √(2/dim) or so, and a logit by γ times its slope times that.
 * As for float32 (sensitivity.ts) the reference says what such changes do: four draws of a whole unit, twice the greatest
 * move. They are changes of the unit rows, which no longer have length 1 then: rows that are nudged before they are
 * normalised would not show that.
 */
function halfSensitivityOf(testCase: Case, exact: DoubleResult): Sensitivity {
  const { embeddings, options } = testCase;
  const { dim } = options;
  const candidates = candidatesOf(testCase);
  const units = unitRowsOf(candidates, dim);
  const onUnitRows = {
    ...testCase,
    embeddings: unitRowsOf(embeddings, dim),
    options: {
      ...options,
      ...(options.classWeights && { classWeights: units }),
      ...(options.candidates && { candidates: units }),
    } as PairLossOptions,
  };
  return sensitivityOf(onUnitRows, exact, half, (nudged, labels, nudgedOptions) => {
    const moved = computeSettingsInDouble(nudged, labels, { ...settingsOf(nudgedOptions), normalize: false });
    throughNormalization(moved.gradient, embeddings, dim);
    throughNormalization(moved.candidateGradient, candidates.subarray(0, moved.candidateGradient.length), dim);
    return moved;
  });
}

/**
 * In the gradient pair weights are rounded to 11 bits too: half a unit of each, and weights of both signs cancel in the
 * largest number by no more than a factor of eight in these cases.
 */
const weightRounding = (gradient: Float64Array) => largest(gradient) * 8 * (half / 2);

describe.skipIf(!tensor)(`'fast' is near the definition ${needs}`, () => {
  it.each(unitRows)('$name', (testCase) => {
    const { embeddings, labels, options } = testCase;
    const exact = computeInDouble(embeddings, labels, options);
    const moves = halfSensitivityOf(testCase, exact);
    using session = sessionOn(tensor, fast(options));
    const found = session.compute(embeddings, labels);
    expect(found.validAnchors).toBe(exact.validAnchors);
    const close = (error: number, move: number, size: number) =>
      expect(error).toBeLessThanOrEqual(2 * move + size + noise(testCase));
    close(Math.abs(found.loss - exact.loss), moves.loss, exact.loss * 2 ** -22);
    const losses = largest(exact.anchorLosses) * 2 ** -22;
    close(distance(found.anchorLosses, exact.anchorLosses), moves.anchorLosses, losses);
    close(distance(found.gradient, exact.gradient), moves.gradient, weightRounding(exact.gradient));
    const other = found.classWeightGradient ?? found.candidateGradient;
    if (!other) return;
    const size = weightRounding(exact.candidateGradient);
    close(distance(other, exact.candidateGradient), moves.candidateGradient, size);
  });
});

describe.skipIf(!tensor)(`'fast' ${needs}`, () => {
  const dim = 64;
  const random = randomFrom(3);
  const embeddings = randomRows(150, dim, random);
  const labels = Int32Array.from({ length: 150 }, () => Math.floor(random() * 12));
  const compute = (options: Partial<PairLossOptions>, engine = tensor) => {
    using session = sessionOn(engine, { dim, pairLoss: { type: 'circle' }, ...options } as PairLossOptions);
    return session.compute(embeddings, labels);
  };

  it('is not exact: halves are what is multiplied', () => {
    expect(compute({ precision: 'fast' }).anchorLosses).not.toEqual(compute({}).anchorLosses);
  });

  it('gives the same bits twice', () => {
    expect(compute({ precision: 'fast' })).toEqual(compute({ precision: 'fast' }));
  });

  it('is for unit rows: rows as given are multiplied as float32, and so is everything where ffma is asked for', () => {
    const exact = compute({ normalize: false }, ffma);
    expect(compute({ precision: 'fast', normalize: false })).toEqual(exact);
    expect(compute({ precision: 'fast' }, ffma)).toEqual(compute({}, ffma));
  });

  it('means nothing to other engines', () => {
    const reference = { name: 'reference', open: () => referenceEngine };
    expect(compute({ precision: 'fast' }, reference)).toEqual(compute({}, reference));
  });

  it('reaches similarities', () => {
    const unit = (i: number) => {
      const row = embeddings.subarray(i * dim, (i + 1) * dim);
      return Array.from(row, (value) => value / Math.hypot(...row));
    };
    const out = new Float32Array(150 * 150);
    const common = { dim, normalize: true, checkFinite: 'throw', threads: 1, candidates: undefined } as const;
    const problem = { ...common, anchorCount: 150, candidateCount: 150, anchors: embeddings, out };
    tensor.open().similarity({ ...problem, precision: 'fast' });
    let worst = 0;
    for (let i = 0; i < 150; i++) {
      for (let j = 0; j < i; j++) {
        const [a, b] = [unit(i), unit(j)];
        const exact = a.reduce((sum, value, k) => sum + value * b[k], 0);
        const size = a.reduce((sum, value, k) => sum + Math.abs(value * b[k]), 0);
        const error = Math.abs(out[i * 150 + j] - exact);
        // Two halves a product, each off by half a unit; sums of 64 truncated float32 terms are far below that.
        expect(error).toBeLessThanOrEqual(size * (half + dim * 2 ** -23));
        worst = Math.max(worst, error);
      }
    }
    // More than float32 would err: it was asked to be fast.
    expect(worst).toBeGreaterThan(2 ** -16);
  });
});
