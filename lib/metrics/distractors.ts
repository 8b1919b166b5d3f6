/** Identification and verification among growing numbers of distractors: rows of people whom nobody looks for. */
import { float32, rowCount } from '../arrays.ts';
import { invalidArgument, similarityOverflow, wrongShape } from '../errors.ts';
import { parse } from '../schemas.ts';
import { computeSimilarity } from '../similarity.ts';
import { type EvaluationOptions, withOneEngine } from './evaluation-options.ts';
import { Greatest } from './greatest.ts';
import { type LabelledEmbeddings, labelledRows, normsOf, withoutRow } from './rows.ts';
import { metricSchemas } from './schemas.ts';
import { allowedCount, countAbove, type OperatingPoint } from './scores.ts';

export interface DistractorOptions extends EvaluationOptions {
  /**
   * How many distractors the gallery has, integers from 1, each once; default 10, 100, 1000 and so on, and all there
   * are. Needed where distractors come in pieces.
   */
  distractorCounts?: readonly number[];
  /** Ranks of which the share is wanted, integers from 1; default 1. */
  ranks?: readonly number[];
  /** Of verification among the most distractors, each from 0 to 1; default 1e-6. */
  falseAcceptRates?: readonly number[];
}

export interface DistractorRate {
  /** So many distractors, the first ones. */
  distractors: number;
  rank: number;
  /** The share of (query, mate) couples in which the mate has this rank or a better one. */
  identified: number;
}

export interface DistractorEvaluation {
  /** Queries that have a mate. */
  queries: number;
  /** Queries that have none, and are no part of anything. */
  skipped: number;
  /** Ordered couples of a query and a mate. */
  couples: number;
  /** For each number of distractors, ascending, each rank, in the order of `ranks`. */
  identifiedAt: DistractorRate[];
  /** In the order of `falseAcceptRates`. */
  tarAtFar: OperatingPoint[];
}

/**
 * How often a mate is found among n distractors, as in MegaFace: each query is looked for with each of its mates, the
 * other queries of its label, in turn; the gallery is that mate and the first n distractors. Its rank is 1 + the
 * distractors that are as similar to the query as it is, or more.
 *
 * - `query`: rows with labels; two of one label make two couples. A label that comes once is skipped.
 * - `distractors`: D × dim finite numbers, or pieces of such rows one after the other, of which no more are taken than
 *   the greatest count needs. None may be of a label of the queries: published numbers depend on which lists of distractors
 *   were taken, and on whether people of the queries were cleaned out of them.
 *
 * `tarAtFar`: verification with the couples as genuine scores, and as impostor scores those of each query that has a
 * mate with each of the most distractors; the rule is 'strict' of `evaluateVerification`.
 *
 * Source: Kemelmacher-Shlizerman, Seitz, Miller and Brossard, "The MegaFace Benchmark: 1 Million Faces for Recognition
 * at Scale", CVPR 2016, arXiv:1512.00596: rank-1 as a function of 10 to 1,000,000 distractors, and verification.
 *
 * Cost: 2 × Q × D × dim operations in one pass over the distractors; 4 × max(2²², Q) bytes of similarities, 12 a
 * couple, and 8 × (the greatest FAR) × Q × D.
 *
 * Example: queries (1, 0) and (.8, .6) of one label, similarity .8; distractors (0, 1), then (.96, .28). The first
 * query is 0 and .96 similar to them, the second .6 and .936. With one distractor both mates are ahead: rank-1 is 1.
 * With two neither is: rank-1 is 0, and rank-2 is 1. At FAR .5 two impostor scores of four may be accepted: the
 * threshold is .6, and TAR is 1.
 *
 * Throws `CircleLossError`: what `computeSimilarity` throws; ERR_CIRCLE_SHAPE also where no label comes twice or there
 * are fewer distractors than a count wants; ERR_CIRCLE_OVERFLOW where `normalize: false` makes a similarity NaN.
 */
