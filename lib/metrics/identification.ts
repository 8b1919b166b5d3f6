/** Identification, 1:N: whose embedding is it, if anybody's? */
import { allocate, float32, labelArray } from '../arrays.ts';
import { notANumber, similarityOverflow, wrongShape } from '../errors.ts';
import type { Labels } from '../options.ts';
import { parse } from '../schemas.ts';
import { computeSimilarity } from '../similarity.ts';
import { type EvaluationOptions, withOneEngine } from './evaluation-options.ts';
import { checkStillAlive, type LabelledEmbeddings, labelledRows } from './rows.ts';
import { metricSchemas } from './schemas.ts';
import { allowedCount, countAbove, thresholdFor } from './scores.ts';

export interface IdentificationRates {
  /** How many ranks `cmc` has, an integer from 1, at most the rows of the gallery; default 50. */
  ranks?: number;
  /** False positive identification rates, from 0 to 1; default 1e-1 and 1e-2, or none where every query has a mate. */
  falsePositiveRates?: readonly number[];
  /** A mate counts as found up to this rank, an integer from 1; default 1. */
  withinRank?: number;
}

export type IdentificationOptions = EvaluationOptions & IdentificationRates;

export interface IdentificationMatrixOptions extends IdentificationRates {
  /** Q labels. */
  queryLabels: Labels;
  /** G labels. */
  galleryLabels: Labels;
}

/** The true positive identification rate at a false positive identification rate. */
export interface IdentificationPoint {
  /** The false positive identification rate asked for. */
  fpir: number;
  /** The share of mated queries whose mate is above the threshold, and found. */
  tpir: number;
  /** A candidate is returned where its similarity is above it. */
  threshold: number;
  /** The share of non-mated queries with a candidate above the threshold. */
  reachedFpir: number;
}

export interface Identification {
  /** Queries whose label the gallery has. */
  mated: number;
  /** Queries whose label it has not. */
  nonMated: number;
  /** Closed set: `cmc[k - 1]` is the share of mated queries with a mate among the first k of the gallery. */
  cmc: Float64Array;
  /** Open set, in the order of `falsePositiveRates`. */
  tpirAtFpir: IdentificationPoint[];
}

/**
 * How well queries find their mates in a gallery (closed set), and are told from those without one (open set).
 *
 * - `query`, `gallery`: rows with labels. A query is mated where the gallery has its label; there must be one. Several
 *   rows of the gallery may have one label: the best of them counts.
 *
 * The rank of a mated query is 1 + the rows of other labels that are as similar as its best mate or more. `cmc` is the
 * cumulative match characteristic: its share of mated queries at rank k or before; non-mated queries are no part of it.
 *
 * `tpirAtFpir`: the threshold is the (⌊FPIR · non-mated⌋ + 1)-th largest of the best similarities of non-mated queries,
 * so that at most the wanted share of them has a candidate above it. TPIR is the share of mated queries with a mate
 * above the threshold and of rank `withinRank` or before; 1 − TPIR is FNIR(N, R, T). With `withinRank` 1 it is also
 * called the detection and identification rate; as large as the gallery, the rank is no condition.
 *
 * Source: Grother, Ngan and Hanaoka, "Face Recognition Vendor Test (FRVT) Part 2: Identification", NISTIR 8271, 2019
 * (FPIR, FNIR); Whitelam et al., "IARPA Janus Benchmark-B Face Dataset", CVPR Workshops 2017 (the 1:N protocols of
 * IJB-B). NIST counts a similarity at the threshold as above it; here ties count against the model.
 *
 * Cost: 2 × Q × G × dim operations, some queries at a time: 4 × max(2²⁴, G) bytes of similarities, and 8 a query.
 *
 * Example: the gallery has A and B. Query A is .9 similar to A and .3 to B, another A .5 and .6, B .2 and .8; C,
 * without a mate, .7 and .1. Ranks 1, 2, 1: cmc is 2/3, 1. At FPIR 0 the threshold is .7, and two mates of three are
 * above it: TPIR 2/3. At FPIR 1 it is −∞, and with `withinRank` 2 TPIR is 1, with 1 it is 2/3.
 *
 * Throws `CircleLossError`: what `computeSimilarity` throws; ERR_CIRCLE_SHAPE also where no query has a mate, or each
 * has one and `falsePositiveRates` are given; ERR_CIRCLE_OVERFLOW where `normalize: false` makes a similarity
 * NaN.
 */
export function evaluateIdentification(
  query: LabelledEmbeddings,
  gallery: LabelledEmbeddings,
  options: IdentificationOptions,
): Identification {
  const { ranks, falsePositiveRates, withinRank, ...anyPlace } = parse(metricSchemas.identification, options);
  const { dim } = anyPlace;
  const queries = labelledRows('query', query, dim);
  const candidates = labelledRows('gallery', gallery, dim);
  checkStillAlive('query', queries);
  const place = withOneEngine(anyPlace, queries.labels.length, candidates.labels.length);
  const search = new Search(queries.labels, candidates.labels, similarityOverflow);
  const rowsAtATime = Math.max(1, Math.floor(pieceNumbers / candidates.labels.length));
  const out = allocate(Math.min(rowsAtATime, queries.labels.length) * candidates.labels.length);
  for (let first = 0; first < queries.labels.length; first += rowsAtATime) {
    const anchors = queries.embeddings.subarray(first * dim, (first + rowsAtATime) * dim);
    const length = (anchors.length / dim) * candidates.labels.length;
    search.add(
      computeSimilarity(anchors, { ...place, candidates: candidates.embeddings, out: out.subarray(0, length) }),
    );
  }
  return search.evaluate({ ranks, falsePositiveRates, withinRank });
}

