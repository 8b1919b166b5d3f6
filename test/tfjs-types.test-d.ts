/** What the types of the adapter and of the surrogate let through and refuse; `types.test.ts` has the compiler read this file. */
import type * as tfjs from '@tensorflow/tfjs';
import type * as core from '@tensorflow/tfjs-core';
import {
  type ClassWeightsLayer,
  type LabelLoss,
  type ModelLosses,
  type TensorLosses,
  withTensorFlow,
} from '../lib/adapters/tfjs.ts';
import {
  amSoftmax,
  type CandidateGradientResult,
  type CandidateSurrogate,
  type ClassLevelResult,
  type DeviceMatrix,
  type PairLossResult,
  type PairLossValue,
  type Surrogate,
  type SurrogateOps,
  surrogateGradient,
  surrogateGradientAsync,
} from '../lib/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function expectType<Expected>(): <Found>(
  value: Found,
  ...same: Equal<Found, Expected> extends true ? [] : [never]
) => void;

declare const tf: typeof tfjs;
declare const tfCore: typeof core;
declare const model: tfjs.LayersModel;
declare const embeddings: tfjs.Tensor2D;
declare const variable: tfjs.Variable;
declare const labels: tfjs.Tensor1D;
declare const x: Float32Array;
declare const y: Int32Array;
declare const matrix: DeviceMatrix;
const optimizer: tfjs.Optimizer = tf.train.adam();
const circle = { pairLoss: { type: 'circle' } } as const;

// What there is depends on whether there are layers.
expectType<ModelLosses>()(withTensorFlow(tf));
expectType<TensorLosses>()(withTensorFlow(tfCore));
const { circleLoss, pairLoss, minimizeAsync, withLabels, classWeights, classWeightsOf } = withTensorFlow(tf);
// @ts-expect-error without layers there is no layer
withTensorFlow(tfCore).classWeights;
// @ts-expect-error TensorFlow.js is handed in
withTensorFlow();

// Operations take tensors of any rank's type, as graphs have them, and labels of every kind.
expectType<tfjs.Scalar>()(circleLoss(labels, embeddings));
circleLoss(y, model.apply(embeddings) as tfjs.Tensor, { margin: 0.25, gamma: 64, scope: 'batch', reduction: 'sum' });
circleLoss([1, 2], embeddings, { engine: 'cpu', threads: 1, workspaceLimit: 0, precision: 'fast', device: 0 });
circleLoss(labels, embeddings, { classWeights: variable });
pairLoss(labels, embeddings, { ...amSoftmax(), classWeights: variable });
pairLoss(labels, embeddings, { ...circle, candidates: embeddings, candidateLabels: y, candidateGradient: 'compute' });
pairLoss(labels, embeddings, { ...circle, candidates: matrix, candidateLabels: labels });
optimizer.minimize(() => circleLoss(labels, embeddings));
tf.grads((e, w) => pairLoss(labels, e, { ...circle, classWeights: w }))([embeddings, variable]);

// They are losses of a LayersModel as they stand, and so is the layer's.
expectType<tfjs.LayersModel>()(withLabels(model));
model.compile({ optimizer: 'adam', loss: circleLoss });
model.compile({ optimizer, loss: (l, e) => pairLoss(l, e, { pairLoss: { type: 'triplet' } }) });
const layer = classWeights({ classes: 4, loss: { pairLoss: { type: 'arcface' }, reduction: 'sum' }, name: 'head' });
expectType<ClassWeightsLayer>()(layer);
expectType<ClassWeightsLayer>()(classWeightsOf(model));
model.compile({ optimizer, loss: layer.loss });
tf.sequential({ layers: [layer] });
const labelLoss: LabelLoss = circleLoss;
labelLoss(labels, embeddings);

// A step takes the options of a loss, and its own.
const signal = AbortSignal.timeout(9);
expectType<Promise<PairLossValue>>()(
  minimizeAsync(optimizer, labels, () => embeddings, { ...circle, variables: [variable], signal }),
);
minimizeAsync(optimizer, labels, () => embeddings, layer.options);

// @ts-expect-error dim is the tensor's
circleLoss(labels, embeddings, { dim: 4 });
// @ts-expect-error upstream is the graph's
circleLoss(labels, embeddings, { upstream: 2 });
// @ts-expect-error results are tensors
circleLoss(labels, embeddings, { out: {} });
// @ts-expect-error whether there is a gradient is the graph's
circleLoss(labels, embeddings, { gradient: 'skip' });
// @ts-expect-error a typo
circleLoss(labels, embeddings, { gama: 80 });
// @ts-expect-error embeddings are a tensor
circleLoss(labels, x);
// @ts-expect-error labels are integers
circleLoss(x, embeddings);
// @ts-expect-error class weights are a tensor
circleLoss(labels, embeddings, { classWeights: x });
// @ts-expect-error two kinds of candidates
circleLoss(labels, embeddings, { classWeights: variable, candidates: embeddings, candidateLabels: labels });
// @ts-expect-error candidates need labels
circleLoss(labels, embeddings, { candidates: embeddings });
// @ts-expect-error a synchronous call cannot be aborted
circleLoss(labels, embeddings, { signal });
// @ts-expect-error the loss has a name
pairLoss(labels, embeddings, {});
// @ts-expect-error ArcFace needs unit rows
pairLoss(labels, embeddings, { pairLoss: { type: 'arcface' }, normalize: false });
// @ts-expect-error triplet loss is per anchor
classWeights({ classes: 4, loss: { pairLoss: { type: 'triplet' }, scope: 'batch' } });
// @ts-expect-error a layer has classes
classWeights({});
// @ts-expect-error embeddings are made by a function, twice
minimizeAsync(optimizer, labels, embeddings, circle);

// The surrogate takes a tensor for each gradient.
declare const ops: SurrogateOps<'tensor', 'scalar'>;
const ofBatch = surrogateGradient(x, y, { dim: 4, ...circle });
expectType<PairLossResult & Surrogate>()(ofBatch);
expectType<'scalar'>()(ofBatch.surrogate(ops, 'tensor'));
const ofClasses = surrogateGradient(x, y, { dim: 4, ...circle, classWeights: x });
expectType<ClassLevelResult & CandidateSurrogate>()(ofClasses);
expectType<'scalar'>()(ofClasses.surrogate(ops, 'tensor', 'tensor'));
expectType<Promise<CandidateGradientResult & CandidateSurrogate>>()(
  surrogateGradientAsync(x, y, {
    dim: 4,
    ...circle,
    candidates: matrix,
    candidateLabels: y,
    candidateGradient: 'compute',
    signal,
  }),
);
// @ts-expect-error the class weights are missing
ofClasses.surrogate(ops, 'tensor');
// @ts-expect-error there is one gradient
ofBatch.surrogate(ops, 'tensor', 'tensor');
// @ts-expect-error there is nothing without a gradient
surrogateGradient(x, y, { dim: 4, ...circle, gradient: 'skip' });
// @ts-expect-error a signal cannot stop a synchronous call
surrogateGradient(x, y, { dim: 4, ...circle, signal });
