/** The grid: kinds of data × losses × shapes, and how far each engine is from double precision there. */
import type { PairLoss, PairLossOptions } from 'circle-loss';
import { CircleLossError } from '../../lib/index.ts';
import type { Case } from '../../test/cases.ts';
import { computeInDouble, cpuEngines, cudaEngines, type ListedEngine, sessionOn } from '../../test/engine-list.ts';
import { distance, largest, sensitivityOf } from '../../test/sensitivity.ts';
import { batchOf, classWeightsOf, kinds, type Shape } from './data.ts';
import { plainFloat32 } from './plain-float32.ts';

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
  { name: 'circle, 1000 classes', pairLoss: { type: 'circle' }, classes: 1000 },
  { name: 'AM-Softmax, 1000 classes', pairLoss: { type: 'unified', gamma: 64, margin: 0.35 }, classes: 1000 },
  { name: 'ArcFace, 1000 classes', pairLoss: { type: 'arcface' }, classes: 1000 },
];

/** A GPU that a CPU plays takes its time: it has the first only. */
const shapes: readonly Shape[] = [
  { n: 32, dim: 16 },
  { n: 64, dim: 128 },
  { n: 96, dim: 512 },
];

export interface Cell {
  /** As --case takes it. */
  readonly name: string;
  readonly kind: string;
  /** Its gradient belongs to the one pair that was picked, which of two equal ones rounding decides. */
  readonly picks: boolean;
  readonly isSmall: boolean;
  readonly testCase: Case;
}

export const cells: readonly Cell[] = Object.keys(kinds).flatMap((kind) =>
  shapes.flatMap((shape, at) =>
    losses.map(({ name: loss, pairLoss, classes = 0 }) => {
      const { embeddings, labels } = batchOf(kind, shape);
      const { dim } = shape;
      const classWeights = classes > 0 ? { classWeights: classWeightsOf(classes, dim) } : {};
      const options = { dim, pairLoss, ...classWeights } as PairLossOptions;
      const name = `${kind}; ${loss}; ${shape.n} × ${dim}`;
      const picks = pairLoss.type === 'triplet';
      return { name, kind, picks, isSmall: at === 0, testCase: { name, embeddings, labels, options } };
    }),
  ),
);

export interface Contender {
  readonly name: string;
  readonly isEmulated: boolean;
  compute(testCase: Case): { loss: number; gradient: Float32Array } | undefined;
}

const on = (engine: ListedEngine, name: string, options: object = {}): Contender => ({
  name,
  isEmulated: name.startsWith('cuda'),
  compute: ({ embeddings, labels, options: given }) => {
    using session = sessionOn(engine, { ...given, ...options });
    return session.compute(embeddings, labels);
  },
});

export const contenders: readonly Contender[] = [
  ...cpuEngines.map((engine) => on(engine, engine.name)),
  ...cudaEngines.map((engine) => on(engine, engine.name)),
  ...cudaEngines.slice(0, 1).map((engine) => on(engine, 'cuda fast', { precision: 'fast' })),
  {
    name: 'plain float32',
    isEmulated: false,
    compute: ({ embeddings, labels, options }) => plainFloat32(embeddings, labels, options),
  },
];

/** float32's smallest number of full precision: what is below is no loss to speak of, and no error. */
const smallest = 2 ** -126;

export interface CellError {
  readonly cell: Cell;
  /** Of the loss, relative to it. */
  readonly loss: number;
  /** The greatest of the gradient, relative to the greatest number in it. */
  readonly gradient: number;
  /** The same in units of what float32's rounding of the inputs would do. */
  readonly units: number;
  /** Why there are no numbers. */
  readonly refused?: string;
}

/** Errors of all contenders that take the cell, in their order. */
export function errorsIn(cell: Cell, asked: readonly Contender[]): (CellError | undefined)[] {
  const { embeddings, labels, options } = cell.testCase;
  const exact = computeInDouble(embeddings, labels, options);
  const moves = sensitivityOf(cell.testCase, exact);
  const size = largest(exact.gradient);
  // And what rounding the result itself does.
  const unit = moves.gradient + size * 2 ** -24 + smallest;
  return asked.map((contender) => {
    if (contender.isEmulated && !cell.isSmall) return undefined;
    try {
      const found = contender.compute(cell.testCase);
      if (found === undefined) return undefined;
      const error = distanceOrInfinite(found.gradient, exact.gradient);
      return {
        cell,
        loss: relative(Math.abs(found.loss - exact.loss), exact.loss),
        gradient: relative(error, size),
        units: error / unit,
      };
    } catch (error) {
      if (!(error instanceof CircleLossError)) throw error;
      return { cell, loss: Number.NaN, gradient: Number.NaN, units: Number.NaN, refused: error.code };
    }
  });
}

/** A comparison with NaN is false: it would be no distance at all. */
function distanceOrInfinite(found: Float32Array, exact: ArrayLike<number>): number {
  return found.every(Number.isFinite) ? distance(found, exact) : Number.POSITIVE_INFINITY;
}

const relative = (error: number, size: number) => (Number.isNaN(error) ? Infinity : error / Math.max(size, smallest));
