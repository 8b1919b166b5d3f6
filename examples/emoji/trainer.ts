/** Trains a network with Circle loss. The package's part is one call per step: embeddings in, loss and gradient out. */
import { createPairLoss, type EngineName } from 'circle-loss';
import { Adam } from './adam.ts';
import type { Network } from './network.ts';
import type { Random } from './random.ts';
import { type Rows, selectRows } from './rows.ts';
import { type BatchShape, Sampler } from './sampler.ts';

export interface TrainingOptions {
  steps: number;
  batch: BatchShape;
  margin: number;
  gamma: number;
  /** Of the first step; it falls to 0 along half a cosine. */
  learningRate: number;
  /** Share of the input numbers that a step does not see: against learning pictures by heart. */
  inputDropout: number;
  engine: EngineName;
}

export interface TrainingRun {
  /** The loss of each step's batch. */
  losses: number[];
  /** The engine that computed it. */
  engine: string;
  /** Seconds inside the loss, of all steps. */
  lossSeconds: number;
}

/** Changes the network; `labels[i]` is the class of row i of `inputs`. */
export function train(
  network: Network,
  inputs: Rows,
  labels: Int32Array,
  options: TrainingOptions,
  random: Random,
  onStep: (loss: number) => void,
): TrainingRun {
  const { steps, margin, gamma, engine } = options;
  const sampler = new Sampler(labels, options.batch, random);
  const adam = new Adam(network.parameters);
  using circleLoss = createPairLoss({
    dim: network.sizes.at(-1)!,
    pairLoss: { type: 'circle', margin, gamma },
    engine,
  });
  const run: TrainingRun = { losses: [], engine: '', lossSeconds: 0 };
  for (let step = 0; step < steps; step++) {
    const rows = sampler.next();
    const batch = selectRows(inputs, rows).values;
    dropOut(batch, options.inputDropout, random);
    const embeddings = network.forward(batch);
    const batchLabels = rows.map((row) => labels[row]);

    const started = performance.now();
    const result = circleLoss.compute(embeddings, batchLabels);
    run.lossSeconds += (performance.now() - started) / 1000;

    network.backward(result.gradient);
    adam.step((options.learningRate * (1 + Math.cos((Math.PI * step) / steps))) / 2);
    run.losses.push(result.loss);
    run.engine = result.engine;
    onStep(result.loss);
  }
  return run;
}

/** Sets a random share of the numbers to 0 and scales the others up by as much. */
function dropOut(values: Float32Array, share: number, random: Random): void {
  if (share === 0) return;
  for (let k = 0; k < values.length; k++) values[k] = random.fraction() < share ? 0 : values[k] / (1 - share);
}
