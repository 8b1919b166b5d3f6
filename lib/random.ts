/** Random numbers that a seed decides, the same on every machine. */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** A stream of its own for each number, which may be a step's: no state has to be kept from one to the next. */
export function streamOf(seed: number, number: number) {
  // Odd multiples of the golden ratio keep neighbouring seeds and numbers apart.
  return xoroshiro128plus((Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b)) | 0);
}
