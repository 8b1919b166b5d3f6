/** Whether a series grows: least squares over the means of blocks, because neighbouring samples are not independent. */
/// <reference path="./jstat.d.ts" />
import jstat from 'jstat';
import { linearRegression, mean, sum } from 'simple-statistics';

export interface Trend {
  /** Units of y for each unit of x, with the ends of its 95 % confidence interval. */
  readonly slope: number;
  readonly low: number;
  readonly high: number;
}

export const blocks = 12;

export type Verdict = 'flat' | 'growing' | 'inconclusive';

/** Whether y grows by less than `bound` for each unit of x, by more, or it cannot be said. */
export function verdictOf({ low, high }: Trend, bound: number): Verdict {
  if (high < bound) return 'flat';
  return low > bound ? 'growing' : 'inconclusive';
}

/** `points`: [x, y] in the order of time; at least two for each block. */
export function trendOf(points: readonly (readonly [number, number])[]): Trend {
  const size = Math.floor(points.length / blocks);
  if (size < 2) throw new RangeError(`A trend needs ${2 * blocks} samples; received ${points.length}.`);
  const means = Array.from({ length: blocks }, (_, block) => {
    const part = points.slice(block * size, (block + 1) * size);
    return [mean(part.map(([x]) => x)), mean(part.map(([, y]) => y))];
  });
  const { m: slope, b } = linearRegression(means);
  const centre = mean(means.map(([x]) => x));
  const residuals = sum(means.map(([x, y]) => (y - b - slope * x) ** 2));
  const spread = sum(means.map(([x]) => (x - centre) ** 2));
  const error = Math.sqrt(residuals / (blocks - 2) / spread);
  const reach = error * jstat.studentt.inv(0.975, blocks - 2);
  return { slope, low: slope - reach, high: slope + reach };
}
