/** How much rounding may move a result: the bound of tests that compare float32 engines. */
import { hostRows } from '../lib/candidates.ts';
import type { Case } from './cases.ts';
import { randomFrom } from './cases.ts';
import { computeInDouble, type DoubleResult } from './engine-list.ts';

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

function nudge(values: Float32Array, dim: number, random: () => number): Float32Array {
  // Rounded to float32 once more, a relative change of less than 2⁻²³ may vanish: two units at least.
  const size = Math.max(2 ** -22, (4 + dim / 8) * 2 ** -24);
  return values.map((value) => value * (1 + (random() < 0.5 ? -size : size)));
}

export function sensitivityOf(testCase: Case, exact: DoubleResult): Sensitivity {
  const { embeddings, labels, options } = testCase;
  const random = randomFrom(1);
  const moves: Sensitivity = { loss: 0, anchorLosses: 0, gradient: 0, candidateGradient: 0 };
  for (let draw = 0; draw < 4; draw++) {
    const moved = computeInDouble(nudge(embeddings, options.dim, random), labels, {
      ...options,
      ...(options.classWeights && { classWeights: nudge(hostRows(options.classWeights)!, options.dim, random) }),
      ...(options.candidates && { candidates: nudge(hostRows(options.candidates)!, options.dim, random) }),
    } as typeof options);
    moves.loss = Math.max(moves.loss, Math.abs(moved.loss - exact.loss));
    for (const key of ['anchorLosses', 'gradient', 'candidateGradient'] as const) {
      moves[key] = Math.max(moves[key], distance(moved[key], exact[key]));
    }
  }
  return moves;
}
