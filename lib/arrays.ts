/** Typed arrays of the caller: element types, lengths and liveness, checked by hand because zod would walk them. */
import {
  detached,
  invalidArgument,
  outOfHostMemory,
  outOfMemory,
  overlap,
  unequalCounts,
  wrongShape,
} from './errors.ts';

export const int32Range = 'an integer from -2147483648 to 2147483647';

type Numbers = Float32Array | Int32Array | Uint8Array;

const typedArray = Object.getPrototypeOf(Float32Array.prototype) as object;

/** What the array is, whatever its class or its own properties say: asked so, no code of the caller runs. */
function intrinsic<Value>(name: PropertyKey): (array: unknown) => Value {
  const { get } = Object.getOwnPropertyDescriptor(typedArray, name)!;
  return (array) => Reflect.apply(get!, array, []) as Value;
}

/** undefined of anything but a typed array. A tag, not instanceof: arrays of another realm (a `vm` context) are as good. */
const tagOf = intrinsic<string | undefined>(Symbol.toStringTag);
const bufferOf = intrinsic<ArrayBuffer | SharedArrayBuffer>('buffer');
const byteOffsetOf = intrinsic<number>('byteOffset');
const byteLengthOf = intrinsic<number>('byteLength');
export const trueLengthOf: (array: Numbers) => number = intrinsic<number>('length');
const { keys, set } = typedArray as { keys: () => unknown; set: (from: ArrayLike<number>) => void };

/** `to.set(from)`, whatever the caller has put in its place. */
export function copyInto(to: Float32Array, from: Float32Array): void {
  Reflect.apply(set, to, [from]);
}

const ordinaryPrototypes = {
  Float32Array: Float32Array.prototype,
  Int32Array: Int32Array.prototype,
  Uint8Array: Uint8Array.prototype,
};

/** Has the platform's methods and its true length; what it costs to look is paid by every call. */
const isOrdinary = (array: Numbers, tag: keyof typeof ordinaryPrototypes) =>
  Object.getPrototypeOf(array) === ordinaryPrototypes[tag] && !Object.hasOwn(array, 'length');

/**
 * The array, or an ordinary one on the same memory: not a subclass whose methods are the caller's code, and not one of
 * another realm.
 */
export function ordinary(array: Float32Array): Float32Array {
  // Doubles are the tests': they look at results of engine 'reference' before these are rounded.
  if (isOrdinary(array, 'Float32Array') || tagOf(array) !== 'Float32Array') return array;
  return new Float32Array(bufferOf(array), byteOffsetOf(array), trueLengthOf(array));
}

/** The caller's own array: what results go to. */
function ownFloat32(name: string, value: unknown): Float32Array {
  if (tagOf(value) !== 'Float32Array') throw invalidArgument(name, 'a Float32Array', value);
  checkAlive(name, value as Float32Array);
  return value as Float32Array;
}

/** For numbers that are in no Float32Array: how to copy them to one, where they can be. */
function howToCopy(name: string, value: unknown): string {
  try {
    const copied = copyable(name, value);
    return copied === undefined ? '' : ` Float32Array.from(${copied}) makes one.`;
  } catch {
    return ''; // a Proxy that throws where it is looked at
  }
}

/** An expression for the numbers one after the other. `.flat()` leaves typed arrays as they are. */
function copyable(name: string, value: unknown): string | undefined {
  if (ArrayBuffer.isView(value)) return value instanceof DataView || isOfBigInts(value) ? undefined : name;
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const first: unknown = value[0];
  if (typeof first === 'number') return name;
  if (ArrayBuffer.isView(first)) return isOfBigInts(first) ? undefined : `${name}.flatMap((row) => [...row])`;
  return Array.isArray(first) ? `${name}.flat()` : undefined;
}

const isOfBigInts = (view: ArrayBufferView) => view instanceof BigInt64Array || view instanceof BigUint64Array;

export function float32(name: string, value: unknown): Float32Array {
  if (tagOf(value) !== 'Float32Array') {
    throw invalidArgument(name, 'a Float32Array', value, howToCopy(name, value));
  }
  return ordinary(ownFloat32(name, value));
}

