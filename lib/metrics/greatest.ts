/** The greatest of many numbers, in memory for so many. */
import { allocate } from '../arrays.ts';

/** Room besides the kept ones, so that sorting is seldom. */
const leastRoom = 2 ** 16;

export class Greatest {
  readonly #count: number;
  readonly #values: Float32Array;
  #filled = 0;
  /** What is no greater is not among them. */
  #floor = Number.NEGATIVE_INFINITY;

  /** Keeps the `count` greatest. Memory: 8 bytes each. */
  constructor(count: number) {
    this.#count = count;
    this.#values = allocate(count + Math.max(count, leastRoom));
  }

  add(value: number): void {
    if (!(value > this.#floor) && this.#filled >= this.#count) return;
    if (this.#filled === this.#values.length) this.#prune();
    this.#values[this.#filled++] = value;
  }

  #prune(): void {
    const values = this.#values.subarray(0, this.#filled).sort();
    values.copyWithin(0, this.#filled - this.#count);
    this.#filled = this.#count;
    this.#floor = values[0];
  }

  /** In ascending order: the `count` greatest, or all there are. */
  ascending(): Float32Array {
    const values = this.#values.slice(0, this.#filled).sort();
    return values.subarray(Math.max(0, values.length - this.#count));
  }
}
