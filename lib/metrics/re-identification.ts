/** Re-identification: a query looks for pictures of the same identity by other cameras. */

import { labelArray, withMemory } from '../arrays.ts';
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
import { averagePrecision, nothingToFind } from './retrieval.ts';
import type { LabelledEmbeddings } from './rows.ts';
import { metricSchemas } from './schemas.ts';

/** Pictures of identities, and who took them. */
export interface ReIdentificationSet extends LabelledEmbeddings {
  /** N cameras: any integers. */
  cameras: Labels;
}

export interface ReIdentificationOptions extends EvaluationOptions {
  /** How many ranks the CMC curve has: an integer from 1; default 50. */
  ranks?: number;
  /** Gallery rows of this label are as if they were not there; default −1, as in Market-1501. */
  junkLabel?: number;
}

export interface ReIdentificationMetrics {
  /** Queries with a gallery row of their identity by another camera. */
  queries: number;
  /** Queries without one, which count nowhere. */
  skipped: number;
  /** Cumulative matching characteristic: cmc[k − 1] is the share of queries with a match at a rank ≤ k; `ranks` long. */
  cmc: Float64Array;
  /** Mean over queries of the average precision (1/R) Σ P(i) over the ranks i of its R matches. */
  map: number;
}

/**
 * CMC and mAP of re-identification, as Market-1501 and MSMT17 are judged: rank-1 is `cmc[0]`.
 *
 * For each query gallery rows of the same identity *and* the same camera are left out, which tell nothing, and so are those
 * of `junkLabel`; queries left without a match are skipped and counted. Distractors, of labels that no query has, stay.
 *
 * Ties count against the model: of equal similarities other identities come first. Memory and cost as of `evaluateRetrieval`
 * with a gallery.
 *
 * Identity 7 by camera 1 asks a gallery that is, by falling similarity, 7 by camera 1 (left out), 9, 7 by camera 2, junk
 * (left out), 7 by camera 3: its matches are at the ranks 2 and 3, so that cmc = 0, 1, 1, … and AP = (1/2 + 2/3) / 2 = 7/12.
 *
 * Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015; the average precision is the mean of the
 * precisions at hits, not the area by trapezoids that Oxford's buildings had, whose values are a little lower.
 *
 * Throws as `evaluateRetrieval` does.
 */
export function evaluateReIdentification(
  query: ReIdentificationSet,
  gallery: ReIdentificationSet,
  options: ReIdentificationOptions,
): ReIdentificationMetrics {
  const settings = parse(metricSchemas.reIdentification, options) as ReIdentificationOptions;
  const judgement = new Judgement(query, gallery, settings);
  visitOwnMatches(judgement.comparison, judgement.visit);
  return judgement.means();
}

/** `evaluateReIdentification` off the JavaScript thread, on copies; an aborted `signal` rejects with an `AbortError`. */
export async function evaluateReIdentificationAsync(
  query: ReIdentificationSet,
  gallery: ReIdentificationSet,
  options: ReIdentificationOptions & Abortable,
): Promise<ReIdentificationMetrics> {
  const settings = parse(metricSchemas.reIdentificationAsync, options) as ReIdentificationOptions & Abortable;
  const judgement = new Judgement(query, gallery, settings);
  await visitOwnMatchesAsync(judgement.comparison, settings.signal, judgement.visit);
  return judgement.means();
}

class Judgement {
  readonly comparison: Comparison;
  readonly #queryCameras: Int32Array;
  readonly #galleryCameras: Int32Array;
  /** Queries by the rank of their first match, as far as the curve goes. */
  readonly #firstRanks: Float64Array;
  /** Of all queries: the caller's labels may have gone when an asynchronous call ends. */
  readonly #count: number;
  #queries = 0;
  #map = 0;

  constructor(query: ReIdentificationSet, gallery: ReIdentificationSet, settings: ReIdentificationOptions) {
    const { ranks = 50, junkLabel = -1 } = settings;
    const asking = readSet('query', query, settings.dim);
    const asked = readSet('gallery', gallery, settings.dim);
    this.comparison = { queries: asking, gallery: { ...asked, junkLabel }, settings };
    this.#count = asking.labels.length;
    this.#queryCameras = asking.cameras;
    this.#galleryCameras = asked.cameras;
    this.#firstRanks = withMemory(`a curve of ${ranks} ranks`, 'Lower ranks.', () => new Float64Array(ranks));
  }

  readonly visit = ({ query, rows, reachedBy }: OwnMatches): void => {
    const camera = this.#queryCameras[query];
    const ranks = ranksOf(reachedBy.filter((_, i) => this.#galleryCameras[rows[i]] !== camera));
    if (ranks.length === 0) return;
    this.#queries++;
    if (ranks[0] <= this.#firstRanks.length) this.#firstRanks[ranks[0] - 1]++;
    this.#map += averagePrecision(ranks);
  };

  means(): ReIdentificationMetrics {
    const queries = this.#queries;
    if (queries === 0) throw nothingToFind(this.comparison.queries.name);
    let found = 0;
    // In place: nobody else has it.
    const cmc = this.#firstRanks;
    for (let k = 0; k < cmc.length; k++) {
      found += cmc[k];
      cmc[k] = found / queries;
    }
    return { queries, skipped: this.#count - queries, cmc, map: this.#map / queries };
  }
}

type ReadSet = ReturnType<typeof readLabelledRows> & { cameras: Int32Array };

function readSet(name: string, set: unknown, dim: number): ReadSet {
  if (typeof set !== 'object' || set === null) {
    throw invalidArgument(name, 'an object of embeddings, labels and cameras', set);
  }
  const { embeddings, labels, cameras: given } = set as ReIdentificationSet;
  const cameras = labelArray(`${name}.cameras`, given);
  const rows = readLabelledRows(`${name}.embeddings`, `${name}.labels`, embeddings, labels, dim);
  if (cameras.length !== rows.labels.length) {
    throw wrongShape(`${name}.cameras`, `one camera a row, ${rows.labels.length}`, `${cameras.length}`);
  }
  return { ...rows, cameras: cameras.slice() };
}
