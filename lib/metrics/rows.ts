/** Rows of embeddings as the metrics take them: finite, with labels where they have some. */
import { checkAlive, checkRows, float32, labelArray } from '../arrays.ts';
import { invalidArgument, notFinite } from '../errors.ts';
import type { Labels } from '../options.ts';

export interface LabelledEmbeddings {
  /** N × dim finite numbers. */
  embeddings: Float32Array;
  /** N labels: who it is. */
  labels: Labels;
}

/** Of norms: what is smaller counts as this, as everywhere. */
export const leastNorm = 1e-12;

/** In double precision: squares of float32 neither overflow nor vanish. NaN or ±Infinity where a number is. */
export function normOf(values: Float32Array | Float64Array, first: number, dim: number): number {
  let squares = 0;
  for (let d = first; d < first + dim; d++) squares += values[d] * values[d];
  return Math.sqrt(squares);
}

/** The norm of each row; a row with a number that is not finite is named, counted from `firstRow`. */
export function normsOf(name: string, rows: Float32Array, dim: number, remedy: string, firstRow = 0): Float64Array {
  const norms = new Float64Array(rows.length / dim);
  for (let row = 0; row < norms.length; row++) {
    norms[row] = normOf(rows, row * dim, dim);
    if (Number.isFinite(norms[row])) continue;
    const column = rows.subarray(row * dim, (row + 1) * dim).findIndex((value) => !Number.isFinite(value));
    throw notFinite(name, firstRow + row, column, rows[row * dim + column], remedy);
  }
  return norms;
}

/** Of rows whose similarities are computed piece by piece, and would be named by their place in the piece. */
export const withoutRow = 'Leave the row out.';

/** After more lists have been read, which may have run code of the caller's. */
export function checkStillAlive(name: string, { embeddings, labels }: ReturnType<typeof labelledRows>): void {
  checkAlive(`${name}.embeddings`, embeddings);
  checkAlive(`${name}.labels`, labels);
}

/** `name`: what the caller calls them. */
export function labelledRows(name: string, given: LabelledEmbeddings, dim: number) {
  if (typeof given !== 'object' || given === null) {
    throw invalidArgument(name, 'an object with embeddings and labels', given);
  }
  const embeddings = float32(`${name}.embeddings`, given.embeddings);
  const labels = labelArray(`${name}.labels`, given.labels);
  checkAlive(`${name}.embeddings`, embeddings); // still: reading a list may run code of the caller's
  checkRows(`${name}.embeddings`, embeddings.length, `${name}.labels`, labels.length, dim);
  normsOf(`${name}.embeddings`, embeddings, dim, withoutRow);
  return { embeddings, labels };
}
