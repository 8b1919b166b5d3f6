/** How far contenders are from double precision in a cell, and how far that is from the exact result. */
import { CircleLossError } from '../../lib/index.ts';
import { computeInDouble, type DoubleResult } from '../../test/engine-list.ts';
import { distance, largest, sensitivityOf } from '../../test/sensitivity.ts';
import type { Contender } from './contenders.ts';
import { computeExactly } from './exact.ts';
import type { Cell } from './grid.ts';

/** float32's smallest number of full precision: what is below is no loss to speak of, and no error. */
const smallest = 2 ** -126;

export interface Errors {
  /** Of the loss, relative to it. */
  readonly loss: number;
  /** The greatest of the gradient, relative to the greatest number in it. */
  readonly gradient: number;
  /** The same in units of what float32's rounding of the inputs would do. */
  readonly units: number;
}

export interface ContenderErrors extends Errors {
  /** Why there are no numbers. */
  readonly refused?: string;
}

export interface CellErrors extends ContenderErrors {
  readonly cell: Cell;
}

interface Found {
  readonly loss: number;
  readonly gradient: Float32Array | Float64Array;
}

/** What results of a cell are held against. */
interface Measure {
  readonly truth: DoubleResult;
  readonly size: number;
  readonly unit: number;
}

function measureOf({ testCase }: Cell): Measure {
  const { embeddings, labels, options } = testCase;
  const truth = computeInDouble(embeddings, labels, options);
  const size = largest(truth.gradient);
  // And what rounding the result itself does.
  const unit = sensitivityOf(testCase, truth).gradient + size * 2 ** -24 + smallest;
  return { truth, size, unit };
}

function errorsOf(found: Found, { size, unit }: Measure, right: Found): Errors {
  const error = distanceOrInfinite(found.gradient, right.gradient);
  return {
    loss: relative(Math.abs(found.loss - right.loss), right.loss),
    gradient: relative(error, size),
    units: error / unit,
  };
}

/** A comparison with NaN is false: it would be no distance at all. */
function distanceOrInfinite(found: Found['gradient'], right: Found['gradient']): number {
  return (found as Float64Array).every(Number.isFinite) ? distance(found, right) : Number.POSITIVE_INFINITY;
}

const relative = (error: number, size: number) => (Number.isNaN(error) ? Infinity : error / Math.max(size, smallest));

/** Errors of all contenders that take the cell, in their order. */
export function errorsIn(cell: Cell, asked: readonly Contender[]): (ContenderErrors | undefined)[] {
  const measure = measureOf(cell);
  return asked.map((contender) => {
    if (cell.work > contender.most) return undefined;
    try {
      const found = contender.compute(cell.testCase);
      return found && errorsOf(found, measure, measure.truth);
    } catch (error) {
      if (!(error instanceof CircleLossError)) throw error;
      return { loss: Number.NaN, gradient: Number.NaN, units: Number.NaN, refused: error.code };
    }
  });
}

/** Of double precision itself. */
export function truthErrorsIn(cell: Cell): CellErrors {
  const { embeddings, labels, options } = cell.testCase;
  const measure = measureOf(cell);
  return { cell, ...errorsOf(measure.truth, measure, computeExactly(embeddings, labels as Int32Array, options)) };
}
