/** Retrieval: every query looks for gallery rows of its label, by similarity. */
import { labelArray } from '../arrays.ts';
import { invalidArgument, wrongShape } from '../errors.ts';
import type { Abortable, Labels } from '../options.ts';
import { parse } from '../schemas.ts';
import type { EvaluationOptions } from './evaluation-options.ts';
import {
  type Comparison,
  type OwnMatches,
  ranksOf,
  readLabelledRows,
  visitOwnMatches,
  visitOwnMatchesAsync,
} from './own-matches.ts';
import { metricSchemas } from './schemas.ts';

export interface RetrievalOptions extends EvaluationOptions {
  /** The K of Recall@K: integers from 1; default 1, 2, 4, 8. */
  recallAt?: readonly number[];
  /** M × dim; default the queries themselves, of which none finds itself. */
  gallery?: Float32Array;
  /** M labels, with `gallery`. */
  galleryLabels?: Labels;
  /** With `gallery`: of each query the gallery row that is itself, with its label, and must not be found, or −1. Default: none. */
  own?: Labels;
}

/** Means over the queries that have something to find; all but the counts from 0 to 1, more is better. */
export interface RetrievalMetrics {
  /** Queries with a gallery row of their label. */
  queries: number;
  /** Queries without one, which count nowhere. */
  skipped: number;
  /** Share of queries with a row of their label among the first k: Recall@K. */
  recallAt: { k: number; recall: number }[];
  /** Share of queries whose most similar row has their label: Precision@1, which is Recall@1. */
  precisionAt1: number;
  /** Share of rows of the query's label among the first R, R being how many there are. */
  rPrecision: number;
  /** (1/R) Σ P(i) over the ranks i ≤ R that are of the query's label, P(i) the precision of the first i. */
  mapAtR: number;
  /** Average precision without that cut: (1/R) Σ P(i) over all ranks i of the query's label. */
  map: number;
}

/**
 * Recall@K, R-precision, MAP@R and mAP, as metric learning reports them for CUB-200-2011, Cars196 and SOP.
 *
 * - `embeddings`: N × dim finite numbers, the queries; `labels`: N.
 * - Without `options.gallery` all other queries are a query's gallery (leave one out), as for those data sets.
 *
 * Ties count against the model: of equal similarities rows of other labels come first. Similarities are those of
 * `computeSimilarity`, to the bit; on engine 'cuda' of that with `candidates`. No matrix is kept: memory is linear in N, M and the pairs of one label, at most 64 MiB of
 * those at a time; the cost is that of 2 × N × M × dim operations, on engine 'cpu' half of it for leave one out.
 *
 * A query whose label the rows at ranks 1, 3 and 6 have, and no others (R = 3): Recall@1 = 1, R-precision = 2/3,
 * MAP@R = (1/1 + 2/3) / 3 = 5/9, AP = (1/1 + 2/3 + 3/6) / 3 = 13/18.
 *
 * MAP@R, R-precision: Musgrave, Belongie, Lim, "A Metric Learning Reality Check", ECCV 2020, §3.2. Recall@K: Jégou, Douze,
 * Schmid, "Product Quantization for Nearest Neighbor Search", 2011, as Oh Song et al., CVPR 2016, use it.
 *
 * Throws as `computeSimilarity` does; ERR_CIRCLE_INVALID_ARGUMENT where no query has anything to find; ERR_CIRCLE_OVERFLOW with
 * `normalize: false` where the norms of two rows, or of one by itself, multiply to more than
 * float32 has.
 */
export function evaluateRetrieval(
  embeddings: Float32Array,
  labels: Labels,
  options: RetrievalOptions,
): RetrievalMetrics {
  const retrieval = new Retrieval(embeddings, labels, parse(metricSchemas.retrieval, options) as RetrievalOptions);
  visitOwnMatches(retrieval.comparison, retrieval.visit);
  return retrieval.means();
}

/** `evaluateRetrieval` off the JavaScript thread, on copies; an aborted `signal` rejects with an `AbortError`. */
export async function evaluateRetrievalAsync(
  embeddings: Float32Array,
  labels: Labels,
  options: RetrievalOptions & Abortable,
): Promise<RetrievalMetrics> {
  const settings = parse(metricSchemas.retrievalAsync, options) as RetrievalOptions & Abortable;
  const retrieval = new Retrieval(embeddings, labels, settings);
  await visitOwnMatchesAsync(retrieval.comparison, settings.signal, retrieval.visit);
  return retrieval.means();
}

