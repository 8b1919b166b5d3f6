/** Accuracy of verification by cross-validation: the threshold of a fold comes from the other folds. */
import { isArray, labelArray, withMemory } from '../arrays.ts';
import { invalidArgument, wrongShape } from '../errors.ts';
import type { Labels } from '../options.ts';
import { parse } from '../schemas.ts';
import { metricSchemas } from './schemas.ts';
import { checkedPairs } from './scores.ts';

export interface FoldOptions {
  /**
   * So many runs of neighbouring pairs, of sizes that differ by one at most, longer ones first (an integer from 2, at
   * most the pairs); or for each pair the number of its fold, any int32, at least two different ones. Default 10.
   */
  folds?: number | Labels;
  /**
   * What a threshold is chosen from: half-way points between neighbouring distinct similarities of the other folds
   * ('midpoints', default); squared Euclidean distances 0, .01, … 3.99 of unit rows, 2 − 2s ('grid', for cosines only);
   * or given similarities, at least one.
   */
  thresholds?: 'midpoints' | 'grid' | readonly number[];
}

export interface Fold {
  /** Of the pairs of the fold. */
  accuracy: number;
  /** Chosen on the other folds: a similarity; a pair is accepted where its own is above it. */
  threshold: number;
  pairs: number;
}

export interface Folds {
  /** The mean of the folds' accuracies. */
  accuracy: number;
  /** Of the folds' accuracies, divided by folds − 1. */
  standardDeviation: number;
  /** Of the mean: standardDeviation / √folds. LFW's S_E. */
  standardError: number;
  /** In the order of their numbers. */
  folds: Fold[];
}

/**
 * Accuracy of telling pairs of one identity from pairs of two, as on LFW: for each fold the threshold is taken that is
 * right most often on the other folds, and the accuracy is the share of the fold's own pairs that it is right about.
 *
 * - `similarities`: of P pairs, numbers or ±Infinity; greater is more similar. For 'grid' cosines.
 * - `same`: P times whether the pair is of one identity, 1 or 0, or true or false. At least one of each.
 *
 * Of thresholds that are right equally often the greatest is taken. Accepting nothing and accepting everything
 * (threshold −Infinity) are midpoints too.
 *
 * Source: Huang, Ramesh, Berg and Learned-Miller, "Labeled Faces in the Wild", University of Massachusetts, Amherst,
 * Technical Report 07-49, 2007: mean and standard error over ten folds of `pairs.txt`. With 'grid' the numbers are
 * comparable with those of insightface (recognition/arcface_torch/eval/verification.py) and FaceNet, which choose from
 * that grid; the ± that these print is divided by folds: standardDeviation · √((folds − 1) / folds).
 *
 * Cost: O(P log P + folds · P), some 20 bytes a pair.
 *
 * Example: folds of two pairs, similarities .8 (same), .2 (not) | .6 (same), .7 (not). The threshold of the first fold
 * comes from the second, where nothing better than 1 of 2 is to be had: the greatest threshold that is, .7, accepts
 * nothing. It accepts the .8: accuracy 1. That of the second fold comes from the first: .5, half-way between .8 and .2;
 * it accepts both, accuracy 1/2. The mean is .75, the standard deviation √(.25² + .25²) = .354, the standard error .25.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_INVALID_ARGUMENT, also for 'grid' where a similarity is no cosine;
 * ERR_CIRCLE_SHAPE where lengths differ, one kind of pair is missing or there are fewer than two folds;
 * ERR_CIRCLE_NOT_FINITE where a similarity is NaN; ERR_CIRCLE_DETACHED.
 */
