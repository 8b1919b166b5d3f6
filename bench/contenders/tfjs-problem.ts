/** What both TensorFlow.js contenders start from. Inputs are tensors already, as they would be in a training loop. */
import type * as tfjs from '@tensorflow/tfjs';
import type { Workload, WorkloadData } from '../workloads.ts';

export type TensorFlow = typeof tfjs;

export interface TensorProblem {
  readonly workload: Workload;
  readonly embeddings: tfjs.Tensor2D;
  readonly labels: tfjs.Tensor1D;
  /** Absent for pair-wise workloads. */
  readonly candidates: tfjs.Tensor2D | undefined;
  /** For class-level workloads 0, 1, 2, … */
  readonly candidateLabels: tfjs.Tensor1D;
  /** True off the diagonal, for pair-wise workloads. */
  readonly notSelf: tfjs.Tensor2D | undefined;
}

/** Loss, gradient of the embeddings and, for class-level workloads, of the class weights. */
export type TensorStep = () => tfjs.Tensor[];

/** A logit that vanishes beside any other and, unlike −∞, makes no NaN where a side is empty. */
export const noLogit = -1e30;

export function toTensors(tf: TensorFlow, workload: Workload, data: WorkloadData): TensorProblem {
  const { anchors, candidates, dim, kind } = workload;
  const classLabels = () => Int32Array.from({ length: candidates }, (_, c) => c);
  const candidateLabels = data.candidateLabels ?? (kind === 'class-level' ? classLabels() : data.labels);
  return {
    workload,
    embeddings: tf.tensor2d(data.embeddings, [anchors, dim]),
    labels: tf.tensor1d(data.labels, 'int32'),
    candidates: data.candidates && tf.tensor2d(data.candidates, [candidates, dim]),
    candidateLabels: tf.tensor1d(candidateLabels, 'int32'),
    notSelf: kind === 'pair-wise' ? tf.logicalNot(tf.eye(anchors, undefined, undefined, 'bool')) : undefined,
  };
}

export function toRoles(tf: TensorFlow, { labels, candidateLabels, notSelf }: TensorProblem) {
  const same = tf.equal(tf.expandDims(labels, 1), tf.expandDims(candidateLabels, 0));
  const positive = notSelf === undefined ? same : tf.logicalAnd(same, notSelf);
  const negative = tf.logicalNot(same);
  const valid = tf.logicalAnd(tf.any(positive, 1, true), tf.any(negative, 1, true));
  return { positive, negative, valid };
}
