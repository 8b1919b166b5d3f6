/** Embeddings from .npy, CSV and raw numbers. */
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileFailed, foreignFile, notFinite, outOfMemory } from '../errors.ts';
import { type CsvColumn, csvColumn, isCsv, isNumber, placeOf, visitCsv } from './csv-file.ts';
import { readBytes, toNativeOrder } from './file-bytes.ts';
import { type NpyValues, readNpy } from './npy-file.ts';
import type { Progress } from './progress.ts';

export const rawTypes = ['float32', 'float64', 'uint8'] as const;
export type RawType = (typeof rawTypes)[number];

export interface EmbeddingsForm {
  /** Of raw numbers needed; elsewhere checked. */
  dim: number | undefined;
  /** Of raw numbers. */
  type: RawType;
  /** Labels and the like: where they are columns of the same CSV file, they are no coordinates. */
  others: readonly (string | undefined)[];
  /** Names of further columns that are none. */
  leaveOut: readonly string[] | undefined;
}

export interface Embeddings {
  path: string;
  values: Float32Array;
  dim: number;
  count: number;
}

export async function readEmbeddings(path: string, form: EmbeddingsForm, progress: Progress): Promise<Embeddings> {
  await access(path).catch((cause) => {
    throw fileFailed(path, 'read', cause);
  });
  const read = path.toLowerCase().endsWith('.npy') ? readNpyRows : isCsv(path) ? readCsvRows : readRawRows;
  const { values, dim } = await read(path, form, progress);
  if (form.dim !== undefined && form.dim !== dim) {
    throw foreignFile(path, `rows of --dim ${form.dim} numbers`, `rows of ${dim}`);
  }
  if (values.length === 0) throw foreignFile(path, 'at least one row of embeddings', 'none');
  checkFinite(path, values, dim);
  return { path, values, dim, count: values.length / dim };
}

interface Rows {
  values: Float32Array;
  dim: number;
}

async function readNpyRows(path: string, _form: EmbeddingsForm, progress: Progress): Promise<Rows> {
  const { values, shape } = await readNpy(path, progress);
  if (shape.length < 2) throw foreignFile(path, 'an array of rows', `the shape [${shape.join(', ')}]`);
  // Pictures are rows of all their numbers.
  return { values: toFloat32(path, values), dim: shape.slice(1).reduce((product, length) => product * length, 1) };
}

async function readRawRows(path: string, { dim, type }: EmbeddingsForm, progress: Progress): Promise<Rows> {
  if (dim === undefined) throw foreignFile(path, '.npy, .csv, or raw numbers with --dim', 'no --dim');
  const bytes = await readBytes(path, progress);
  const size = { float32: 4, float64: 8, uint8: 1 }[type];
  if (bytes.byteLength % (size * dim) !== 0) {
    const expected = `rows of --dim ${dim} ${type}, ${size * dim} bytes each`;
    throw foreignFile(path, expected, `${bytes.byteLength} bytes`);
  }
  toNativeOrder(new Uint8Array(bytes), size);
  const arrays = { float32: Float32Array, float64: Float64Array, uint8: Uint8Array };
  return { values: toFloat32(path, new arrays[type](bytes)), dim };
}

/** float32 stays where it is. */
function toFloat32(path: string, values: NpyValues): Float32Array {
  if (values instanceof Float32Array) return values;
  try {
    if (!(values instanceof BigInt64Array)) return new Float32Array(values);
    const rows = new Float32Array(values.length);
    for (let i = 0; i < rows.length; i++) rows[i] = Number(values[i]);
    return rows;
  } catch (cause) {
    throw outOfMemory(`the ${values.length} numbers of ${path} as float32`, cause);
  }
}

async function readCsvRows(path: string, { others, leaveOut = [] }: EmbeddingsForm, progress: Progress): Promise<Rows> {
  const own = others
    .map((source) => (source === undefined ? undefined : csvColumn(source)))
    .filter((column): column is CsvColumn => column !== undefined && resolve(column.path) === resolve(path));
  own.push(...leaveOut.map((column) => ({ path, column })));
  const bar = await progress.begin(`reading ${path}`, 1);
  let leftOut: Set<number> | undefined;
  let dim = 0;
  let values = new Float32Array(2 ** 12);
  let filled = 0;
  await visitCsv(path, (cells, line, columns) => {
    if (leftOut === undefined) {
      leftOut = new Set(own.map((column) => placeOf(column, columns)));
      const nameless = columns?.findIndex((name, i) => name === '' && !leftOut!.has(i)) ?? -1;
      if (nameless >= 0) throw namelessColumn(path, nameless);
    }
    dim ||= cells.length - leftOut.size;
    while (filled + dim > values.length) values = grown(path, values);
    for (let i = 0; i < cells.length; i++) {
      if (leftOut.has(i)) continue;
      if (!isNumber(cells[i])) {
        const expected = 'numbers, but for columns that are labels or the like and those of --leave-out';
        throw foreignFile(`${path}:${line}`, expected, `'${cells[i]}' in column ${columns?.[i] ?? i + 1}`);
      }
      values[filled++] = Number(cells[i]);
    }
  });
  bar.end();
  if (dim === 0) throw foreignFile(path, 'a CSV file with columns of numbers', 'none but labels');
  return { values: values.subarray(0, filled), dim };
}

/** Tables are often written with the numbers of their rows before the first column. */
function namelessColumn(path: string, column: number): Error {
  const hint = "; if it has the numbers of the rows, leave it out: --leave-out ''";
  return foreignFile(path, 'a CSV file all of whose columns have names', `none for column ${column + 1}${hint}`);
}

function grown(path: string, values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  try {
    const larger = new Float32Array(2 * values.length);
    larger.set(values);
    return larger;
  } catch (cause) {
    throw outOfMemory(`the numbers of ${path}`, cause);
  }
}

/** Here, where the file has a name. */
function checkFinite(path: string, values: Float32Array, dim: number): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw notFinite(path, Math.floor(i / dim), i % dim, values[i], 'Rows are counted from 0; leave this one out.');
    }
  }
}
