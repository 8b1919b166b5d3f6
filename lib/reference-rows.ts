/** Rows of the reference engine: read into double precision, normalised, compared. */

/** The norm below which a row is divided by it instead of its own, as torch's `F.normalize` does. */
const leastNorm = 1e-12;

export interface Rows {
  values: Float64Array;
  /** ‖x‖ of each row before the normalisation; undefined where rows are taken as given. */
  norms: Float64Array | undefined;
  count: number;
  dim: number;
}

/** Rows of `all` side by side: those named, or all of them. */
export function chosenRows(all: Float32Array, rows: Int32Array | undefined, dim: number): Float32Array {
  if (rows === undefined) return all;
  const chosen = new Float32Array(rows.length * dim);
  rows.forEach((row, i) => {
    chosen.set(all.subarray(row * dim, (row + 1) * dim), i * dim);
  });
  return chosen;
}

export function readRows(array: Float32Array, count: number, dim: number, normalize: boolean): Rows {
  const values = Float64Array.from(array);
  if (!normalize) return { values, norms: undefined, count, dim };
  const norms = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const start = i * dim;
    norms[i] = Math.sqrt(dot(values, start, values, start, dim));
    const divisor = Math.max(norms[i], leastNorm);
    for (let k = start; k < start + dim; k++) values[k] /= divisor;
  }
  return { values, norms, count, dim };
}

/** Similarities of anchor i with every candidate. Cosines stay within [−1, 1], which rounding alone would not keep. */
export function similarities(anchors: Rows, i: number, candidates: Rows, out: Float64Array | Float32Array): void {
  const { dim } = anchors;
  for (let j = 0; j < candidates.count; j++) {
    const s = dot(anchors.values, i * dim, candidates.values, j * dim, dim);
    out[j] = anchors.norms ? Math.min(Math.max(s, -1), 1) : s;
  }
}

/** Four sums at a time, because one alone waits for the latency of each addition. */
export function dot(a: Float64Array, aStart: number, b: Float64Array, bStart: number, dim: number): number {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  let k = 0;
  for (; k + 4 <= dim; k += 4) {
    sum0 += a[aStart + k] * b[bStart + k];
    sum1 += a[aStart + k + 1] * b[bStart + k + 1];
    sum2 += a[aStart + k + 2] * b[bStart + k + 2];
    sum3 += a[aStart + k + 3] * b[bStart + k + 3];
  }
  for (; k < dim; k++) sum0 += a[aStart + k] * b[bStart + k];
  return sum0 + sum1 + (sum2 + sum3);
}

/** dx = (g − (g·x̂) x̂)/‖x‖; below the least norm x̂ = x/1e-12 is linear, and dx = g/1e-12. */
export function throughNormalization(
  { values, norms, count, dim }: Rows,
  gradient: Float64Array,
  out: Float32Array,
): void {
  for (let i = 0; i < count; i++) {
    const start = i * dim;
    const norm = norms?.[i] ?? 1;
    const along = norms && norm > leastNorm ? dot(gradient, start, values, start, dim) : 0;
    const divisor = norms ? Math.max(norm, leastNorm) : 1;
    for (let k = start; k < start + dim; k++) out[k] = (gradient[k] - along * values[k]) / divisor;
  }
}

/** The first row with NaN or ±Infinity, or −1. */
export function firstNotFinite(array: Float32Array, dim: number): number {
  for (let k = 0; k < array.length; k++) {
    if (!Number.isFinite(array[k])) return Math.floor(k / dim);
  }
  return -1;
}
