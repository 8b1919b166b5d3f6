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
 * reference engine is written for clarity, and a blocked loop is several times faster.
 */
export function productOf(engine: EngineName): Product {
  if (engine === 'reference') return multiplyTransposed;
  return (a, b, out, _rows, _columns, depth) => {
    computeSimilarity(a, { dim: depth, candidates: b, normalize: false, engine, out });
  };
}

/** Rows of B that stay in the L2 cache while all rows of A pass by. */
const panelBytes = 128 * 1024;

/**
 * The product in plain TypeScript.
 *
 * Eight dot products at a time, of two rows of A with four of B: each number that is loaded is used two or four times, and
 * eight sums are as many as V8 keeps in registers. At an odd edge the last row stands in for those beyond it, so that
 * there is one loop and no remainder.
 */
export function multiplyTransposed(
  a: Float32Array,
  b: Float32Array,
  out: Float32Array,
  rows: number,
  columns: number,
  depth: number,
): void {
  const panel = Math.max(4, Math.floor(panelBytes / 4 / depth / 4) * 4);
  for (let start = 0; start < columns; start += panel) {
    const end = Math.min(start + panel, columns);
    for (let i = 0; i < rows; i += 2) {
      for (let j = start; j < end; j += 4) {
        multiplyTile(a, b, out, i, Math.min(i + 1, rows - 1), j, columns, depth);
      }
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
  columns: number,
  depth: number,
): void {
  const last = columns - 1;
  const j1 = Math.min(j0 + 1, last);
  const j2 = Math.min(j0 + 2, last);
  const j3 = Math.min(j0 + 3, last);
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
  const out0 = i0 * columns;
  const out1 = i1 * columns;
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
