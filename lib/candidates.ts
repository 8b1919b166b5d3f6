/** What the anchors are compared with: which of the three kinds a call brings, on the host or on a device. */
import { checkClassLabels, checkRows, float32, labelArray, rowCount } from './arrays.ts';
import { copyOf } from './copies.ts';
import { isDeviceMatrix, nativeRowsOf } from './device-matrix.ts';
import type { CandidateKind } from './engine.ts';
import { invalidArgument, otherDevice, wrongShape } from './errors.ts';
import type { CandidateRows, EngineName } from './options.ts';

/** What decides whether rows on a device can be used. */
export interface RowSettings {
  dim: number;
  engine: EngineName;
  device: number;
}

/** Rows of the caller, checked but for their number: an array or a matrix on the device that computes. */
export function candidateRows(name: string, value: unknown, { dim, engine, device }: RowSettings): CandidateRows {
  if (!isDeviceMatrix(value)) return float32(name, value);
  nativeRowsOf(value, name); // throws where it is disposed
  if (engine === 'cpu' || engine === 'reference') {
    throw invalidArgument(name, `a Float32Array for engine '${engine}'`, value, " Use engine 'cuda' or 'auto'.");
  }
  if (value.dim !== dim) throw wrongShape(name, `rows of dim = ${dim} numbers`, `rows of ${value.dim}`);
  if (value.device !== device) throw otherDevice(name, device, value.device);
  return value;
}

export function candidateRowCount(name: string, rows: CandidateRows, dim: number): number {
  return isDeviceMatrix(rows) ? rows.rows : rowCount(name, rows, dim);
}

/** Numbers in all rows. */
export function lengthOf(rows: CandidateRows): number {
  return isDeviceMatrix(rows) ? rows.rows * rows.dim : rows.length;
}

/** The rows, where they lie in memory of JavaScript. */
export function hostRows(rows: CandidateRows | undefined): Float32Array | undefined {
  return isDeviceMatrix(rows) ? undefined : rows;
}

/** Private rows: a copy where they are JavaScript's. */
export function copyOfRows(rows: CandidateRows | undefined): CandidateRows | undefined {
  const host = hostRows(rows);
  return host ? copyOf(host) : rows;
}

export interface Candidates {
  kind: CandidateKind;
  values: CandidateRows | undefined;
  labels: Int32Array | undefined;
  count: number;
}

export interface CandidateArrays {
  classWeights?: unknown;
  candidates?: unknown;
  candidateLabels?: unknown;
  /** Of a class head or a memory, which own their rows: the ones to take. */
  candidateRows?: Int32Array;
}

export function readCandidates(settings: RowSettings, arrays: CandidateArrays, anchorLabels: Int32Array): Candidates {
  const { dim } = settings;
  if (arrays.classWeights !== undefined) {
    const absent = 'absent where classWeights are given';
    if (arrays.candidates !== undefined) throw invalidArgument('candidates', absent, arrays.candidates);
    if (arrays.candidateLabels !== undefined) throw invalidArgument('candidateLabels', absent, arrays.candidateLabels);
    const values = candidateRows('classWeights', arrays.classWeights, settings);
    const classes = candidateRowCount('classWeights', values, dim);
    checkClassLabels(anchorLabels, 'a row of classWeights', classes);
    return { kind: 'classWeights', values, labels: undefined, count: arrays.candidateRows?.length ?? classes };
  }
  if (arrays.candidates !== undefined) {
    const values = candidateRows('candidates', arrays.candidates, settings);
    const labels = labelArray('candidateLabels', arrays.candidateLabels);
    const length = arrays.candidateRows ? arrays.candidateRows.length * dim : lengthOf(values);
    checkRows('candidates', length, 'candidateLabels', labels.length, dim);
    return { kind: 'labelled', values, labels, count: labels.length };
  }
  if (arrays.candidateLabels !== undefined) {
    throw invalidArgument('candidateLabels', 'absent where no candidates are given', arrays.candidateLabels);
  }
  return { kind: 'batch', values: undefined, labels: undefined, count: anchorLabels.length };
}
