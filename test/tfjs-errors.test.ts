/** Bad use of the adapter: codes, messages, and nothing left behind. */
import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import * as core from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type TensorPairLossOptions, withTensorFlow } from '../lib/adapters/tfjs.ts';
import { computeCircleLoss } from '../lib/index.ts';
import { errorOf } from './error-of.ts';

const { circleLoss, pairLoss, minimizeAsync, classWeights, classWeightsOf } = withTensorFlow(tf);

beforeAll(() => tf.setBackend('cpu'));

const dim = 3;
const labels = [0, 1, 0, 1];
const rows = (count = 4, columns = dim) => tf.randomUniform([count, columns], -1, 1, 'float32', 1);
const disposed = (tensor: Tensor) => {
  tensor.dispose();
  return tensor;
};
const circle = { type: 'circle' } as const;
const oneHot = () => tf.oneHot(tf.tensor1d(labels, 'int32'), 2);

const labelShape = 'an int32 or float32 tensor of shape [N] or [N, 1]';
const range = 'an integer from -16777216 to 16777216 in a float32 tensor';
const argMax = ', which may be one-hot: tf.argMax(labels, 1) makes labels of it.';

interface BadCall {
  labels?: () => unknown;
  embeddings?: () => unknown;
  options?: () => object;
  code: string;
  message: string;
}

const badCalls: Record<string, BadCall> = {
  'one-hot labels': {
    labels: () => oneHot().toFloat(),
    code: 'ERR_CIRCLE_SHAPE',
    message: `labels must be ${labelShape}; received a float32 tensor of shape [4, 2]${argMax}`,
  },
  'labels of rank 0': {
    labels: () => tf.scalar(1, 'int32'),
    code: 'ERR_CIRCLE_SHAPE',
    message: `labels must be ${labelShape}; received an int32 tensor of shape []${argMax}`,
  },
  'labels of rank 3': {
    labels: () => tf.zeros([4, 1, 1], 'int32'),
    code: 'ERR_CIRCLE_SHAPE',
    message: `labels must be ${labelShape}; received an int32 tensor of shape [4, 1, 1]${argMax}`,
  },
  'labels that are no integers': {
    labels: () => tf.tensor1d([0, 1, 0.5, 1]),
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: `labels[2] must be ${range}; received 0.5.`,
  },
  'labels that are no numbers': {
    labels: () => tf.tensor1d([0, Number.NaN, 0, 1]),
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: `labels[1] must be ${range}; received NaN.`,
  },
  'labels that float32 cannot tell apart': {
    labels: () => tf.tensor1d([0, 1, 2 ** 24, 2 ** 24 + 2]),
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: `labels[3] must be ${range}; received 16777218.`,
  },
  'labels that are strings': {
    labels: () => tf.tensor1d(['a', 'b', 'a', 'b']),
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: `labels must be ${labelShape}; received a string tensor of shape [4].`,
  },
  'labels in an array that are no integers': {
    labels: () => [0, 1, 0.5, 1],
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: 'labels[2] must be an integer from -2147483648 to 2147483647; received 0.5.',
  },
  'no labels': {
    labels: () => undefined,
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: 'labels must be an Int32Array or an array of numbers; received undefined.',
  },
  'disposed labels': {
    labels: () => disposed(tf.tensor1d(labels, 'int32')),
    code: 'ERR_CIRCLE_DISPOSED',
    message: 'labels must be a live tensor; received one that is disposed.',
  },
  'fewer labels than rows': {
    labels: () => tf.tensor1d([0, 1], 'int32'),
    code: 'ERR_CIRCLE_SHAPE',
    message: 'embeddings and labels must be equally many; received 4 rows of dim = 3 numbers and 2 labels.',
  },
  'embeddings of integers': {
    embeddings: () => rows().toInt(),
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: 'embeddings must be a float32 tensor of shape [N, dim]; received an int32 tensor of shape [4, 3].',
  },
  'embeddings of rank 1': {
    embeddings: () => rows().flatten(),
    code: 'ERR_CIRCLE_SHAPE',
    message: 'embeddings must be a float32 tensor of shape [N, dim]; received a float32 tensor of shape [12].',
  },
  'embeddings of rank 3': {
    embeddings: () => rows().expandDims(0),
    code: 'ERR_CIRCLE_SHAPE',
    message: 'embeddings must be a float32 tensor of shape [N, dim]; received a float32 tensor of shape [1, 4, 3].',
  },
  'embeddings of no dimension': {
    embeddings: () => tf.zeros([4, 0]),
    code: 'ERR_CIRCLE_SHAPE',
    message: 'embeddings must be a float32 tensor of shape [N, dim]; received a float32 tensor of shape [4, 0].',
  },
  'disposed embeddings': {
    embeddings: () => disposed(rows()),
    code: 'ERR_CIRCLE_DISPOSED',
    message: 'embeddings must be a live tensor; received one that is disposed.',
  },
  'embeddings that are not finite': {
    embeddings: () => tf.tensor2d([1, 2, 3, 4, Number.NaN, 6, 7, 8, 9, 1, 1, 1], [4, 3]),
    code: 'ERR_CIRCLE_NOT_FINITE',
    message:
      "embeddings must be finite numbers; received NaN at row 1, column 1. checkFinite: 'propagate' lets it through.",
  },
  'class weights of another dimension': {
    options: () => ({ classWeights: rows(3, 4) }),
    code: 'ERR_CIRCLE_SHAPE',
    message:
      'classWeights must be a float32 tensor of shape [C, dim] with dim = 3, as the embeddings have it; received a float32 tensor of shape [3, 4].',
  },
  'class weights in an array': {
    options: () => ({ classWeights: new Float32Array(6) }),
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: 'classWeights must be a float32 tensor of shape [C, dim]; received Float32Array(6).',
  },
  'a label without class weights': {
    options: () => ({ classWeights: rows(1) }),
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: 'labels[1] must be a row of classWeights, from 0 to 0; received 1.',
  },
  'candidates of another dimension': {
    options: () => ({ candidates: rows(3, 4), candidateLabels: [0, 1, 2] }),
    code: 'ERR_CIRCLE_SHAPE',
    message:
      'candidates must be a float32 tensor of shape [M, dim] with dim = 3, as the embeddings have it; received a float32 tensor of shape [3, 4].',
  },
  'one-hot labels of candidates': {
    options: () => ({ candidates: rows(), candidateLabels: oneHot() }),
    code: 'ERR_CIRCLE_SHAPE',
    message: `candidateLabels must be ${labelShape}; received an int32 tensor of shape [4, 2]${argMax}`,
  },
  'the gradient of candidates in an array': {
    options: () => ({ candidates: new Float32Array(6), candidateLabels: [0, 1], candidateGradient: 'compute' }),
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: 'candidates must be a float32 tensor of shape [M, dim]; received Float32Array(6).',
  },
  'an unknown option': {
    options: () => ({ gama: 1 }),
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: expect.stringMatching(/^options must be made of .*; received the unknown key 'gama'\./),
  },
  'an option that the tensor answers': {
    options: () => ({ dim: 3 }),
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: 'options.dim must be absent where embeddings are a tensor; received 3.',
  },
  'an option that the graph answers': {
    options: () => ({ upstream: 2 }),
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: 'options.upstream must be absent where embeddings are a tensor; received 2.',
  },
};

