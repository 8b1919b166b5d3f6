/**
 * MATLAB's files of level 5, as far as data sets use them: matrices of numbers, texts, cells and structures, compressed
 * or not, of either byte order. Written after The MathWorks, "MAT-File Format", chapter 1; the one library that npm has
 * for it is under a licence that this package cannot take on.
 *
 * A file is a header of 128 bytes, then elements: a tag with type and length, and bytes that are padded to eight. A
 * matrix is an element of elements: flags, dimensions, name, content.
 */
import { inflateSync } from 'node:zlib';
import { foreignDataSet } from '../errors.ts';

/** Contents are column by column, as MATLAB has them. */
export type MatArray =
  | { kind: 'numbers'; shape: number[]; values: ArrayLike<number> }
  | { kind: 'text'; shape: number[]; text: string }
  | { kind: 'cell'; shape: number[]; cells: MatArray[] }
  | { kind: 'struct'; shape: number[]; elements: Record<string, MatArray>[] }
  | { kind: 'other'; shape: number[] };

const headerBytes = 128;
const [miInt8, miUint8, miInt16, miUint16, miInt32, miUint32, miSingle, miDouble] = [1, 2, 3, 4, 5, 6, 7, 9];
const [miInt64, miUint64, miMatrix, miCompressed, miUtf8, miUtf16, miUtf32] = [12, 13, 14, 15, 16, 17, 18];
const [mxCell, mxStruct, mxChar, mxFirstNumber, mxLastNumber] = [1, 2, 4, 6, 15];

interface Element {
  type: number;
  data: DataView;
}

/** What an element that ends before its time is: a RangeError of the view. */
class Elements {
  readonly #view: DataView;
  readonly #little: boolean;
  #at: number;

  constructor(view: DataView, little: boolean, at = 0) {
    this.#view = view;
    this.#little = little;
    this.#at = at;
  }

  get done(): boolean {
    return this.#at >= this.#view.byteLength;
  }

