/** Who takes part, with how many threads, up to which size, and why somebody does not. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { engines } from 'circle-loss';
import type { Mode } from './contenders/circle-loss.ts';
import type { Command } from './contenders/process.ts';
import type { Backend, GradientStyle } from './contenders/tfjs.ts';
import { buildPeer } from './peers/build.ts';
import { nominalFlops, type Workload } from './workloads.ts';

export interface ContenderSpec {
  readonly name: string;
  readonly threads: number;
  /** Whose multiply-add peak its speed is compared with; undefined for the machine's best. */
  readonly instructionSet: string | undefined;
  /** `products`: only the matrix products, so there is no loss to compare. */
  readonly computes: 'loss' | 'products';
  /** Workloads above this many nominal GFLOP would take more than about ten seconds a step, and are left out. */
  readonly largestGflop: number;
  /** The column that the others are divided by. */
  readonly isOurs?: boolean;
  /** Shown in the chart. */
  readonly inChart?: boolean;
  readonly command: Command | { readonly unavailable: string };
}

const threadCounts = [...new Set([1, availableParallelism()])];
const most = threadCounts[threadCounts.length - 1];

export function allContenders(): ContenderSpec[] {
  return [...ownEngines(), reference(), ...openblas(), ...pytorch(), ...tensorFlow(), plainJavaScript()];
}

/** Why the contender does not run the workload, or undefined. */
export function tooLarge({ largestGflop }: ContenderSpec, workload: Workload): string | undefined {
  const gflop = nominalFlops(workload) / 1e9;
  return gflop > largestGflop ? `too slow for ${gflop.toFixed(0)} GFLOP` : undefined;
}

function ownEngines(): ContenderSpec[] {
  const cpu = engines().find(({ name }) => name === 'cpu');
  if (!cpu?.available) {
    const unavailable = cpu?.reason ?? 'this build has no cpu engine';
    return [own('cpu', undefined, most, 'sync', { command: { unavailable } })];
  }
  const [best, ...others] = cpu.variants ?? [];
  return [
    own('cpu', best, most, 'sync', { isOurs: true, inChart: true }),
    ...threadCounts
      .filter((threads) => threads < most)
      .map((threads) => own('cpu', best, threads, 'sync', { inChart: true })),
    own('cpu', best, most, 'async'),
    own('cpu', best, most, 'recomputed'),
    own('cpu', best, most, 'one-shot'),
    ...others.flatMap((variant) =>
      threadCounts.map((threads) => own('cpu', variant, threads, 'sync', limitOf(variant))),
    ),
  ];
}

/** The largest workloads in the oldest instruction set would cost minutes that the whole run should not take. */
function limitOf(variant: string): Partial<ContenderSpec> {
  return variant === 'baseline' ? { largestGflop: 40 } : {};
}

function reference(): ContenderSpec {
  return own('reference', undefined, 1, 'sync', { largestGflop: 3 });
}

function own(
  engine: 'cpu' | 'reference',
  variant: string | undefined,
  threads: number,
  mode: Mode,
  more: Partial<ContenderSpec> = {},
): ContenderSpec {
  const parts = ['circle-loss', variant ?? engine, `${threads}t`, ...(mode === 'sync' ? [] : [mode])];
  return {
    name: parts.join(' '),
    threads,
    instructionSet: variant,
    computes: 'loss',
    largestGflop: Infinity,
    command: {
      ...typescript('circle-loss', engine, String(threads), mode),
      env: variant === undefined ? {} : { CIRCLE_LOSS_CPU_VARIANT: variant },
    },
    ...more,
  };
}

function openblas(): ContenderSpec[] {
  const built = buildPeer('openblas_products', ['-lopenblas'], 'install libopenblas-dev');
  return threadCounts.toReversed().map((threads) => ({
    name: `OpenBLAS bare products ${threads}t`,
    threads,
    instructionSet: undefined,
    computes: 'products',
    largestGflop: Infinity,
    inChart: threads === most,
    command:
      'reason' in built
        ? { unavailable: built.reason }
        : { file: built.program, args: [], env: { OPENBLAS_NUM_THREADS: String(threads) } },
  }));
}

function pytorch(): ContenderSpec[] {
  // A version manager's Python often hides the system's, which is the one that Debian's python3-torch belongs to.
  const pythons = process.env.BENCH_PYTHON === undefined ? ['python3', '/usr/bin/python3'] : [process.env.BENCH_PYTHON];
  const python = pythons.find((file) => spawnSync(file, ['-c', 'import torch']).status === 0);
  const script = join(import.meta.dirname, 'peers', 'pytorch_circle.py');
  return threadCounts.toReversed().map((threads) => ({
    name: `PyTorch eager ${threads}t`,
    threads,
    instructionSet: undefined,
    computes: 'loss',
    largestGflop: threads === most ? 200 : 40,
    inChart: threads === most,
    command:
      python === undefined
        ? { unavailable: `no PyTorch in ${pythons.join(', ')}; set BENCH_PYTHON` }
        : { file: python, args: [script, String(threads)], env: {} },
  }));
}

function tensorFlow(): ContenderSpec[] {
  const contender = (backend: Backend, style: GradientStyle, largestGflop: number, packages: string[] = []) => {
    const missing = packages.find((name) => !canImport(name));
    return {
      name: `tfjs ${backend} ${style}`,
      threads: 1,
      instructionSet: undefined,
      computes: 'loss' as const,
      largestGflop,
      inChart: backend !== 'cpu' || style === 'custom-gradient',
      command:
        missing === undefined ? typescript('tfjs', backend, style) : { unavailable: `${missing} is not installed` },
    };
  };
  const node = ['@tensorflow/tfjs-node'];
  const webgpu = ['webgpu', '@tensorflow/tfjs-backend-webgpu'];
  return [
    contender('wasm', 'custom-gradient', 20),
    contender('wasm', 'autodiff', 3),
    contender('cpu', 'custom-gradient', 3),
    contender('cpu', 'autodiff', 1),
    contender('node', 'custom-gradient', 100, node),
    contender('node', 'autodiff', 100, node),
    contender('webgpu', 'custom-gradient', 100, webgpu),
    contender('webgpu', 'autodiff', 100, webgpu),
  ];
}

function plainJavaScript(): ContenderSpec {
  return {
    name: 'plain JavaScript',
    threads: 1,
    instructionSet: undefined,
    computes: 'loss',
    largestGflop: 3,
    inChart: true,
    command: typescript('plain'),
  };
}

function canImport(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}

/** A contender in this package's own language; `--expose-gc` so that memory is measured from a clean heap. */
function typescript(contender: string, ...args: string[]): Command {
  const script = join(import.meta.dirname, 'contenders', `${contender}.ts`);
  const loader = import.meta.resolve('tsx');
  return { file: process.execPath, args: ['--expose-gc', '--import', loader, script, ...args], env: {} };
}
