/** Retrieval: every query looks for pictures of its class among the other pictures, by cosine similarity. */
import { computeSimilarity, type EngineName } from 'circle-loss';
import { type Rows, rowCount, selectRows } from './rows.ts';

/** Which pictures ask, and which they may find. No picture finds itself. */
export interface Protocol {
  isQuery(row: number): boolean;
  isCandidate(query: number, row: number): boolean;
}

/** Every picture asks all others. */
export const leaveOneOut: Protocol = { isQuery: () => true, isCandidate: () => true };

export interface RetrievalScore {
  /** Queries that have something to find. */
  queries: number;
  /** Share of queries whose most similar candidate is of their class: Recall@1. */
  rank1: number;
  /** Mean over queries of the average precision: the mean, over candidates of the class, of the precision at their rank. */
  meanAveragePrecision: number;
}

/** Queries whose similarities are in memory together. */
const chunk = 256;

/** Scores of each protocol on the same embeddings; `labels[i]` is the class of row i. */
export function evaluate(
  embeddings: Rows,
  labels: Int32Array,
  protocols: readonly Protocol[],
  engine: EngineName,
  onQuery: () => void,
): RetrievalScore[] {
  const sums = protocols.map(() => ({ queries: 0, first: 0, precision: 0 }));
  const everyRow = Array.from({ length: rowCount(embeddings) }, (_, row) => row);
  for (const { query, similarities } of similarityRows(embeddings, everyRow, engine)) {
    protocols.forEach((protocol, p) => {
      if (!protocol.isQuery(query)) return;
      const ranks = matchRanks(query, similarities, labels, protocol);
      if (ranks.length === 0) return;
      sums[p].queries++;
      sums[p].first += ranks[0] === 1 ? 1 : 0;
      sums[p].precision += ranks.reduce((sum, rank, k) => sum + (k + 1) / rank, 0) / ranks.length;
    });
    onQuery();
  }
  return sums.map(({ queries, first, precision }) => ({
    queries,
    rank1: first / queries,
    meanAveragePrecision: precision / queries,
  }));
}

/** The `count` most similar candidates of each query, best first. */
export function nearest(
  embeddings: Rows,
  queries: readonly number[],
  protocol: Protocol,
  count: number,
  engine: EngineName,
): number[][] {
  const found: number[][] = [];
  for (const { query, similarities } of similarityRows(embeddings, queries, engine)) {
    const candidates = [...similarities.keys()].filter((row) => row !== query && protocol.isCandidate(query, row));
    found.push(candidates.sort((a, b) => similarities[b] - similarities[a]).slice(0, count));
  }
  return found;
}

/** Each query's similarities with all rows. */
function* similarityRows(
  embeddings: Rows,
  queries: readonly number[],
  engine: EngineName,
): Generator<{ query: number; similarities: Float32Array }> {
  const { values: candidates, dim } = embeddings;
  const count = rowCount(embeddings);
  for (let start = 0; start < queries.length; start += chunk) {
    const block = queries.slice(start, start + chunk);
    const matrix = computeSimilarity(selectRows(embeddings, block).values, { dim, candidates, engine });
    for (let i = 0; i < block.length; i++) {
      yield { query: block[i], similarities: matrix.subarray(i * count, (i + 1) * count) };
    }
  }
}

/** Ranks, from 1 and ascending, of the candidates of the query's class. Among equals they come last: no credit for ties. */
function matchRanks(query: number, similarities: Float32Array, labels: Int32Array, protocol: Protocol): number[] {
  const matches: number[] = [];
  for (let row = 0; row < labels.length; row++) {
    if (row !== query && labels[row] === labels[query] && protocol.isCandidate(query, row)) {
      matches.push(similarities[row]);
    }
  }
  matches.sort((a, b) => b - a);
  const ranks = matches.map((_, k) => k + 1);
  if (matches.length === 0) return ranks;
  const least = matches.at(-1)!;
  for (let row = 0; row < labels.length; row++) {
    const similarity = similarities[row];
    if (similarity < least || labels[row] === labels[query] || !protocol.isCandidate(query, row)) continue;
    for (let k = 0; k < matches.length; k++) if (similarity >= matches[k]) ranks[k]++;
  }
  return ranks;
}
