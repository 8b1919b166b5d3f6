/** What the soak computes: a set of problems that is small, so that each comes again and again. */
import type { ClassHeadOptions, MemoryBankOptions, PairLoss, PairLossOptions } from 'circle-loss';
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export type Random = ReturnType<typeof xoroshiro128plus>;

export const randomOf = (seed: number): Random => xoroshiro128plus(seed);
export const pick = <T>(random: Random, values: readonly T[]): T => values[uniformInt(random, 0, values.length - 1)];

export interface Batch {
  readonly embeddings: Float32Array;
  readonly labels: Int32Array;
}

/** The rows at a byte offset of their own: where they lie must not matter. */
export function batchOf(n: number, dim: number, seed: number, offset = 0): Batch {
  const random = randomOf(seed * 7919 + n * 31 + dim);
  const embeddings = new Float32Array(new ArrayBuffer((n * dim + offset) * 4), offset * 4);
  for (let k = 0; k < embeddings.length; k++) embeddings[k] = 2 * uniformFloat32(random) - 1;
  return { embeddings, labels: Int32Array.from({ length: n }, () => uniformInt(random, 0, Math.ceil(n / 4))) };
}

export interface Problem {
  /** No other has it. */
  readonly name: string;
  /** `offset`: bytes before the rows, of 4 each. */
  batch(offset?: number): Batch;
}

export interface LossProblem extends Problem {
  readonly n: number;
  /** With arrays of its own at each call. */
  options(): PairLossOptions;
}

export interface SearchProblem extends Problem {
  readonly dim: number;
}

export interface HeadProblem extends Problem {
  readonly options: ClassHeadOptions;
}

export interface BankProblem extends Problem {
  readonly options: MemoryBankOptions;
  /** How often the batch is stored: it goes round, past the end. */
  readonly times: number;
}

const losses: readonly PairLoss[] = [
  { type: 'circle' },
  { type: 'circle', weighting: 'differentiated', margin: 0.25, gamma: 256 },
  { type: 'unified' },
  { type: 'arcface' },
  { type: 'triplet' },
];
/** One row, one tile, some tiles, ragged, and a class for each of many dimensions. */
const shapes = [
  [1, 8],
  [7, 3],
  [64, 64],
  [97, 33],
  [130, 128],
  [230, 24],
] as const;
const seeds = [0, 1, 2];

const candidatesOf = {
  batch: () => ({}),
  set: (_: number, dim: number, seed: number) => {
    const { embeddings, labels } = batchOf(37, dim, seed + 100);
    return { candidates: embeddings, candidateLabels: labels, candidateGradient: 'compute' };
  },
  classes: (n: number, dim: number, seed: number) => ({
    classWeights: batchOf(Math.ceil(n / 4) + 1, dim, seed + 200).embeddings,
  }),
} as const;

/** Of two seeds, because the truth about 270 takes the reference engine eight seconds. */
export const lossProblems: readonly LossProblem[] = seeds.slice(0, 2).flatMap((seed) =>
  shapes.flatMap(([n, dim]) =>
    losses.flatMap((pairLoss, at) =>
      (['batch', 'set', 'classes'] as const).map((against) => ({
        name: `loss ${at} ${n}x${dim} ${against} ${seed}`,
        n,
        batch: (offset?: number) => batchOf(n, dim, seed, offset),
        options: () => ({ dim, pairLoss, ...candidatesOf[against](n, dim, seed) }) as PairLossOptions,
      })),
    ),
  ),
);

export const searchProblems: readonly SearchProblem[] = seeds.flatMap((seed) =>
  shapes.slice(1).map(([n, dim]) => ({
    name: `rows ${n}x${dim} ${seed}`,
    dim,
    batch: (offset?: number) => batchOf(n, dim, seed, offset),
  })),
);

const optimizers = [
  { type: 'sgd', learningRate: 0.1, momentum: 0.9 },
  { type: 'adam', learningRate: 0.01 },
] as const;

export const headProblems: readonly HeadProblem[] = seeds.flatMap((seed) =>
  optimizers.map((optimizer) => ({
    name: `head ${optimizer.type} ${seed}`,
    batch: () => batchOf(100, 24, seed),
    options: { classes: 40, dim: 24, pairLoss: losses[0], sampleRate: 0.5, seed, optimizer } as ClassHeadOptions,
  })),
);

export const bankProblems: readonly BankProblem[] = seeds.map((seed) => ({
  name: `bank ${seed}`,
  batch: () => batchOf(60, 24, seed),
  options: { capacity: 150, dim: 24, pairLoss: { type: 'unified' } },
  times: 3,
}));
