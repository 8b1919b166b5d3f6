/** Verification: are two embeddings of one identity? From the similarities of given pairs. */
import { withMemory } from '../arrays.ts';
import { parse } from '../schemas.ts';
import { areaUnderCurve, equalErrorRate, nearestPoints } from './roc.ts';
import { metricSchemas } from './schemas.ts';
import {
  checkedPairs,
  countAbove,
  type OperatingPoint,
  type Scores,
  splitScores,
  strictPoint,
  thresholdFor,
} from './scores.ts';

export interface VerificationOptions {
  /** False accept rates, each from 0 to 1, in any order; default 1e-1, 1e-2, … 1e-6. */
  falseAcceptRates?: readonly number[];
  /** How a threshold is set for a false accept rate; default 'strict'. */
  rule?: 'strict' | 'nearest';
  /** At most so many points of the ROC, an integer from 3; default: no ROC. */
  rocPoints?: number;
}

/** Points of the receiver operating characteristic, by ascending false accept rate; arrays of one length. */
export interface RocCurve {
  far: Float64Array;
  tar: Float64Array;
  /** Accepted is what is above it. */
  threshold: Float64Array;
}

export interface Verification {
  /** Pairs of one identity. */
  genuine: number;
  /** Pairs of two identities. */
  impostor: number;
  /** In the order of `falseAcceptRates`. */
  tarAtFar: OperatingPoint[];
  equalErrorRate: number;
  auc: number;
  /** Where `rocPoints` is given. */
  roc?: RocCurve;
}

const defaultRates = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

/**
 * How well similarities tell pairs of one identity (genuine) from pairs of two (impostor).
 *
 * - `similarities`: of P pairs, in any order and on any scale; greater is more similar. NaN is refused, ±Infinity
 *   is not: what scores −Infinity is below every threshold.
 * - `same`: P times whether the pair is of one identity, 1 or 0, or true or false. At least one of each.
 *
 * `tarAtFar`, the true accept rate at a false accept rate, by one of two rules:
 *
 * - 'strict' (default): the threshold is the (⌊FAR · impostors⌋ + 1)-th largest impostor similarity, and what is above
 *   it is accepted. So the wanted rate is never exceeded; where impostors are equal it may not be reached. Below
 *   1 / impostors the threshold is the largest impostor similarity: such a rate says no more than FAR 0 does.
 * - 'nearest': the point of the ROC whose false accept rate is nearest to the wanted one, be it above or below; of two
 *   as near, the one that accepts more. The ROC has (0, 0), and for each distinct similarity s the rates of accepting
 *   what is s or more, but without the points at which the steps of both counts are the same as those of the next
 *   point: a run of single impostors in a row is its two ends, and the nearest point may be far away. So it is in
 *   insightface's evaluation of IJB-B and IJB-C (recognition/arcface_torch/eval_ijbc.py), whose ROC is scikit-learn's
 *   `roc_curve` with `drop_intermediate`. Its thresholds are here the next smaller similarity: what is above is
 *   accepted (but the last point accepts −Infinity too).
 *
 * `equalErrorRate`: where the false accept rate equals the false reject rate 1 − TAR, on straight lines between the
 * operating points of neighbouring distinct similarities (ISO/IEC 19795-1 defines the rates; the lines are ours).
 *
 * `auc`: the share of all (genuine, impostor) couples in which the genuine similarity is the greater, equals count half
 * (Mann and Whitney's U; Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic
 * (ROC) curve", Radiology 143, 1982). Exact.
 *
 * `roc`: by the rule 'strict', for 0 false accepts, 1, and on to all of them at even steps of the logarithm.
 *
 * Cost: two sorts, O(P log P), a fifth of a microsecond a pair (16 million pairs: 3.4 s), and 4 bytes a pair.
 *
 * Example: genuine .9, .8, .4 and impostor .7, .5, .3, .1. At FAR .25 one impostor of four may pass, the threshold is
 * the second largest, .5, and TAR 2/3. At FAR .1 none may: the threshold is .7, TAR 2/3, and the reached FAR 0. Of the
 * twelve couples 4 + 4 + 2 = 10 are in order: AUC 10/12. Between .7 (FAR 1/4, FRR 1/3) and .5 (FAR 1/2, FRR 1/3) the
 * rates meet: the equal error rate is 1/3.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_INVALID_ARGUMENT; ERR_CIRCLE_SHAPE where lengths differ or one kind of pair is
 * missing; ERR_CIRCLE_NOT_FINITE where a similarity is NaN; ERR_CIRCLE_DETACHED.
 */
export function evaluateVerification(
  similarities: Float32Array,
  same: Uint8Array | readonly boolean[],
  options: VerificationOptions = {},
): Verification {
  const { falseAcceptRates = defaultRates, rule = 'strict', rocPoints } = parse(metricSchemas.verification, options);
  const pairs = checkedPairs(similarities, same);
  return withMemory(`the scores of ${pairs.same.length} pairs`, 'Judge fewer pairs.', () => {
    const scores = splitScores(pairs);
    const strict = () => falseAcceptRates.map((far) => strictPoint(scores, far));
    return {
      genuine: scores.genuine.length,
      impostor: scores.impostor.length,
      tarAtFar: rule === 'strict' ? strict() : nearestPoints(scores, falseAcceptRates),
      equalErrorRate: equalErrorRate(scores),
      auc: areaUnderCurve(scores),
      ...(rocPoints === undefined ? {} : { roc: thinnedRoc(scores, rocPoints) }),
    };
  });
}

/** How many false accepts each point of a thinned ROC allows: 0, 1, and on to all, ascending. */
function allowedCounts(impostors: number, most: number): number[] {
  // A step is less than 1 then, even the last, which is less than n ln n / (points − 1): no count is left out.
  if (most - 2 >= impostors * Math.log(impostors)) return Array.from({ length: impostors + 1 }, (_, count) => count);
  const allowed = [0];
  for (let point = 0; point < most - 1; point++) {
    const count = Math.round(impostors ** (point / (most - 2)));
    if (count > allowed.at(-1)!) allowed.push(count);
  }
  return allowed;
}

function thinnedRoc({ genuine, impostor }: Scores, most: number): RocCurve {
  const allowed = allowedCounts(impostor.length, most);
  const threshold = Float64Array.from(allowed, (count) => thresholdFor(impostor, count));
  return {
    far: threshold.map((value) => countAbove(impostor, value) / impostor.length),
    tar: threshold.map((value) => countAbove(genuine, value) / genuine.length),
    threshold,
  };
}
