/** The training thread as the main thread sees it: it is started, told to go, listened to and told to stop. */
import { on, once } from 'node:events';
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { type EngineName, pkSampler } from 'circle-loss';
import type { DataSet, Part } from '../data/data-set.ts';
import { selectRows } from '../data/rows.ts';
import { embeddingDim, hiddenUnits, recipe } from '../network/recipe.ts';
import { startProgress } from '../terminal/progress.ts';
import type { TrainingData, TrainingMessage } from './messages.ts';
import { SharedWeights } from './shared-weights.ts';
import { startThread } from './thread.ts';

export interface TrainingRun {
  /** That were done. */
  steps: number;
  seconds: number;
  /** The loss of pictures whose classes training never saw. */
  unseenBefore: number;
  unseenAfter: number;
}

export class TrainingThread {
  /** Of the network's layers. */
  readonly sizes: readonly number[];
  /** The newest. */
  readonly weights: SharedWeights;
  readonly #worker: Worker;
  readonly #stop: Int32Array;
  readonly #steps: number;
  readonly #unseenBefore: number;

  /** Resolves when the weights of step 0 are there; `run` begins with the first step. */
  static async start(
    { training, test }: DataSet,
    options: { steps: number; seed: number; engine: EngineName },
  ): Promise<TrainingThread> {
    const sizes = [training.inputs.dim, hiddenUnits, embeddingDim];
    const { steps, seed, engine } = options;
    // A core is left to the main thread, as far as there are two.
    const threads = Math.max(1, availableParallelism() - 1);
    const data: TrainingData = {
      inputs: training.inputs,
      labels: training.labels,
      unseen: chooseUnseen(test, seed),
      sizes,
      settings: { ...recipe, steps, seed, engine, threads },
      weights: new SharedWeights(parameterCount(sizes)).buffer,
      stop: new SharedArrayBuffer(4),
    };
    const worker = startThread('training.ts', data);
    const [ready] = (await once(worker, 'message')) as [TrainingMessage & { type: 'ready' }];
    return new TrainingThread(worker, data, ready.unseenLoss);
  }

  private constructor(worker: Worker, data: TrainingData, unseenBefore: number) {
    this.sizes = data.sizes;
    this.weights = new SharedWeights(data.weights);
    this.#worker = worker;
    this.#stop = new Int32Array(data.stop);
    this.#steps = data.settings.steps;
    this.#unseenBefore = unseenBefore;
  }

  /** Trains until all steps are done, or `seconds` are over, or `stop` is called. */
  async run(seconds?: number): Promise<TrainingRun> {
    const run = { steps: 0, seconds: 0, unseenBefore: this.#unseenBefore, unseenAfter: Number.NaN };
    const progress = startProgress('Training', this.#steps);
    const timer = seconds === undefined ? undefined : setTimeout(() => this.stop(), 1000 * seconds);
    const messages = on(this.#worker, 'message');
    this.#worker.postMessage('go');
    for await (const [message] of messages as AsyncIterable<[TrainingMessage]>) {
      if (message.type === 'step') {
        run.steps++;
        run.seconds += message.seconds;
        progress.advance(`loss ${message.loss.toFixed(2)}`);
      } else if (message.type === 'done') {
        run.unseenAfter = message.unseenLoss;
        break;
      }
    }
    clearTimeout(timer);
    progress.stop();
    return run;
  }

  /** After the step that is under way. */
  stop(): void {
    Atomics.store(this.#stop, 0, 1);
  }
}

/** A batch of classes that training never sees. */
function chooseUnseen({ inputs, labels, classCount }: Part, seed: number): TrainingData['unseen'] {
  const { classes, picturesPerClass } = recipe.batch;
  const sampler = pkSampler({
    labels,
    classesPerBatch: Math.min(classes, classCount),
    samplesPerClass: picturesPerClass,
    seed,
  });
  const rows = sampler.nextBatch();
  return { inputs: selectRows(inputs, rows), labels: rows.map((row) => labels[row]) };
}

/** Weights and biases of all layers. */
function parameterCount(sizes: readonly number[]): number {
  return sizes.slice(1).reduce((sum, outputs, i) => sum + (sizes[i] + 1) * outputs, 0);
}
