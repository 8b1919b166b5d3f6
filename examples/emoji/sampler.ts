/** P×K batches: P classes with K pictures each, so that every anchor has positives and negatives. */
import type { Random } from './random.ts';

export interface BatchShape {
  /** P. */
  classes: number;
  /** K. */
  picturesPerClass: number;
}

export class Sampler {
  readonly #rowsByClass: number[][];
  readonly #shape: BatchShape;
  readonly #random: Random;
  /** Classes of this epoch that no batch had yet. */
  #waiting: number[][] = [];

  /** `labels[i]` is the class of row i; every class needs at least K rows, and there must be at least P classes. */
  constructor(labels: Int32Array, shape: BatchShape, random: Random) {
    const byLabel = new Map<number, number[]>();
    labels.forEach((label, row) => {
      const rows = byLabel.get(label);
      if (rows) rows.push(row);
      else byLabel.set(label, [row]);
    });
    this.#rowsByClass = [...byLabel.values()];
    this.#shape = shape;
    this.#random = random;
    if (this.#rowsByClass.length < shape.classes) {
      throw new RangeError(`A batch of ${shape.classes} classes cannot come from ${this.#rowsByClass.length}.`);
    }
    const smallest = Math.min(...this.#rowsByClass.map((rows) => rows.length));
    if (smallest < shape.picturesPerClass) {
      throw new RangeError(`A class has ${smallest} pictures; a batch takes ${shape.picturesPerClass} of each class.`);
    }
  }

  /** Row numbers of a batch, class by class. Within an epoch no class comes twice. */
  next(): number[] {
    const { classes, picturesPerClass } = this.#shape;
    if (this.#waiting.length < classes) this.#waiting = this.#random.shuffled(this.#rowsByClass);
    return this.#waiting.splice(0, classes).flatMap((rows) => this.#random.sample(rows, picturesPerClass));
  }
}
