/** Seeded random numbers: the same seed gives the same split, the same weights and the same batches. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export class Random {
  readonly #generator;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** From 0 to 1, without 1. */
  fraction(): number {
    return uniformFloat64(this.#generator);
  }

  /** A shuffled copy (Fisher and Yates). */
  shuffled<T>(values: readonly T[]): T[] {
    return this.sample(values, values.length);
  }

  /** `count` different elements, in random order. */
  sample<T>(values: readonly T[], count: number): T[] {
    const pool = [...values];
    for (let i = 0; i < count; i++) {
      const j = uniformInt(this.#generator, i, pool.length - 1);
      [pool[i], pool[j]] = [pool[j], pool[i]];
    }
    return pool.slice(0, count);
  }
}