  next(): Element {
    const word = this.#view.getUint32(this.#at, this.#little);
    const small = word >>> 16; // up to four bytes stand in the tag itself, and their number in its upper half
    const type = small > 0 ? word & 0xffff : word;
    const length = small > 0 ? small : this.#view.getUint32(this.#at + 4, this.#little);
    const start = this.#at + (small > 0 ? 4 : 8);
    const data = new DataView(this.#view.buffer, this.#view.byteOffset + start, this.#within(start, length));
    // Compressed elements alone are not padded.
    const end = small > 0 ? this.#at + 8 : start + length;
    this.#at = type === miCompressed ? end : Math.ceil(end / 8) * 8;
    return { type, data };
  }

  #within(start: number, length: number): number {
    if (start + length > this.#view.byteLength) throw new RangeError('an element that is longer than its file');
    return length;
  }
}

/** The variables of a file. Throws ERR_CIRCLE_PROTOCOL; `path` is for the message. */
export function readMatFile(path: string, bytes: Buffer): Map<string, MatArray> {
  const expected = 'a MAT file of level 5';
  const save = " In MATLAB, save(…, '-v7') writes one.";
  if (bytes.length < headerBytes) throw foreignDataSet(path, expected, `${bytes.length} bytes`, save);
  if (bytes.toString('latin1', 0, 10) === 'MATLAB 7.3') {
    throw foreignDataSet(path, expected, 'one of version 7.3, which is HDF5', save);
  }
  const order = bytes.toString('latin1', 126, 128);
  if (order !== 'IM' && order !== 'MI')
    throw foreignDataSet(path, expected, 'a file without its byte order mark', save);
  const little = order === 'IM';
  const variables = new Map<string, MatArray>();
  try {
    const elements = new Elements(viewOf(bytes), little, headerBytes);
    while (!elements.done) {
      const { type, data } = uncompressed(elements.next(), little);
      if (type !== miMatrix) continue;
      const { name, array } = readMatrix(data, little);
      variables.set(name, array);
    }
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw foreignDataSet(path, expected, `a file that is damaged or cut short (${words})`);
  }
  return variables;
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function uncompressed(element: Element, little: boolean): Element {
  if (element.type !== miCompressed) return element;
  const { buffer, byteOffset, byteLength } = element.data;
  return new Elements(viewOf(inflateSync(new Uint8Array(buffer, byteOffset, byteLength))), little).next();
}

function readMatrix(data: DataView, little: boolean): { name: string; array: MatArray } {
  if (data.byteLength === 0) return { name: '', array: { kind: 'numbers', shape: [0, 0], values: [] } }; // [], in a cell
  const parts = new Elements(data, little);
  const flags = numbersOf(parts.next(), little);
  const mxClass = flags[0] & 0xff;
  // Objects of newer classes have neither dimensions nor a name of their own.
  if (mxClass === 17) return { name: '', array: { kind: 'other', shape: [] } };
  const shape = Array.from(numbersOf(parts.next(), little));
  const name = textOf(parts.next(), little);
  return { name, array: readContent(mxClass, shape, parts, little) };
}

function readContent(mxClass: number, shape: number[], parts: Elements, little: boolean): MatArray {
  const count = shape.reduce((product, size) => product * size, 1);
  if (mxClass >= mxFirstNumber && mxClass <= mxLastNumber) {
    return { kind: 'numbers', shape, values: ofLength(numbersOf(parts.next(), little), count) };
  }
  if (mxClass === mxChar) return { kind: 'text', shape, text: textOf(parts.next(), little) };
  if (mxClass === mxCell) {
    const cells = Array.from({ length: count }, () => readMatrix(parts.next().data, little).array);
    return { kind: 'cell', shape, cells };
  }
  if (mxClass === mxStruct) return { kind: 'struct', shape, elements: readElements(count, parts, little) };
  return { kind: 'other', shape };
}

/** Element after element, and of each its fields. */
function readElements(count: number, parts: Elements, little: boolean): Record<string, MatArray>[] {
  const [nameLength] = Array.from(numbersOf(parts.next(), little));
  const packed = textOf(parts.next(), little);
  const names: string[] = [];
  for (let at = 0; at < packed.length; at += nameLength) names.push(packed.slice(at, at + nameLength).split('\0')[0]);
  return Array.from({ length: count }, () =>
    Object.fromEntries(names.map((name) => [name, readMatrix(parts.next().data, little).array])),
  );
}

function ofLength(values: ArrayLike<number>, count: number): ArrayLike<number> {
  if (values.length !== count) throw new RangeError(`${values.length} numbers for ${count}`);
  return values;
}

/** Numbers are stored in the smallest type that holds them, whatever the class of their matrix. */
function numbersOf({ type, data }: Element, little: boolean): Float64Array {
  const [size, get] = readerOf(type, data, little);
  return Float64Array.from({ length: data.byteLength / size }, (_, i) => get(i * size));
}

function readerOf(type: number, data: DataView, little: boolean): [size: number, get: (at: number) => number] {
  switch (type) {
    case miInt8:
      return [1, (at) => data.getInt8(at)];
    case miUint8:
    case miUtf8:
      return [1, (at) => data.getUint8(at)];
    case miInt16:
      return [2, (at) => data.getInt16(at, little)];
    case miUint16:
    case miUtf16:
      return [2, (at) => data.getUint16(at, little)];
    case miInt32:
      return [4, (at) => data.getInt32(at, little)];
    case miUint32:
    case miUtf32:
      return [4, (at) => data.getUint32(at, little)];
    case miSingle:
      return [4, (at) => data.getFloat32(at, little)];
    case miDouble:
      return [8, (at) => data.getFloat64(at, little)];
    case miInt64:
      return [8, (at) => Number(data.getBigInt64(at, little))];
    case miUint64:
      return [8, (at) => Number(data.getBigUint64(at, little))];
    default:
      throw new RangeError(`an element of type ${type}`);
  }
}

function textOf(element: Element, little: boolean): string {
  const { buffer, byteOffset, byteLength } = element.data;
  if (element.type === miUtf8) return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
  return Array.from(numbersOf(element, little), (code) => String.fromCodePoint(code)).join('');
}

/** A variable of numbers. Throws ERR_CIRCLE_PROTOCOL where there is none. */
export function numbersIn(
  path: string,
  variables: ReadonlyMap<string, MatArray>,
  name: string,
): { shape: number[]; values: ArrayLike<number> } {
  const array = variables.get(name);
  if (array?.kind === 'numbers') return array;
  throw foreignDataSet(path, `a MAT file with the numbers '${name}'`, describeVariables(variables));
}

/** A variable that is a cell of texts. */
export function textsIn(path: string, variables: ReadonlyMap<string, MatArray>, name: string): string[] {
  const array = variables.get(name);
  const texts = array?.kind === 'cell' ? array.cells.map((cell) => (cell.kind === 'text' ? cell.text : undefined)) : [];
  if (texts.length > 0 && texts.every((text) => text !== undefined)) return texts;
  throw foreignDataSet(path, `a MAT file with the cell of texts '${name}'`, describeVariables(variables));
}

/** A variable that is an array of structures. */
export function structsIn(
  path: string,
  variables: ReadonlyMap<string, MatArray>,
  name: string,
): Record<string, MatArray>[] {
  const array = variables.get(name);
  if (array?.kind === 'struct') return array.elements;
  throw foreignDataSet(path, `a MAT file with the structures '${name}'`, describeVariables(variables));
}

function describeVariables(variables: ReadonlyMap<string, MatArray>): string {
  if (variables.size === 0) return 'an empty one';
  return [...variables].map(([name, { kind, shape }]) => `'${name}', ${shape.join(' × ')} ${kind}`).join(', ');
}
