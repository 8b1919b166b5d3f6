/** The k most similar candidates of each anchor, from similarities that are computed a piece at a time. */
import { allocate, copyOf, rowCount } from './arrays.ts';
import { isDeviceMatrix } from './device-matrix.ts';
import type { Report, SimilarityProblem } from './engine.ts';
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

/** Similarities at a time: 4 MiB, which leaves the event loop some milliseconds of work after each. */
const pieceNumbers = 2 ** 20;
const mostAnchors = 1024;
const leastWidth = 1024;

interface Piece {
  firstAnchor: number;
  firstCandidate: number;
  problem: SimilarityProblem;
}

/** All pairs, a piece at a time; of each anchor in ascending order of the candidates. */
function* piecesOf(search: Search, anchors: number): Generator<Piece> {
  const { choice: _choice, k: _k, names: _names, ...common } = search;
  const { dim } = search;
  const memory = allocate(Math.min(anchors, mostAnchors) * Math.min(widthFor(anchors), search.candidateCount));
  for (let firstAnchor = 0; firstAnchor < anchors; firstAnchor += mostAnchors) {
    const anchorCount = Math.min(mostAnchors, anchors - firstAnchor);
    const rows = search.anchors.subarray(firstAnchor * dim, (firstAnchor + anchorCount) * dim);
    const widest = widthFor(anchors);
    for (let firstCandidate = 0; firstCandidate < search.candidateCount; firstCandidate += widest) {
      const candidateCount = Math.min(widest, search.candidateCount - firstCandidate);
      const out = memory.subarray(0, anchorCount * candidateCount);
      const taken = rowsOf(search, firstCandidate, candidateCount);
      const problem = {
        ...common,
        ...taken,
        anchors: rows,
        anchorCount,
        candidateCount,
        checkFinite: 'throw',
        out,
      } as const;
      yield { firstAnchor, firstCandidate, problem };
    }
  }
}

const widthFor = (anchors: number) => Math.max(leastWidth, Math.floor(pieceNumbers / Math.min(anchors, mostAnchors)));

/** A part of an array is an array; of a matrix on a device it is named by its rows. */
function rowsOf({ candidates, dim }: Search, first: number, count: number) {
  if (!isDeviceMatrix(candidates)) return { candidates: candidates.subarray(first * dim, (first + count) * dim) };
  return { candidates, candidateRows: Int32Array.from({ length: count }, (_, i) => first + i) };
}

export function nearestCandidates(search: Search): Nearest {
  const anchors = rowCount('embeddings', search.anchors, search.dim);
  const nearest = new Nearest(anchors, search.k);
  for (const piece of piecesOf(search, anchors)) {
    const report = search.choice.engineFor(piece.problem).similarity(piece.problem);
    take(nearest, search, piece, report);
  }
  return nearest.sort();
}

/** Off the JavaScript thread, on a copy of the anchors; the candidates must not change meanwhile. */
export async function nearestCandidatesAsync(given: Search, signal: AbortSignal | undefined): Promise<Nearest> {
  refuseAborted(signal);
  const anchors = rowCount('embeddings', given.anchors, given.dim);
  const search = { ...given, anchors: copyOf(given.anchors) };
  const nearest = new Nearest(anchors, search.k);
  for (const piece of piecesOf(search, anchors)) {
    const engine = search.choice.engineFor(piece.problem);
    const report = await finish(() => engine.similarityAsync(piece.problem), signal);
    take(nearest, search, piece, report);
  }
  return nearest.sort();
}

function take(nearest: Nearest, search: Search, piece: Piece, report: Report): void {
  const { firstAnchor, firstCandidate, problem } = piece;
  if (report.status === 'ok') {
    nearest.add(problem.out, problem.candidateCount, firstAnchor, firstCandidate);
    return;
  }
  // Rows are named by their place among all.
  const whole = { ...problem, anchors: search.anchors, candidates: search.candidates, candidateRows: undefined };
  const row = report.row + (report.array === 'anchors' ? firstAnchor : firstCandidate);
  throw failure({ ...report, row }, whole, search.names);
}

/** A place that no column has taken yet. */
const untaken = 0x7fffffff;

/**
 * The k greatest numbers of each row, from columns that come a piece at a time, in ascending order. NaN counts as −∞.
 * Until they are sorted each row is a heap with the least of them on top, of equals the latest.
 */
export class Nearest {
  readonly #k: number;
  /** N × k, greatest first; among equals the smaller column. */
  readonly values: Float32Array;
  readonly columns: Int32Array;

  constructor(rows: number, k: number) {
    this.#k = k;
    this.values = allocate(rows * k).fill(-Infinity);
    this.columns = new Int32Array(allocate(rows * k).buffer).fill(untaken);
  }

  /** `piece`: numbers of rows from `firstRow` on, `width` columns from `firstColumn` on. */
  add(piece: Float32Array, width: number, firstRow: number, firstColumn: number): void {
    const { values, columns } = this;
    for (let row = 0; row * width < piece.length; row++) {
      const top = (firstRow + row) * this.#k;
      for (let column = 0; column < width; column++) {
        const value = piece[row * width + column];
        if (value > values[top] || columns[top] === untaken) {
          this.#place(top, this.#k, Number.isNaN(value) ? -Infinity : value, firstColumn + column);
        }
      }
    }
  }

  /** The least of each row goes last, again and again. */
  sort(): this {
    for (let first = 0; first < this.values.length; first += this.#k) {
      for (let last = this.#k - 1; last > 0; last--) {
        const value = this.values[first + last];
        const column = this.columns[first + last];
        this.values[first + last] = this.values[first];
        this.columns[first + last] = this.columns[first];
        this.#place(first, last, value, column);
      }
    }
    return this;
  }

  /** Puts a number in the place of the top of the heap of `size` numbers from `first` on. */
  #place(first: number, size: number, value: number, column: number): void {
    const { values, columns } = this;
    let hole = 0;
    for (let child = 2 * hole + 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && this.#isLess(first + child + 1, values[first + child], columns[first + child])) child++;
      if (!this.#isLess(first + child, value, column)) break;
      values[first + hole] = values[first + child];
      columns[first + hole] = columns[first + child];
      hole = child;
    }
    values[first + hole] = value;
    columns[first + hole] = column;
  }

  #isLess(index: number, value: number, column: number): boolean {
    const own = this.values[index];
    return own < value || (own === value && this.columns[index] > column);
  }
}
