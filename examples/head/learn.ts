/**
 * A training loop by hand: class weights that stay in the engine (`createClassHead`) and a memory of past embeddings
 * (`createMemoryBank`) on the same embeddings. Each has a loss and a gradient, and the network gets the sum.
 */
import { type ClassHead, type MemoryBank, pkSampler } from 'circle-loss';
import type { Part } from '../data/data-set.ts';
import type { Random } from '../data/random.ts';
import { selectRows } from '../data/rows.ts';
import { Adam } from '../network/adam.ts';
import type { Network } from '../network/network.ts';
import { recipe } from '../network/recipe.ts';
import { dropOut, fallingRate } from '../network/trainer.ts';

/** What is trained. Between two steps the head may be replaced, by one from a file for example. */
export interface Model {
  readonly network: Network;
  head: ClassHead;
}

export interface LearningOptions {
  steps: number;
  /** Of the batches. */
  seed: number;
  /** Of the class weights, at the first step; it falls as that of the network does. */
  classLearningRate: number;
  /** Of the network's inputs that are dropped. */
  random: Random;
}

export interface LearningStep {
  /** Made so far. */
  steps: number;
  /** Of the batch against the class weights. */
  classLoss: number;
  /** Of the batch against itself and against the memory. */
  pairLoss: number;
}

/** Changes the model and fills the bank, a step each time that it is asked for the next. */
export function* learn(
  model: Model,
  bank: MemoryBank,
  { inputs, labels }: Part,
  { steps, seed, classLearningRate, random }: LearningOptions,
): Generator<LearningStep, void> {
  const { classes, picturesPerClass } = recipe.batch;
  const sampler = pkSampler({ labels, classesPerBatch: classes, samplesPerClass: picturesPerClass, seed });
  const { network } = model;
  const adam = new Adam(network.parameters);
  for (let step = 0; step < steps; step++) {
    const rows = sampler.nextBatch();
    const batchLabels = rows.map((row) => labels[row]);
    const input = selectRows(inputs, rows).values;
    dropOut(input, recipe.inputDropout, random);
    const embeddings = network.forward(input);

    const learningRate = fallingRate(classLearningRate, step, steps);
    const toClasses = model.head.step(embeddings, batchLabels, { learningRate }); // moves the class weights
    const toPairs = bank.loss(embeddings, batchLabels);
    bank.enqueue(embeddings, batchLabels); // after the loss, or each embedding would meet itself

    network.backward(toClasses.gradient.map((slope, k) => slope + toPairs.gradient[k]));
    adam.step(fallingRate(recipe.learningRate, step, steps));
    yield { steps: step + 1, classLoss: toClasses.loss, pairLoss: toPairs.loss };
  }
}
