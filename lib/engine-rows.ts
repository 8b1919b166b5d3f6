/** Rows that a class head or a memory keeps where its engine computes: in the host's memory, or in a GPU's. */
import { allocateDeviceMatrix, isDeviceMatrix } from './device-matrix.ts';
import { outOfHostMemory } from './errors.ts';
import type { CandidateRows } from './options.ts';

/** Rows that pass through one array at a time: some megabytes, so that a million of them need no second home. */
const pieceNumbers = 2 ** 20;

export interface EngineRows extends Disposable {
  readonly values: CandidateRows;
  write(values: Float32Array, firstRow: number): void;
  read(out: Float32Array, firstRow: number): void;
}

export interface EngineRowsPlace {
  engine: 'cpu' | 'reference' | 'cuda';
  device: number;
}

/** Contents are unspecified at first. `remedy`: what there is to do where the host has no memory for them. */
export function allocateRows(rows: number, dim: number, place: EngineRowsPlace, remedy: string): EngineRows {
  const values = place.engine === 'cuda' ? allocateDeviceMatrix(rows, dim, place.device) : onHost(rows, dim, remedy);
  return {
    values,
    write: (from, firstRow) => {
      if (isDeviceMatrix(values)) values.update(from, firstRow);
      else values.set(from, firstRow * dim);
    },
    read: (out, firstRow) => {
      if (isDeviceMatrix(values)) values.read(out, firstRow);
      else out.set(values.subarray(firstRow * dim, firstRow * dim + out.length));
    },
    [Symbol.dispose]: () => {
      if (isDeviceMatrix(values)) values.dispose();
    },
  };
}

function onHost(rows: number, dim: number, remedy: string): Float32Array {
  try {
    return new Float32Array(rows * dim);
  } catch (cause) {
    throw outOfHostMemory(`${rows} × ${dim} numbers`, remedy, cause);
  }
}

/** Ranges of rows that pass at a time, in order. */
export function* pieces(rows: number, dim: number): Generator<{ firstRow: number; count: number }> {
  const most = Math.max(1, Math.floor(pieceNumbers / dim));
  for (let firstRow = 0; firstRow < rows; firstRow += most) {
    yield { firstRow, count: Math.min(most, rows - firstRow) };
  }
}
