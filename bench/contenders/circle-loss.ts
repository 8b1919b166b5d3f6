/**
 * This package. Arguments: engine, threads, mode. The environment variable CIRCLE_LOSS_CPU_VARIANT chooses the
 * instruction set.
 */
import { createRequire } from 'node:module';
import { type CandidateOptions, computePairLoss, createPairLoss, type PairLossResult } from 'circle-loss';
import type { Workload, WorkloadData } from '../workloads.ts';
import { type Contender, serve } from './serve.ts';

/**
 * - `sync`, `async`: a `createPairLoss` object that lives as long as the training loop, results into the same arrays.
 * - `recomputed`: the same with too little workspace to keep the similarity matrix.
 * - `one-shot`: the plain function, which allocates its results.
 */
export type Mode = 'sync' | 'async' | 'recomputed' | 'one-shot';

const { version } = createRequire(import.meta.url)('circle-loss/package.json');
const [engine, threads, mode] = process.argv.slice(2) as ['cpu' | 'reference', string, Mode];

const contender: Contender = (workload, data) => {
  const { dim, margin, gamma } = workload;
  const options = {
    dim,
    engine,
    threads: Number(threads),
    pairLoss: { type: 'circle' as const, margin, gamma },
    ...(mode === 'recomputed' ? { workspaceLimit: recomputeLimit(workload) } : {}),
  };
  const toStep = (result: PairLossResult) => ({
    loss: result.loss,
    gradient: result.gradient,
    candidateGradient: result.classWeightGradient,
  });
  const candidates = toCandidates(workload, data);
  if (mode === 'one-shot') {
    return () => toStep(computePairLoss(data.embeddings, data.labels, { ...options, ...candidates }));
  }
  const pairLoss = createPairLoss({ ...options, ...candidates });
  let out: { gradient?: Float32Array; classWeightGradient?: Float32Array } = {};
  const keepArrays = (result: PairLossResult) => {
    out = { gradient: result.gradient, classWeightGradient: result.classWeightGradient };
    return toStep(result);
  };
  return mode === 'async'
    ? async () => keepArrays(await pairLoss.computeAsync(data.embeddings, data.labels, { out }))
    : () => keepArrays(pairLoss.compute(data.embeddings, data.labels, { out }));
};

function toCandidates({ kind }: Workload, { candidates, candidateLabels }: WorkloadData): CandidateOptions {
  if (kind === 'class-level') return { classWeights: candidates! };
  return kind === 'memory' ? { candidates: candidates!, candidateLabels: candidateLabels! } : {};
}

/** A quarter of the similarity matrix, and at most 8 MiB. */
function recomputeLimit({ anchors, candidates }: Workload): number {
  return Math.min(anchors * candidates, 8 * 2 ** 20);
}

serve(contender, `circle-loss ${version}`);
