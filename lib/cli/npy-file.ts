/** Arrays in NumPy's format. The parser is npyjs; here is what it takes on trust. */
import { foreignFile } from '../errors.ts';
import { readBytes, toNativeOrder } from './file-bytes.ts';
import type { Progress } from './progress.ts';

export type NpyValues = Float32Array | Float64Array | Int32Array | BigInt64Array | Int16Array | Int8Array | Uint8Array;

export interface NpyArray {
  /** Views of the file's own bytes. */
  values: NpyValues;
  shape: readonly number[];
}

const readable = ['f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1'];

export async function readNpy(path: string, progress: Progress): Promise<NpyArray> {
  const bytes = await readBytes(path, progress);
  const { parse } = await import('npyjs');
  const remedy = `numpy.save(path, numpy.ascontiguousarray(array, dtype='<f4')) writes one that can be read.`;
  let array: ReturnType<typeof parse>;
  try {
    // Halves would be converted at once; they are refused below.
    array = parse(bytes, { convertFloat16: false });
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw foreignFile(path, `an .npy file of numbers (${remedy})`, words);
  }
  const { data, shape, dtype, fortranOrder } = array;
  if (!readable.includes(dtype)) {
    const expected = `an array of float32, float64, int8 to int64 or uint8 (${remedy})`;
    throw foreignFile(path, expected, dtype === 'f2' ? 'float16' : `'${dtype}'`);
  }
  if (fortranOrder) throw foreignFile(path, `an array in C order (${remedy})`, 'Fortran order');
  const values = data as NpyValues;
  const count = shape.reduce((product, length) => product * length, 1);
  if (values.length !== count) {
    const hint = '; it was cut short: copy or save it again';
    throw foreignFile(path, `[${shape.join(', ')}], ${count} numbers, as its header says`, `${values.length}${hint}`);
  }
  toNativeOrder(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), values.BYTES_PER_ELEMENT);
  return { values, shape };
}