class Retrieval {
  readonly comparison: Comparison;
  readonly #own: Int32Array | undefined;
  readonly #recallAt: readonly number[];
  readonly #found: number[];
  /** Of all queries: the caller's labels may have gone when an asynchronous call ends. */
  readonly #count: number;
  #queries = 0;
  #first = 0;
  #rPrecision = 0;
  #mapAtR = 0;
  #map = 0;

  constructor(embeddings: unknown, labels: unknown, settings: RetrievalOptions) {
    const { gallery, galleryLabels, own, recallAt = [1, 2, 4, 8] } = settings;
    const { dim } = settings;
    const queries = readLabelledRows('embeddings', 'labels', embeddings, labels, dim);
    if (gallery === undefined) {
      for (const [name, value] of Object.entries({ galleryLabels, own })) {
        if (value !== undefined) throw invalidArgument(`options.${name}`, 'absent where no gallery is given', value);
      }
    }
    this.comparison = {
      queries,
      gallery:
        gallery === undefined
          ? undefined
          : readLabelledRows('options.gallery', 'options.galleryLabels', gallery, galleryLabels, dim),
      settings,
    };
    this.#count = queries.labels.length;
    this.#own = own === undefined ? undefined : ownRows(own, queries.labels, this.comparison.gallery!.labels);
    this.#recallAt = recallAt;
    this.#found = recallAt.map(() => 0);
  }

  readonly visit = ({ query, rows, reachedBy }: OwnMatches): void => {
    const itself = this.comparison.gallery ? (this.#own?.[query] ?? -1) : query;
    const ranks = ranksOf(reachedBy.filter((_, i) => rows[i] !== itself));
    const relevant = ranks.length;
    if (relevant === 0) return;
    this.#queries++;
    this.#recallAt.forEach((k, i) => {
      if (ranks[0] <= k) this.#found[i]++;
    });
    let within = 0;
    let precision = 0;
    for (const rank of ranks) {
      if (rank > relevant) break;
      within++;
      precision += within / rank;
    }
    this.#rPrecision += within / relevant;
    this.#mapAtR += precision / relevant;
    this.#map += averagePrecision(ranks);
    if (ranks[0] === 1) this.#first++;
  };

  means(): RetrievalMetrics {
    const queries = this.#queries;
    if (queries === 0) throw nothingToFind(this.comparison.queries.name);
    return {
      queries,
      skipped: this.#count - queries,
      recallAt: this.#recallAt.map((k, i) => ({ k, recall: this.#found[i] / queries })),
      precisionAt1: this.#first / queries,
      rPrecision: this.#rPrecision / queries,
      mapAtR: this.#mapAtR / queries,
      map: this.#map / queries,
    };
  }
}

/** The mean, over the ranks of what there is to find, of the precision at each. */
export function averagePrecision(ranks: Int32Array): number {
  return ranks.reduce((sum, rank, i) => sum + (i + 1) / rank, 0) / ranks.length;
}

export function nothingToFind(name: string): Error {
  const expected = 'rows of which at least one has a gallery row of its label';
  return invalidArgument(name, expected, 'none that has');
}

/** A row of the query's label, which alone could be taken for found. */
function ownRows(own: unknown, labels: Int32Array, galleryLabels: Int32Array): Int32Array {
  const name = 'options.own';
  const rows = labelArray(name, own).slice();
  if (rows.length !== labels.length) throw wrongShape(name, `one row a query, ${labels.length}`, `${rows.length}`);
  rows.forEach((row, query) => {
    if (row === -1 || galleryLabels[row] === labels[query]) return;
    const exists = row >= 0 && row < galleryLabels.length;
    const expected = exists
      ? `a gallery row of label ${labels[query]}, as the query, or -1`
      : `a gallery row, from 0 to ${galleryLabels.length - 1}, or -1`;
    throw invalidArgument(`${name}[${query}]`, expected, row);
  });
  return rows;
}
