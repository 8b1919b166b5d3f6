/** Plain JavaScript over Float32Array: the two matrix products as loops, the logits between them. */
import type { Workload } from '../workloads.ts';
import { type Contender, type Step, serve } from './serve.ts';

const plain: Contender = (workload, data) => {
  const { anchors: n, candidates: c, dim, kind } = workload;
  const batch = kind === 'pair-wise';
  const candidateLabels =
    data.candidateLabels ?? (batch ? data.labels : new Int32Array(c).map((_, candidate) => candidate));
  return (): Step => {
    const x = normalizeRows(data.embeddings, dim);
    const y = data.candidates === undefined ? x : normalizeRows(data.candidates, dim);
    const weights = multiplyByTransposed(x.unit, n, y.unit, c, dim); // similarities, then ∂loss/∂similarity
    let loss = 0;
    let valid = 0;
    for (let i = 0; i < n; i++) {
      const row = weights.subarray(i * c, (i + 1) * c);
      const anchorLoss = toWeights(row, data.labels[i], candidateLabels, batch ? i : -1, workload);
      if (anchorLoss === undefined) continue;
      loss += anchorLoss;
      valid++;
    }
    const scale = 1 / valid;
    const gradient = new Float32Array(n * dim);
    const candidateGradient = kind === 'class-level' ? new Float32Array(c * dim) : undefined;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < c; j++) {
        const weight = scale * (batch ? weights[i * c + j] + weights[j * c + i] : weights[i * c + j]);
        addScaled(gradient, i * dim, y.unit, j * dim, dim, weight);
        if (candidateGradient !== undefined) addScaled(candidateGradient, j * dim, x.unit, i * dim, dim, weight);
      }
    }
    throughNormalization(gradient, x, dim);
    if (candidateGradient !== undefined) throughNormalization(candidateGradient, y, dim);
    return { loss: loss * scale, gradient, candidateGradient };
  };
};

interface UnitRows {
  readonly unit: Float32Array;
  readonly norms: Float32Array;
}

function normalizeRows(rows: Float32Array, dim: number): UnitRows {
  const unit = new Float32Array(rows.length);
  const norms = new Float32Array(rows.length / dim);
  for (let i = 0; i < norms.length; i++) {
    let sum = 0;
    for (let k = i * dim; k < (i + 1) * dim; k++) sum += rows[k] * rows[k];
    norms[i] = Math.sqrt(sum);
    for (let k = i * dim; k < (i + 1) * dim; k++) unit[k] = rows[k] / norms[i];
  }
  return { unit, norms };
}

/** Four candidates at a time: each value of the anchor is loaded once for four independent sums. */
function multiplyByTransposed(a: Float32Array, n: number, b: Float32Array, c: number, dim: number): Float32Array {
  const out = new Float32Array(n * c);
  for (let i = 0; i < n; i++) {
    const ai = i * dim;
    let j = 0;
    for (; j + 4 <= c; j += 4) {
      const [b0, b1, b2, b3] = [j * dim, (j + 1) * dim, (j + 2) * dim, (j + 3) * dim];
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let k = 0; k < dim; k++) {
        const value = a[ai + k];
        s0 += value * b[b0 + k];
        s1 += value * b[b1 + k];
        s2 += value * b[b2 + k];
        s3 += value * b[b3 + k];
      }
      out[i * c + j] = s0;
      out[i * c + j + 1] = s1;
      out[i * c + j + 2] = s2;
      out[i * c + j + 3] = s3;
    }
    for (; j < c; j++) {
      let sum = 0;
      for (let k = 0; k < dim; k++) sum += a[ai + k] * b[j * dim + k];
      out[i * c + j] = sum;
    }
  }
  return out;
}

/** Similarities of one anchor become ∂L_i/∂similarity. Returns L_i, or undefined where a side is empty. */
function toWeights(
  row: Float32Array,
  label: number,
  candidateLabels: Int32Array,
  self: number,
  { margin: m, gamma }: Workload,
): number | undefined {
  let [maxPositive, maxNegative] = [-Infinity, -Infinity];
  for (let j = 0; j < row.length; j++) {
    if (j === self) continue;
    const s = row[j];
    if (candidateLabels[j] === label)
      maxPositive = Math.max(maxPositive, -gamma * Math.max(1 + m - s, 0) * (s - 1 + m));
    else maxNegative = Math.max(maxNegative, gamma * Math.max(s + m, 0) * (s - m));
  }
  if (maxPositive === -Infinity || maxNegative === -Infinity) {
    row.fill(0);
    return undefined;
  }
  let [sumPositive, sumNegative] = [0, 0];
  for (let j = 0; j < row.length; j++) {
    if (j === self) continue;
    const s = row[j];
    if (candidateLabels[j] === label) {
      const alpha = Math.max(1 + m - s, 0);
      const e = Math.exp(-gamma * alpha * (s - 1 + m) - maxPositive);
      sumPositive += e;
      row[j] = -gamma * alpha * e;
    } else {
      const alpha = Math.max(s + m, 0);
      const e = Math.exp(gamma * alpha * (s - m) - maxNegative);
      sumNegative += e;
      row[j] = gamma * alpha * e;
    }
  }
  const z = maxPositive + Math.log(sumPositive) + maxNegative + Math.log(sumNegative);
  const slope = 1 / (1 + Math.exp(-z));
  for (let j = 0; j < row.length; j++) row[j] *= slope / (candidateLabels[j] === label ? sumPositive : sumNegative);
  if (self >= 0) row[self] = 0;
  return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
}

function addScaled(out: Float32Array, o: number, rows: Float32Array, r: number, dim: number, scale: number): void {
  for (let k = 0; k < dim; k++) out[o + k] += scale * rows[r + k];
}

function throughNormalization(gradient: Float32Array, { unit, norms }: UnitRows, dim: number): void {
  for (let i = 0; i < norms.length; i++) {
    let along = 0;
    for (let k = i * dim; k < (i + 1) * dim; k++) along += gradient[k] * unit[k];
    for (let k = i * dim; k < (i + 1) * dim; k++) gradient[k] = (gradient[k] - along * unit[k]) / norms[i];
  }
}

serve(plain, `Node.js ${process.version}`);
