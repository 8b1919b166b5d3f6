/** Typed arrays of the caller: element types, lengths and liveness, checked by hand because zod would walk them. */
import { detached, invalidArgument, outOfMemory, overlap, wrongShape } from './errors.ts';

const int32Range = 'an integer from -2147483648 to 2147483647';

/** Tells by the tag, not by instanceof: arrays of another realm (a `vm` context, a test runner) are as good. */
function isTagged(value: unknown, tag: string): boolean {
  return (
    ArrayBuffer.isView(value) && (value as unknown as { [Symbol.toStringTag]: string })[Symbol.toStringTag] === tag
  );
}

export function float32(name: string, value: unknown): Float32Array {
  if (!isTagged(value, 'Float32Array')) throw invalidArgument(name, 'a Float32Array', value);
  checkAlive(name, value as Float32Array);
  return value as Float32Array;
}

/** A view of a detached buffer, or beyond the end of a resized one, has length 0 and refuses to be iterated. */
export function checkAlive(name: string, array: Float32Array | Int32Array | Uint8Array): void {
  if (array.length !== 0) return;
  try {
    array.keys();
  } catch {
    throw detached(name);
  }
}

/** Rows of `dim` numbers, at least one. */
export function rowCount(name: string, array: Float32Array, dim: number): number {
  const rows = array.length / dim;
  // A quotient stays a double to V8, and so would every index made from it, unless told that it is an integer.
  if (rows >= 1 && Number.isInteger(rows)) return rows <= 0x7fffffff ? rows | 0 : rows;
  throw wrongShape(name, `rows of dim = ${dim} numbers, at least one`, `${array.length} numbers`);
}

/** As many rows as there are labels, both at least one. */
export function checkRows(name: string, length: number, labelsName: string, labels: number, dim: number): void {
  if (labels < 1) throw wrongShape(labelsName, 'at least one label', '0');
  if (length === labels * dim) return;
  const expected = `${labelsName}.length × dim = ${labels} × ${dim} = ${labels * dim} numbers`;
  throw wrongShape(name, expected, `${length}`);
}

export function labelArray(name: string, value: unknown): Int32Array {
  if (isTagged(value, 'Int32Array')) {
    checkAlive(name, value as Int32Array);
    return value as Int32Array;
  }
  if (!Array.isArray(value)) throw invalidArgument(name, 'an Int32Array or an array of numbers', value);
  const labels = new Int32Array(value.length);
  for (let i = 0; i < labels.length; i++) {
    const label: unknown = value[i];
    if (((label as number) | 0) !== label) throw invalidArgument(`${name}[${i}]`, int32Range, label);
    labels[i] = label as number;
  }
  return labels;
}

/** Class-level labels are rows of the class weights; `what` says it in the caller's words. */
export function checkClassLabels(labels: Int32Array, what: string, classes: number): void {
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] < 0 || labels[i] >= classes) {
      throw invalidArgument(`labels[${i}]`, `${what}, from 0 to ${classes - 1}`, labels[i]);
    }
  }
}

export function allocate(length: number): Float32Array {
  try {
    return new Float32Array(length);
  } catch (cause) {
    throw outOfMemory(`a Float32Array of ${length} numbers`, cause);
  }
}

/** A private copy, on a buffer that nobody else can resize or transfer. */
export function copyOf(array: Float32Array): Float32Array {
  const copy = allocate(array.length);
  copy.set(array);
  return copy;
}

/** The caller's array for a result of `length` numbers, or a new one. */
export function output(name: string, given: unknown, length: number): Float32Array {
  if (given === undefined) return allocate(length);
  const array = float32(name, given);
  if (array.length !== length) throw wrongShape(name, `${length} numbers`, `${array.length}`);
  return array;
}

type Named = readonly [name: string, array: Float32Array | Int32Array | undefined];

/** Results may not share memory with inputs or each other: engines read inputs while they write results. */
export function checkApart(outputs: readonly Named[], inputs: readonly Named[]): void {
  for (let i = 0; i < outputs.length; i++) {
    const [name, array] = outputs[i];
    if (array === undefined) continue;
    for (let j = 0; j < inputs.length + i; j++) {
      const [otherName, other] = j < inputs.length ? inputs[j] : outputs[j - inputs.length];
      if (other !== undefined && overlaps(array, other)) throw overlap(name, otherName);
    }
  }
}

function overlaps(a: ArrayBufferView, b: ArrayBufferView): boolean {
  if (a.buffer !== b.buffer) return false;
  return a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;
}
