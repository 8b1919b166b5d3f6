/**
 * Small batches in one process, by the `benchmark` suite: the cost of a call, and this package beside TensorFlow.js wasm
 * where a step is short. Medians of its samples. Beware: contenders share one heap and one JIT; `run.ts` separates them.
 */
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import Benchmark from 'benchmark';
import { computeCircleLoss, createPairLoss } from 'circle-loss';
import { markdownTable } from 'markdown-table';
import { interquartileRange, median } from 'simple-statistics';
import { tolerances } from './agreement.ts';
import { autodiffStep } from './contenders/tfjs-autodiff.ts';
import { customGradientStep } from './contenders/tfjs-custom-gradient.ts';
import { type TensorStep, toTensors } from './contenders/tfjs-problem.ts';
import { significant } from './markdown.ts';
import { makeData, nominalFlops, type Workload, workloads } from './workloads.ts';

const largestFlops = 0.05e9;

/** Name → one step, which returns its loss. */
type Steps = Record<string, () => number>;

const pairWise = workloads.filter((workload) => workload.kind === 'pair-wise' && nominalFlops(workload) < largestFlops);
const callOverhead: Workload = { ...pairWise[0], name: 'call overhead 2x2', anchors: 2, candidates: 2, dim: 2 };

tf.enableProdMode();
await tf.setBackend('wasm');
const rows = [...time(callOverhead, ownSteps(callOverhead))];
for (const workload of pairWise) {
  const steps = { ...ownSteps(workload), ...tensorFlowSteps(workload) };
  checkAgreement(workload, steps);
  rows.push(...time(workload, steps));
}
const header = ['workload', 'contender', 'median µs', 'spread µs', '× first', 'samples'];
console.log(markdownTable([header, ...rows], { align: ['l', 'l', 'r', 'r', 'r', 'r'] }));

function ownSteps(workload: Workload): Steps {
  const { dim, margin, gamma } = workload;
  const { embeddings, labels } = makeData(workload);
  const session = createPairLoss({ dim, pairLoss: { type: 'circle', margin, gamma } });
  const { anchorLosses, gradient } = session.compute(embeddings, labels);
  const step = { out: { anchorLosses, gradient } };
  const options = { dim, margin, gamma };
  return {
    'createPairLoss().compute': () => session.compute(embeddings, labels, step).loss,
    computeCircleLoss: () => computeCircleLoss(embeddings, labels, options).loss,
  };
}

function tensorFlowSteps(workload: Workload): Steps {
  const problem = toTensors(tf, workload, makeData(workload));
  const withResults = (run: TensorStep) => () => {
    const tensors = tf.tidy(run);
    const [loss] = tensors.map((tensor) => tensor.dataSync()[0]);
    tf.dispose(tensors);
    return loss;
  };
  return {
    'tfjs wasm custom-gradient': withResults(customGradientStep(tf, problem)),
    'tfjs wasm autodiff': withResults(autodiffStep(tf, problem)),
  };
}

function checkAgreement(workload: Workload, steps: Steps): void {
  const [[first, step], ...others] = Object.entries(steps);
  const loss = step();
  for (const [name, other] of others) {
    // Each side may be off by the tolerance.
    const bound = 2 * tolerances(workload).loss * loss;
    if (!(Math.abs(other() - loss) <= bound)) throw new Error(`${workload.name}: ${name} disagrees with ${first}.`);
  }
}

function time(workload: Workload, steps: Steps): string[][] {
  let first: number | undefined;
  return Object.entries(steps).map(([name, step]) => {
    const { stats } = new Benchmark(name, step, { maxTime: 2 }).run();
    const center = median(stats.sample);
    first ??= center;
    const microseconds = (seconds: number) => significant(1e6 * seconds);
    const spread = microseconds(interquartileRange(stats.sample));
    return [
      workload.name,
      name,
      microseconds(center),
      spread,
      (center / first).toFixed(2),
      String(stats.sample.length),
    ];
  });
}
