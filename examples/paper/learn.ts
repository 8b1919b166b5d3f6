/** One training: a new network, and one of the losses. */
import { createClassHead, createPairLoss, type EngineName, pkSampler } from 'circle-loss';
import { Random } from '../data/random.ts';
import { selectRows } from '../data/rows.ts';
import { Adam } from '../network/adam.ts';
import { productOf } from '../network/matrix.ts';
import { Network } from '../network/network.ts';
import { dropOut, fallingRate } from '../network/trainer.ts';
import { type Loss, type LossName, losses, type Setting } from './losses.ts';
import { batchShape, embeddingDim, hiddenUnits, inputDropout } from './recipe.ts';
import type { Side } from './subjects.ts';

export interface Place {
  engine: EngineName;
  threads: number;
}

export interface LearningOptions {
  loss: LossName;
  setting: Setting;
  steps: number;
  /** Of the network's first weights, the batches, what drops out, and the first class weights: the same for all losses. */
  seed: number;
}

export function createNetwork(inputs: number, seed: number, { engine, threads }: Place): Network {
  return new Network([inputs, hiddenUnits, embeddingDim], productOf(engine, threads), new Random(seed));
}

/** Changes the network; gives the loss of each step's batch, before the step. */
export function learn(network: Network, { inputs, labels, classCount }: Side, options: LearningOptions, place: Place) {
  const { loss, setting, steps, seed } = options;
  const { classes: classesPerBatch, picturesPerClass: samplesPerClass } = batchShape;
  const sampler = pkSampler({ labels, classesPerBatch, samplesPerClass, seed });
  const dropped = new Random(seed);
  const adam = new Adam(network.parameters);
  using objective = createObjective(losses[loss], setting, classCount, seed, place);
  return Array.from({ length: steps }, (_, step) => {
    const rows = sampler.nextBatch();
    const input = selectRows(inputs, rows).values;
    dropOut(input, inputDropout, dropped);
    const embeddings = network.forward(input);
    const rate = fallingRate(setting.learningRate, step, steps);
    const batchLabels = rows.map((row) => labels[row]);
    const { loss: value, gradient } = objective.step(embeddings, batchLabels, rate);
    network.backward(gradient);
    adam.step(rate);
    return value;
  });
}

/** A loss at work: with class weights, which move at each step, or between the pictures of a batch. */
interface Objective extends Disposable {
  step(embeddings: Float32Array, labels: Int32Array, rate: number): { loss: number; gradient: Float32Array };
}

function createObjective(
  { level, choose }: Loss,
  setting: Setting,
  classes: number,
  seed: number,
  place: Place,
): Objective {
  const options = { dim: embeddingDim, ...choose(setting), ...place };
  if (level === 'pair') {
    const pairs = createPairLoss(options);
    return {
      step: (embeddings, labels) => pairs.compute(embeddings, labels),
      [Symbol.dispose]: () => pairs.dispose(),
    };
  }
  const { learningRate, classRateFactor = 1 } = setting;
  const head = createClassHead({ ...options, classes, seed, optimizer: { type: 'adam', learningRate } });
  return {
    step: (embeddings, labels, rate) => head.step(embeddings, labels, { learningRate: rate * classRateFactor }),
    [Symbol.dispose]: () => head.dispose(),
  };
}