export function evaluateFolds(
  similarities: Float32Array,
  same: Uint8Array | readonly boolean[],
  options: FoldOptions = {},
): Folds {
  const settings = parse(metricSchemas.folds, options);
  const { folds: chosen = 10, thresholds = 'midpoints' } = settings;
  // Lists first: reading them may run code of the caller's.
  const numbersOfFolds = typeof chosen === 'number' ? chosen : labelArray('options.folds', chosen);
  const listOfThresholds = typeof thresholds === 'string' ? thresholds : thresholdList(thresholds);
  const pairs = checkedPairs(similarities, same);
  return withMemory(`${pairs.same.length} pairs in folds`, 'Judge fewer pairs.', () =>
    judgeFolds(pairs, foldsOfPairs(numbersOfFolds, pairs.same.length), cutsOf(listOfThresholds, pairs.similarities)),
  );
}

function judgeFolds(pairs: ReturnType<typeof checkedPairs>, foldOf: Int32Array, cuts: Cuts): Folds {
  const numbers = Int32Array.from(new Set(foldOf)).sort();
  if (numbers.length < 2) throw wrongShape('options.folds', 'of at least two folds', `${numbers.length}`);

  const folds = Array.from(numbers, (fold) => {
    const threshold = bestThreshold(pairs, cuts, (pair) => foldOf[pair] !== fold);
    let right = 0;
    let own = 0;
    for (let pair = 0; pair < foldOf.length; pair++) {
      if (foldOf[pair] !== fold) continue;
      own++;
      if (Number(cuts.similarity(pairs.similarities[pair]) > threshold) === pairs.same[pair]) right++;
    }
    return { accuracy: right / own, threshold, pairs: own };
  });

  const accuracy = folds.reduce((sum, fold) => sum + fold.accuracy, 0) / folds.length;
  const squares = folds.reduce((sum, fold) => sum + (fold.accuracy - accuracy) ** 2, 0);
  const standardDeviation = Math.sqrt(squares / (folds.length - 1));
  return { accuracy, standardDeviation, standardError: standardDeviation / Math.sqrt(folds.length), folds };
}

function foldsOfPairs(folds: number | Int32Array, pairs: number): Int32Array {
  if (typeof folds !== 'number') {
    if (folds.length === pairs) return folds;
    throw wrongShape('options.folds', `as long as similarities, ${pairs}`, `${folds.length}`);
  }
  if (!Number.isInteger(folds) || folds < 2) {
    throw invalidArgument('options.folds', 'an integer from 2 or an Int32Array', folds);
  }
  if (folds > pairs) throw wrongShape('similarities', `of at least ${folds} pairs, one for each fold`, `${pairs}`);
  const foldOf = new Int32Array(pairs);
  const size = Math.floor(pairs / folds);
  const longer = pairs % folds;
  for (let fold = 0, first = 0; fold < folds; fold++) {
    const next = first + size + (fold < longer ? 1 : 0);
    foldOf.fill(fold, first, next);
    first = next;
  }
  return foldOf;
}

/**
 * Where the scale of similarities can be cut. Cut c accepts the pairs of rank c and less; of the pairs that lie between
 * two cuts only the rank matters, so counts of ranks are all that a choice needs.
 */
interface Cuts {
  count: number;
  /** Of each pair. */
  ranks: Int32Array;
  /** The threshold of a cut, where `rankCounts` tells which ranks the chosen-from pairs have. */
  threshold(cut: number, rankCounts: Int32Array): number;
  /** The similarity that a threshold is held against. */
  similarity(value: number): number;
}

const thresholdChoice = "'midpoints', 'grid' or an array of numbers, at least one";

function thresholdList(thresholds: unknown): Float64Array {
  if (!isArray(thresholds) || thresholds.length === 0) {
    throw invalidArgument('options.thresholds', thresholdChoice, thresholds);
  }
  const { length } = thresholds;
  const list = withMemory(`${length} thresholds`, 'Use fewer thresholds.', () => new Float64Array(length));
  for (let i = 0; i < length; i++) {
    const threshold: unknown = thresholds[i];
    if (typeof threshold !== 'number' || Number.isNaN(threshold)) {
      throw invalidArgument(`options.thresholds[${i}]`, 'a number', threshold);
    }
    list[i] = threshold;
  }
  return list.sort();
}