/** A view of a detached buffer, or beyond the end of a resized one, has length 0 and refuses to be iterated. */
export function checkAlive(name: string, array: Numbers): void {
  if (trueLengthOf(array) !== 0) return;
  try {
    Reflect.apply(keys, array, []);
  } catch {
    throw detached(name);
  }
}

/** Runs what allocates: arrays of JavaScript that cannot be had are an error with a remedy. */
export function withMemory<Result>(what: string, remedy: string, make: () => Result): Result {
  try {
    return make();
  } catch (cause) {
    throw asOutOfMemory(what, remedy, cause);
  }
}

/** V8 says all of that with a RangeError: no memory, and lengths that no array can have. */
export function asOutOfMemory(what: string, remedy: string, error: unknown): unknown {
  return error instanceof RangeError ? outOfHostMemory(what, remedy, error) : error;
}

/** Rows of `dim` numbers, at least one. */
export function rowCount(name: string, array: Float32Array, dim: number): number {
  const length = trueLengthOf(array);
  const rows = length / dim;
  // A quotient stays a double to V8, and so would every index made from it, unless told that it is an integer.
  if (rows >= 1 && Number.isInteger(rows)) return rows <= 0x7fffffff ? rows | 0 : rows;
  throw wrongShape(name, `rows of dim = ${dim} numbers, at least one`, `${length} numbers`);
}

/** As many rows as there are labels, both at least one. */
export function checkRows(name: string, length: number, labelsName: string, labels: number, dim: number): void {
  if (labels < 1) throw wrongShape(labelsName, 'at least one label', '0');
  if (length === labels * dim) return;
  if (length % dim === 0) throw unequalCounts(name, length / dim, dim, labelsName, labels);
  const expected = `${labelsName}.length × dim = ${labels} × ${dim} = ${labels * dim} numbers`;
  throw wrongShape(name, expected, `${length}`);
}

/** A list is the caller's code where it is a Proxy or has getters: read it before other arrays are checked. */
export function labelArray(name: string, value: unknown): Int32Array {
  if (tagOf(value) === 'Int32Array') {
    const labels = value as Int32Array;
    checkAlive(name, labels);
    if (isOrdinary(labels, 'Int32Array')) return labels;
    return withMemory(`a copy of ${name}`, fewerRows, () => new Int32Array(labels));
  }
  if (!isArray(value)) throw invalidArgument(name, 'an Int32Array or an array of numbers', value);
  const { length } = value;
  const labels = withMemory(`${length} labels`, fewerRows, () => new Int32Array(length));
  for (let i = 0; i < labels.length; i++) {
    const label: unknown = value[i];
    if (typeof label !== 'number' || (label | 0) !== label) throw invalidArgument(`${name}[${i}]`, int32Range, label);
    labels[i] = label;
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

const fewerRows = 'Use fewer rows.';

/** A revoked Proxy is nothing, and throws where it is asked. */
export function isArray(value: unknown): value is unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

export function allocate(length: number): Float32Array {
  try {
    return new Float32Array(length);
  } catch (cause) {
    throw outOfMemory(`a Float32Array of ${length} numbers`, cause);
  }
}

export function copyOfLabels(labels: Int32Array): Int32Array {
  return withMemory(`a copy of ${labels.length} labels`, fewerRows, () => new Int32Array(labels));
}

/** A byte for each of something; undefined where there are none. */
export function byteArray(name: string, value: unknown): Uint8Array | undefined {
  if (tagOf(value) !== 'Uint8Array') return undefined;
  const bytes = value as Uint8Array;
  checkAlive(name, bytes);
  if (isOrdinary(bytes, 'Uint8Array')) return bytes;
  return withMemory(`a copy of ${name}`, fewerRows, () => new Uint8Array(bytes));
}

/** The caller's array for a result of `length` numbers, or a new one. */
export function output(name: string, given: unknown, length: number): Float32Array {
  if (given === undefined) return allocate(length);
  const array = ownFloat32(name, given);
  if (trueLengthOf(array) !== length) throw wrongShape(name, `${length} numbers`, `${trueLengthOf(array)}`);
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

function overlaps(a: Numbers, b: Numbers): boolean {
  if (bufferOf(a) !== bufferOf(b)) return false;
  const [startOfA, startOfB] = [byteOffsetOf(a), byteOffsetOf(b)];
  return startOfA < startOfB + byteLengthOf(b) && startOfB < startOfA + byteLengthOf(a);
}
