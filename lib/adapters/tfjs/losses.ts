/** The losses as operations of TensorFlow.js, and the step for backends that cannot wait. */
import type { GradSaveFunc, Optimizer, Scalar, Tensor } from '@tensorflow/tfjs-core';
import { invalidArgument, secondDerivative } from '../../errors.ts';
import {
  type CandidateSurrogate,
  computeCircleLoss,
  computePairLoss,
  type PairLossResult,
  type PairLossValue,
  surrogateGradientAsync,
} from '../../index.ts';
import { GradientArrays } from './gradient-arrays.ts';
import { type ArrayInputs, checkInputs, readInputs, readInputsSync, type TensorInputs } from './tensors.ts';
import type {
  MinimizeOptions,
  TensorCircleLossOptions,
  TensorFlowCore,
  TensorLabels,
  TensorLosses,
  TensorPairLossOptions,
} from './types.ts';

/** The functions that compute, as all of their call signatures together. */
type Compute = (
  embeddings: Float32Array,
  labels: ArrayInputs['labels'],
  options: object,
) => PairLossValue & Partial<PairLossResult>;

const computeSurrogate = surrogateGradientAsync as (
  ...call: Parameters<Compute>
) => Promise<PairLossResult & CandidateSurrogate>;

type Options = TensorCircleLossOptions | TensorPairLossOptions;

export function createLosses(tf: TensorFlowCore): TensorLosses {
  const arrays = new GradientArrays(tf);
  return {
    circleLoss: (labels, embeddings, options) =>
      differentiable(tf, computeCircleLoss as Compute, arrays, labels, embeddings, options ?? {}),
    // Without options, as JavaScript can call it, the error is that of the function that computes.
    pairLoss: (labels, embeddings, options) =>
      differentiable(tf, computePairLoss as Compute, arrays, labels, embeddings, options ?? ({} as never)),
    minimizeAsync: (...call) => minimizeAsync(tf, ...call),
  };
}

function inputsOf(labels: TensorLabels, embeddings: Tensor, options: Options): TensorInputs {
  for (const name of ['dim', 'gradient', 'out', 'upstream']) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined) throw invalidArgument(`options.${name}`, 'absent where embeddings are a tensor', value);
  }
  const { classWeights, candidates, candidateLabels } = options;
  const inputs = { embeddings, labels, classWeights, candidates, candidateLabels };
  checkInputs(inputs, candidates && options.candidateGradient === 'compute' ? 'differentiated' : 'constant');
  return inputs;
}

/** Class weights, or candidates whose gradient is asked for. */
const otherDifferentiated = ({ classWeights, candidates, candidateGradient }: Options): Tensor | undefined =>
  classWeights ?? (candidateGradient === 'compute' ? (candidates as Tensor) : undefined);

/** Loss and gradient in one call of the engine, when the graph runs forward; labels are no input of the graph. */
function differentiable(
  tf: TensorFlowCore,
  compute: Compute,
  arrays: GradientArrays,
  labels: TensorLabels,
  embeddings: Tensor,
  options: Options,
): Scalar {
  const inputs = inputsOf(labels, embeddings, options);
  const other = otherDifferentiated(options);
  const differentiated = other ? [embeddings, other] : [embeddings];
  const names = ['gradient', options.classWeights ? 'classWeightGradient' : 'candidateGradient'] as const;
  const operation = tf.customGrad((...args) => {
    const isDifferentiated = isRecorded(tf, args.at(-1) as GradSaveFunc);
    // After the last operation: what is read may be a view that another one would end.
    const { embeddings: rows, labels: integers, ...candidates } = readInputsSync(tf, inputs);
    const given = { ...options, ...candidates, dim: embeddings.shape[1] };
    if (!isDifferentiated) {
      return { value: tf.scalar(compute(rows, integers, { ...given, gradient: 'skip' }).loss), gradFunc: () => [] };
    }
    const out = Object.fromEntries(differentiated.map(({ size }, i) => [names[i], arrays.take(names[i], size)]));
    const { loss } = compute(rows, integers, { ...given, gradient: 'compute', out });
    const gradFunc = (dy: Tensor) =>
      differentiated.map((input, i) => {
        const gradient = scaledGradient(tf, input, out[names[i]], dy);
        arrays.giveBack(names[i], out[names[i]]);
        return gradient;
      });
    return { value: tf.scalar(loss), gradFunc };
  });
  return operation(...differentiated);
}

/**
 * Whether a gradient may be asked for: the forward function of `customGrad` always runs, and is not told. But `save` keeps
 * tensors for the way back only where there is one, and then there are more of them. A scalar, since 'wasm' keeps a copy.
 */
function isRecorded(tf: TensorFlowCore, save: GradSaveFunc): boolean {
  const probe = tf.scalar(0);
  const before = tf.memory().numTensors;
  save([probe]);
  return tf.memory().numTensors > before;
}

/**
 * The gradient times what comes from further down the graph. As an operation of its own, because a gradient that is
 * differentiated again would count as a constant, and the second derivative be 0 without a word. Of the input it takes
 * the place in the graph and the shape, which outlive its numbers.
 */
function scaledGradient(tf: TensorFlowCore, input: Tensor, gradient: Float32Array, dy: Tensor): Tensor {
  const operation = tf.customGrad(() => {
    const tensor = tf.tensor(gradient, input.shape);
    const gradFunc = () => {
      throw secondDerivative();
    };
    // 1 is what the end of most graphs sends; the product would be another pass over the gradient.
    return { value: dy.dataSync()[0] === 1 ? tensor : tf.mul(tensor, dy), gradFunc };
  });
  return operation(input, dy);
}

async function minimizeAsync(
  tf: TensorFlowCore,
  optimizer: Optimizer,
  labels: TensorLabels,
  embed: () => Tensor,
  given: TensorPairLossOptions & MinimizeOptions,
): Promise<PairLossValue> {
  const { variables, ...options } = given ?? {}; // without any, the error is that of the function that computes
  if (typeof optimizer?.minimize !== 'function') throw invalidArgument('optimizer', 'one of tf.train', optimizer);
  if (typeof embed !== 'function') throw invalidArgument('embed', 'a function that returns the embeddings', embed);
  // A clone, since what `embed` returns may be a variable, which is not ours to dispose of.
  const embeddings = tf.tidy(() => tf.clone(embed()));
  const dim = embeddings.shape[1];
  let arrays: ArrayInputs;
  try {
    arrays = await readInputs(inputsOf(labels, embeddings, options));
  } finally {
    embeddings.dispose();
  }
  const { embeddings: rows, labels: integers, ...candidates } = arrays;
  const whole = { ...options, ...candidates, dim };
  const { surrogate, loss, anchorLosses, validAnchors, engine } = await computeSurrogate(rows, integers, whole);
  const ops = {
    dot: (tensor: Tensor, constants: Float32Array) => tf.sum(tf.mul(tensor, tf.tensor(constants, tensor.shape))),
    add: (scalar: Tensor, more: Tensor | number) => tf.add(scalar, more),
  };
  const other = otherDifferentiated(options);
  optimizer.minimize(() => surrogate(ops, embed(), other as Tensor) as Scalar, false, variables);
  return { loss, anchorLosses, validAnchors, engine };
}
