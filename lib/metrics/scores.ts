/** Similarities of pairs as two ordered lists, and the counts and thresholds that rates are made of. */
import { byteArray, float32, isArray, withMemory } from '../arrays.ts';
import { invalidArgument, notANumber, wrongShape } from '../errors.ts';

/** Similarities of pairs of one identity (genuine) and of two (impostor), each in ascending order. */
export interface Scores {
  genuine: Float32Array;
  impostor: Float32Array;
}

/** What a threshold lets through. */
export interface OperatingPoint {
  /** The false accept rate asked for. */
  far: number;
  /** True accept rate: the share of genuine similarities above the threshold. */
  tar: number;
  /** A pair is accepted where its similarity is above it. −Infinity accepts what is above −Infinity. */
  threshold: number;
  /** The share of impostor similarities above the threshold. */
  reachedFar: number;
}

/** Whether each pair is of one identity: 1 or true, 0 or false. Booleans are copied. */
export function sameArray(name: string, value: unknown): Uint8Array {
  const given = byteArray(name, value);
  if (given) {
    for (let i = 0; i < given.length; i++) if (given[i] > 1) throw invalidArgument(`${name}[${i}]`, '0 or 1', given[i]);
    return given;
  }
  if (!isArray(value)) throw invalidArgument(name, 'a Uint8Array or an array of booleans', value);
  const { length } = value;
  const bytes = withMemory(`${name}, ${length} pairs`, 'Judge fewer pairs.', () => new Uint8Array(length));
  for (let i = 0; i < bytes.length; i++) {
    const isSame: unknown = value[i];
    if (typeof isSame !== 'boolean') throw invalidArgument(`${name}[${i}]`, 'true or false', isSame);
    bytes[i] = Number(isSame);
  }
  return bytes;
}

export function checkNumbers(name: string, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) throw notANumber(name, i);
}

/** Pairs that fit each other, with some of one identity and some of two. */
export function checkedPairs(
  similarities: unknown,
  same: unknown,
): { similarities: Float32Array; same: Uint8Array; genuine: number } {
  const bytes = sameArray('same', same); // first: reading a list may run code of the caller's
  const values = float32('similarities', similarities);
  if (values.length !== bytes.length) {
    throw wrongShape('same', `as long as similarities, ${values.length}`, `${bytes.length}`);
  }
  checkNumbers('similarities', values);
  let genuine = 0;
  for (let i = 0; i < bytes.length; i++) genuine += bytes[i];
  if (genuine === 0) {
    const hint = ' Add pairs of one identity: without them there is nothing to accept.';
    throw wrongShape('same', 'true of at least one pair', `none of ${bytes.length}`, hint);
  }
  if (genuine === bytes.length) {
    const hint = ' Add pairs of two identities: without them every threshold is right.';
    throw wrongShape('same', 'false of at least one pair', `none of ${bytes.length}`, hint);
  }
  return { similarities: values, same: bytes, genuine };
}

export function splitScores(pairs: ReturnType<typeof checkedPairs>): Scores {
  const genuine = new Float32Array(pairs.genuine);
  const impostor = new Float32Array(pairs.same.length - pairs.genuine);
  let genuineFilled = 0;
  let impostorFilled = 0;
  for (let i = 0; i < pairs.same.length; i++) {
    if (pairs.same[i] === 1) genuine[genuineFilled++] = pairs.similarities[i];
    else impostor[impostorFilled++] = pairs.similarities[i];
  }
  // Without a comparator: numbers sorted as numbers, in place.
  return { genuine: genuine.sort(), impostor: impostor.sort() };
}

/** How many of the numbers in ascending order are above a threshold. */
export function countAbove(ascending: Float32Array, threshold: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle] > threshold) high = middle;
    else low = middle + 1;
  }
  return ascending.length - low;
}

/**
 * ⌊rate · total⌋, as it is meant: 0.29 · 100 is 29, though its doubles multiply to 28.999999999999996. A decimal rate
 * is off by at most 2⁻⁵³ of itself when it becomes a double, and the product by as much again: so what is within 2⁻⁵¹
 * of an integer is that integer.
 */
export function allowedCount(rate: number, total: number): number {
  const product = rate * total;
  const nearest = Math.round(product);
  return Math.abs(product - nearest) <= nearest * 2 ** -51 ? nearest : Math.floor(product);
}

/** The threshold above which at most `allowed` of the numbers in ascending order are: the next greatest one. */
export function thresholdFor(ascending: Float32Array, allowed: number): number {
  return allowed < ascending.length ? ascending[ascending.length - 1 - allowed] : Number.NEGATIVE_INFINITY;
}

/** The rule 'strict' of `evaluateVerification`. */
export function strictPoint({ genuine, impostor }: Scores, far: number): OperatingPoint {
  const threshold = thresholdFor(impostor, allowedCount(far, impostor.length));
  return {
    far,
    tar: countAbove(genuine, threshold) / genuine.length,
    threshold,
    reachedFar: countAbove(impostor, threshold) / impostor.length,
  };
}
