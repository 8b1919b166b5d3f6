/** Whether a contender's answer is the truth within what float32 can do. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Truth } from './truth.ts';
import type { Workload } from './workloads.ts';

export interface Agreement {
  /** |loss − true loss| / true loss; for contenders without a loss the error of their matrix products. */
  readonly lossError: number;
  /** Largest error of a gradient element over the largest element. */
  readonly gradientError: number;
  readonly agrees: boolean;
}

/**
 * float32 leaves an error of about 5e-8 (rms) in a similarity of unit rows, 3e-7 at worst. A logit γ(q² − m²), q ≤ 1.2
 * here, magnifies it by 2γq and is itself rounded to 2⁻²⁴ of its size: together below 1.25e-6 · γ. That is the relative
 * error of a pair weight, hence of a gradient element: 1e-4 at γ = 80. The loss averages such errors over anchors and
 * divides them by itself (tens of nats here), so 1e-5 is ample.
 */
export function tolerances({ gamma }: Workload): { loss: number; gradient: number } {
  return { loss: 1e-5, gradient: 1.25e-6 * gamma };
}

/** The products have no logits: their float32 sums of up to 100,000 terms stay far below this. */
const productTolerance = 1e-4;

export function productAgreement(error: number): Agreement {
  return { lossError: error, gradientError: error, agrees: error <= productTolerance };
}

/** Reads and deletes the files that the contender wrote. */
export function compareWithTruth(workload: Workload, truth: Truth, loss: number, folder: string): Agreement {
  const tolerance = tolerances(workload);
  const lossError = Math.abs(loss - truth.loss) / truth.loss;
  const errors = [gradientError(truth.gradient, join(folder, 'gradient'), workload.anchors * workload.dim)];
  if (truth.candidateGradient !== undefined) {
    const size = workload.candidates * workload.dim;
    errors.push(gradientError(truth.candidateGradient, join(folder, 'candidateGradient'), size));
  }
  const worst = Math.max(...errors);
  // Comparisons with NaN are false: an answer that is not a number does not agree.
  return { lossError, gradientError: worst, agrees: lossError <= tolerance.loss && worst <= tolerance.gradient };
}

function gradientError(truth: ReadonlyMap<number, Float64Array>, file: string, size: number): number {
  const values = new Float32Array(new Uint8Array(readFileSync(file)).buffer);
  rmSync(file);
  if (values.length !== size) return Number.NaN;
  let error = 0;
  let largest = 0;
  for (const [row, exact] of truth) {
    for (let k = 0; k < exact.length; k++) {
      const difference = Math.abs(values[row * exact.length + k] - exact[k]);
      if (!(difference <= error)) error = difference; // keeps a NaN
      largest = Math.max(largest, Math.abs(exact[k]));
    }
  }
  return error / largest;
}
