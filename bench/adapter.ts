/**
 * The adapter for TensorFlow.js: what it costs beside the call on arrays, and a training step with it beside one with the
 * loss in operations of TensorFlow.js. In one process, since the adapter and what it is compared with share the tensors;
 * rounds interleaved, medians of all steps. Backend wasm, the fastest one without a GPU or a library to download.
 */
import '@tensorflow/tfjs-backend-wasm';
import type { Scalar, Sequential, Tensor, Variable } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { computeCircleLoss } from 'circle-loss';
import { withTensorFlow } from 'circle-loss/tfjs';
import { Command, InvalidArgumentError } from 'commander';
import { markdownTable } from 'markdown-table';
import { interquartileRange, median } from 'simple-statistics';
import { tolerances } from './agreement.ts';
import { autodiffLoss } from './contenders/tfjs-autodiff.ts';
import { customGradientLoss } from './contenders/tfjs-custom-gradient.ts';
import { toTensors } from './contenders/tfjs-problem.ts';
import { describeMachine } from './machine.ts';
import { significant } from './markdown.ts';
import { makeData, type Workload, workloads } from './workloads.ts';

/** A contender gets this long in a round, but at least one step. */
const roundMilliseconds = 100;

/** One step, which returns its loss. */
interface Contender {
  readonly name: string;
  readonly step: () => number;
  /** Whether the loss is that of the others. */
  readonly computes: 'the loss' | 'something else';
}

const { rounds, batch } = new Command('adapter')
  .description('Times the adapter for TensorFlow.js: over the call on arrays, and in a training step.')
  .option('--rounds <count>', 'interleaved rounds', toCount, 15)
  .option('--batch <rows>', 'of the training step; four rows a class', toCount, 256)
  .parse()
  .opts<{ rounds: number; batch: number }>();

function toCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('It must be an integer from 1.');
}

tf.enableProdMode();
await tf.setBackend('wasm');
const { circleLoss } = withTensorFlow(tf);
const { cpu, parallelism, node, commit } = describeMachine();
console.log(`${cpu}, ${parallelism} threads, Node.js ${node}, tfjs ${tf.version_core} wasm, commit ${commit}\n`);
console.log(`Loss and gradient, 512 × 512\n\n${table(overTheCall())}\n`);
const step = trainingStep();
console.log(`Loss and gradient of the training step below, tensors, ${batch} × 128\n\n${table(step.lossOnly)}\n`);
console.log(`Training step of a network 704 → 512 → 128, batch ${batch}, Adam\n\n${table(step.whole)}`);

function overTheCall(): Contender[] {
  const workload = workloads.find(({ name }) => name === 'pair-wise 512x512')!;
  const { embeddings, labels } = makeData(workload);
  const { dim, margin, gamma } = workload;
  const rows = tf.tensor2d(embeddings, [embeddings.length / dim, dim]);
  const given = tf.tensor1d(labels, 'int32');
  const contenders: Contender[] = [
    {
      name: 'computeCircleLoss, arrays',
      step: () => computeCircleLoss(embeddings, labels, { dim, margin, gamma }).loss,
      computes: 'the loss',
    },
    {
      name: 'circleLoss, tensors, and tf.valueAndGrad',
      step: differentiated((x) => circleLoss(given, x, { margin, gamma }), rows),
      computes: 'the loss',
    },
  ];
  return checked(contenders, workload);
}

