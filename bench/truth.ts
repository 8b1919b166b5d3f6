/**
 * The answer in double precision, by the definition (paper Eq. 6, gradient Eq. 9 and 10, α detached), independent of
 * every contender. The loss is over all pairs; gradients are computed for all rows of small workloads and for 64 rows,
 * evenly spread from first to last, of large ones. Similarities are recomputed, never stored.
 */
import { nominalFlops, type Workload, type WorkloadData } from './workloads.ts';

export interface Truth {
  readonly loss: number;
  /** Row index → ∂loss/∂row. */
  readonly gradient: ReadonlyMap<number, Float64Array>;
  /** Class-level only. */
  readonly candidateGradient: ReadonlyMap<number, Float64Array> | undefined;
}

const allRowsUpTo = 3e9; // nominal flops: about a second of JavaScript
const sampledRows = 64;

interface Rows {
  readonly values: Float32Array;
  readonly inverseNorms: Float64Array;
}

/** Per anchor and side, log Σ e^logit as (largest, sum of e^(logit − largest)). */
interface Statistics {
  readonly largest: Float64Array;
  readonly sum: Float64Array;
}

interface Problem {
  readonly workload: Workload;
  readonly anchors: Rows;
  readonly candidates: Rows;
  readonly labels: Int32Array;
  readonly candidateLabels: Int32Array;
}

export function computeTruth(workload: Workload, data: WorkloadData): Truth {
  const anchors = toRows(data.embeddings, workload.dim);
  const problem: Problem = {
    workload,
    anchors,
    candidates: data.candidates === undefined ? anchors : toRows(data.candidates, workload.dim),
    labels: data.labels,
    candidateLabels:
      data.candidateLabels ??
      (data.candidates === undefined ? data.labels : new Int32Array(workload.candidates).map((_, c) => c)),
  };
  const positive = emptyStatistics(workload.anchors);
  const negative = emptyStatistics(workload.anchors);
  accumulate(problem, positive, negative);

  let loss = 0;
  let valid = 0;
  const slopeScale = new Float64Array(workload.anchors); // Z_i, 0 where a side is empty
  for (let i = 0; i < workload.anchors; i++) {
    if (positive.sum[i] === 0 || negative.sum[i] === 0) continue;
    const z = logSumExp(positive, i) + logSumExp(negative, i);
    loss += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
    slopeScale[i] = 1 / (1 + Math.exp(-z));
    valid++;
  }
  for (let i = 0; i < workload.anchors; i++) slopeScale[i] /= valid;

  const pairSlope = (i: number, j: number, similarity: number) => {
    const role = roleOf(problem, i, j);
    if (role === 'neither' || slopeScale[i] === 0) return 0;
    const side = role === 'positive' ? positive : negative;
    const { logit, slope } = circle(workload, role, similarity);
    return slopeScale[i] * (Math.exp(logit - side.largest[i]) / side.sum[i]) * slope;
  };
  const symmetric = workload.kind === 'pair-wise';
  const transposed = (c: number, i: number, similarity: number) => pairSlope(i, c, similarity);
  return {
    loss: loss / valid,
    gradient: gradientRows(problem.anchors, problem.candidates, workload, (i, j, similarity) =>
      symmetric ? pairSlope(i, j, similarity) + pairSlope(j, i, similarity) : pairSlope(i, j, similarity),
    ),
    candidateGradient:
      workload.kind === 'class-level'
        ? gradientRows(problem.candidates, problem.anchors, workload, transposed)
        : undefined,
  };
}

function circle({ margin: m, gamma }: Workload, role: 'positive' | 'negative', s: number) {
  if (role === 'positive') {
    const alpha = Math.max(1 + m - s, 0);
    return { logit: -gamma * alpha * (s - (1 - m)), slope: -gamma * alpha };
  }
  const alpha = Math.max(s + m, 0);
  return { logit: gamma * alpha * (s - m), slope: gamma * alpha };
}

function roleOf({ workload, labels, candidateLabels }: Problem, i: number, j: number) {
  if (workload.kind === 'pair-wise' && i === j) return 'neither';
  return labels[i] === candidateLabels[j] ? 'positive' : 'negative';
}

