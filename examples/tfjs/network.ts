/** The network of the demo as a model of TensorFlow.js: features 704 → 512 → embedding 128. */
import * as tf from '@tensorflow/tfjs';
import type { Rows } from '../data/rows.ts';
import { rowCount } from '../data/rows.ts';
import { embeddingDim, hiddenUnits, recipe } from '../network/recipe.ts';

/** `last` are layers behind the embedding. */
export function createNetwork(inputDim: number, seed: number, ...last: tf.layers.Layer[]): tf.Sequential {
  const { heUniform, leCunUniform } = tf.initializers;
  return tf.sequential({
    layers: [
      // Without a seed: with one, TensorFlow.js drops the same numbers at every step.
      tf.layers.dropout({ rate: recipe.inputDropout, inputShape: [inputDim] }),
      tf.layers.dense({ units: hiddenUnits, activation: 'relu', kernelInitializer: heUniform({ seed }) }),
      tf.layers.dense({ units: embeddingDim, kernelInitializer: leCunUniform({ seed: seed + 1 }) }),
      ...last,
    ],
  });
}

export function toTensor(rows: Rows): tf.Tensor2D {
  return tf.tensor2d(rows.values, [rowCount(rows), rows.dim]);
}

export function embed(model: tf.LayersModel, inputs: Rows): Rows {
  const embeddings = tf.tidy(() => model.predict(toTensor(inputs)) as tf.Tensor2D);
  const values = embeddings.dataSync() as Float32Array;
  embeddings.dispose();
  return { values, dim: embeddingDim };
}
