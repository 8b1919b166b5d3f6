/** The two operations on matrices that the network needs; all matrices are row-major. */
import { computeSimilarity, type EngineName } from 'circle-loss';

/** out = A·Bᵀ, where A is rows × depth and B is columns × depth. */
export type Product = (
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
  rows: number,
  columns: number,
  depth: number,
) => void;

/**
 * Similarities of rows that are not normalised are a matrix product: a fast engine lends itself to the network. The
 * reference engine is written for clarity, and a blocked loop is several times faster. `threads`: of the engine, default
 * all.
 */
export function productOf(engine: EngineName, threads?: number): Product {
  if (engine === 'reference') return multiplyTransposed;
  return (a, b, out, _rows, _columns, depth) => {
    computeSimilarity(a, { dim: depth, candidates: b, normalize: false, engine, threads, out });
  };
}

/**
 * The product in plain TypeScript.
 *
 * Eight dot products at a time, of two rows of A with four of B: each number that is loaded is used two or four times, and
 * eight sums are as many as V8 keeps in registers. At an odd edge the last row stands in for those beyond it, so that
 * there is one loop and no remainder.
 */
function multiplyTransposed(
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
  rows: number,
  columns: number,
  depth: number,
): void {
  // A count that comes from a division is a double to V8, and every index made of it: that takes twice the time.
  const lastRow = (rows | 0) - 1;
  const lastColumn = (columns | 0) - 1;
  for (let i = 0; i <= lastRow; i += 2) {
    for (let j = 0; j <= lastColumn; j += 4) {
      multiplyTile(a, b, out, i, Math.min(i + 1, lastRow), j, lastColumn, depth | 0);
    }
  }
}

/** Rows i0 and i1 of A with rows j0 … j0 + 3 of B. */
function multiplyTile(
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
  i0: number,
  i1: number,
  j0: number,
  lastColumn: number,
  depth: number,
): void {
  const j1 = Math.min(j0 + 1, lastColumn);
  const j2 = Math.min(j0 + 2, lastColumn);
  const j3 = Math.min(j0 + 3, lastColumn);
  const a0 = i0 * depth;
  const a1 = i1 * depth;
  const b0 = j0 * depth;
  const b1 = j1 * depth;
  const b2 = j2 * depth;
  const b3 = j3 * depth;
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  for (let k = 0; k < depth; k++) {
    const x0 = a[a0 + k];
    const x1 = a[a1 + k];
    const y0 = b[b0 + k];
    const y1 = b[b1 + k];
    const y2 = b[b2 + k];
    const y3 = b[b3 + k];
    s00 += x0 * y0;
    s01 += x0 * y1;
    s02 += x0 * y2;
    s03 += x0 * y3;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s12 += x1 * y2;
    s13 += x1 * y3;
  }
  const out0 = i0 * (lastColumn + 1);
  const out1 = i1 * (lastColumn + 1);
  out[out0 + j0] = s00;
  out[out0 + j1] = s01;
  out[out0 + j2] = s02;
  out[out0 + j3] = s03;
  out[out1 + j0] = s10;
  out[out1 + j1] = s11;
  out[out1 + j2] = s12;
  out[out1 + j3] = s13;
}

/** The transpose of a rows × columns matrix, in 16 × 16 squares so that both sides are read and written by cache lines. */
export function transpose(a: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let i0 = 0; i0 < rows; i0 += 16) {
    for (let j0 = 0; j0 < columns; j0 += 16) {
      for (let i = i0; i < Math.min(i0 + 16, rows); i++) {
        for (let j = j0; j < Math.min(j0 + 16, columns); j++) out[j * rows + i] = a[i * columns + j];
      }
    }
  }
  return out;
}
