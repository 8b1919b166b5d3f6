/** The losses as operations of TensorFlow.js: what it differentiates itself, they agree with, on each backend of this machine. */
import '@tensorflow/tfjs-backend-wasm';
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { withTensorFlow } from '../lib/adapters/tfjs.ts';
import { computeCircleLoss, computePairLoss } from '../lib/index.ts';
import { type Case, randomFrom, randomRows } from './cases.ts';
import { agreementOf, distance, largest } from './sensitivity.ts';
import { lossInOps, SmallModel } from './tfjs-ops.ts';

// Only to hear what is asked for: the functions are the real ones.
vi.mock(import('../lib/index.ts'), async (original) => {
  const actual = await original();
  return { ...actual, computeCircleLoss: vi.fn(actual.computeCircleLoss) as typeof actual.computeCircleLoss };
});

tf.enableProdMode();

const { circleLoss, pairLoss } = withTensorFlow(tf);

const dim = 5;
const count = 24;
const embeddings = randomRows(count, dim, randomFrom(1));
const labels = Int32Array.from({ length: count }, (_, i) => i % 7);
const other = { rows: randomRows(9, dim, randomFrom(2)), labels: Int32Array.from({ length: 9 }, (_, i) => i % 4) };

const circle = { type: 'circle', gamma: 32 } as const;
const caseOf = (name: string, options: object): Case => ({
  name,
  embeddings,
  labels,
  options: { dim, pairLoss: circle, ...options } as Case['options'],
});

const losses = {
  circle: {},
  'circle differentiated': { pairLoss: { ...circle, weighting: 'differentiated' } },
  'circle, rows as given': { normalize: false, pairLoss: { ...circle, gamma: 1 } },
  unified: { pairLoss: { type: 'unified' } },
  triplet: { pairLoss: { type: 'triplet' } },
};

const kinds = {
  'the batch': {},
  'class weights': { classWeights: other.rows },
  candidates: { candidates: other.rows, candidateLabels: other.labels, candidateGradient: 'compute' },
};

const cases = Object.entries(losses).flatMap(([loss, options]) =>
  Object.entries(kinds).map(([kind, candidates]) => caseOf(`${loss}, ${kind}`, { ...options, ...candidates })),
);

const tensorOf = (rows: Float32Array, columns = dim) => tf.tensor2d(rows, [rows.length / columns, columns]);

/** The case as a function of tensors, which is the adapter's. */
function adapted({ options: { dim: _, ...options } }: Case, rows: Tensor, candidates?: Tensor): Scalar {
  if (options.classWeights) return pairLoss(labels, rows, { ...options, classWeights: candidates } as never);
  if (options.candidates) return pairLoss(labels, rows, { ...options, candidates } as never);
  return pairLoss(labels, rows, options as never);
}

function differentiate(loss: (rows: Tensor, candidates?: Tensor) => Scalar, { options }: Case) {
  const inputs = [embeddings, ...(options.classWeights || options.candidates ? [other.rows] : [])];
  return tf.tidy(() => {
    const { value, grads } = tf.valueAndGrads((rows, candidates) => loss(rows, candidates))(
      inputs.map((rows) => tensorOf(rows)),
    );
    return { loss: value.dataSync()[0], gradients: grads.map((gradient) => gradient.dataSync() as Float32Array) };
  });
}

