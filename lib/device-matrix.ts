/** Rows that stay in a GPU's memory from call to call. */
import { float32, output, rowCount } from './arrays.ts';
import { requireCuda } from './cuda.ts';
import {
  type CircleLossError,
  deviceFailed,
  disposed,
  engineOutOfMemory,
  internal,
  invalidArgument,
  outOfDeviceMemory,
  wrongShape,
} from './errors.ts';
import { type CudaModule, type NativeDeviceRows, nativeStatus, reportFields } from './native.ts';
import { orOutOfMemory } from './native-memory.ts';
import { parse, schemas } from './schemas.ts';

/** What a device matrix is made with. */
export interface DeviceMatrixOptions {
  /** Numbers in a row. An integer from 1. */
  dim: number;
  /** The number of the GPU, as `engines()` lists them; default 0. */
  device?: number;
}

/**
 * A matrix in a GPU's memory: class weights or candidates that calls to engine 'cuda' use without sending them again.
 * `using` disposes it; so does `dispose()`, and garbage collection in the end.
 */
export interface DeviceMatrix extends Disposable {
  readonly rows: number;
  readonly dim: number;
  readonly device: number;
  /**
   * Replaces rows from `firstRow` (default 0) on by those of `values`, any number of whole rows. Waits for asynchronous
   * calls in flight that use the matrix: they compute with what it held when they were made.
   */
  update(values: Float32Array, firstRow?: number): void;
  /**
   * Copies all rows back: to `out`, of rows × dim numbers, or to a new array. With `firstRow`, those from there on, as
   * many as `out` has room for.
   */
  read(out?: Float32Array, firstRow?: number): Float32Array;
  /** Frees the memory, after the calls in flight. A later use is an error (ERR_CIRCLE_DISPOSED). */
  dispose(): void;
}

class HeldMatrix implements DeviceMatrix {
  readonly rows: number;
  readonly dim: number;
  readonly device: number;
  readonly #module: CudaModule;
  #native: NativeDeviceRows | undefined;

  constructor(module: CudaModule, rows: number, dim: number, device: number) {
    this.#module = module;
    this.rows = rows;
    this.dim = dim;
    this.device = device;
    if (rows > largestSide || dim > largestSide || rows * dim > largestMatrix) throw this.#outOfMemory();
    const report = newReport();
    const native = orOutOfMemory(() => new module.DeviceRows(report, device, rows, dim));
    this.#check(report);
    this.#native = native;
  }

  /** Not instanceof: what only inherits from one has no rows, and a revoked Proxy throws. */
  static is(value: unknown): value is HeldMatrix {
    return typeof value === 'object' && value !== null && #native in value;
  }

  /** What error messages show of it. */
  get [Symbol.toStringTag](): string {
    return 'DeviceMatrix';
  }

  update(values: Float32Array, firstRow = 0): void {
    const native = this.nativeRows('The DeviceMatrix');
    const array = float32('values', values);
    this.#checkRange('values', array, firstRow);
    const report = newReport();
    native.write(report, array, firstRow);
    this.#check(report);
  }

  read(out?: Float32Array, firstRow?: number): Float32Array {
    const native = this.nativeRows('The DeviceMatrix');
    const array = firstRow === undefined ? output('out', out, this.rows * this.dim) : float32('out', out);
    this.#checkRange('out', array, firstRow ?? 0);
    const report = newReport();
    native.read(report, array, firstRow ?? 0);
    this.#check(report);
    return array;
  }

  /** Whole rows, from `firstRow` to the last at most. */
  #checkRange(name: string, array: Float32Array, firstRow: number): void {
    const count = rowCount(name, array, this.dim);
    const last = this.rows - 1;
    if (!(Number.isInteger(firstRow) && firstRow >= 0 && firstRow <= last)) {
      throw invalidArgument('firstRow', `a row of the matrix, from 0 to ${last}`, firstRow);
    }
    const room = this.rows - firstRow;
    if (count > room) throw wrongShape(name, `at most ${room} rows, from firstRow to the last`, `${count} rows`);
  }

  dispose(): void {
    this.#native?.dispose();
    this.#native = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  nativeRows(name: string): NativeDeviceRows {
    if (this.#native === undefined) throw disposed(name);
    return this.#native;
  }

  #outOfMemory(): CircleLossError {
    const remedy = 'Dispose of other matrices, or keep fewer rows on the device.';
    return outOfDeviceMemory(`a DeviceMatrix of ${this.rows} × ${this.dim} numbers`, remedy);
  }

  #check(report: Float64Array): void {
    const status = report[reportFields.indexOf('status')];
    if (status === nativeStatus.ok) return;
    if (status === nativeStatus.outOfDeviceMemory) throw this.#outOfMemory();
    if (status === nativeStatus.outOfMemory) throw engineOutOfMemory();
    if (status !== nativeStatus.deviceFailed) throw internal(`A DeviceMatrix reported status ${status}`);
    throw deviceFailed(this.#module.describeError(report[reportFields.indexOf('deviceError')]));
  }
}

/** What the native side can count, its bytes too; no device has room for more. */
const largestSide = 0x7fffffff;
const largestMatrix = 2 ** 50;

const newReport = () => new Float64Array(reportFields.length);

/**
 * Copies rows to a GPU, where they stay: class weights of many classes, a memory of earlier batches. Give the matrix as
 * `classWeights` or `candidates`; their gradient comes back as a Float32Array.
 *
 * - `values`: M × dim numbers, row by row. Whether they are finite is for the calls to find out.
 * - `options`: `dim`, and `device` where it is not 0.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_INVALID_ARGUMENT, ERR_CIRCLE_SHAPE, ERR_CIRCLE_DETACHED, ERR_CIRCLE_OUT_OF_MEMORY
 * where the device has no room, ERR_CIRCLE_CUDA, and where CUDA cannot run ERR_CIRCLE_CUDA_UNAVAILABLE or
 * ERR_CIRCLE_NATIVE_LOAD.
 */
export function createDeviceMatrix(values: Float32Array, options: DeviceMatrixOptions): DeviceMatrix {
  const { dim, device = 0 } = parse(schemas.deviceMatrix, options);
  const array = float32('values', values);
  const rows = rowCount('values', array, dim);
  const matrix = new HeldMatrix(requireCuda(device).module, rows, dim, device);
  try {
    matrix.update(array);
  } catch (error) {
    matrix.dispose();
    throw error;
  }
  return matrix;
}

/** A matrix that has yet to be filled: its contents are unspecified. */
export function allocateDeviceMatrix(rows: number, dim: number, device: number): DeviceMatrix {
  return new HeldMatrix(requireCuda(device).module, rows, dim, device);
}

export function isDeviceMatrix(value: unknown): value is DeviceMatrix {
  return HeldMatrix.is(value);
}

/** What the native side knows it by. Throws where it is disposed; `name` is what the error calls it. */
export function nativeRowsOf(matrix: DeviceMatrix, name: string): NativeDeviceRows {
  return (matrix as HeldMatrix).nativeRows(name);
}
