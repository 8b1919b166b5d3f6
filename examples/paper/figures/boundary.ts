/**
 * The decision boundary of a loss, found by asking an engine for losses and nothing else.
 *
 * With one positive and one negative L = log(1 + eᵘ), and the boundary is u = 0, that is L = log 2, for every γ; of the
 * triplet loss it is where L stops being 0. Along a ray from (s_n, s_p) = (0, 1) into the square, s_n rises and s_p falls,
 * so the loss rises (docs/math.md §3: for the Circle loss with the square of the way), and bisection finds the place.
 */
import type { EngineName } from 'circle-loss';
import { type PlaneLoss, type Point, valueAt } from './pair-at.ts';

/** Angles of the rays, from s_p = 1 (0) to s_n = 0 (π/2). */
export function boundaryAlongRays(pairLoss: PlaneLoss, angles: readonly number[], engine: EngineName): Point[] {
  return angles.flatMap((angle) => crossing(pairLoss, angle, engine) ?? []);
}

/** `count` angles over the quarter turn, both ends among them. */
export function quarterTurn(count: number): number[] {
  return Array.from({ length: count }, (_, k) => (k / (count - 1)) * (Math.PI / 2));
}

/** undefined: the ray leaves the square on the side where it began. */
function crossing(pairLoss: PlaneLoss, angle: number, engine: EngineName): Point | undefined {
  const level = pairLoss.type === 'triplet' ? 0 : Math.LN2;
  const at = (length: number): Point => ({
    sn: Math.fround(length * Math.cos(angle)),
    sp: Math.fround(1 - length * Math.sin(angle)),
  });
  const isBeyond = (length: number) => valueAt(at(length), pairLoss, engine).loss > level;
  let below = 0;
  let above = 1 / Math.max(Math.cos(angle), Math.sin(angle)); // the edge of the square [0, 1]²
  if (isBeyond(below) || !isBeyond(above)) return undefined;
  // 30 halvings of at most √2: finer than the float32 numbers that the points are rounded to.
  for (let k = 0; k < 30; k++) {
    const middle = (below + above) / 2;
    if (isBeyond(middle)) above = middle;
    else below = middle;
  }
  return at(above);
}
