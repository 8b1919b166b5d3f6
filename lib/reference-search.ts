/** Retrieval of the reference engine: of one anchor after the other the similarities with all candidates, sorted or counted. */
import type { NearestProblem, OnHost, RankProblem, Report, RowsProblem } from './engine.ts';
import { isPanelStart, rowsOf, succeeded } from './reference.ts';
import { similarities } from './reference-rows.ts';

export function searchNearest(problem: OnHost<NearestProblem>): Generator<void, Report> {
  const { anchorCount, indices } = problem;
  const k = indices.length / anchorCount;
  return compare(problem, (row, anchor) => {
    const candidates = [...row.keys()];
    if (problem.candidates === undefined) candidates.splice(anchor, 1);
    const nearest = candidates.sort((a, b) => row[b] - row[a] || a - b).slice(0, k);
    indices.set(nearest, anchor * k);
    problem.similarities.set(
      nearest.map((candidate) => row[candidate]),
      anchor * k,
    );
  });
}

export function searchRanks(problem: OnHost<RankProblem>): Generator<void, Report> {
  const { ownFirst, ownEnd, reachedBy } = problem;
  let place = 0;
  return compare(problem, (row, anchor) => {
    const others = row.filter((_, candidate) => candidate < ownFirst[anchor] || candidate >= ownEnd[anchor]).sort();
    for (const similarity of row.subarray(ownFirst[anchor], ownEnd[anchor])) {
      problem.similarities[place] = similarity;
      reachedBy[place++] = others.length - countBelow(others, similarity);
    }
  });
}

/** How many of ascending numbers are less than `limit`. */
function countBelow(ascending: Float32Array, limit: number): number {
  let first = 0;
  let end = ascending.length;
  while (first < end) {
    const middle = (first + end) >> 1;
    if (ascending[middle] < limit) first = middle + 1;
    else end = middle;
  }
  return first;
}

/** Similarities as the matrix has them, rounded to float32: what is equal there is equal here. */
function* compare(
  problem: OnHost<RowsProblem>,
  look: (row: Float32Array, anchor: number) => void,
): Generator<void, Report> {
  const rows = rowsOf(problem);
  if ('status' in rows) return rows;
  const { anchorCount, candidateCount, dim } = problem;
  const row = new Float32Array(candidateCount);
  for (let anchor = 0; anchor < anchorCount; anchor++) {
    if (isPanelStart(anchor, candidateCount * dim)) yield;
    similarities(rows.anchors, anchor, rows.candidates, row);
    if (!row.every(Number.isFinite)) return { ...succeeded, status: 'overflow' };
    look(row, anchor);
  }
  return succeeded;
}
