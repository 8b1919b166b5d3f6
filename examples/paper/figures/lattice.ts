/** Values of a loss on a lattice over the square [0, 1]², from an engine, and the lines of equal value through them. */
import type { EngineName } from 'circle-loss';
import { contours } from 'd3-contour';
import { type PairValue, type PlaneLoss, valueAt } from './pair-at.ts';

/** `count` × `count` points, s_n from 0 to 1 along a row and s_p from 0 to 1 from row to row. */
export interface Lattice {
  count: number;
  values: PairValue[];
}

export function latticeOf(pairLoss: PlaneLoss, count: number, engine: EngineName): Lattice {
  const values: PairValue[] = [];
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < count; column++) {
      values.push(valueAt({ sn: column / (count - 1), sp: row / (count - 1) }, pairLoss, engine));
    }
  }
  return { count, values };
}

export type Ring = [sn: number, sp: number][];

/** For each level the rings around all that is above it; they end half a step outside the square, for a clip to cut. */
export function ringsAbove({ count }: Lattice, field: number[], levels: number[]): Ring[][] {
  // d3 puts value k of a row at k + ½.
  const toSimilarity = (position: number) => (position - 0.5) / (count - 1);
  return contours()
    .size([count, count])
    .thresholds(levels)(field)
    .map(({ coordinates }) =>
      coordinates.flat().map((ring) => ring.map(([x, y]): [number, number] => [toSimilarity(x), toSimilarity(y)])),
    );
}
