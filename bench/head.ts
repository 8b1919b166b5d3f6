/**
 * What a class head costs: a step with its optimiser beside the bare loss and gradients on the same arrays, and the memory
 * of a head beside that of its numbers.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { type ClassHeadOptions, createClassHead, createPairLoss, type Optimizer } from 'circle-loss';
import { Command } from 'commander';
import { markdownTable } from 'markdown-table';
import { interquartileRange, median } from 'simple-statistics';
import { describeMachine } from './machine.ts';
import { significant } from './markdown.ts';
import { makeData, type Workload } from './workloads.ts';

const { rounds, memoryClasses, quick } = new Command('npm run --workspace bench head --')
  .description('Times steps of class heads, and measures the memory of a large one.')
  .option('--rounds <count>', 'rounds; every contender has one step in each', Number, 15)
  .option(
    '--memory-classes <count>',
    'classes of the head whose memory is measured; 0 leaves it out',
    Number,
    1_000_000,
  )
  .option('--quick', 'a small problem, one round: everything runs')
  .parse()
  .opts<{ rounds: number; memoryClasses: number; quick?: true }>();

const workload: Workload = {
  name: 'class-level',
  source: '',
  kind: 'class-level',
  anchors: quick ? 16 : 512,
  candidates: quick ? 100 : 10_000,
  dim: quick ? 8 : 512,
  perClass: 1,
  margin: 0.25,
  gamma: 256,
};
const pairLoss = { type: 'circle', margin: workload.margin, gamma: workload.gamma } as const;

const optimizers: Record<string, Optimizer> = {
  'SGD, no momentum': { type: 'sgd', learningRate: 1e-6 },
  'SGD, momentum 0.9, weight decay 5e-4': { type: 'sgd', learningRate: 1e-6, momentum: 0.9, weightDecay: 5e-4 },
  Adam: { type: 'adam', learningRate: 1e-9 },
};

function contenders(): Record<string, () => number> {
  const { anchors, candidates: classes, dim } = workload;
  const { embeddings, labels, candidates: weights } = makeData(workload);
  const bare = createPairLoss({ dim, pairLoss, classWeights: weights! });
  const { loss: _loss, validAnchors: _valid, engine: _engine, ...out } = bare.compute(embeddings, labels);
  const headOptions = { classes, dim, pairLoss, weights: weights! } as const;
  const step = (options: Partial<ClassHeadOptions> & { optimizer: Optimizer }) => {
    const head = createClassHead({ ...headOptions, ...options } as ClassHeadOptions);
    const own = { gradient: new Float32Array(anchors * dim), anchorLosses: new Float32Array(anchors) };
    return () => head.step(embeddings, labels, { out: own }).loss;
  };
  return {
    'bare loss and gradients': () => bare.compute(embeddings, labels, { out }).loss,
    ...Object.fromEntries(Object.entries(optimizers).map(([name, optimizer]) => [name, step({ optimizer })])),
    'SGD, momentum 0.9, a tenth of the classes': step({
      optimizer: optimizers['SGD, momentum 0.9, weight decay 5e-4'],
      sampleRate: 0.1,
    }),
  };
}

/** Milliseconds of each contender in each round; the first to start moves on by one. */
function time(steps: Record<string, () => number>): Record<string, number[]> {
  const names = Object.keys(steps);
  const samples: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (const step of Object.values(steps)) step(); // memory is touched, code compiled
  for (let round = 0; round < (quick ? 1 : rounds); round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length];
      const start = performance.now();
      steps[name]();
      samples[name].push(performance.now() - start);
    }
  }
  return samples;
}

const status = (field: string) =>
  1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))![1]);

/** Bytes that a head takes at its largest, its creation and a step included, over those of weights and moments. */
function measureMemory(classes: number, optimizer: Optimizer, moments: number): string[] {
  const { anchors, dim } = workload;
  const { embeddings } = makeData(workload);
  const labels = Int32Array.from({ length: anchors }, (_, i) => (i * 7919) % classes);
  globalThis.gc?.();
  writeFileSync('/proc/self/clear_refs', '5'); // the high-water mark falls to the present size
  const before = status('VmRSS');
  const start = performance.now();
  const head = createClassHead({ classes, dim, pairLoss, optimizer });
  const created = performance.now();
  head.step(embeddings, labels);
  const stepped = performance.now();
  const own = classes * dim * 4 * (1 + moments);
  const taken = status('VmHWM') - before;
  head.dispose();
  return [
    `${classes} × ${dim}, ${optimizer.type}, ${moments} moments`,
    `${(own / 2 ** 20).toFixed(0)} MiB`,
    `${(taken / 2 ** 20).toFixed(0)} MiB`,
    `${(100 * (taken / own - 1)).toFixed(1)} %`,
    `${significant((created - start) / 1000)} s`,
    `${significant((stepped - created) / 1000)} s`,
  ];
}

const { cpu, parallelism, node, commit } = describeMachine();
const { anchors, candidates, dim } = workload;
console.log(`${anchors} × ${candidates} × ${dim}; ${cpu}, ${parallelism} threads, Node.js ${node}, commit ${commit}\n`);
const classes = quick ? 1000 : memoryClasses;
if (classes > 0) {
  // First, while the process is small: what others leave to the garbage collector would count against them.
  const heads = [
    measureMemory(classes, optimizers['SGD, no momentum'], 0),
    measureMemory(classes, optimizers['SGD, momentum 0.9, weight decay 5e-4'], 1),
  ];
  const header = ['head', 'its numbers', 'peak', 'more', 'creation', 'step'];
  console.log(`${markdownTable([header, ...heads], { align: ['l', 'r', 'r', 'r', 'r', 'r'] })}\n`);
}
const samples = time(contenders());
const first = median(Object.values(samples)[0]);
const rows = Object.entries(samples).map(([name, values]) => {
  const center = median(values);
  return [name, significant(center), significant(interquartileRange(values)), (center / first).toFixed(2)];
});
console.log(markdownTable([['step', 'median ms', 'spread ms', '× bare'], ...rows], { align: ['l', 'r', 'r', 'r'] }));
