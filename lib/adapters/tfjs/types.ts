/** What the adapter takes and gives. TensorFlow.js is here, as in all of the adapter, as types only: callers bring theirs. */
import type * as core from '@tensorflow/tfjs-core';
import type { Optimizer, Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import type * as layersLibrary from '@tensorflow/tfjs-layers';
import type {
  Abortable,
  BatchCandidates,
  CandidateRows,
  CircleShape,
  CommonOptions,
  Labels,
  Normalization,
  PairLossChoice,
  PairLossValue,
} from '../../index.ts';

/** What is used of `@tensorflow/tfjs-core`, whichever package it came in. */
export type TensorFlowCore = Pick<
  typeof core,
  | 'add'
  | 'backend'
  | 'clone'
  | 'customGrad'
  | 'div'
  | 'getBackend'
  | 'matMul'
  | 'maximum'
  | 'memory'
  | 'mul'
  | 'norm'
  | 'scalar'
  | 'sum'
  | 'tensor'
  | 'tidy'
>;

/** With layers: `@tensorflow/tfjs`, `@tensorflow/tfjs-node`. */
export type TensorFlow = TensorFlowCore &
  Pick<typeof core, 'serialization'> &
  Pick<typeof layersLibrary, 'initializers' | 'layers' | 'model'>;

/**
 * N integers, one a row of the embeddings: a tensor of shape [N] or [N, 1], int32 or float32, or an array. Never one-hot.
 * In a float32 tensor from −2²⁴ to 2²⁴, since beyond it tells no neighbours apart.
 */
export type TensorLabels = Tensor | Labels;

/** Options of all losses on tensors: those on arrays, but for what a tensor knows itself. */
export type TensorOptions = Omit<CommonOptions, 'dim' | 'out' | 'upstream'>;

/** As `ClassWeightCandidates`; the gradient goes to them too. */
export interface TensorClassWeights {
  /** float32, C × dim: a variable as a rule. */
  classWeights: Tensor;
  candidates?: undefined;
  candidateLabels?: undefined;
  candidateGradient?: 'skip';
}

/** As `LabelledCandidates`. */
export interface TensorLabelledCandidates {
  classWeights?: undefined;
  /** float32, M × dim; where they are no tensor they are constants. */
  candidates: Tensor | CandidateRows;
  /** M labels. */
  candidateLabels: TensorLabels;
  /** Whether the gradient goes to the candidates, which are a tensor then; default 'skip'. */
  candidateGradient?: 'skip' | 'compute';
}

export type TensorCandidates = BatchCandidates | TensorClassWeights | TensorLabelledCandidates;

export type TensorCircleLossOptions = TensorOptions & CircleShape & Normalization & TensorCandidates;
export type TensorPairLossOptions = TensorOptions & PairLossChoice & TensorCandidates;

/** A loss as `LayersModel.compile` takes it. */
export type LabelLoss = (labels: TensorLabels, embeddings: Tensor) => Scalar;

export interface MinimizeOptions extends Abortable {
  /** What may change; default all trainable variables. */
  variables?: Variable[];
}

/** The losses of an instance of TensorFlow.js. */
export interface TensorLosses {
  /**
   * Circle loss as an operation of TensorFlow.js: a scalar whose gradient reaches the embeddings, and class weights or
   * candidates where the options say so. Loss and gradient are computed by one call of `computeCircleLoss`; without a
   * gradient to record, as in `evaluate`, by one without gradient.
   *
   * - `labels`: N integers, see `TensorLabels`.
   * - `embeddings`: float32, N × dim; any finite numbers, normalised inside unless `normalize: false`.
   * - `options`: those of `computeCircleLoss` but for `dim`, which is the tensor's, `upstream`, which is what comes
   *   back through the graph, and `out`.
   *
   * Works where tensors can be read synchronously: backends 'cpu', 'wasm' and 'tensorflow'. Differentiable once.
   *
   * Throws what `computeCircleLoss` throws, and ERR_CIRCLE_INVALID_ARGUMENT (no tensors, wrong dtype, labels that are no
   * integers, second derivatives), ERR_CIRCLE_SHAPE (wrong rank, one-hot labels), ERR_CIRCLE_DISPOSED and
   * ERR_CIRCLE_BACKEND ('webgl', 'webgpu': use `minimizeAsync`).
   *
   * Source: as `computeCircleLoss`.
   */
  circleLoss(labels: TensorLabels, embeddings: Tensor, options?: TensorCircleLossOptions): Scalar;

  /** Any pair loss of the family, as `circleLoss` does it; options and source are those of `computePairLoss`. */
  pairLoss(labels: TensorLabels, embeddings: Tensor, options: TensorPairLossOptions): Scalar;

  /**
   * One training step where tensors cannot be read synchronously ('webgl', 'webgpu'), and on every other backend off the
   * JavaScript thread. Reads the embeddings, computes loss and gradient, and has the optimizer minimise the surrogate
   * (`surrogateGradient`), whose gradients are the loss's. Resolves to the loss before the step.
   *
   * `embed` makes the embeddings, N × dim, from the variables. It is called twice and must make the same ones: no fresh
   * batch inside, no dropout without a seed. Its forward pass is what the second call costs.
   *
   * Rejects with what `pairLoss` throws, but for ERR_CIRCLE_BACKEND, and with an `AbortError` once `signal` is aborted;
   * the variables are untouched then.
   */
  minimizeAsync(
    optimizer: Optimizer,
    labels: TensorLabels,
    embed: () => Tensor,
    options: TensorPairLossOptions & MinimizeOptions,
  ): Promise<PairLossValue>;
}
