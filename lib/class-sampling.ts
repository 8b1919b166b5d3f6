/**
 * Partial FC (An et al. 2021, arXiv:2010.05222): a step compares the batch with all classes that it has and with a random
 * share of the others, and moves only those.
 */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { outOfHostMemory } from './errors.ts';
import { type RandomGenerator, streamOf } from './random.ts';

export class ClassSampler {
  readonly #classes: number;
  readonly #wanted: number;
  readonly #seed: number;
  /** 1 for a class that is in, or, where most are, for one that is out. */
  readonly #marks: Uint8Array;

  constructor(classes: number, sampleRate: number, seed: number) {
    this.#classes = classes;
    // Rounded up, but not for the rounding of the product itself: 100 × 0.07 is 7.
    this.#wanted = Math.ceil(classes * sampleRate * (1 - 2 ** -50));
    this.#seed = seed;
    try {
      this.#marks = new Uint8Array(classes);
    } catch (cause) {
      throw outOfHostMemory(`a mark for each of ${classes} classes`, 'Use fewer classes.', cause);
    }
  }

  /** The classes of a step, ascending: a function of seed, step and labels, whatever came before. */
  sample(labels: Int32Array, step: number): Int32Array {
    const marks = this.#marks.fill(0);
    let positives = 0;
    for (const label of labels) {
      positives += 1 - marks[label];
      marks[label] = 1;
    }
    const negatives = Math.max(0, this.#wanted - positives);
    const others = this.#classes - positives;
    const random = streamOf(this.#seed, step);
    // Marks what is fewer, so that of the classes that are not in the batch at least half stay unmarked.
    if (negatives <= others / 2) {
      this.#mark(random, negatives, 1);
      return this.#list(positives + negatives, (mark) => mark === 1);
    }
    this.#mark(random, others - negatives, 2);
    return this.#list(positives + negatives, (mark) => mark !== 2);
  }

  #mark(random: RandomGenerator, count: number, mark: number): void {
    for (let done = 0; done < count; ) {
      const drawn = uniformInt(random, 0, this.#classes - 1);
      if (this.#marks[drawn] !== 0) continue;
      this.#marks[drawn] = mark;
      done++;
    }
  }

  #list(count: number, isIn: (mark: number) => boolean): Int32Array {
    const list = new Int32Array(count);
    let at = 0;
    for (let label = 0; label < this.#classes; label++) if (isIn(this.#marks[label])) list[at++] = label;
    return list;
  }
}
