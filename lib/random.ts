/** Random numbers that a seed decides, the same on every machine. */
import { mersenne } from 'pure-rand/generator/mersenne';

export type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** A stream of its own for each number, which may be a step's: no state has to be kept from one to the next. */
export function streamOf(seed: number, number: number) {
  // Odd factors keep neighbouring seeds and numbers apart.
  return mersenne(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b));
}