/** The same losses by themselves and in a step, and the step without one: what no loss can be faster than. */
function trainingStep(): { lossOnly: Contender[]; whole: Contender[] } {
  const [features, hidden, dim] = [704, 512, 128];
  const [margin, gamma] = [0.25, 64];
  const shape = { name: 'training step', source: 'the demo', kind: 'pair-wise', perClass: 4, margin, gamma } as const;
  const workload: Workload = { ...shape, anchors: batch, candidates: batch, dim };
  const problem = toTensors(tf, workload, makeData(workload));
  const inputs = makeData({ ...workload, dim: features }).embeddings;
  const x = tf.tensor2d(inputs, [batch, features]);
  const autodiff = autodiffLoss(tf, problem);
  const losses: Record<string, (embeddings: Tensor) => Scalar> = {
    'circle-loss/tfjs': (embeddings) => circleLoss(problem.labels, embeddings, { margin, gamma }),
    'loss in ops, autodiff': (embeddings) => autodiff(embeddings, undefined),
    'loss in ops, hand-written gradient': customGradientLoss(tf, problem),
  };
  const contenders = (step: (loss: (embeddings: Tensor) => Scalar) => () => number): Contender[] =>
    Object.entries(losses).map(([name, loss]) => ({ name, step: step(loss), computes: 'the loss' }));
  const train = (loss: (embeddings: Tensor) => Scalar) => trainer(newNetwork([features, hidden, dim]), x, loss);
  const floor: Contender = {
    name: 'no loss: mean of the embeddings',
    step: train(tf.mean),
    computes: 'something else',
  };
  return {
    lossOnly: checked(
      contenders((loss) => differentiated(loss, problem.embeddings)),
      workload,
    ),
    whole: checked([...contenders(train), floor], workload),
  };
}

function newNetwork([features, hidden, dim]: number[]): Sequential {
  const seeded = (seed: number) => ({ kernelInitializer: tf.initializers.glorotUniform({ seed }) });
  const first = tf.layers.dense({ units: hidden, inputShape: [features], activation: 'relu', ...seeded(1) });
  return tf.sequential({ layers: [first, tf.layers.dense({ units: dim, ...seeded(2) })] });
}

function trainer(network: Sequential, x: Tensor, loss: (embeddings: Tensor) => Scalar): () => number {
  const variables = network.trainableWeights.map((weight) => weight.read() as Variable);
  const optimizer = tf.train.adam(1e-3);
  return () => {
    const cost = optimizer.minimize(() => loss(network.apply(x, { training: true }) as Tensor), true, variables)!;
    const [value] = cost.dataSync();
    cost.dispose();
    return value;
  };
}

function differentiated(loss: (embeddings: Tensor) => Scalar, rows: Tensor): () => number {
  const both = tf.valueAndGrad((x: Tensor) => loss(x));
  return () => {
    const { value, grad } = both(rows);
    const [number] = value.dataSync();
    tf.dispose([value, grad]);
    return number;
  };
}

/** All with the same first loss; each side may be off by the tolerance. */
function checked(contenders: Contender[], workload: Workload): Contender[] {
  const [first, ...others] = contenders.filter(({ computes }) => computes === 'the loss');
  const loss = first.step();
  const bound = 2 * tolerances(workload).loss * loss;
  for (const { name, step } of others) {
    if (!(Math.abs(step() - loss) <= bound)) throw new Error(`${name} disagrees with ${first.name}.`);
  }
  return contenders;
}

/** Milliseconds of each step. */
function measure(contenders: readonly Contender[]): number[][] {
  const samples: number[][] = contenders.map(() => []);
  const stepsPerRound = contenders.map(({ step }) => warmUp(step));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const which = (turn + round) % contenders.length;
      for (let i = 0; i < stepsPerRound[which]; i++) samples[which].push(time(contenders[which].step));
    }
  }
  return samples;
}

function time(step: () => number): number {
  const start = performance.now();
  step();
  return performance.now() - start;
}

function warmUp(step: () => number): number {
  const times = [time(step)];
  for (let spent = times[0]; spent < roundMilliseconds; spent += times.at(-1)!) times.push(time(step));
  return Math.max(1, Math.floor(roundMilliseconds / median(times)));
}

function table(contenders: readonly Contender[]): string {
  const samples = measure(contenders);
  const first = median(samples[0]);
  const rows = contenders.map(({ name }, i) => {
    const center = median(samples[i]);
    const spread = interquartileRange(samples[i]);
    return [name, significant(center), significant(spread), (center / first).toFixed(2), String(samples[i].length)];
  });
  const header = ['contender', 'median ms', 'spread ms', '× first', 'samples'];
  return markdownTable([header, ...rows], { align: ['l', 'r', 'r', 'r', 'r'] });
}
