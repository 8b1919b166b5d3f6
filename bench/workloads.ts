/** The problems that are timed, each with its source, and their data. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/**
 * - `pair-wise`: candidates are the batch itself; gradient to the batch.
 * - `memory`: candidates are a queue of older embeddings; gradient to the anchors.
 * - `class-level`: candidates are class weights, candidate c has label c; gradient to both.
 */
export type WorkloadKind = 'pair-wise' | 'memory' | 'class-level';

export interface Workload {
  readonly name: string;
  readonly source: string;
  readonly kind: WorkloadKind;
  readonly anchors: number;
  readonly candidates: number;
  readonly dim: number;
  /** Rows of one class that follow each other in the batch (P×K sampling). */
  readonly perClass: number;
  readonly margin: number;
  readonly gamma: number;
}

export interface WorkloadData {
  readonly embeddings: Float32Array;
  readonly labels: Int32Array;
  /** Absent for pair-wise workloads. */
  readonly candidates: Float32Array | undefined;
  readonly candidateLabels: Int32Array | undefined;
}

// The paper's hyper-parameters: m = 0.4, γ = 80 for pair-wise labels, m = 0.25, γ = 256 for class-level labels.
function pairWise(anchors: number, dim: number, perClass: number, source: string): Workload {
  const name = `pair-wise ${anchors}x${dim}`;
  return { name, source, kind: 'pair-wise', anchors, candidates: anchors, dim, perClass, margin: 0.4, gamma: 80 };
}

function memory(anchors: number, candidates: number, dim: number, source: string): Workload {
  const name = `memory ${anchors}x${candidates}x${dim}`;
  return { name, source, kind: 'memory', anchors, candidates, dim, perClass: 4, margin: 0.4, gamma: 80 };
}

function classLevel(anchors: number, candidates: number, dim: number, source: string): Workload {
  const name = `class-level ${anchors}x${candidates}x${dim}`;
  return { name, source, kind: 'class-level', anchors, candidates, dim, perClass: 1, margin: 0.25, gamma: 256 };
}

export const workloads: readonly Workload[] = [
  pairWise(64, 2048, 4, 'person re-identification: P×K = 16×4, pooled ResNet-50 features'),
  pairWise(80, 512, 5, 'fine-grained retrieval, Circle loss paper §4.1: P×K = 16×5'),
  pairWise(128, 128, 4, 'small embeddings, as FaceNet has them'),
  pairWise(512, 512, 4, 'large batch on one device'),
  pairWise(1024, 512, 4, 'large batch on one device'),
  pairWise(4096, 512, 4, 'batch gathered from several devices'),
  pairWise(8192, 512, 4, 'batch gathered from several devices'),
  memory(512, 65_536, 128, 'cross-batch memory, queue length as in MoCo'),
  classLevel(512, 10_000, 512, 'face recognition, CASIA-WebFace has 10,575 identities'),
  classLevel(256, 100_000, 512, 'face recognition; the paper trains on 79.9K identities'),
];

/** For `--quick`. 49 = 12×4 + 1: the last anchor has no positive; odd sizes leave ragged tiles everywhere. */
export const quickWorkloads: readonly Workload[] = [
  pairWise(49, 67, 4, 'quick check'),
  pairWise(128, 128, 4, 'quick check'),
  memory(20, 301, 35, 'quick check'),
  classLevel(24, 103, 67, 'quick check'),
];

/** Whole matrix products over anchors × candidates × dim that the loss and its gradients contain. */
export function productCount(workload: Workload): number {
  return workload.kind === 'class-level' ? 3 : 2;
}

/** The same count for every contender: 2 flops for each element of each product; no credit for symmetry or recomputing. */
export function nominalFlops(workload: Workload): number {
  return productCount(workload) * 2 * workload.anchors * workload.candidates * workload.dim;
}

/** Seeded by the shape: the same workload has the same data in every run and on every machine. */
export function makeData(workload: Workload): WorkloadData {
  const { kind, anchors, candidates, dim, perClass } = workload;
  const random = xoroshiro128plus(anchors * 31 + candidates * 7 + dim);
  const uniform = () => 2 * uniformFloat32(random) - 1;
  const rows = (centres: Float32Array, labels: Int32Array) => {
    // Centre and noise have the same variance: rows of a class meet at a cosine near 0.5, the others near 0.
    const out = new Float32Array(labels.length * dim);
    for (let i = 0; i < labels.length; i++) {
      const centre = labels[i] * dim;
      for (let k = 0; k < dim; k++) out[i * dim + k] = centres[centre + k] + uniform();
    }
    return out;
  };
  if (kind === 'class-level') {
    const weights = new Float32Array(candidates * dim).map(uniform);
    const labels = new Int32Array(anchors).map(() => uniformInt(random, 0, candidates - 1));
    return { embeddings: rows(weights, labels), labels, candidates: weights, candidateLabels: undefined };
  }
  const labels = new Int32Array(anchors).map((_, i) => Math.floor(i / perClass));
  if (kind === 'pair-wise') {
    const centres = new Float32Array(Math.ceil(anchors / perClass) * dim).map(uniform);
    return { embeddings: rows(centres, labels), labels, candidates: undefined, candidateLabels: undefined };
  }
  const classes = Math.ceil(candidates / 16);
  const centres = new Float32Array(Math.max(classes, anchors) * dim).map(uniform);
  const candidateLabels = new Int32Array(candidates).map((_, i) => i % classes);
  return { embeddings: rows(centres, labels), labels, candidates: rows(centres, candidateLabels), candidateLabels };
}

/** Raw little-endian files, which contenders in any language can read. */
export function writeData(data: WorkloadData, folder: string): void {
  for (const [name, array] of Object.entries(data)) if (array !== undefined) writeFileSync(join(folder, name), array);
}
