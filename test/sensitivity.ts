/** How much rounding may move a result: the bound of tests that compare float32 engines. */
import { hostRows } from '../lib/candidates.ts';
import type { Case } from './cases.ts';
import { randomFrom } from './cases.ts';
import { computeInDouble, type DoubleResult } from './in-double.ts';

/**
 * A float32 engine is as good as its inputs: what rounding does to the result is what a change of the inputs by the
 * engine's own rounding does. Products of dim terms are rounded dim/8 times in a row (the narrowest vector has 4 lanes,
 * and its sums are merged), and normalised rows 4 times more. The reference says how much four such changes move the
 * result; twice the greatest move allows for directions that were not tried, and 2⁻²² for rounding the result.
 */
export interface Sensitivity {
  loss: number;
  anchorLosses: number;
  gradient: number;
  candidateGradient: number;
}

export const largest = (values: ArrayLike<number>) => distance(values, new Float64Array(values.length));

export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let greatest = 0;
  for (let i = 0; i < a.length; i++) greatest = Math.max(greatest, Math.abs(a[i] - b[i]));
  return greatest;
}

/** Rounded to float32 once more, a relative change of less than 2⁻²³ may vanish: two units at least. */
const roundingOf = (dim: number) => Math.max(2 ** -22, (4 + dim / 8) * 2 ** -24);

function nudge(values: Float32Array, size: number, random: () => number): Float32Array {
  return values.map((value) => value * (1 + (random() < 0.5 ? -size : size)));
}

/**
 * `size`: of a nudge, relative to each number; default what float32's rounding comes to. `compute`: what takes the nudged
 * inputs; default the reference.
 */
export function sensitivityOf(
  { embeddings, labels, options }: Case,
  exact: DoubleResult,
  size = roundingOf(options.dim),
  compute = computeInDouble,
): Sensitivity {
  const random = randomFrom(1);
  const moves: Sensitivity = { loss: 0, anchorLosses: 0, gradient: 0, candidateGradient: 0 };
  for (let draw = 0; draw < 4; draw++) {
    const moved = compute(nudge(embeddings, size, random), labels, {
      ...options,
      ...(options.classWeights && { classWeights: nudge(hostRows(options.classWeights)!, size, random) }),
      ...(options.candidates && { candidates: nudge(hostRows(options.candidates)!, size, random) }),
    } as typeof options);
    moves.loss = Math.max(moves.loss, Math.abs(moved.loss - exact.loss));
    for (const key of ['anchorLosses', 'gradient', 'candidateGradient'] as const) {
      moves[key] = Math.max(moves[key], distance(moved[key], exact[key]));
    }
  }
  return moves;
}

/**
 * How far two float32 computations of a case may be apart. Each may be as far from the exact result as an engine
 * (the bound in `engines.test.ts`): twice that.
 */
export function agreementOf(testCase: Case): Sensitivity {
  const exact = computeInDouble(testCase.embeddings, testCase.labels, testCase.options);
  const moves = sensitivityOf(testCase, exact);
  const bound = (move: number, size: number) => 2 * (2 * move + size * 2 ** -22);
  return {
    loss: bound(moves.loss, exact.loss),
    anchorLosses: bound(moves.anchorLosses, largest(exact.anchorLosses)),
    gradient: bound(moves.gradient, largest(exact.gradient)),
    candidateGradient: bound(moves.candidateGradient, largest(exact.candidateGradient)),
  };
}
