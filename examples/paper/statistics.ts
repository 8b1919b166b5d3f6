/** Several seeds in a few numbers. */
/// <reference path="./jstat.d.ts" />
import jStat from 'jstat';

export interface Summary {
  mean: number;
  /** Of a sample, divided by n − 1; 0 of one value. */
  standardDeviation: number;
}

export function summarize(values: readonly number[]): Summary {
  return { mean: jStat.mean(values), standardDeviation: values.length < 2 ? 0 : jStat.stdev(values, true) };
}

/** Of a mean difference: how sure we are that a repetition with other seeds would find it, too. */
export interface Interval {
  mean: number;
  low: number;
  high: number;
}

const confidence = 0.95;

/**
 * The mean of a − b over seeds, with its 95 % confidence interval by Student's t: mean ± t(n − 1) · s / √n. Paired, since
 * with one seed both had the same first weights and the same batches. With one seed the interval is without bounds.
 */
export function pairedDifference(a: readonly number[], b: readonly number[]): Interval {
  const { mean, standardDeviation } = summarize(a.map((value, seed) => value - b[seed]));
  const n = a.length;
  if (n < 2) return { mean, low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
  const half = (jStat.studentt.inv((1 + confidence) / 2, n - 1) * standardDeviation) / Math.sqrt(n);
  return { mean, low: mean - half, high: mean + half };
}
