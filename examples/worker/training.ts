/** The training thread: steps of Circle loss one after the other, each of which leaves its weights in shared memory. */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { computePairLoss } from 'circle-loss';
import { Random } from '../data/random.ts';
import { productOf } from '../network/matrix.ts';
import { Network } from '../network/network.ts';
import { train } from '../network/trainer.ts';
import type { TrainingData, TrainingMessage } from './messages.ts';
import { SharedWeights } from './shared-weights.ts';

const { inputs, labels, unseen, sizes, settings, weights, stop } = workerData as TrainingData;
const { engine, threads, margin, gamma } = settings;
const port = parentPort!;
const stopped = new Int32Array(stop);
const shared = new SharedWeights(weights);
const random = new Random(settings.seed);
const network = new Network(sizes, productOf(engine, threads), random);

shared.publish(network.parameters);
send({ type: 'ready', unseenLoss: unseenLoss() });
await once(port, 'message');

let started = performance.now();
for (const { loss } of train(network, inputs, labels, settings, random)) {
  shared.publish(network.parameters);
  const ended = performance.now();
  send({ type: 'step', loss, seconds: (ended - started) / 1000 });
  started = ended;
  if (Atomics.load(stopped, 0) !== 0) break;
}
send({ type: 'done', unseenLoss: unseenLoss() });

function send(message: TrainingMessage): void {
  port.postMessage(message);
}

function unseenLoss(): number {
  const embeddings = network.embed(unseen.inputs);
  const pairLoss = { type: 'circle', margin, gamma } as const;
  return computePairLoss(embeddings.values, unseen.labels, {
    dim: embeddings.dim,
    pairLoss,
    engine,
    threads,
    gradient: 'skip',
  }).loss;
}