function cutsOf(thresholds: string | Float64Array, similarities: Float32Array): Cuts {
  if (typeof thresholds !== 'string') return listed(thresholds, similarities, (value) => value);
  if (thresholds === 'midpoints') return midpoints(similarities);
  if (thresholds === 'grid') return grid(similarities);
  throw invalidArgument('options.thresholds', thresholdChoice, thresholds);
}

/** How many of the numbers in ascending order are `value` or more. */
function countFrom(ascending: Float32Array | Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle] >= value) high = middle;
    else low = middle + 1;
  }
  return ascending.length - low;
}

/** Cut c has the c-th greatest threshold, and a pair the rank of the first that it is above. */
function listed(ascending: Float64Array, similarities: Float32Array, similarity: (value: number) => number): Cuts {
  return {
    count: ascending.length,
    ranks: Int32Array.from(similarities, (value) => countFrom(ascending, similarity(value))),
    threshold: (cut) => ascending[ascending.length - 1 - cut],
    similarity,
  };
}

const gridSteps = 400;
const gridStep = 0.01;

/** Equal rows have the cosine 1 and the distance 0, also where the cosine was rounded up. */
function grid(similarities: Float32Array): Cuts {
  // A whole step of the grid outside the range is no rounding.
  const most = 1 + gridStep / 2;
  for (let i = 0; i < similarities.length; i++) {
    if (Math.abs(similarities[i]) <= most) continue;
    const hint = " Use thresholds: 'midpoints'.";
    throw invalidArgument(`similarities[${i}]`, "a cosine for thresholds 'grid'", similarities[i], hint);
  }
  const ascending = Float64Array.from({ length: gridSteps }, (_, i) => 1 - (i * gridStep) / 2).sort();
  return listed(ascending, similarities, (value) => Math.min(1, value));
}

/** Cut 0 accepts nothing, cut c the c greatest distinct similarities; a pair's rank is the place of its own. */
function midpoints(similarities: Float32Array): Cuts {
  const sorted = similarities.slice().sort();
  let distinct = 0;
  for (let i = 0; i < sorted.length; i++) {
    if (i === 0 || sorted[i] !== sorted[distinct - 1]) sorted[distinct++] = sorted[i];
  }
  const ascending = sorted.subarray(0, distinct);
  const similarityAt = (rank: number) => ascending[distinct - rank];
  return {
    count: distinct + 1,
    ranks: Int32Array.from(similarities, (value) => countFrom(ascending, value)),
    threshold: (cut, rankCounts) => {
      let below = cut + 1;
      while (below <= distinct && rankCounts[below] === 0) below++;
      if (below > distinct) return Number.NEGATIVE_INFINITY;
      if (cut === 0) return similarityAt(below);
      const middle = (similarityAt(cut) + similarityAt(below)) / 2; // two different float32 are far apart as doubles
      return middle < similarityAt(cut) ? middle : similarityAt(below); // not so where one is infinite
    },
    similarity: (value) => value,
  };
}

/** The cut that is right most often about the chosen pairs, of equals the one that accepts least. */
function bestThreshold({ same }: { same: Uint8Array }, cuts: Cuts, isChosen: (pair: number) => boolean): number {
  const genuine = new Int32Array(cuts.count + 1);
  const all = new Int32Array(cuts.count + 1);
  let impostors = 0;
  for (let pair = 0; pair < same.length; pair++) {
    if (!isChosen(pair)) continue;
    genuine[cuts.ranks[pair]] += same[pair];
    all[cuts.ranks[pair]]++;
    impostors += 1 - same[pair];
  }
  let best = 0;
  let most = -1;
  let right = impostors;
  for (let cut = 0; cut < cuts.count; cut++) {
    right += 2 * genuine[cut] - all[cut]; // accepts the genuine of this rank, no longer rejects its impostors
    if (right > most) {
      most = right;
      best = cut;
    }
  }
  return cuts.threshold(best, all);
}
