/**
 * Backends that cannot read synchronously. There is no GPU here: a CPU backend plays one under its name, refuses
 * synchronous reads as WebGPU does, and answers asynchronous ones later.
 */
import type { Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { withTensorFlow } from '../lib/adapters/tfjs.ts';
import { randomFrom, randomRows } from './cases.ts';
import { errorOf } from './error-of.ts';

tf.enableProdMode();

const { circleLoss, pairLoss, minimizeAsync, classWeights } = withTensorFlow(tf);

/** Synchronous reads inside are the backend's own business: what kernels of the CPU do instead of a shader. */
class AsynchronousBackend extends tf.MathBackendCPU {
  override read(dataId: object) {
    return new Promise<Awaited<ReturnType<tf.MathBackendCPU['read']>>>((resolve) => {
      setImmediate(() => resolve(super.readSync(dataId)));
    });
  }

  override readSync(): never {
    throw new Error('readSync is not supported here.');
  }
}

const dim = 4;
const count = 20;
const labels = Int32Array.from({ length: count }, (_, i) => i % 5);
const inputs = randomRows(count, 6, randomFrom(1));
const firstWeights = randomRows(6, dim, randomFrom(2));
const firstClasses = randomRows(5, dim, randomFrom(3));
const circle = { pairLoss: { type: 'circle', gamma: 16, margin: 0.25 } } as const;
const unified = { pairLoss: { type: 'unified', gamma: 8 } } as const;

for (const name of ['webgpu', 'webgl', 'custom']) {
  for (const kernel of tf.getKernelsForBackend('cpu')) tf.registerKernel({ ...kernel, backendName: name });
  tf.registerBackend(name, () => new AsynchronousBackend());
}

/** A linear model with class weights beside it, on the backend that is set. */
function newModel() {
  const x = tf.tensor2d(inputs, [count, 6]);
  const weights = tf.variable(tf.tensor2d(firstWeights, [6, dim]));
  const classes = tf.variable(tf.tensor2d(firstClasses, [5, dim]));
  const numbers = async () => Promise.all([weights, classes].map(async (tensor) => (await tensor.data()).slice()));
  return { weights, classes, numbers, embed: () => tf.matMul(x, weights) as Tensor };
}

type Model = ReturnType<typeof newModel>;

/** Numbers of both variables after two steps of Adam, and the losses before each. */
async function trained(step: (model: Model, optimizer: tf.Optimizer) => number | Promise<number>) {
  const model = newModel();
  const optimizer = tf.train.adam(0.1);
  const losses = [await step(model, optimizer), await step(model, optimizer)];
  return { losses, numbers: await model.numbers() };
}

const minimize = (optimizer: tf.Optimizer, loss: () => tf.Scalar) => optimizer.minimize(loss, true)!.dataSync()[0];

describe.each(['cpu', 'webgpu', 'webgl', 'custom'])('a step on backend %s', (backend) => {
  beforeEach(() => tf.setBackend(backend));

  it('changes the weights by the bits of the synchronous loss', async () => {
    const found = await trained(async ({ embed }, optimizer) => {
      const { loss, validAnchors } = await minimizeAsync(optimizer, labels, embed, circle);
      expect(validAnchors).toBe(count);
      return Math.fround(loss);
    });
    tf.setBackend('cpu');
    const expected = await trained(({ embed }, optimizer) =>
      minimize(optimizer, () => pairLoss(labels, embed(), circle)),
    );
    expect(found).toEqual(expected);
    expect(expected.losses[1]).toBeLessThan(expected.losses[0]);
  });

  it('changes class weights too, and takes labels as a tensor', async () => {
    const found = await trained(async ({ embed, classes }, optimizer) => {
      const given = tf.tensor1d(labels, 'int32');
      const { loss } = await minimizeAsync(optimizer, given, embed, { ...unified, classWeights: classes });
      return Math.fround(loss);
    });
    tf.setBackend('cpu');
    const expected = await trained(({ embed, classes }, optimizer) =>
      minimize(optimizer, () => pairLoss(labels, embed(), { ...unified, classWeights: classes })),
    );
    expect(found).toEqual(expected);
    expect(expected.numbers[1]).not.toEqual(firstClasses);
  });

  it('changes candidates where their gradient is asked for, and leaves them alone where not', async () => {
    const candidateLabels = tf.tensor2d([0, 1, 2, 3, 0], [5, 1]);
    for (const candidateGradient of ['skip', 'compute'] as const) {
      const model = newModel();
      const options = { ...circle, candidates: model.classes, candidateLabels, candidateGradient };
      await minimizeAsync(tf.train.sgd(0.1), labels, model.embed, options);
      const [weights, candidates] = await model.numbers();
      expect(weights).not.toEqual(firstWeights);
      if (candidateGradient === 'compute') expect(candidates).not.toEqual(firstClasses);
      else expect(candidates).toEqual(firstClasses);
    }
  });

  it('changes only the variables that it is given', async () => {
    const { weights, classes, numbers, embed } = newModel();
    const options = { ...unified, classWeights: classes, variables: [classes] };
    await minimizeAsync(tf.train.sgd(0.1), labels, embed, options);
    expect((await numbers())[0]).toEqual(firstWeights);
    expect((await numbers())[1]).not.toEqual(firstClasses);
    expect(weights.isDisposed).toBe(false);
  });

  it('takes embeddings that are a variable, and a layer’s options', async () => {
    const embeddings = tf.variable(tf.tensor2d(randomRows(count, dim, randomFrom(4)), [count, dim]));
    const layer = classWeights({ classes: 5 });
    layer.build([null, dim]);
    const step = () => minimizeAsync(tf.train.sgd(0.01), labels, () => embeddings, layer.options);
    const { loss } = await step();
    expect((await step()).loss).toBeLessThan(loss);
  });

  it('leaves no tensors, and no change where it fails or is aborted', async () => {
    const { embed, numbers } = newModel();
    const optimizer = tf.train.sgd(0.1);
    await minimizeAsync(optimizer, labels, embed, circle);
    const before = tf.memory().numTensors;
    await minimizeAsync(
      optimizer,
      tf.tidy(() => labels),
      embed,
      circle,
    );
    const kept = await numbers();
    const controller = new AbortController();
    const aborted = minimizeAsync(optimizer, labels, embed, { ...circle, signal: controller.signal });
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    const scaled = () => tf.mul(embed(), Number.NaN);
    await expect(minimizeAsync(optimizer, labels, scaled, circle)).rejects.toMatchObject({
      code: 'ERR_CIRCLE_NOT_FINITE',
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(await numbers()).toEqual(kept);
  });
});

describe.each(['webgpu', 'webgl'])('on backend %s', (backend) => {
  beforeEach(() => tf.setBackend(backend));

  it('a synchronous loss is refused with the way out', () => {
    const { embed } = newModel();
    const before = tf.memory().numTensors;
    const message =
      "The TensorFlow.js backend must be one that reads tensors synchronously ('cpu', 'wasm' or 'tensorflow'); " +
      `received '${backend}'. Use minimizeAsync, which waits for them.`;
    const call = () => tf.tidy(() => circleLoss(labels, embed()));
    const error = errorOf(call);
    expect(error).toMatchObject({ code: 'ERR_CIRCLE_BACKEND', message });
    // By its name, before it was asked: WebGL would have answered, and kept everybody waiting.
    expect(error.cause).toBeUndefined();
    expect(tf.memory().numTensors).toBe(before);
  });
});

it('so is one on a backend of another name, once it says that it cannot read, with what it says', async () => {
  await tf.setBackend('custom');
  const { embed } = newModel();
  const error = errorOf(() => tf.tidy(() => circleLoss(labels, embed())));
  expect(error).toMatchObject({ code: 'ERR_CIRCLE_BACKEND', cause: { message: 'readSync is not supported here.' } });
  expect(error.message).toContain("received 'custom'. Use minimizeAsync");
});
