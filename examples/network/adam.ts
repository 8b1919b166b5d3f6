/** Adam (Kingma and Ba, 2015, Algorithm 1) with the constants that its authors suggest. */
import type { Parameter } from './network.ts';

const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

export class Adam {
  readonly #parameters: readonly Parameter[];
  /** Running means of the gradient and of its square. */
  readonly #first: Float32Array[];
  readonly #second: Float32Array[];
  #step = 0;

  constructor(parameters: readonly Parameter[]) {
    this.#parameters = parameters;
    this.#first = parameters.map(({ values }) => new Float32Array(values.length));
    this.#second = parameters.map(({ values }) => new Float32Array(values.length));
  }

  /** Moves every parameter against its gradient. */
  step(learningRate: number): void {
    this.#step++;
    // Both means start at 0: divided by these, they are unbiased from the first step.
    const correction1 = 1 - beta1 ** this.#step;
    const correction2 = 1 - beta2 ** this.#step;
    this.#parameters.forEach(({ values, gradient }, p) => {
      const first = this.#first[p];
      const second = this.#second[p];
      for (let i = 0; i < values.length; i++) {
        const g = gradient[i];
        first[i] = beta1 * first[i] + (1 - beta1) * g;
        second[i] = beta2 * second[i] + (1 - beta2) * g * g;
        values[i] -= (learningRate * (first[i] / correction1)) / (Math.sqrt(second[i] / correction2) + epsilon);
      }
    });
  }
}
