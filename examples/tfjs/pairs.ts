/**
 * A LayersModel that `compile` and `fit` train with Circle loss between the pictures of a batch: labels in place of
 * targets, and batches in which classes meet. `main` is the walk through it.
 */
import * as tf from '@tensorflow/tfjs';
import { pkSampler } from 'circle-loss';
import { withTensorFlow } from 'circle-loss/tfjs';
import { loadDataSet, type Part } from '../data/data-set.ts';
import { Random } from '../data/random.ts';
import { describeRecall, recallAt1 } from '../data/recall.ts';
import { selectRows } from '../data/rows.ts';
import { recipe } from '../network/recipe.ts';
import { chooseEngine } from '../terminal/engine.ts';
import { startProgress } from '../terminal/progress.ts';
import { startBackend } from './backend.ts';
import { createNetwork, embed, toTensor } from './network.ts';
import { readPairOptions, type TensorFlowOptions } from './options.ts';

await main(readPairOptions());

async function main(options: TensorFlowOptions): Promise<void> {
  await startBackend(options.backend);
  const engine = chooseEngine(options.engine);
  const random = new Random(options.seed);
  const { training, test } = await loadDataSet({ classLimit: options.classLimit, random });
  const recallBefore = recallAt1(test.features, test, engine);

  const { circleLoss, withLabels } = withTensorFlow(tf);
  const { margin, gamma, learningRate } = recipe;
  const model = createNetwork(training.inputs.dim, options.seed);
  const trained = withLabels(model); // the same weights, and one label a row is target enough
  trained.compile({
    optimizer: tf.train.adam(learningRate),
    loss: (labels: tf.Tensor, embeddings: tf.Tensor) => circleLoss(labels, embeddings, { margin, gamma, engine }),
  });
  const losses = await fit(trained, training, options);

  const recallAfter = recallAt1(embed(model, test.inputs), test, engine);
  console.log(`Loss            ${losses[0].toFixed(2)} in the first epoch, ${losses.at(-1)!.toFixed(2)} in the last`);
  console.log(describeRecall(recallBefore, recallAfter, test));
}

/** The mean loss of each epoch. In batches that `fit` draws, most pictures meet none of their class. */
async function fit(model: tf.LayersModel, { inputs, labels }: Part, { steps, seed }: TensorFlowOptions) {
  const { classes, picturesPerClass } = recipe.batch;
  const sampler = pkSampler({ labels, classesPerBatch: classes, samplesPerClass: picturesPerClass, seed });
  const progress = startProgress('Training', steps);
  const onBatchEnd = (_: number, logs?: tf.Logs) => progress.advance(`loss ${logs?.loss.toFixed(2)}`);
  const losses: number[] = [];
  for (let done = 0; done < steps; done += sampler.batchesPerEpoch) {
    const rows = [...sampler].slice(0, steps - done).flatMap((batch) => [...batch]);
    const x = toTensor(selectRows(inputs, rows));
    const y = tf.tensor1d(
      Int32Array.from(rows, (row) => labels[row]),
      'int32',
    );
    const order = { batchSize: sampler.batchSize, shuffle: false }; // batch after batch as they were sampled
    const { history } = await model.fit(x, y, { ...order, verbose: 0, callbacks: { onBatchEnd } });
    losses.push(history.loss[0] as number);
    tf.dispose([x, y]);
  }
  progress.stop();
  return losses;
}