export function evaluateDistractors(
  query: LabelledEmbeddings,
  distractors: Float32Array | Iterable<Float32Array>,
  options: DistractorOptions,
): DistractorEvaluation {
  const settings = parse(metricSchemas.distractors, options);
  const { distractorCounts, ranks = [1], falseAcceptRates = [1e-6], ...anyPlace } = settings;
  const { dim } = anyPlace;
  const rows = labelledRows('query', query, dim);
  const counts = countsOf(distractors, distractorCounts, dim);
  const labels = rows.labels.length; // pieces of distractors are the caller's code, and may take the array away
  const place = withOneEngine(anyPlace, labels, counts.at(-1)!);
  const couples = couplesOf(rows, place);
  const total = counts.at(-1)! * couples.queries.length;
  const impostors = new Greatest(
    1 + falseAcceptRates.reduce((most, far) => Math.max(most, allowedCount(far, total)), 0),
  );

  const identifiedAt: DistractorRate[] = [];
  let seen = 0;
  for (const piece of piecesOf(
    distractors,
    counts,
    dim,
    Math.max(1, Math.floor(pieceNumbers / couples.queries.length)),
  )) {
    const similarities = computeSimilarity(couples.embeddings, { ...place, candidates: piece });
    couples.add(similarities, piece.length / dim, impostors);
    seen += piece.length / dim;
    if (!counts.includes(seen)) continue;
    const shares = couples.sharesWithin(ranks);
    for (const [i, rank] of ranks.entries()) identifiedAt.push({ distractors: seen, rank, identified: shares[i] });
  }
  const genuine = couples.similarities.slice().sort();
  const greatest = impostors.ascending();
  return {
    queries: couples.queries.length,
    skipped: labels - couples.queries.length,
    couples: genuine.length,
    identifiedAt,
    tarAtFar: falseAcceptRates.map((far) => {
      const allowed = allowedCount(far, total);
      const threshold = allowed < total ? greatest[greatest.length - 1 - allowed] : Number.NEGATIVE_INFINITY;
      const tar = countAbove(genuine, threshold) / genuine.length;
      return { far, tar, threshold, reachedFar: countAbove(greatest, threshold) / total };
    }),
  };
}

/** Similarities at a time: 16 MiB. */
const pieceNumbers = 2 ** 22;

const isArray = (distractors: unknown) => ArrayBuffer.isView(distractors);

/** Ascending. */
function countsOf(distractors: unknown, wanted: readonly number[] | undefined, dim: number): number[] {
  if (!isArray(distractors)) {
    const pieces = (distractors ?? {}) as Partial<Iterable<unknown>>;
    if (typeof pieces[Symbol.iterator] !== 'function' || typeof distractors === 'string') {
      throw invalidArgument('distractors', 'a Float32Array or an iterable of them', distractors);
    }
    if (wanted === undefined) {
      throw invalidArgument('options.distractorCounts', 'given where distractors come in pieces', wanted);
    }
    return ascendingOnce(wanted);
  }
  const there = rowCount('distractors', float32('distractors', distractors), dim);
  if (wanted === undefined) {
    const powers: number[] = [];
    for (let count = 10; count < there; count *= 10) powers.push(count);
    return [...powers, there];
  }
  const counts = ascendingOnce(wanted);
  if (counts.at(-1)! > there) throw tooFew(counts.at(-1)!, there);
  return counts;
}

const ascendingOnce = (counts: readonly number[]) => [...new Set(counts)].sort((a, b) => a - b);

const tooFew = (wanted: number, there: number) =>
  wrongShape('distractors', `${wanted} rows, the most of options.distractorCounts`, `${there}`);

/** Rows in pieces that end wherever a count does. */
function* piecesOf(
  distractors: Float32Array | Iterable<Float32Array>,
  counts: readonly number[],
  dim: number,
  most: number,
): Generator<Float32Array> {
  let seen = 0;
  let next = 0;
  for (const given of isArray(distractors) ? [distractors as Float32Array] : distractors) {
    const rows = float32('distractors', given);
    const count = rowCount('distractors', rows, dim);
    for (let first = 0; first < count; ) {
      const taken = Math.min(most, count - first, counts[next] - seen);
      const piece = rows.subarray(first * dim, (first + taken) * dim);
      normsOf('distractors', piece, dim, withoutRow, seen);
      yield piece;
      first += taken;
      seen += taken;
      if (seen === counts[next]) next++;
      if (next === counts.length) return;
    }
  }
  throw tooFew(counts.at(-1)!, seen);
}

