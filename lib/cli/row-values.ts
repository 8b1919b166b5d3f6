/** One value a row: labels, cameras, splits, folds, names. */
import { readFile } from 'node:fs/promises';
import { CircleLossError, fileFailed, foreignFile, wrongShape } from '../errors.ts';
import { csvColumn, isCsv, placeOf, visitCsv } from './csv-file.ts';
import { readBytes, toNativeOrder } from './file-bytes.ts';
import { readNpy } from './npy-file.ts';
import type { Progress } from './progress.ts';

/** Integers, or text as it stands in the file. */
export type RowValues = Int32Array | string[];

const isInt32 = (value: number) => (value | 0) === value;
const int32 = 'integers from -2147483648 to 2147483647';

/** `rows`: how many there must be, those of `of`. */
export async function readRowValues(
  source: string,
  what: string,
  rows: number,
  of: string,
  progress: Progress,
): Promise<RowValues> {
  const values = await readValues(source, rows, progress);
  if (values.length !== rows)
    throw wrongShape(`${what} of ${source}`, `one for each of the ${rows} rows of ${of}`, `${values.length}`);
  return values;
}

async function readValues(source: string, rows: number, progress: Progress): Promise<RowValues> {
  const column = csvColumn(source);
  if (column !== undefined) {
    const texts: string[] = [];
    await visitCsv(column.path, (cells, _line, columns) => texts.push(cells[placeOf(column, columns)]));
    return texts;
  }
  if (isCsv(source)) throw foreignFile(source, `named with its column, ${source}:COLUMN`, 'no column');
  if (source.toLowerCase().endsWith('.npy')) return readNpyIntegers(source, progress);
  if (source.toLowerCase().endsWith('.bin')) return readRawIntegers(source, rows, progress);
  return readLines(source);
}

async function readNpyIntegers(path: string, progress: Progress): Promise<Int32Array> {
  const { values, shape } = await readNpy(path, progress);
  // A column of one number a row, N × 1, is as good.
  if (shape.slice(1).some((length) => length !== 1)) {
    throw foreignFile(path, 'an array of one number a row', `the shape [${shape.join(', ')}]`);
  }
  const integers = new Int32Array(values.length);
  for (let i = 0; i < integers.length; i++) {
    const value = Number(values[i]);
    if (!isInt32(value)) throw foreignFile(path, int32, `${value} at row ${i}`);
    integers[i] = value;
  }
  return integers;
}

/** int32, or uint8 where there are as many bytes as rows. */
async function readRawIntegers(path: string, rows: number, progress: Progress): Promise<Int32Array> {
  const bytes = await readBytes(path, progress);
  if (bytes.byteLength === rows) return Int32Array.from(new Uint8Array(bytes));
  if (bytes.byteLength !== 4 * rows) {
    const expected = `${rows} int32, ${4 * rows} bytes, or as many uint8`;
    throw foreignFile(path, expected, `${bytes.byteLength} bytes`);
  }
  toNativeOrder(new Uint8Array(bytes), 4);
  return new Int32Array(bytes);
}

/** Blank lines at the end are no lines. */
export async function readLines(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw fileFailed(path, 'read', cause);
  });
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .map((line) => line.trim());
  while (lines.length > 0 && lines.at(-1) === '') lines.pop();
  return lines;
}

/** As `readRowValues`, of labels and the like, which every row has: what is missing is no value that others share. */
export async function readFullRowValues(...given: Parameters<typeof readRowValues>): Promise<RowValues> {
  const values = await readRowValues(...given);
  const missing = values instanceof Int32Array ? -1 : values.indexOf('');
  if (missing >= 0) throw foreignFile(given[0], 'a value for each row', `nothing at row ${missing}`);
  return values;
}

/** Of a file whose values must be integers. */
export function integersOf(source: string, values: RowValues): Int32Array {
  if (values instanceof Int32Array) return values;
  const integers = new Int32Array(values.length);
  for (let i = 0; i < integers.length; i++) {
    const value = Number(values[i]);
    if (values[i] === '' || !isInt32(value)) throw foreignFile(source, int32, `'${values[i]}' at row ${i}`);
    integers[i] = value;
  }
  return integers;
}

/**
 * The same numbers for the same values in all of the lists: the integers themselves, or, where one of the lists has
 * anything else, numbers of texts in the order in which they come first.
 */
export function numbered(lists: readonly RowValues[]): Int32Array[] {
  try {
    return lists.map((values) => integersOf('', values));
  } catch (error) {
    if (!(error instanceof CircleLossError)) throw error;
  }
  const numbers = new Map<string, number>();
  return lists.map((values) =>
    Int32Array.from(values as readonly (number | string)[], (value) => {
      const text = String(value);
      if (!numbers.has(text)) numbers.set(text, numbers.size);
      return numbers.get(text)!;
    }),
  );
}
