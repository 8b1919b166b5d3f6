/**
 * A LayersModel with a layer that owns class weights, trained by `compile` and `fit` with Circle loss against them. Half-way
 * the model is saved, read back and trained on. `main` is the walk through it.
 */
import * as tf from '@tensorflow/tfjs';
import type { EngineName } from 'circle-loss';
import { type ClassWeightsLayer, withTensorFlow } from 'circle-loss/tfjs';
import { type ClassJudgement, describeClasses } from '../data/class-judgement.ts';
import { loadDataSet, type Part } from '../data/data-set.ts';
import { Random } from '../data/random.ts';
import { describeRecall, recallAt1 } from '../data/recall.ts';
import { recipe } from '../network/recipe.ts';
import { chooseEngine } from '../terminal/engine.ts';
import { startProgress } from '../terminal/progress.ts';
import { startBackend } from './backend.ts';
import { modelFolder } from './model-folder.ts';
import { createNetwork, embed, toTensor } from './network.ts';
import { readClassOptions, type SavedModelOptions } from './options.ts';

const { classWeights, classWeightsOf } = withTensorFlow(tf);
const { margin, gamma, learningRate, batch } = recipe;
const batchSize = batch.classes * batch.picturesPerClass;

await main(readClassOptions());

async function main({ out, steps, seed, ...options }: SavedModelOptions): Promise<void> {
  await startBackend(options.backend);
  const engine = chooseEngine(options.engine);
  const { training, test } = await loadDataSet({ classLimit: options.classLimit, random: new Random(seed) });
  const recallBefore = recallAt1(test.features, test, engine);

  const loss = { pairLoss: { type: 'circle', margin, gamma } } as const;
  const head = classWeights({ classes: training.classCount, loss, compute: { engine }, seed });
  const model = createNetwork(training.inputs.dim, seed, head);
  model.compile({ optimizer: tf.train.adam(learningRate), loss: head.loss });
  const before = judge(model, head, training);
  const epochs = Math.ceil(steps / batchesPerEpoch(training) / 2);
  await fit('Training, first half', model, training, epochs);
  const saved = judge(model, head, training);
  await model.save(modelFolder(out), { includeOptimizer: true });

  const loaded = await load(out, engine);
  const found = judge(loaded, classWeightsOf(loaded), training);
  await fit('Training, second half', loaded, training, epochs);
  const after = judge(loaded, classWeightsOf(loaded), training);
  await loaded.save(modelFolder(out), { includeOptimizer: true });
  const recallAfter = recallAt1(embed(loaded, test.inputs), test, engine);

  console.log(
    `Resumption      loss ${saved.loss.toFixed(6)} of the model saved after ${epochs} epochs, ${found.loss.toFixed(6)} of the one loaded`,
  );
  console.log(describeClasses(before, after, training));
  console.log(describeRecall(recallBefore, recallAfter, test));
  console.log(`Model           ${out}`);
}

/** Of layers, weights, class weights and optimiser; functions are not saved, nor is how to compute. */
async function load(folder: string, engine: EngineName): Promise<tf.LayersModel> {
  const model = await tf.loadLayersModel(modelFolder(folder));
  model.compile({ optimizer: model.optimizer, loss: classWeightsOf(model, { engine }).loss });
  return model;
}

function batchesPerEpoch({ labels }: Part): number {
  return Math.ceil(labels.length / batchSize);
}

/** Batches by chance will do: every picture meets the weights of its class and those of all others. */
async function fit(title: string, model: tf.LayersModel, part: Part, epochs: number): Promise<void> {
  const progress = startProgress(title, epochs * batchesPerEpoch(part));
  const onBatchEnd = (_: number, logs?: tf.Logs) => progress.advance(`loss ${logs?.loss.toFixed(2)}`);
  const [x, y] = tensorsOf(part);
  await model.fit(x, y, { batchSize, epochs, verbose: 0, callbacks: { onBatchEnd } });
  tf.dispose([x, y]);
  progress.stop();
}

/** How well class weights and embeddings of the pictures fit each other. */
function judge(model: tf.LayersModel, head: ClassWeightsLayer, part: Part): ClassJudgement {
  return tf.tidy(() => {
    const [x, y] = tensorsOf(part);
    const loss = model.evaluate(x, y, { batchSize: x.shape[0] }) as tf.Scalar;
    const nearest = tf.argMax(head.similarity(model.predict(x) as tf.Tensor), 1);
    const right = tf.mean(tf.cast(tf.equal(nearest, y), 'float32'));
    return { loss: loss.dataSync()[0], accuracy: right.dataSync()[0] };
  });
}

function tensorsOf({ inputs, labels }: Part): [tf.Tensor2D, tf.Tensor1D] {
  return [toTensor(inputs), tf.tensor1d(labels, 'int32')];
}