/** Queries with mates, of each query its mates by ascending similarity, and the distractors that were ahead of them. */
class Couples {
  /** Rows of the queries that have a mate. */
  readonly queries: Int32Array;
  /** Of these rows. */
  readonly embeddings: Float32Array;
  /** The mates of the q-th of them stand from `starts[q]` to `starts[q + 1]`. */
  readonly #starts: Float64Array;
  readonly similarities: Float32Array;
  /** At a mate the distractors as similar as it or more, but less than the next mate: sums from the end make ranks. */
  readonly #ahead: Float64Array;

  constructor(queries: Int32Array, embeddings: Float32Array, starts: Float64Array, similarities: Float32Array) {
    this.queries = queries;
    this.embeddings = embeddings;
    this.#starts = starts;
    this.similarities = similarities;
    this.#ahead = new Float64Array(similarities.length);
  }

  /** Similarities of each query with `width` more distractors. */
  add(piece: Float32Array, width: number, impostors: Greatest): void {
    for (let q = 0; q < this.queries.length; q++) {
      const start = this.#starts[q];
      const mates = this.similarities.subarray(start, this.#starts[q + 1]);
      for (let column = q * width; column < (q + 1) * width; column++) {
        const value = piece[column];
        if (Number.isNaN(value)) throw similarityOverflow();
        impostors.add(value);
        if (value < mates[0]) continue; // as most are
        this.#ahead[start + mates.length - 1 - countAbove(mates, value)]++;
      }
    }
  }

  /** The share of couples whose mate has each rank or a better one. */
  sharesWithin(ranks: readonly number[]): number[] {
    const within = ranks.map(() => 0);
    for (let q = 0; q < this.queries.length; q++) {
      let rank = 1;
      for (let couple = this.#starts[q + 1] - 1; couple >= this.#starts[q]; couple--) {
        rank += this.#ahead[couple];
        for (let i = 0; i < ranks.length; i++) if (rank <= ranks[i]) within[i]++;
      }
    }
    return within.map((count) => count / this.similarities.length);
  }
}

function couplesOf({ embeddings, labels }: { embeddings: Float32Array; labels: Int32Array }, place: EvaluationOptions) {
  const { dim } = place;
  const rowsOf = new Map<number, number[]>();
  for (let row = 0; row < labels.length; row++) {
    const rows = rowsOf.get(labels[row]);
    if (rows) rows.push(row);
    else rowsOf.set(labels[row], [row]);
  }
  const groups = [...rowsOf.values()].filter((rows) => rows.length > 1);
  if (groups.length === 0) {
    const hint = ' Add queries of one label: each is the mate of the others.';
    throw wrongShape('query.labels', 'of a label that comes twice, at least', `${labels.length} different ones`, hint);
  }

  const queries = Int32Array.from(groups.flat());
  const starts = new Float64Array(queries.length + 1);
  const similarities = new Float32Array(groups.reduce((sum, rows) => sum + rows.length * (rows.length - 1), 0));
  const ordered = new Float32Array(queries.length * dim);
  for (const [q, row] of queries.entries()) ordered.set(embeddings.subarray(row * dim, (row + 1) * dim), q * dim);
  let q = 0;
  for (const { length } of groups) {
    const own = ordered.subarray(q * dim, (q + length) * dim);
    const matrix = computeSimilarity(own, { ...place, candidates: own });
    for (let i = 0; i < length; i++, q++) {
      starts[q + 1] = starts[q] + length - 1;
      const mates = similarities.subarray(starts[q], starts[q + 1]);
      mates.set(matrix.subarray(i * length, i * length + i));
      mates.set(matrix.subarray(i * length + i + 1, (i + 1) * length), i);
      if (mates.some(Number.isNaN)) throw similarityOverflow();
      mates.sort();
    }
  }
  return new Couples(queries, ordered, starts, similarities);
}
