/** The losses in operations of TensorFlow.js, differentiated by it: what the adapter has to agree with. */
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { resolvePairLoss } from '../lib/losses.ts';
import type { Case } from './cases.ts';

/** A logit that counts for nothing, and is no −∞, which would become NaN on the way back. */
const noLogit = -1e30;

const constant = tf.customGrad((x) => ({ value: (x as Tensor).clone(), gradFunc: (dy) => tf.zerosLike(dy) }));

const unit = (rows: Tensor) => tf.div(rows, tf.norm(rows, 'euclidean', 1, true));

/** The mean over the valid anchors, scope 'anchor'; `candidates` absent: the batch. `anchors` and they are rows as given. */
export function lossInOps({ options, labels }: Case, anchors: Tensor, candidates?: Tensor): Scalar {
  const columnLabels = options.classWeights
    ? Int32Array.from({ length: candidates!.shape[0] }, (_, c) => c)
    : (options.candidateLabels ?? labels);
  const isSame = tf.equal(tf.tensor2d([...labels], [labels.length, 1]), tf.tensor2d([[...columnLabels]]));
  const isOther = candidates ? tf.onesLike(isSame) : tf.logicalNot(tf.eye(labels.length, undefined, undefined, 'bool'));
  const isPositive = tf.logicalAnd(isSame, isOther);
  const isNegative = tf.logicalNot(isSame);
  const rows = options.normalize === false ? anchors : unit(anchors);
  const columns = candidates ? (options.normalize === false ? candidates : unit(candidates)) : rows;
  const { positive, negative } = logitsOf(options, tf.matMul(rows, columns, false, true));
  const side = (logits: Tensor, mask: Tensor) => tf.where(mask, logits, tf.fill(logits.shape, noLogit));
  const isValid = tf.cast(tf.logicalAnd(tf.any(isPositive, 1), tf.any(isNegative, 1)), 'float32');
  const losses = combine(options, side(positive, isPositive), side(negative, isNegative));
  return tf.div(tf.sum(tf.mul(losses, isValid)), tf.maximum(tf.sum(isValid), 1));
}

function logitsOf(options: Case['options'], s: Tensor): { positive: Tensor; negative: Tensor } {
  const loss = resolvePairLoss(options.pairLoss, options.classWeights !== undefined);
  switch (loss.type) {
    case 'circle': {
      const weight = (alpha: Tensor) => (loss.weighting === 'detached' ? constant(tf.relu(alpha)) : tf.relu(alpha));
      const { gamma, optima, targets } = loss;
      const positive = tf.mul(weight(tf.sub(optima.positive, s)), tf.sub(s, targets.positive));
      const negative = tf.mul(weight(tf.sub(s, optima.negative)), tf.sub(s, targets.negative));
      return { positive: tf.mul(-gamma, positive), negative: tf.mul(gamma, negative) };
    }
    case 'unified':
      return { positive: tf.mul(-loss.gamma, s), negative: tf.mul(loss.gamma, tf.add(s, loss.margin)) };
    case 'triplet':
      return { positive: tf.neg(s), negative: tf.add(s, loss.margin) };
    default:
      throw new Error(`${loss.type} is not written here.`);
  }
}

function combine(options: Case['options'], positive: Tensor, negative: Tensor): Tensor {
  if (options.pairLoss.type === 'triplet') return tf.relu(tf.add(tf.max(positive, 1), tf.max(negative, 1)));
  return tf.softplus(tf.add(tf.logSumExp(positive, 1), tf.logSumExp(negative, 1)));
}

/** A network with one hidden layer, of variables as they are made by hand: 6 → 8 → dim. */
export class SmallModel {
  readonly weights: tf.Variable[];

  constructor(dim: number, random: () => number) {
    const variable = (rows: number, columns: number) =>
      tf.variable(
        tf.tensor2d(
          Float32Array.from({ length: rows * columns }, () => random() - 0.5),
          [rows, columns],
        ),
      );
    this.weights = [variable(6, 8), variable(8, dim)];
  }

  embed(x: Tensor): Tensor {
    const [first, second] = this.weights;
    return tf.matMul(tf.relu(tf.matMul(x, first)), second);
  }

  /**
   * How far an error of `move` in each number of a gradient at the embeddings, which is at most `size`, may move the
   * gradient of each weight. Where inputs and weights are replaced by their sizes nothing cancels and ReLU lets all pass.
   * Two sums of as many products as there are rows, outputs or units are rounded as often again.
   */
  boundOf(x: Tensor, move: number, size: number): number[] {
    return tf.tidy(() => {
      const [first, second] = this.weights.map((weight) => tf.abs(weight));
      const count = x.shape[0] + second.shape[1]! + 8;
      const each = move + 2 * count * 2 ** -24 * size;
      const embed = (a: Tensor, b: Tensor) => tf.mul(each, tf.sum(tf.matMul(tf.matMul(tf.abs(x), a), b)));
      return tf
        .grads(embed)([first, second])
        .map((gradient) => gradient.max().dataSync()[0]);
    });
  }
}
