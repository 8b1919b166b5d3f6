/**
 * The best that one can write in TensorFlow.js: a hand-derived gradient in `tf.customGrad`, with as few passes over the
 * anchors × candidates matrices as the ops allow.
 *
 * - Completed square: with q = 1 − s for a positive and q = max(s, −m) for a negative, every logit is γ(q² − m²) and
 *   every weight α is q + m. So one matrix q and one exponential serve both roles.
 * - Explicit transposes: the wasm backend multiplies transposed operands in a slow loop and plain ones in XNNPACK.
 * - The gradient is made in the forward pass, where its matrices are at hand.
 */
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { noLogit, type TensorFlow, type TensorProblem, type TensorStep, toRoles } from './tfjs-problem.ts';

/** The loss of anchors as a function of tensors, for whoever differentiates. */
export function customGradientLoss(tf: TensorFlow, problem: TensorProblem): (embeddings: Tensor) => Scalar {
  return tf.customGrad((...args) => {
    const [x, save] = args as [Tensor, (tensors: Tensor[]) => void];
    const { value, gradients } = fusedLoss(tf, problem, x, problem.candidates);
    save(gradients);
    return { value, gradFunc: (dy, saved) => tf.mul(saved[0], dy) };
  });
}

export function customGradientStep(tf: TensorFlow, problem: TensorProblem): TensorStep {
  const { kind } = problem.workload;
  if (kind === 'class-level') {
    const loss = tf.customGrad((...args) => {
      const [x, w, save] = args as [Tensor, Tensor, (tensors: Tensor[]) => void];
      const { value, gradients } = fusedLoss(tf, problem, x, w);
      save(gradients);
      return { value, gradFunc: (dy, saved) => saved.map((gradient) => tf.mul(gradient, dy)) };
    });
    const both = tf.valueAndGrads((x, w) => loss(x, w));
    return () => {
      const { value, grads } = both([problem.embeddings, problem.candidates!]);
      return [value, ...grads];
    };
  }
  const loss = customGradientLoss(tf, problem);
  const one = tf.valueAndGrad((x) => loss(x as Tensor));
  return () => {
    const { value, grad } = one(problem.embeddings);
    return [value, grad];
  };
}

function fusedLoss(tf: TensorFlow, problem: TensorProblem, embeddings: Tensor, candidates: Tensor | undefined) {
  const { gamma, margin: m, kind } = problem.workload;
  const { positive, negative, valid } = toRoles(tf, problem);
  const x = normalize(tf, embeddings);
  const y = candidates === undefined ? x : normalize(tf, candidates);
  const s = tf.matMul(x.unit, tf.transpose(y.unit));

  const q = tf.where(positive, tf.sub(1, s), tf.maximum(s, -m));
  const logits = tf.mul(gamma, tf.square(q)); // without the constant −γm², which z gets back
  const none = tf.fill(s.shape, noLogit);
  const largestPositive = tf.max(tf.where(positive, logits, none), 1, true);
  const largestNegative = tf.max(tf.where(negative, logits, none), 1, true);
  // Anchors that lack a side need a finite exponential only: 4γ is the largest logit of unit rows.
  const zero = tf.zerosLike(largestPositive);
  const gap = tf.where(valid, tf.sub(largestPositive, largestNegative), zero);
  const reference = tf.where(valid, largestNegative, tf.fill(zero.shape, 4 * gamma));
  const isPositive = tf.cast(positive, 'float32');
  const e = tf.exp(tf.sub(logits, tf.add(tf.mul(isPositive, gap), reference)));
  const positiveTerms = tf.mul(e, isPositive);
  const negativeTerms = tf.mul(e, tf.cast(negative, 'float32'));
  const positiveSum = tf.sum(positiveTerms, 1, true);
  const negativeSum = tf.sum(negativeTerms, 1, true);
  // reference + gap, not largestPositive: the very number that was subtracted, rounding included.
  const positiveSide = tf.add(tf.add(reference, gap), tf.log(positiveSum));
  const negativeSide = tf.add(reference, tf.log(negativeSum));
  const z = tf.sub(tf.add(positiveSide, negativeSide), 2 * gamma * m * m);
  const count = tf.sum(tf.cast(valid, 'float32'));
  const value = tf.div<Scalar>(tf.sum(tf.where(valid, tf.softplus(z), zero)), count);

  const slope = tf.div(tf.mul(gamma, tf.sigmoid(z)), count);
  const perPositive = tf.where(valid, tf.div(slope, positiveSum), zero);
  const perNegative = tf.where(valid, tf.div(slope, negativeSum), zero);
  const weighted = tf.sub(tf.mul(negativeTerms, perNegative), tf.mul(positiveTerms, perPositive));
  const g = tf.mul(weighted, tf.add(q, m));
  const weights = kind === 'pair-wise' ? tf.add(g, tf.transpose(g)) : g;
  const gradients = [throughNormalization(tf, tf.matMul(weights, y.unit), x)];
  if (kind === 'class-level') gradients.push(throughNormalization(tf, tf.matMul(tf.transpose(g), x.unit), y));
  return { value, gradients };
}

interface UnitRows {
  readonly unit: Tensor;
  readonly norms: Tensor;
}

function normalize(tf: TensorFlow, rows: Tensor): UnitRows {
  const norms = tf.sqrt(tf.sum(tf.square(rows), 1, true));
  return { unit: tf.div(rows, norms), norms };
}

function throughNormalization(tf: TensorFlow, gradient: Tensor, { unit, norms }: UnitRows): Tensor {
  const along = tf.sum(tf.mul(gradient, unit), 1, true);
  return tf.div(tf.sub(gradient, tf.mul(unit, along)), norms);
}
