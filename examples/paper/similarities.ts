/** What the paper's figure of convergence shows: the similarities that each anchor of a batch has. */
import { computeSimilarity } from 'circle-loss';
import type { Rows } from '../data/rows.ts';
import type { Network } from '../network/network.ts';
import type { Place } from './learn.ts';

/** A number for each anchor. */
export interface AnchorSimilarities {
  /** The mean of its s_p, and the least of them. */
  meanPositive: number[];
  hardestPositive: number[];
  /** The mean of its s_n, and the greatest of them. */
  meanNegative: number[];
  hardestNegative: number[];
}

export function anchorSimilarities(
  network: Network,
  { inputs, labels }: { inputs: Rows; labels: Int32Array },
  place: Place,
): AnchorSimilarities {
  const { values, dim } = network.embed(inputs);
  const matrix = computeSimilarity(values, { dim, ...place });
  const count = labels.length;
  const found: AnchorSimilarities = { meanPositive: [], hardestPositive: [], meanNegative: [], hardestNegative: [] };
  for (let anchor = 0; anchor < count; anchor++) {
    const row = [...matrix.subarray(anchor * count, (anchor + 1) * count)];
    const positives = row.filter((_, other) => other !== anchor && labels[other] === labels[anchor]);
    const negatives = row.filter((_, other) => labels[other] !== labels[anchor]);
    found.meanPositive.push(rounded(meanOf(positives)));
    found.hardestPositive.push(rounded(Math.min(...positives)));
    found.meanNegative.push(rounded(meanOf(negatives)));
    found.hardestNegative.push(rounded(Math.max(...negatives)));
  }
  return found;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function rounded(similarity: number): number {
  return Number(similarity.toFixed(3));
}
