/**
 * Another framework than TensorFlow.js, as proof that nothing is tied to that: jax-js differentiates a model through the
 * surrogate as it does through the same loss in its own operations, and trains it.
 *
 * jax-js counts references: a function uses up its arguments, and `.ref` is one use more.
 */
import { defaultDevice, grad, init, type Array as Jax, lax, nn, numpy as np } from '@jax-js/jax';
import { beforeAll, describe, expect, it } from 'vitest';
import { computeCircleLoss, type SurrogateOps, surrogateGradient } from '../lib/index.ts';
import { type Case, randomFrom, randomRows } from './cases.ts';
import { agreementOf, distance, largest } from './sensitivity.ts';

const dim = 5;
const count = 24;
const hidden = 8;
const features = 6;
const classes = 6;
const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
/** Around one centre a class, so that there is something to learn. */
const centres = randomRows(classes, features, randomFrom(5));
const inputs = randomRows(count, features, randomFrom(1)).map((value, k) => {
  return 0.3 * value + centres[labels[Math.floor(k / features)] * features + (k % features)];
});
const gamma = 16;
const margin = 0.25;
const options = { dim, pairLoss: { type: 'circle', gamma, margin } } as const;

const ops: SurrogateOps<Jax, Jax> = {
  dot: (x, constants) => x.mul(np.array(constants).reshape(x.shape)).sum(),
  add: (a, b) => np.add(a, b),
};

type Parameters = { first: Jax; second: Jax; classWeights: Jax };

const matrix = (rows: number, columns: number, seed: number) =>
  np.array(randomRows(rows, columns, randomFrom(seed))).reshape([rows, columns]);

const newParameters = (): Parameters => ({
  first: matrix(features, hidden, 2),
  second: matrix(hidden, dim, 3),
  classWeights: matrix(classes, dim, 4),
});

const keep = ({ first, second, classWeights }: Parameters): Parameters => ({
  first: first.ref,
  second: second.ref,
  classWeights: classWeights.ref,
});

/** Uses up what it is given. */
const embed = (x: Jax, first: Jax, second: Jax) => np.matmul(np.tanh(np.matmul(x, first)), second);

const newInputs = () => np.array(inputs).reshape([count, features]);

beforeAll(async () => {
  await init('wasm');
  defaultDevice('wasm');
});

/** Adds −1e30 where a pair has the other role: it counts for nothing, and is no −∞ that becomes NaN. */
function exclusion(isExcluded: (i: number, j: number) => boolean, columns: number): Jax {
  const values = Float32Array.from({ length: count * columns }, (_, k) =>
    isExcluded(Math.floor(k / columns), k % columns) ? -1e30 : 0,
  );
  return np.array(values).reshape([count, columns]);
}

const unit = (rows: Jax) => rows.ref.div(np.sqrt(np.square(rows).sum(1, { keepdims: true })));

/** Circle loss, weights α constant, the mean over anchors, which are all valid here. */
function lossInOps(rows: Jax, candidates: Jax | undefined): Jax {
  const columns = candidates ? classes : count;
  const columnLabel = (j: number) => (candidates ? j : labels[j]);
  const anchors = unit(rows);
  const s = np.matmul(anchors.ref, np.matrixTranspose(candidates ? unit(candidates) : anchors.ref));
  anchors.dispose();
  const alphaPositive = lax.stopGradient(nn.relu(np.subtract(1 + margin, s.ref)));
  const alphaNegative = lax.stopGradient(nn.relu(s.ref.add(margin)));
  const positive = alphaPositive.mul(s.ref.sub(1 - margin)).mul(-gamma);
  const negative = alphaNegative.mul(s.sub(margin)).mul(gamma);
  const isSelf = (i: number, j: number) => candidates === undefined && i === j;
  const notPositive = exclusion((i, j) => labels[i] !== columnLabel(j) || isSelf(i, j), columns);
  const notNegative = exclusion((i, j) => labels[i] === columnLabel(j), columns);
  const sum = nn.logsumexp(positive.add(notPositive), 1).add(nn.logsumexp(negative.add(notNegative), 1));
  return nn.softplus(sum).mean();
}

const dataOf = async (array: Jax) => (await array.data()) as Float32Array;

/** What the surrogate's gradients may be off by, at each number of each parameter: see `SmallModel.boundOf`; tanh, like ReLU, makes nothing larger. */
async function boundsOf(parameters: Parameters, testCase: Case): Promise<number[]> {
  const { gradient } = computeCircleLoss(testCase.embeddings, labels, { dim, gamma, margin });
  const { gradient: move } = agreementOf(testCase);
  const each = move + 2 * (count + hidden + dim) * 2 ** -24 * largest(gradient);
  const bounds = grad((p: { first: Jax; second: Jax }) =>
    np
      .matmul(np.matmul(np.absolute(newInputs()), p.first), p.second)
      .sum()
      .mul(each),
  )({ first: np.absolute(parameters.first), second: np.absolute(parameters.second) });
  return Promise.all([bounds.first, bounds.second].map(async (bound) => largest(await dataOf(bound))));
}

describe.each(['the batch', 'class weights'] as const)('jax-js, %s', (kind) => {
  const withClasses = kind === 'class weights';

  /** Gradients of all parameters through the surrogate, and the loss. */
  async function throughSurrogate(parameters: Parameters) {
    const { first, second, classWeights } = keep(parameters);
    const embeddings = await dataOf(embed(newInputs(), first, second));
    const weights = await dataOf(classWeights);
    if (!withClasses) {
      const { surrogate, loss } = surrogateGradient(embeddings, labels, options);
      const gradients = grad((p: Parameters) => {
        return surrogate(ops, embed(newInputs(), p.first, p.second)).add(p.classWeights.mul(0).sum());
      })(keep(parameters));
      return { loss, gradients, embeddings, weights };
    }
    const { surrogate, loss } = surrogateGradient(embeddings, labels, { ...options, classWeights: weights });
    const gradients = grad((p: Parameters) => {
      return surrogate(ops, embed(newInputs(), p.first, p.second), p.classWeights);
    })(keep(parameters));
    return { loss, gradients, embeddings, weights };
  }

  it('agrees with its own differentiation of the same loss', async () => {
    const parameters = newParameters();
    const { gradients, embeddings, weights } = await throughSurrogate(parameters);
    const expected = grad((p: Parameters) => {
      const rows = embed(newInputs(), p.first, p.second);
      if (withClasses) return lossInOps(rows, p.classWeights);
      return lossInOps(rows, undefined).add(p.classWeights.mul(0).sum());
    })(keep(parameters));
    const testCase: Case = {
      name: kind,
      embeddings,
      labels,
      options: withClasses ? { ...options, classWeights: weights } : options,
    };
    const bounds = [...(await boundsOf(parameters, testCase)), agreementOf(testCase).candidateGradient];
    for (const [i, name] of (['first', 'second', 'classWeights'] as const).entries()) {
      if (name === 'classWeights' && !withClasses) continue;
      const numbers = await dataOf(gradients[name]);
      expect(distance(numbers, await dataOf(expected[name]))).toBeLessThanOrEqual(bounds[i]);
      expect(largest(numbers)).toBeGreaterThan(bounds[i]);
    }
  });

  it('trains: the loss falls', async () => {
    let parameters = newParameters();
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) {
      const { loss, gradients } = await throughSurrogate(parameters);
      losses.push(loss);
      const next = (name: keyof Parameters) => parameters[name].sub(gradients[name].mul(0.01));
      parameters = { first: next('first'), second: next('second'), classWeights: next('classWeights') };
    }
    expect(losses[59]).toBeLessThan(losses[0] / 2);
  });
});