describe.each(Object.entries(badCalls))('%s', (_, { code, message, ...bad }) => {
  const make = () => ({
    labels: (bad.labels ?? (() => labels))() as Tensor,
    embeddings: (bad.embeddings ?? (() => rows()))() as Tensor,
    options: { pairLoss: circle, ...bad.options?.() } as unknown as TensorPairLossOptions,
  });

  it('to a loss', () => {
    const call = make();
    const before = tf.memory().numTensors;
    expect(errorOf(() => pairLoss(call.labels, call.embeddings, call.options))).toMatchObject({ code, message });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('to a step', async () => {
    const call = make();
    if (call.embeddings.isDisposed) return; // it is `embed` then that TensorFlow.js refuses
    const weight = tf.variable(tf.scalar(1));
    const optimizer = tf.train.sgd(1); // which has a tensor of its own
    const embed = () => (call.embeddings.dtype === 'float32' ? tf.mul(call.embeddings, weight) : call.embeddings);
    const before = tf.memory().numTensors;
    const step = minimizeAsync(optimizer, call.labels, embed, { ...call.options, variables: [weight] });
    await expect(step).rejects.toMatchObject({ code, message });
    expect(tf.memory().numTensors).toBe(before);
    expect(weight.dataSync()[0]).toBe(1);
  });
});

it('embeddings that are no tensor are described as what they are', () => {
  expect(errorOf(() => circleLoss(labels, new Float32Array(12) as never))).toMatchObject({
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message: 'embeddings must be a float32 tensor of shape [N, dim]; received Float32Array(12).',
  });
  expect(errorOf(() => computeCircleLoss(rows() as never, labels, { dim }))).toMatchObject({
    message: 'embeddings must be a Float32Array; received a float32 tensor of shape [4, 3].',
  });
});

it('a pair loss without options is told what is missing', () => {
  const call = pairLoss as (labels: readonly number[], embeddings: Tensor) => Tensor;
  expect(errorOf(() => call(labels, rows())).message).toMatch(/^options.pairLoss must be/);
});

describe('the layer', () => {
  it.each([0, 2.5, '3'])('of %s classes is none', (classes) => {
    const { code, message } = errorOf(() => classWeights({ classes: classes as number }));
    expect(code).toBe('ERR_CIRCLE_INVALID_ARGUMENT');
    expect(message).toMatch(/^classes must be an integer from 1; received /);
  });

  it('knows its options', () => {
    const config = { classes: 3, pairLoss: { type: 'circle' } };
    expect(errorOf(() => classWeights(config as { classes: number }))).toMatchObject({
      code: 'ERR_CIRCLE_INVALID_ARGUMENT',
      message: expect.stringMatching(
        /^config must be made of known keys; received the unknown key 'pairLoss'\. Known: classes, loss, .*\.$/,
      ),
    });
  });

  it('takes rows', () => {
    const layer = classWeights({ classes: 3 });
    expect(errorOf(() => layer.apply(tf.input({ shape: [4, 5] })))).toMatchObject({
      code: 'ERR_CIRCLE_SHAPE',
      message: 'The input of a classWeights layer must be embeddings of shape [N, dim]; received [null, 4, 5].',
    });
  });

  it('has class weights once it is built', () => {
    expect(errorOf(() => classWeights({ classes: 3 }).classWeights)).toMatchObject({
      code: 'ERR_CIRCLE_INVALID_ARGUMENT',
      message: 'The classWeights layer must be built before it is used, as it is in a model; received a call before.',
    });
  });

  it('is not in every model', () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3], name: 'only' })] });
    expect(errorOf(() => classWeightsOf(model))).toMatchObject({
      code: 'ERR_CIRCLE_INVALID_ARGUMENT',
      message: "model must be one with a classWeights layer; received the layers 'only'.",
    });
  });

  it('is absent where TensorFlow.js has no layers', () => {
    expect(Object.keys(withTensorFlow(core)).sort()).toEqual(['circleLoss', 'minimizeAsync', 'pairLoss']);
  });
});
