/** The k most similar candidates of each anchor, from similarities that are computed a piece at a time. */
import { copyOf, rowCount } from './arrays.ts';
import { isDeviceMatrix } from './device-matrix.ts';
import type { SimilarityProblem } from './engine.ts';
import type { EngineChoice } from './engines.ts';
import type { CandidateRows } from './options.ts';
import { failure, finish, type Names, refuseAborted } from './run.ts';

export interface Search {
  choice: EngineChoice;
  anchors: Float32Array;
  candidates: CandidateRows;
  candidateCount: number;
  dim: number;
  k: number;
  normalize: boolean;
  threads: number;
  precision: 'exact' | 'fast';
  names: Names;
}

/** Similarities at a time: 16 MiB of them, and at least some tiles a row. */
const pieceNumbers = 2 ** 22;
const leastWidth = 1024;

interface Piece {
  firstCandidate: number;
  problem: SimilarityProblem;
}

function* piecesOf(search: Search): Generator<Piece> {
  const { choice: _choice, k: _k, names: _names, ...common } = search;
  const anchorCount = rowCount('embeddings', search.anchors, search.dim);
  const widest = Math.max(leastWidth, Math.floor(pieceNumbers / anchorCount));
  const memory = new Float32Array(anchorCount * Math.min(widest, search.candidateCount));
  for (let firstCandidate = 0; firstCandidate < search.candidateCount; firstCandidate += widest) {
    const candidateCount = Math.min(widest, search.candidateCount - firstCandidate);
    const out = memory.subarray(0, anchorCount * candidateCount);
    const rows = rowsOf(search, firstCandidate, candidateCount);
    yield { firstCandidate, problem: { ...common, ...rows, anchorCount, candidateCount, checkFinite: 'throw', out } };
  }
}

/** A part of an array is an array; of a matrix on a device it is named by its rows. */
function rowsOf({ candidates, dim }: Search, first: number, count: number) {
  if (!isDeviceMatrix(candidates)) return { candidates: candidates.subarray(first * dim, (first + count) * dim) };
  return { candidates, candidateRows: Int32Array.from({ length: count }, (_, i) => first + i) };
}

export function nearestCandidates(search: Search): Nearest {
  const nearest = new Nearest(rowCount('embeddings', search.anchors, search.dim), search.k);
  for (const { firstCandidate, problem } of piecesOf(search)) {
    const report = search.choice.engineFor(problem).similarity(problem);
    if (report.status !== 'ok') throw failure(report, problem, search.names);
    nearest.add(problem.out, problem.candidateCount, firstCandidate);
  }
  return nearest;
}

/** Off the JavaScript thread, on a copy of the anchors; the candidates must not change meanwhile. */
export async function nearestCandidatesAsync(given: Search, signal: AbortSignal | undefined): Promise<Nearest> {
  refuseAborted(signal);
  const search = { ...given, anchors: copyOf(given.anchors) };
  const nearest = new Nearest(rowCount('embeddings', search.anchors, search.dim), search.k);
  for (const { firstCandidate, problem } of piecesOf(search)) {
    const report = await finish(() => search.choice.engineFor(problem).similarityAsync(problem), signal);
    if (report.status !== 'ok') throw failure(report, problem, search.names);
    nearest.add(problem.out, problem.candidateCount, firstCandidate);
  }
  return nearest;
}

/** The k greatest numbers of each row, from columns that come a piece at a time, in ascending order. */
export class Nearest {
  readonly #k: number;
  /** N × k, greatest first; among equals the smaller column. */
  readonly values: Float32Array;
  readonly columns: Int32Array;

  constructor(rows: number, k: number) {
    this.#k = k;
    this.values = new Float32Array(rows * k).fill(-Infinity);
    this.columns = new Int32Array(rows * k).fill(-1);
  }

  /** `piece`: N × `width` numbers, of columns from `firstColumn` on. */
  add(piece: Float32Array, width: number, firstColumn: number): void {
    const rows = piece.length / width;
    for (let row = 0; row < rows; row++) {
      const last = (row + 1) * this.#k - 1;
      for (let column = 0; column < width; column++) {
        const value = piece[row * width + column];
        if (value > this.values[last] || this.columns[last] < 0) this.#insert(row, value, firstColumn + column);
      }
    }
  }

  #insert(row: number, value: number, column: number): void {
    const first = row * this.#k;
    let at = first + this.#k - 1;
    for (; at > first && (value > this.values[at - 1] || this.columns[at - 1] < 0); at--) {
      this.values[at] = this.values[at - 1];
      this.columns[at] = this.columns[at - 1];
    }
    this.values[at] = value;
    this.columns[at] = column;
  }
}
