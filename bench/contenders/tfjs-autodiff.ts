/** The loss as one writes it in TensorFlow.js: the paper's formula in ops, the gradient by automatic differentiation. */
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { noLogit, type TensorFlow, type TensorProblem, type TensorStep, toRoles } from './tfjs-problem.ts';

/** The loss as a function of tensors, for whoever differentiates. */
export function autodiffLoss(tf: TensorFlow, problem: TensorProblem) {
  const { margin: m, gamma } = problem.workload;
  // TensorFlow.js has no stopGradient; this is the usual way to write one.
  const stopGradient = tf.customGrad((x) => ({ value: (x as Tensor).clone(), gradFunc: (dy) => tf.zerosLike(dy) }));
  const normalize = (x: Tensor) => tf.div(x, tf.norm(x, 'euclidean', 1, true));

  return (embeddings: Tensor, candidates: Tensor | undefined): Scalar => {
    const { positive, negative, valid } = toRoles(tf, problem);
    const anchors = normalize(embeddings);
    const others = candidates === undefined ? anchors : normalize(candidates);
    const s = tf.matMul(anchors, others, false, true);
    const alphaPositive = stopGradient(tf.relu(tf.sub(1 + m, s)));
    const alphaNegative = stopGradient(tf.relu(tf.add(s, m)));
    const positiveLogits = tf.mul(-gamma, tf.mul(alphaPositive, tf.sub(s, 1 - m)));
    const negativeLogits = tf.mul(gamma, tf.mul(alphaNegative, tf.sub(s, m)));
    const none = tf.fill(s.shape, noLogit);
    const positiveSide = tf.logSumExp(tf.where(positive, positiveLogits, none), 1, true);
    const negativeSide = tf.logSumExp(tf.where(negative, negativeLogits, none), 1, true);
    const anchorLosses = tf.softplus(tf.add(positiveSide, negativeSide));
    const isValid = tf.cast(valid, 'float32');
    return tf.div(tf.sum(tf.mul(anchorLosses, isValid)), tf.sum(isValid));
  };
}

export function autodiffStep(tf: TensorFlow, problem: TensorProblem): TensorStep {
  const loss = autodiffLoss(tf, problem);
  if (problem.workload.kind === 'class-level') {
    const both = tf.valueAndGrads((x, w) => loss(x, w));
    return () => {
      const { value, grads } = both([problem.embeddings, problem.candidates!]);
      return [value, ...grads];
    };
  }
  const one = tf.valueAndGrad((x) => loss(x as Tensor, problem.candidates));
  return () => {
    const { value, grad } = one(problem.embeddings);
    return [value, grad];
  };
}
