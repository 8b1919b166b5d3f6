/**
 * The table of the CUDA engine: each workload from arrays of JavaScript, ordinary and pinned, in each precision, after a
 * check against double precision; beside PyTorch on the same GPU where a Python with PyTorch exists (BENCH_PYTHON).
 * Where there is no GPU it says why and ends well.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import {
  allocatePinned,
  computePairLoss,
  createDeviceMatrix,
  createPairLoss,
  engines,
  type PairLossOptions,
} from 'circle-loss';
import { Command } from 'commander';
import { markdownTable } from 'markdown-table';
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { interquartileRange, medianSorted } from 'simple-statistics';
import { significant } from './markdown.ts';

interface Workload {
  kind: 'pair-wise' | 'class-level';
  anchors: number;
  candidates: number;
  dim: number;
}

const workloads: Workload[] = [
  { kind: 'pair-wise', anchors: 1024, candidates: 1024, dim: 512 },
  { kind: 'pair-wise', anchors: 8192, candidates: 8192, dim: 512 },
  { kind: 'pair-wise', anchors: 32_768, candidates: 32_768, dim: 512 },
  { kind: 'pair-wise', anchors: 65_536, candidates: 65_536, dim: 1024 },
  { kind: 'class-level', anchors: 1024, candidates: 100_000, dim: 512 },
  { kind: 'class-level', anchors: 1024, candidates: 1_000_000, dim: 512 },
];

const quickWorkloads: Workload[] = [
  { kind: 'pair-wise', anchors: 100, candidates: 100, dim: 24 },
  { kind: 'class-level', anchors: 50, candidates: 200, dim: 24 },
];

const options = new Command('bench:cuda')
  .description('Times loss and gradient on a GPU, after checking the answers.')
  .option('--quick', 'tiny workloads, a few rounds: checks that everything runs and agrees')
  .option('--rounds <count>', 'steps that are timed', Number, 21)
  .parse()
  .opts<{ quick?: boolean; rounds: number }>();

type Arrays = 'ordinary' | 'pinned';
type Line = [contender: string, milliseconds: string, spread: string, memory: string, note: string];

function fill(array: Float32Array, seed: number): Float32Array {
  const random = xoroshiro128plus(seed);
  for (let i = 0; i < array.length; i++) array[i] = uniformFloat32(random) - 0.5;
  return array;
}

function labelsOf({ kind, anchors, candidates }: Workload): Int32Array {
  const spread = Math.floor(candidates / anchors);
  return Int32Array.from({ length: anchors }, (_, i) => (kind === 'pair-wise' ? i >> 2 : (i * spread) % candidates));
}

const sample = { rows: 64 };

/**
 * The engine on a part of the workload that double precision can afford, and the greatest error of a loss and of a
 * gradient, relative to the largest.
 */
function errorOf(workload: Workload, precision: 'exact' | 'fast'): string {
  const anchors = Math.min(workload.anchors, sample.rows * 4);
  const part = { ...workload, anchors, candidates: workload.kind === 'pair-wise' ? anchors : 512 };
  const embeddings = fill(new Float32Array(anchors * part.dim), 1);
  const given = {
    dim: part.dim,
    pairLoss: { type: 'circle' },
    ...(part.kind === 'class-level' && { classWeights: fill(new Float32Array(part.candidates * part.dim), 2) }),
  } as PairLossOptions;
  const labels = labelsOf(part);
  const found = computePairLoss(embeddings, labels, { ...given, engine: 'cuda', precision });
  const exact = computePairLoss(embeddings, labels, { ...given, engine: 'reference' });
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < exact.gradient!.length; i++) {
    largest = Math.max(largest, Math.abs(exact.gradient![i]));
    worst = Math.max(worst, Math.abs(exact.gradient![i] - found.gradient![i]));
  }
  const loss = Math.abs(found.loss - exact.loss) / exact.loss;
  return `error of loss ${loss.toExponential(0)}, of gradient ${(worst / largest).toExponential(0)}`;
}

function timeOurs(workload: Workload, precision: 'exact' | 'fast', arrays: Arrays): Line {
  const { kind, anchors, candidates, dim } = workload;
  const array = (length: number) => (arrays === 'pinned' ? allocatePinned(length) : new Float32Array(length));
  const sets = [1, 2, 3].map((seed) => fill(array(anchors * dim), seed));
  const weights = kind === 'class-level' ? fill(new Float32Array(candidates * dim), 9) : undefined;
  using matrix = weights && arrays === 'pinned' ? createDeviceMatrix(weights, { dim }) : undefined;
  const labels = labelsOf(workload);
  using pairLoss = createPairLoss({ dim, engine: 'cuda', precision, pairLoss: { type: 'circle' } });
  const step = {
    ...(weights && { classWeights: matrix ?? weights }),
    out: {
      gradient: array(anchors * dim),
      ...(weights && { classWeightGradient: array(candidates * dim) }),
    },
  };
  const samples: number[] = [];
  for (let round = -3; round < options.rounds; round++) {
    const start = performance.now();
    pairLoss.compute(sets[(round + 3) % sets.length], labels, step);
    if (round >= 0) samples.push(performance.now() - start);
  }
  samples.sort((a, b) => a - b);
  const place = matrix ? 'pinned, weights on the device' : arrays;
  return [
    `circle-loss ${precision}, ${place}`,
    significant(medianSorted(samples)),
    significant(interquartileRange(samples)),
    '',
    errorOf(workload, precision),
  ];
}

function timePyTorch({ kind, anchors, candidates, dim }: Workload): Line[] {
  const python = process.env.BENCH_PYTHON ?? 'python3';
  const spec = { kind, anchors, candidates, dim, rounds: options.rounds };
  const parameters = kind === 'pair-wise' ? { margin: 0.4, gamma: 80 } : { margin: 0.25, gamma: 256 };
  const script = join(import.meta.dirname, 'peers/pytorch_cuda.py');
  const { status, stdout } = spawnSync(python, [script, JSON.stringify({ ...spec, ...parameters })], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (status !== 0) return [['PyTorch', '', '', '', `skipped: ${python} has no PyTorch that reaches this GPU`]];
  const entries = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return entries
    .filter(({ contender }) => contender)
    .map(({ contender, milliseconds, spread, extraBytes, error }) => [
      contender,
      error ? '' : significant(milliseconds),
      error ? '' : significant(spread),
      error ? '' : `${(extraBytes / 2 ** 20).toFixed(1)} MiB`,
      error ?? entries[0].version,
    ]);
}

const [cuda] = engines();
if (!cuda.available) {
  console.log(`bench:cuda is skipped: ${cuda.reason}`);
} else {
  console.log(`# Loss and gradient on a GPU, milliseconds a step\n\n- GPU: ${JSON.stringify(cuda.devices)}`);
  for (const workload of options.quick ? quickWorkloads : workloads) {
    const { kind, anchors, candidates, dim } = workload;
    const lines: Line[] = (['exact', 'fast'] as const).flatMap((precision) =>
      (['ordinary', 'pinned'] as const).map((arrays) => timeOurs(workload, precision, arrays)),
    );
    lines.push(...timePyTorch(workload));
    console.log(`\n## ${kind} ${anchors}${kind === 'pair-wise' ? '' : `×${candidates}`}×${dim}\n`);
    console.log(markdownTable([['contender', 'median ms', 'spread ms', 'extra memory', ''], ...lines]));
  }
}