describe.each(['cpu', 'wasm'])('on backend %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  it.each(cases)('agrees with automatic differentiation: $name', (testCase) => {
    const found = differentiate((...rows) => adapted(testCase, ...rows), testCase);
    const expected = differentiate((...rows) => lossInOps(testCase, ...rows), testCase);
    const bound = agreementOf(testCase);
    expect(Math.abs(found.loss - expected.loss)).toBeLessThanOrEqual(bound.loss);
    expect(found.gradients.length).toBe(expected.gradients.length);
    const bounds = [bound.gradient, bound.candidateGradient];
    found.gradients.forEach((gradient, i) => {
      expect(distance(gradient, expected.gradients[i])).toBeLessThanOrEqual(bounds[i]);
      expect(largest(gradient)).toBeGreaterThan(bounds[i]);
    });
  });

  it('has the bits of the call on arrays', () => {
    const options = { margin: 0.3, gamma: 16, scope: 'batch', reduction: 'sum', threads: 1 } as const;
    const { loss, gradient } = computeCircleLoss(embeddings, labels, { ...options, dim });
    tf.tidy(() => {
      const { value, grad } = tf.valueAndGrad((x: Tensor) => circleLoss(labels, x, options))(tensorOf(embeddings));
      expect(value.shape).toEqual([]);
      expect(value.dataSync()[0]).toBe(Math.fround(loss));
      expect(grad.dataSync()).toEqual(gradient);
    });
  });

  it('the weights of a model get the gradient of the loss in ops, and SGD moves them alike', () => {
    const model = new SmallModel(dim, randomFrom(3));
    const x = tensorOf(randomRows(count, 6, randomFrom(4)), 6);
    const made = model.embed(x).dataSync() as Float32Array;
    const testCase = { ...caseOf('a model', {}), embeddings: made };
    const { gradient } = computePairLoss(made, labels, { ...testCase.options, gradient: 'compute' });
    const bounds = model.boundOf(x, agreementOf(testCase).gradient, largest(gradient));
    const gradientsOf = (loss: (rows: Tensor) => Scalar) => {
      const { grads } = tf.variableGrads(() => loss(model.embed(x)), model.weights);
      return model.weights.map((weight) => grads[weight.name].dataSync());
    };
    const found = gradientsOf((rows) => adapted(testCase, rows));
    const expected = gradientsOf((rows) => lossInOps(testCase, rows));
    found.forEach((numbers, i) => {
      expect(distance(numbers, expected[i])).toBeLessThanOrEqual(bounds[i]);
      expect(largest(numbers)).toBeGreaterThan(bounds[i]);
    });

    const rate = 0.01;
    const before = model.weights.map((weight) => weight.dataSync().slice());
    tf.train.sgd(rate).minimize(() => adapted(testCase, model.embed(x)), false, model.weights);
    model.weights.forEach((weight, i) => {
      const steps = expected[i].map((number, k) => before[i][k] - rate * number);
      // The weight and its step are rounded once each.
      const rounding = 2 ** -23 * (largest(before[i]) + rate * largest(expected[i]));
      expect(distance(weight.dataSync(), steps)).toBeLessThanOrEqual(rate * bounds[i] + rounding);
    });
  });

  it('what comes back through the graph scales the gradient', () => {
    tf.tidy(() => {
      const rows = tensorOf(embeddings);
      const once = tf.grad((x: Tensor) => circleLoss(labels, x))(rows);
      const scaled = tf.grad((x: Tensor) => tf.mul(-3, circleLoss(labels, x)))(rows);
      expect(scaled.dataSync()).toEqual(tf.mul(-3, once).dataSync());
      const twice = tf.grad((x: Tensor) => tf.add(circleLoss(labels, x), circleLoss(labels, x)))(rows);
      expect(twice.dataSync()).toEqual(tf.mul(2, once).dataSync());
    });
  });

  it('leaves no tensors but its result, writes to no input, and to no gradient that it gave', () => {
    const rows = tensorOf(embeddings);
    const weights = tf.variable(tensorOf(other.rows));
    const given = tf.tensor1d(labels, 'int32');
    const before = tf.memory().numTensors;
    const options = { pairLoss: circle, classWeights: weights };
    const gradients = tf.grads((x, w) => pairLoss(given, x, { ...options, classWeights: w }));
    const first = gradients([rows, weights]);
    const kept = first.map((gradient) => gradient.dataSync().slice());
    tf.dispose(gradients([rows, weights]));
    expect(first.map((gradient) => gradient.dataSync())).toEqual(kept);
    tf.dispose([...first, pairLoss(given, rows, options)]);
    expect(tf.memory().numTensors).toBe(before);
    expect(rows.dataSync()).toEqual(embeddings);
    expect(weights.dataSync()).toEqual(other.rows);
    expect(given.dataSync()).toEqual(labels);
  });

  it('losses in one graph have gradients of their own, which later steps leave alone', () => {
    const others = labels.map((label) => label % 3);
    const gradientOf = (given: Int32Array) => computeCircleLoss(embeddings, given, { dim }).gradient;
    const both = tf.tidy(() =>
      tf.grad((rows) => tf.add(circleLoss(labels, rows), circleLoss(others, rows)))(tensorOf(embeddings)),
    );
    const [one, two] = [labels, others].map((given) =>
      tf.tidy(() => tf.grad((rows) => circleLoss(given, rows))(tensorOf(embeddings))),
    );
    expect(one.dataSync()).toEqual(gradientOf(labels));
    expect(two.dataSync()).toEqual(gradientOf(others));
    expect(both.dataSync()).toEqual(gradientOf(labels).map((value, k) => Math.fround(value + gradientOf(others)[k])));
    tf.dispose([both, one, two]);
  });

  it('labels may be int32 or float32, of shape [N] or [N, 1], or an array', () => {
    tf.tidy(() => {
      const rows = tensorOf(embeddings);
      const numbers = [...labels];
      const loss = circleLoss(labels, rows).dataSync()[0];
      const column = tf.tensor2d(numbers, [count, 1]);
      for (const given of [tf.tensor1d(labels, 'int32'), tf.tensor1d(numbers), column, column.toInt(), numbers]) {
        expect(circleLoss(given, rows).dataSync()[0]).toBe(loss);
      }
      expect(loss).toBeGreaterThan(0);
    });
  });

  it('of candidates that are an array there is no gradient', () => {
    tf.tidy(() => {
      const candidates = { candidates: other.rows, candidateLabels: tf.tensor1d(other.labels, 'int32') };
      const found = tf.grad((x: Tensor) => circleLoss(labels, x, candidates))(tensorOf(embeddings));
      const { gradient } = computeCircleLoss(embeddings, labels, { dim, ...candidates, candidateLabels: other.labels });
      expect(found.dataSync()).toEqual(gradient);
    });
  });
});

