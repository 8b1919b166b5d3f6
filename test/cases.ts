/** The table that engine tests run: every pair loss × every kind of candidates × sizes, and × options at one size. */
import { hostRows } from '../lib/candidates.ts';
import type { CandidateOptions, PairLoss, PairLossOptions } from '../lib/index.ts';

export interface Case {
  name: string;
  embeddings: Float32Array;
  labels: Int32Array;
  options: PairLossOptions;
}

/** One row a pair loss; a new loss adds one here. */
export const pairLosses: Record<string, PairLoss> = {
  circle: { type: 'circle' },
  'circle differentiated': { type: 'circle', weighting: 'differentiated' },
  'circle m < 0': { type: 'circle', margin: -0.1, gamma: 64 },
  'circle optima, targets': {
    type: 'circle',
    gamma: 40,
    optima: { positive: 1.2, negative: -0.3 },
    targets: { positive: 0.7, negative: 0.2 },
    weighting: 'differentiated',
  },
  unified: { type: 'unified' },
  'unified m = 0': { type: 'unified', margin: 0, gamma: 20 },
  arcface: { type: 'arcface' },
  'arcface straight-through': { type: 'arcface', derivative: 'straight-through', beyondPi: 'cosine', margin: 0.3 },
  'arcface cosine beyond π': { type: 'arcface', beyondPi: 'cosine', gamma: 16 },
  triplet: { type: 'triplet' },
};

export const candidateKinds = ['batch', 'labelled', 'classWeights'] as const;
export type CandidateKind = (typeof candidateKinds)[number];

interface Size {
  anchors: number;
  /** Of a labelled set. */
  candidates: number;
  classes: number;
  dim: number;
}

/** Below, at and above the tiles of engines in each direction, and ragged. */
const sizes: Size[] = [
  { anchors: 1, candidates: 3, classes: 2, dim: 4 },
  { anchors: 2, candidates: 1, classes: 1, dim: 3 },
  { anchors: 6, candidates: 5, classes: 3, dim: 1 },
  { anchors: 16, candidates: 32, classes: 8, dim: 16 },
  { anchors: 37, candidates: 53, classes: 11, dim: 19 },
  { anchors: 131, candidates: 70, classes: 300, dim: 33 },
];

const usualSize: Size = { anchors: 23, candidates: 29, classes: 7, dim: 10 };

/** What each loss × kind is also run with. `valid` says where the combination exists. */
const variations: { name: string; options: Partial<PairLossOptions>; exists?: (loss: PairLoss) => boolean }[] = [
  { name: 'rows as given', options: { normalize: false }, exists: (loss) => loss.type !== 'arcface' },
  { name: 'scope batch', options: { scope: 'batch' } as object, exists: (loss) => loss.type !== 'triplet' },
  {
    name: 'scope batch, upstream array',
    options: { scope: 'batch', upstream: new Float32Array([0.5]) } as object,
    exists: (loss) => loss.type !== 'triplet',
  },
  { name: 'mean-nonzero', options: { reduction: 'mean-nonzero' } },
  { name: 'mean-all', options: { reduction: 'mean-all' } },
  { name: 'sum, upstream −3', options: { reduction: 'sum', upstream: -3 } },
  { name: 'upstream array', options: { upstream: Float32Array.from({ length: 23 }, (_, i) => (i % 5) - 1.5) } },
  { name: 'no workspace', options: { workspaceLimit: 0 } },
];

/** mulberry32: the same numbers everywhere. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Multiples of 2⁻⁸ in (−1, 1), none 0, so that finite differences with steps from 2⁻²⁰ are exact in float32. */
export function randomRows(count: number, dim: number, random: () => number): Float32Array {
  return Float32Array.from({ length: count * dim }, () => {
    const magnitude = 1 + Math.floor(random() * 255);
    return (random() < 0.5 ? -magnitude : magnitude) / 256;
  });
}

function makeCase(lossName: string, kind: CandidateKind, size: Size, name: string, options: object): Case {
  const pairLoss = pairLosses[lossName];
  const { anchors, classes, dim } = size;
  const random = randomFrom(anchors * 1000 + dim);
  const labelsOf = (count: number) => Int32Array.from({ length: count }, () => Math.floor(random() * classes));
  const embeddings = randomRows(anchors, dim, random);
  const labels = labelsOf(anchors);
  const candidates: Record<CandidateKind, () => CandidateOptions> = {
    batch: () => ({}),
    labelled: () => ({
      candidates: randomRows(size.candidates, dim, random),
      candidateLabels: labelsOf(size.candidates),
      candidateGradient: 'compute',
    }),
    classWeights: () => ({ classWeights: randomRows(classes, dim, random) }),
  };
  return {
    name: `${lossName}, ${kind}, ${name}`,
    embeddings,
    labels,
    options: { dim, pairLoss, ...candidates[kind](), ...options } as PairLossOptions,
  };
}

const products = Object.keys(pairLosses).flatMap((loss) => candidateKinds.map((kind) => [loss, kind] as const));

/** Defaults at every size. */
export const casesOfSize: Case[] = products.flatMap(([loss, kind]) =>
  sizes.map((size) => makeCase(loss, kind, size, `${size.anchors} × ${size.dim}`, {})),
);

/** Every option at the usual size. */
export const casesOfOptions: Case[] = products.flatMap(([loss, kind]) => [
  makeCase(loss, kind, usualSize, 'usual', {}),
  ...variations
    .filter(({ exists }) => exists?.(pairLosses[loss]) ?? true)
    .map(({ name, options }) => makeCase(loss, kind, usualSize, name, options)),
]);

export const cases: Case[] = [...casesOfSize, ...casesOfOptions];

/** The rows that the anchors are compared with. */
export function candidatesOf({ embeddings, options }: Case): Float32Array {
  return hostRows(options.classWeights ?? options.candidates) ?? embeddings;
}
