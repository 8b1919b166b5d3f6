/** The grid: kinds of data × losses × shapes; then γ, m, N and D one by one. */
import type { PairLoss, PairLossOptions } from 'circle-loss';
import type { Case } from '../../test/cases.ts';
import { batchOf, classWeightsOf, kinds, type Shape } from './data.ts';

interface Loss {
  readonly name: string;
  readonly pairLoss: PairLoss;
  /** 0: labels are pair-wise. */
  readonly classes?: number;
}

const losses: readonly Loss[] = [
  ...[32, 80, 256, 1024].map((gamma) => ({ name: `circle γ ${gamma}`, pairLoss: { type: 'circle', gamma } as const })),
  { name: 'circle m −0.1', pairLoss: { type: 'circle', margin: -0.1 } },
  { name: 'circle differentiated', pairLoss: { type: 'circle', weighting: 'differentiated' } },
  { name: 'unified', pairLoss: { type: 'unified' } },
  { name: 'triplet', pairLoss: { type: 'triplet' } },
  { name: 'circle, 300 classes', pairLoss: { type: 'circle' }, classes: 300 },
  { name: 'AM-Softmax, 300 classes', pairLoss: { type: 'unified', gamma: 64, margin: 0.35 }, classes: 300 },
  { name: 'ArcFace, 300 classes', pairLoss: { type: 'arcface' }, classes: 300 },
];

const smallShape: Shape = { n: 32, dim: 16 };
const shapes: readonly Shape[] = [smallShape, { n: 64, dim: 128 }, { n: 96, dim: 512 }];

export interface Cell {
  /** As --case takes it. */
  readonly name: string;
  readonly kind: string;
  /** Its gradient belongs to the one pair that was picked, which of two equal ones rounding decides. */
  readonly picks: boolean;
  /** Of the smallest shape, which --quick and 256-bit arithmetic have time for. */
  readonly isSmall: boolean;
  readonly isPairWise: boolean;
  /** Multiply-adds of the similarities. */
  readonly work: number;
  readonly testCase: Case;
}

const weights = new Map<number, Float32Array>();
function sharedWeights(classes: number, dim: number): Float32Array {
  if (!weights.has(dim)) weights.set(dim, classWeightsOf(classes, dim));
  return weights.get(dim)!;
}

const minus = (x: number) => `${x}`.replace('-', '−');

function cellOf(
  kind: string,
  { name: loss, pairLoss, classes = 0 }: Loss,
  shape: Shape,
  { embeddings, labels } = batchOf(kind, shape),
): Cell {
  const { n, dim } = shape;
  const classWeights = classes > 0 ? { classWeights: sharedWeights(classes, dim) } : {};
  const options = { dim, pairLoss, ...classWeights } as PairLossOptions;
  const name = `${kind}; ${loss}; ${n} × ${dim}`;
  return {
    name,
    kind,
    picks: pairLoss.type === 'triplet',
    isSmall: shape === smallShape,
    isPairWise: classes === 0,
    work: n * (classes || n) * dim,
    testCase: { name, embeddings, labels, options },
  };
}

const circle = (gamma: number, margin: number): Loss => ({
  name: `circle γ ${gamma} m ${minus(margin)}`,
  pairLoss: { type: 'circle', gamma, margin },
});

/** The worst of these cells is a row of a table. */
export interface Group {
  readonly name: string;
  readonly cells: readonly Cell[];
}

export interface Sweep {
  /** What changes. */
  readonly name: string;
  /** What stays. */
  readonly rest: string;
  readonly groups: readonly Group[];
}

const grid = Object.keys(kinds).flatMap((kind) =>
  shapes.flatMap((shape) => {
    const batch = batchOf(kind, shape);
    return losses.map((loss) => cellOf(kind, loss, shape, batch));
  }),
);

/** Kinds of data, and the loss that would hide them. */
export const groups: readonly Group[] = [
  ...Object.keys(kinds).map((name) => ({ name, cells: grid.filter(({ kind, picks }) => kind === name && !picks) })),
  { name: 'triplet loss, of any of these', cells: grid.filter(({ picks }) => picks) },
];

/** Data that a training has: where rows collapse, that would be all one sees. */
const usual = ['random', 'clusters, as trained'];
const sweep = <T>(
  name: string,
  rest: string,
  values: readonly T[],
  nameOf: (value: T) => string,
  at: (value: T) => [Loss, Shape],
): Sweep => ({
  name,
  rest,
  groups: values.map((value) => ({ name: nameOf(value), cells: usual.map((kind) => cellOf(kind, ...at(value))) })),
});

const sweptShape: Shape = { n: 128, dim: 128 };
const sweptShapes: readonly Shape[] = [
  ...[32, 128, 512].flatMap((n) => [16, 128, 512, 2048].map((dim) => ({ n, dim }))),
  { n: 1024, dim: 128 },
];

export const sweeps: readonly Sweep[] = [
  sweep(
    'γ',
    'm 0.4, 128 × 128',
    [1, 16, 32, 64, 80, 128, 256, 512, 1024, 4096],
    (gamma) => `${gamma}`,
    (gamma) => [circle(gamma, 0.4), sweptShape],
  ),
  sweep('m', 'γ 80, 128 × 128', [-0.4, -0.1, 0, 0.1, 0.25, 0.4, 0.6, 0.9], minus, (margin) => [
    circle(80, margin),
    sweptShape,
  ]),
  sweep(
    'N × D',
    'γ 80, m 0.4',
    sweptShapes,
    ({ n, dim }) => `${n} × ${dim}`,
    (shape) => [circle(80, 0.4), shape],
  ),
];

/** One that two sweeps share is one. */
export const cells: readonly Cell[] = [
  ...new Map(
    [...grid, ...sweeps.flatMap((each) => each.groups.flatMap((group) => group.cells))].map((cell) => [
      cell.name,
      cell,
    ]),
  ).values(),
];
