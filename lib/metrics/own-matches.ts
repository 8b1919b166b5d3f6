/**
 * What retrieval metrics are made of: for each query, how far the gallery rows of its own label come down.
 *
 * Rows are sorted by label, so that what a query has to find lies side by side; an engine then streams all similarities
 * (`Engine.rank`), and memory is linear in the rows and in the pairs of one label. Where there are too many of those for one
 * call, queries come some at a time.
 */
import { allocate, checkAlive, float32, labelArray, rowCount, withMemory } from '../arrays.ts';
import type { RankProblem, Report } from '../engine.ts';
import { sharedEngine, trim } from '../engines.ts';
import { similarityOverflow, unequalCounts } from '../errors.ts';
import { defaultThreads } from '../problem.ts';
import { failure, finish, refuseAborted } from '../run.ts';
import type { EvaluationOptions } from './evaluation-options.ts';
import { normOf, withoutRow } from './rows.ts';

/** Rows with labels, and what messages call the two. */
export interface LabelledRows {
  values: Float32Array;
  labels: Int32Array;
  name: string;
  /** Rows of this label are as if they were not there. */
  junkLabel?: number;
}

export interface Comparison {
  queries: LabelledRows;
  /** undefined: the queries themselves. */
  gallery: LabelledRows | undefined;
  settings: EvaluationOptions;
}

/** Of one query: gallery rows of its label, itself included where it is one, and how many of other labels reach each. */
export interface OwnMatches {
  query: number;
  rows: Int32Array;
  reachedBy: Int32Array;
}

export function readLabelledRows(name: string, labelsName: string, values: unknown, labels: unknown, dim: number) {
  const rows = float32(name, values);
  const array = labelArray(labelsName, labels);
  checkAlive(name, rows); // still: reading a list may run code of the caller's
  const count = rowCount(name, rows, dim);
  if (array.length !== count) throw unequalCounts(name, count, dim, labelsName, array.length);
  return { values: rows, labels: array, name };
}

/** Calls `visit` for each query whose label the gallery has, in no particular order. */
export function visitOwnMatches(comparison: Comparison, visit: (matches: OwnMatches) => void): void {
  const sorted = sorting(comparison);
  for (const part of partsOf(sorted)) {
    const engine = engineFor(comparison, part.problem);
    try {
      checkReport(engine.rank(part.problem), comparison, sorted, part);
    } finally {
      trim(engine);
    }
    visitPart(sorted, part, visit);
  }
}

/** The same off the JavaScript thread; rows and labels may change meanwhile. */
export async function visitOwnMatchesAsync(
  comparison: Comparison,
  signal: AbortSignal | undefined,
  visit: (matches: OwnMatches) => void,
): Promise<void> {
  refuseAborted(signal);
  const sorted = sorting(comparison);
  for (const part of partsOf(sorted)) {
    const engine = engineFor(comparison, part.problem);
    try {
      const report = await finish(() => engine.rankAsync(part.problem), signal);
      checkReport(report, comparison, sorted, part);
    } finally {
      trim(engine);
    }
    visitPart(sorted, part, visit);
  }
}

const engineFor = ({ settings }: Comparison, problem: RankProblem) =>
  sharedEngine(settings.engine ?? 'auto', settings.device ?? 0, problem);

/** Rows in the order of their labels. */
interface SortedRows {
  values: Float32Array;
  /** Where each row was. */
  order: Int32Array;
  labels: Int32Array;
}

interface Sorted {
  queries: SortedRows;
  gallery: SortedRows;
  isLeaveOneOut: boolean;
  /** Each query's own run in the gallery. */
  ownFirst: Int32Array;
  ownEnd: Int32Array;
  settings: EvaluationOptions;
}

function sorting(comparison: Comparison): Sorted {
  for (const { values, labels, name } of [comparison.queries, comparison.gallery ?? comparison.queries]) {
    // Lists that were read since may be code of the caller's.
    checkAlive(name, values);
    checkAlive(`the labels of ${name}`, labels);
  }
  return withMemory('copies of the rows', 'Judge fewer rows a call.', () => sortComparison(comparison));
}

function sortComparison({ queries, gallery, settings }: Comparison): Sorted {
  const { dim } = settings;
  if (settings.normalize === false) checkRange(queries, gallery, dim);
  const sortedGallery = sortByLabel(gallery ?? queries, dim);
  const runs = runsOf(sortedGallery.labels);
  const sortedQueries = gallery ? sortByLabel(queries, dim) : sortedGallery;
  const own = (end: 0 | 1) => Int32Array.from(sortedQueries.labels, (label) => runs.get(label)?.[end] ?? 0);
  return {
    queries: sortedQueries,
    gallery: sortedGallery,
    isLeaveOneOut: gallery === undefined,
    ownFirst: own(0),
    ownEnd: own(1),
    settings,
  };
}

function sortByLabel({ values, labels, junkLabel }: LabelledRows, dim: number): SortedRows {
  const order = orderOf(labels, junkLabel);
  const sorted = new Float32Array(order.length * dim);
  order.forEach((row, place) => {
    sorted.set(values.subarray(row * dim, (row + 1) * dim), place * dim);
  });
  return { values: sorted, order, labels: order.map((row) => labels[row]) };
}