it('tensors that move to another backend, and make its heap grow, are read whole', async () => {
  const wide = 2 ** 20;
  const [given, classWeights] = [3, 4].map((seed) => randomRows(8, wide, randomFrom(seed)));
  const eight = [0, 1, 2, 3, 4, 5, 6, 7];
  const { loss } = computeCircleLoss(given, eight, { dim: wide, classWeights, gradient: 'skip' });
  for (const first of ['wasm', 'cpu']) {
    // 32 MiB each. What lies in the heap already is read first, and moves when the other one comes.
    await tf.setBackend(first);
    const rows = tensorOf(given, wide);
    await tf.setBackend('cpu');
    const weights = tensorOf(classWeights, wide);
    await tf.setBackend('wasm');
    const found = circleLoss(eight, rows, { classWeights: weights });
    expect(found.dataSync()[0]).toBe(Math.fround(loss));
    tf.dispose([rows, weights, found]);
  }
});

describe('a gradient', () => {
  beforeAll(() => tf.setBackend('cpu'));

  it('is computed only where the graph is recorded, and with the loss in one call', () => {
    const rows = tensorOf(embeddings);
    const calls = vi.mocked(computeCircleLoss).mock.calls;
    const gradientsAskedFor = (call: () => void) => {
      const before = calls.length;
      call();
      return calls.slice(before).map(([, , options]) => options.gradient);
    };
    expect(gradientsAskedFor(() => circleLoss(labels, rows).dispose())).toEqual(['skip']);
    const gradient = tf.grad((x: Tensor) => circleLoss(labels, x));
    expect(gradientsAskedFor(() => gradient(rows).dispose())).toEqual(['compute']);
  });

  it('is not differentiated again, rather than be a constant', () => {
    const second = (loss: (y: Tensor) => Scalar) =>
      tf.grad((x: Tensor) => tf.sum(tf.square(tf.grad((y: Tensor) => loss(y))(x))));
    const refusal = expect.objectContaining({
      code: 'ERR_CIRCLE_INVALID_ARGUMENT',
      message: 'The loss must be differentiated once; received a call for its second derivative.',
    });
    const direct = second((y) => circleLoss(labels, y));
    const throughModel = second((y) => circleLoss(labels, tf.mul(2, y)));
    for (const call of [direct, throughModel]) expect(() => call(tensorOf(embeddings))).toThrow(refusal);
  });
});