/**
 * As `evaluateIdentification`, from similarities that are there already.
 *
 * - `similarities`: Q × G, query after query, numbers or ±Infinity.
 *
 * Cost: Q × G comparisons, twice for mated queries; 8 bytes a query.
 *
 * Example: that of `evaluateIdentification` is `evaluateIdentificationMatrix(Float32Array.of(.9, .3, .5, .6, .2, .8,
 * .7, .1), { queryLabels: [0, 0, 1, 2], galleryLabels: [0, 1] })`.
 */
export function evaluateIdentificationMatrix(
  similarities: Float32Array,
  options: IdentificationMatrixOptions,
): Identification {
  const { queryLabels, galleryLabels, ...rates } = parse(metricSchemas.identificationMatrix, options);
  const queries = labelArray('options.queryLabels', queryLabels);
  const gallery = labelArray('options.galleryLabels', galleryLabels);
  if (gallery.length === 0) throw wrongShape('options.galleryLabels', 'at least one label', '0');
  const values = float32('similarities', similarities);
  if (queries.length === 0) throw wrongShape('options.queryLabels', 'at least one label', '0');
  const numbers = queries.length * gallery.length;
  if (values.length !== numbers) {
    const sizes = `${queries.length} × ${gallery.length} = ${numbers}`;
    throw wrongShape(
      'similarities',
      `queryLabels.length × galleryLabels.length = ${sizes} numbers`,
      `${values.length}`,
    );
  }
  const search = new Search(queries, gallery, (index) => notANumber('similarities', index));
  search.add(values);
  return search.evaluate(rates);
}

/** Similarities at a time: 64 MiB, so that a gallery of some thousand rows is packed for thousands of queries. */
const pieceNumbers = 2 ** 24;

/** What is left of a query's similarities once they have passed. */
class Search {
  readonly #queryLabels: Int32Array;
  readonly #galleryLabels: Int32Array;
  /** Of a mated query from 1; of others 0. */
  readonly #ranks: Int32Array;
  /** Of a mated query that of its best mate, of others the greatest. */
  readonly #best: Float32Array;
  readonly #unordered: (index: number) => Error;
  #filled = 0;

  /** `unordered`: the error for a similarity that is NaN. */
  constructor(queryLabels: Int32Array, galleryLabels: Int32Array, unordered: (index: number) => Error) {
    this.#unordered = unordered;
    this.#queryLabels = queryLabels;
    this.#galleryLabels = galleryLabels;
    this.#ranks = new Int32Array(queryLabels.length);
    this.#best = new Float32Array(queryLabels.length);
  }

  /** Similarities of the next queries with the whole gallery. */
  add(similarities: Float32Array): void {
    const width = this.#galleryLabels.length;
    for (let first = 0; first < similarities.length; first += width) {
      this.#addRow(similarities.subarray(first, first + width));
    }
  }

  #addRow(row: Float32Array): void {
    const label = this.#queryLabels[this.#filled];
    const gallery = this.#galleryLabels;
    let mates = 0;
    let mate = Number.NEGATIVE_INFINITY;
    let other = Number.NEGATIVE_INFINITY;
    for (let column = 0; column < row.length; column++) {
      const value = row[column];
      if (Number.isNaN(value)) throw this.#unordered(this.#filled * row.length + column);
      if (gallery[column] === label) {
        mates++;
        if (value > mate) mate = value;
      } else if (value > other) other = value;
    }
    this.#best[this.#filled] = mates > 0 ? mate : other;
    if (mates > 0) {
      let rank = 1;
      // Most are found at once, and need no counting.
      if (mates < row.length && other >= mate) {
        for (let column = 0; column < row.length; column++) {
          if (gallery[column] !== label && row[column] >= mate) rank++;
        }
      }
      this.#ranks[this.#filled] = rank;
    }
    this.#filled++;
  }

  evaluate({ ranks = 50, falsePositiveRates, withinRank = 1 }: IdentificationRates): Identification {
    const found = this.#ranks.filter((rank) => rank > 0);
    if (found.length === 0) {
      const hint = ' Add queries whose label the gallery has.';
      throw wrongShape(
        'The query labels',
        'of the gallery, one of them at least',
        `none of ${this.#ranks.length}`,
        hint,
      );
    }
    const nonMated = this.#best.filter((_, query) => this.#ranks[query] === 0).sort();
    if (nonMated.length === 0 && falsePositiveRates !== undefined) {
      const hint = ' Add queries whose label the gallery has not, or leave falsePositiveRates out.';
      throw wrongShape('The query labels', 'foreign to the gallery, one of them at least', 'none that is', hint);
    }
    const rates = falsePositiveRates ?? (nonMated.length === 0 ? [] : [1e-1, 1e-2]);

    const cmc = new Float64Array(Math.min(ranks, this.#galleryLabels.length));
    for (const rank of found) if (rank <= cmc.length) cmc[rank - 1]++;
    for (let k = 1; k < cmc.length; k++) cmc[k] += cmc[k - 1];
    const matesFound = this.#best
      .filter((_, query) => this.#ranks[query] > 0 && this.#ranks[query] <= withinRank)
      .sort();
    return {
      mated: found.length,
      nonMated: nonMated.length,
      cmc: cmc.map((count) => count / found.length),
      tpirAtFpir: rates.map((fpir) => {
        const threshold = thresholdFor(nonMated, allowedCount(fpir, nonMated.length));
        return {
          fpir,
          tpir: countAbove(matesFound, threshold) / found.length,
          threshold,
          reachedFpir: countAbove(nonMated, threshold) / nonMated.length,
        };
      }),
    };
  }
}