/** Rows by label; equal labels keep their order. Time is linear, but for sorting the different labels. */
function orderOf(labels: Int32Array, junkLabel: number | undefined): Int32Array {
  const rowsOf = new Map<number, number>();
  for (const label of labels) if (label !== junkLabel) rowsOf.set(label, (rowsOf.get(label) ?? 0) + 1);
  const next = new Map<number, number>();
  let first = 0;
  for (const label of Int32Array.from(rowsOf.keys()).sort()) {
    next.set(label, first);
    first += rowsOf.get(label)!;
  }
  const order = new Int32Array(first);
  labels.forEach((label, row) => {
    const place = next.get(label);
    if (place === undefined) return;
    order[place] = row;
    next.set(label, place + 1);
  });
  return order;
}

function runsOf(sortedLabels: Int32Array): Map<number, readonly [first: number, end: number]> {
  const runs = new Map<number, readonly [number, number]>();
  for (let first = 0; first < sortedLabels.length; ) {
    let end = first + 1;
    while (end < sortedLabels.length && sortedLabels[end] === sortedLabels[first]) end++;
    runs.set(sortedLabels[first], [first, end]);
    first = end;
  }
  return runs;
}

/**
 * By Cauchy and Schwarz no sum on the way to a similarity is beyond the product of the norms: where that is within float32,
 * nothing that is counted can be infinite or NaN.
 */
function checkRange(queries: LabelledRows, gallery: LabelledRows | undefined, dim: number): void {
  const norm = largestNorm(queries.values, dim);
  const product = norm * (gallery ? largestNorm(gallery.values, dim) : norm);
  // Rows that are not finite have an error of their own.
  if (Number.isFinite(product) && !Number.isFinite(Math.fround(product))) throw similarityOverflow();
}

function largestNorm(values: Float32Array, dim: number): number {
  let largest = 0;
  for (let start = 0; start < values.length; start += dim) largest = Math.max(largest, normOf(values, start, dim));
  return largest;
}

/** Queries of one call. */
interface Part {
  firstQuery: number;
  problem: RankProblem;
}

/** Pairs of one label in one call: 64 MiB, with what an engine has of them. */
const mostPairs = 2 ** 22;

function* partsOf(sorted: Sorted): Generator<Part> {
  const { queries, gallery, ownFirst, ownEnd } = sorted;
  const count = queries.labels.length;
  let firstQuery = 0;
  let pairs = 0;
  for (let query = 0; query < count; query++) {
    const more = ownEnd[query] - ownFirst[query];
    if (pairs > 0 && pairs + more > mostPairs) {
      yield createPart(sorted, firstQuery, query, pairs, gallery.values);
      firstQuery = query;
      pairs = 0;
    }
    pairs += more;
  }
  // All of them against themselves: the engine makes use of the symmetry.
  const isWhole = sorted.isLeaveOneOut && firstQuery === 0;
  if (pairs > 0) yield createPart(sorted, firstQuery, count, pairs, isWhole ? undefined : gallery.values);
}

function createPart(
  { queries, gallery, ownFirst, ownEnd, settings }: Sorted,
  firstQuery: number,
  endQuery: number,
  pairs: number,
  candidates: Float32Array | undefined,
): Part {
  const { dim } = settings;
  return {
    firstQuery,
    problem: {
      anchors: queries.values.subarray(firstQuery * dim, endQuery * dim),
      anchorCount: endQuery - firstQuery,
      candidates,
      candidateCount: gallery.labels.length,
      dim,
      normalize: settings.normalize ?? true,
      checkFinite: 'throw',
      threads: settings.threads ?? defaultThreads,
      precision: settings.precision ?? 'exact',
      ownFirst: ownFirst.subarray(firstQuery, endQuery),
      ownEnd: ownEnd.subarray(firstQuery, endQuery),
      similarities: allocate(pairs),
      reachedBy: new Int32Array(allocate(pairs).buffer),
    },
  };
}

/** Rows are named by their place before they were sorted; their numbers are those of the copy, whatever the caller did since. */
function checkReport(report: Report, { queries, gallery }: Comparison, sorted: Sorted, part: Part): void {
  if (report.status === 'ok') return;
  const names = { anchors: queries.name, candidates: (gallery ?? queries).name, remedy: withoutRow };
  const isQuery = report.array === 'anchors';
  const placeOf = (row: number) => (isQuery ? sorted.queries.order[part.firstQuery + row] : sorted.gallery.order[row]);
  throw failure(report, part.problem, names, placeOf);
}

function visitPart({ queries, gallery }: Sorted, part: Part, visit: (matches: OwnMatches) => void): void {
  const { anchorCount, ownFirst, ownEnd, reachedBy } = part.problem;
  let place = 0;
  for (let i = 0; i < anchorCount; i++) {
    const count = ownEnd[i] - ownFirst[i];
    if (count === 0) continue;
    visit({
      query: queries.order[part.firstQuery + i],
      rows: gallery.order.subarray(ownFirst[i], ownEnd[i]),
      reachedBy: reachedBy.subarray(place, place + count),
    });
    place += count;
  }
}

/**
 * Ranks, from 1 and ascending, of what a query has to find: the i-th of them, counted from 1, comes after i − 1 others of
 * them and after all rows of other labels that are as similar.
 */
export function ranksOf(reachedBy: Int32Array): Int32Array {
  return reachedBy
    .slice()
    .sort()
    .map((others, i) => others + i + 1);
}
