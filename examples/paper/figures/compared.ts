/** The losses that the figures compare, and the points of the plane that they are looked at. */
import type { PlaneLoss, Point } from './pair-at.ts';

export interface Compared {
  name: string;
  pairLoss: PlaneLoss;
}

/**
 * Margins that put the three boundaries near one another; AM-Softmax's is the paper's for faces (§4.1). At γ = 32 a
 * boundary is wide enough for the eye: with the γ of training it is a step.
 */
export const compared: readonly Compared[] = [
  { name: 'Triplet, m = 0.35', pairLoss: { type: 'triplet', margin: 0.35 } },
  { name: 'AM-Softmax, m = 0.35, γ = 32', pairLoss: { type: 'unified', margin: 0.35, gamma: 32 } },
  { name: 'Circle loss, m = 0.25, γ = 32', pairLoss: { type: 'circle', margin: 0.25, gamma: 32 } },
];

/** Parts as in the paper's Fig. 1: A has its negative where it should be, B its positive, C neither. Coordinates are ours. */
export const points: readonly (Point & { name: string })[] = [
  { name: 'A', sn: 0.1, sp: 0.3 },
  { name: 'B', sn: 0.7, sp: 0.9 },
  { name: 'C', sn: 0.7, sp: 0.3 },
];

/** Of the circles whose boundaries are drawn. */
export const margins: readonly number[] = [0.1, 0.25, 0.4];
