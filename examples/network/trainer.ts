/** Trains a network with Circle loss. The package's part is the batch, and one call per step: embeddings in, loss and gradient out. */
import { createPairLoss, type EngineName, pkSampler } from 'circle-loss';
import type { Random } from '../data/random.ts';
import { type Rows, selectRows } from '../data/rows.ts';
import { Adam } from './adam.ts';
import type { Network } from './network.ts';

/** P×K batches: P classes with K pictures each, so that every anchor has positives and negatives. */
export interface BatchShape {
  /** P. */
  classes: number;
  /** K. */
  picturesPerClass: number;
}

export interface TrainingOptions {
  steps: number;
  batch: BatchShape;
  /** Of the batches. */
  seed: number;
  margin: number;
  gamma: number;
  /** Of the first step; it falls to 0 along half a cosine. */
  learningRate: number;
  /** Share of the input numbers that a step does not see: against learning pictures by heart. */
  inputDropout: number;
  engine: EngineName;
  /** Of the loss; default: all. */
  threads?: number;
}

export interface TrainingStep {
  /** Of the step's batch, before the step. */
  loss: number;
  /** The engine that computed it. */
  engine: string;
  /** Seconds inside the loss. */
  lossSeconds: number;
}

/** Changes the network, a step each time that it is asked for the next; `labels[i]` is the class of row i of `inputs`. */
export function* train(
  network: Network,
  inputs: Rows,
  labels: Int32Array,
  options: TrainingOptions,
  random: Random,
): Generator<TrainingStep, void> {
  const { steps, batch, seed, margin, gamma, engine, threads } = options;
  const sampler = pkSampler({
    labels,
    classesPerBatch: batch.classes,
    samplesPerClass: batch.picturesPerClass,
    seed,
  });
  const adam = new Adam(network.parameters);
  using circleLoss = createPairLoss({
    dim: network.sizes.at(-1)!,
    pairLoss: { type: 'circle', margin, gamma },
    engine,
    threads,
  });
  for (let step = 0; step < steps; step++) {
    const rows = sampler.nextBatch();
    const input = selectRows(inputs, rows).values;
    dropOut(input, options.inputDropout, random);
    const embeddings = network.forward(input);
    const batchLabels = rows.map((row) => labels[row]);

    const started = performance.now();
    const result = circleLoss.compute(embeddings, batchLabels);
    const lossSeconds = (performance.now() - started) / 1000;

    network.backward(result.gradient);
    adam.step(fallingRate(options.learningRate, step, steps));
    yield { loss: result.loss, engine: result.engine, lossSeconds };
  }
}

/** The learning rate of a step: from `first` at step 0 to 0 at the end, along half a cosine. */
export function fallingRate(first: number, step: number, steps: number): number {
  return (first * (1 + Math.cos((Math.PI * step) / steps))) / 2;
}

/** Sets a random share of the numbers to 0 and scales the others up by as much. */
export function dropOut(values: Float32Array, share: number, random: Random): void {
  if (share === 0) return;
  for (let k = 0; k < values.length; k++) values[k] = random.fraction() < share ? 0 : values[k] / (1 - share);
}
