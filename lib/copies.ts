/**
 * Private arrays of asynchronous calls. A training loop needs the same sizes again and again, megabytes a call: as
 * garbage they would be collected on the JavaScript thread, and by threads of V8 that take the engine's cores. So calls
 * leave their arrays to later ones.
 */
import { allocate } from './arrays.ts';

/** Smaller arrays cost nothing; and no more is kept than this, for the arrays last needed. Bytes. */
const [least, most] = [16 * 2 ** 10, 32 * 2 ** 20];

/** Oldest first. */
const kept: Float32Array[] = [];
let keptBytes = 0;

/** Private numbers, not zeroed, on a buffer that nobody else can resize or transfer. */
export function privateArray(length: number): Float32Array {
  const index = kept.findLastIndex((array) => array.length === length);
  if (index < 0) return allocate(length);
  const [array] = kept.splice(index, 1);
  keptBytes -= array.byteLength;
  return array;
}

export function copyOf(array: Float32Array): Float32Array {
  const copy = privateArray(array.length);
  copy.set(array);
  return copy;
}

/** Of a private array that nobody will look at again. */
export function giveBack(array: Float32Array): void {
  if (array.byteLength < least || array.byteLength > most) return;
  kept.push(array);
  keptBytes += array.byteLength;
  while (keptBytes > most) keptBytes -= kept.shift()!.byteLength;
}

/** After a call on a copy of a problem: every array of the copy that is not the problem's own. */
export function giveBackAll(copy: object, problem: object): void {
  const own = new Set(Object.values(problem));
  for (const array of Object.values(copy)) if (array instanceof Float32Array && !own.has(array)) giveBack(array);
}