function accumulate(problem: Problem, positive: Statistics, negative: Statistics): void {
  const { workload, anchors, candidates } = problem;
  const symmetric = workload.kind === 'pair-wise';
  const similarities = new Float64Array(workload.candidates);
  for (let i = 0; i < workload.anchors; i++) {
    const first = symmetric ? i + 1 : 0; // s_ij = s_ji serves both anchors
    similarityRow(anchors, i, candidates, first, workload.dim, similarities);
    for (let j = first; j < workload.candidates; j++) {
      const role = roleOf(problem, i, j) as 'positive' | 'negative';
      const side = role === 'positive' ? positive : negative;
      const { logit } = circle(workload, role, similarities[j]);
      add(side, i, logit);
      if (symmetric) add(side, j, logit);
    }
  }
}

function gradientRows(
  rows: Rows,
  others: Rows,
  { dim, ...shape }: Workload,
  weightOf: (row: number, other: number, similarity: number) => number,
): Map<number, Float64Array> {
  const rowCount = rows.inverseNorms.length;
  const otherCount = others.inverseNorms.length;
  const similarities = new Float64Array(otherCount);
  const wanted = nominalFlops({ dim, ...shape }) <= allRowsUpTo ? rowCount : Math.min(rowCount, sampledRows);
  const result = new Map<number, Float64Array>();
  for (let sample = 0; sample < wanted; sample++) {
    const row = wanted === 1 ? 0 : Math.round((sample * (rowCount - 1)) / (wanted - 1));
    similarityRow(rows, row, others, 0, dim, similarities);
    const g = new Float64Array(dim); // with respect to the unit row
    let along = 0; // g · x̂
    for (let j = 0; j < otherCount; j++) {
      const weight = weightOf(row, j, similarities[j]);
      if (weight === 0) continue;
      along += weight * similarities[j];
      const scale = weight * others.inverseNorms[j];
      for (let k = 0; k < dim; k++) g[k] += scale * others.values[j * dim + k];
    }
    const inverse = rows.inverseNorms[row];
    for (let k = 0; k < dim; k++) g[k] = (g[k] - along * rows.values[row * dim + k] * inverse) * inverse;
    result.set(row, g);
  }
  return result;
}

function toRows(values: Float32Array, dim: number): Rows {
  const inverseNorms = new Float64Array(values.length / dim).map((_, i) => {
    let sum = 0;
    for (let k = i * dim; k < (i + 1) * dim; k++) sum += values[k] * values[k];
    return 1 / Math.sqrt(sum);
  });
  return { values, inverseNorms };
}

/** out[j] = x̂_i · ŷ_j for j ≥ first; four rows at a time, because one running sum would wait for its own addition. */
function similarityRow(x: Rows, i: number, y: Rows, first: number, dim: number, out: Float64Array): void {
  const count = y.inverseNorms.length;
  const a = x.values.subarray(i * dim, (i + 1) * dim);
  const b = y.values;
  let j = first;
  for (; j + 4 <= count; j += 4) {
    const [b0, b1, b2, b3] = [j * dim, (j + 1) * dim, (j + 2) * dim, (j + 3) * dim];
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let k = 0; k < dim; k++) {
      const value = a[k];
      s0 += value * b[b0 + k];
      s1 += value * b[b1 + k];
      s2 += value * b[b2 + k];
      s3 += value * b[b3 + k];
    }
    out[j] = s0;
    out[j + 1] = s1;
    out[j + 2] = s2;
    out[j + 3] = s3;
  }
  for (; j < count; j++) {
    let sum = 0;
    for (let k = 0; k < dim; k++) sum += a[k] * b[j * dim + k];
    out[j] = sum;
  }
  for (j = first; j < count; j++) out[j] *= x.inverseNorms[i] * y.inverseNorms[j];
}

function emptyStatistics(count: number): Statistics {
  return { largest: new Float64Array(count).fill(-Infinity), sum: new Float64Array(count) };
}

function add({ largest, sum }: Statistics, i: number, logit: number): void {
  if (logit <= largest[i]) {
    sum[i] += Math.exp(logit - largest[i]);
  } else {
    sum[i] = sum[i] * Math.exp(largest[i] - logit) + 1;
    largest[i] = logit;
  }
}

function logSumExp({ largest, sum }: Statistics, i: number): number {
  return largest[i] + Math.log(sum[i]);
}
