/** A network of linear layers with ReLU between them, forwards and backwards, in plain TypeScript but for the matrix product, which is given. */
import type { Random } from '../data/random.ts';
import { type Rows, rowCount } from '../data/rows.ts';
import { type Product, transpose } from './matrix.ts';

/** Numbers that training changes, with ∂loss/∂numbers of the last `backward`. */
export interface Parameter {
  readonly values: Float32Array;
  readonly gradient: Float32Array;
}

/** Rows that go through the network together outside training: bounds the memory. */
const chunk = 512;

/** y = x·Wᵀ + b. */
class LinearLayer {
  readonly weights: Parameter;
  readonly bias: Parameter;
  readonly inputs: number;
  readonly outputs: number;
  readonly #multiplyTransposed: Product;
  #input: Float32Array = new Float32Array(0);

  /** Weights start uniform with variance `gain / inputs`: 2 keeps the scale of activations through ReLU, 1 without. */
  constructor(inputs: number, outputs: number, gain: number, product: Product, random: Random) {
    this.#multiplyTransposed = product;
    this.inputs = inputs;
    this.outputs = outputs;
    const bound = Math.sqrt((3 * gain) / inputs);
    const values = Float32Array.from({ length: inputs * outputs }, () => (2 * random.fraction() - 1) * bound);
    this.weights = { values, gradient: new Float32Array(values.length) };
    this.bias = { values: new Float32Array(outputs), gradient: new Float32Array(outputs) };
  }

  forward(input: Float32Array): Float32Array {
    const { inputs, outputs } = this;
    const count = input.length / inputs;
    const output = new Float32Array(count * outputs);
    this.#multiplyTransposed(input, this.weights.values, output, count, outputs, inputs);
    for (let i = 0; i < output.length; i++) output[i] += this.bias.values[i % outputs];
    this.#input = input;
    return output;
  }

  /** Fills the gradients of weights and bias from ∂loss/∂output. */
  backward(outputGradient: Float32Array): void {
    const { inputs, outputs } = this;
    const count = this.#input.length / inputs;
    const byOutput = transpose(outputGradient, count, outputs);
    const byInput = transpose(this.#input, count, inputs);
    this.#multiplyTransposed(byOutput, byInput, this.weights.gradient, outputs, inputs, count);
    for (let o = 0; o < outputs; o++) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += byOutput[o * count + i];
      this.bias.gradient[o] = sum;
    }
  }

  /** ∂loss/∂input from ∂loss/∂output. */
  inputGradient(outputGradient: Float32Array): Float32Array {
    const { inputs, outputs } = this;
    const count = outputGradient.length / outputs;
    const gradient = new Float32Array(count * inputs);
    const byInput = transpose(this.weights.values, outputs, inputs);
    this.#multiplyTransposed(outputGradient, byInput, gradient, count, inputs, outputs);
    return gradient;
  }
}

export class Network {
  readonly sizes: readonly number[];
  readonly #layers: LinearLayer[];
  /** After ReLU, of the last forward: what came out of each layer but the last. */
  #hidden: Float32Array[] = [];

  /** `sizes` runs from the length of an input row to that of an embedding: [704, 512, 128] has one hidden layer. */
  constructor(sizes: readonly number[], product: Product, random: Random) {
    this.sizes = sizes;
    const last = sizes.length - 2;
    this.#layers = sizes
      .slice(1)
      .map((outputs, i) => new LinearLayer(sizes[i], outputs, i === last ? 1 : 2, product, random));
  }

  get parameters(): Parameter[] {
    return this.#layers.flatMap((layer) => [layer.weights, layer.bias]);
  }

  forward(input: Float32Array): Float32Array {
    this.#hidden = [];
    let activations = input;
    for (const layer of this.#layers) {
      if (layer !== this.#layers[0]) this.#hidden.push(activations);
      activations = layer.forward(activations);
      if (layer !== this.#layers.at(-1)) rectify(activations);
    }
    return activations;
  }

  /** Fills the gradient of every parameter from ∂loss/∂embeddings of the batch that went forward last. */
  backward(embeddingGradient: Float32Array): void {
    let gradient = embeddingGradient;
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      this.#layers[i].backward(gradient);
      if (i === 0) return; // nobody needs the gradient of the pictures
      gradient = this.#layers[i].inputGradient(gradient);
      const hidden = this.#hidden[i - 1];
      for (let k = 0; k < gradient.length; k++) if (hidden[k] === 0) gradient[k] = 0;
    }
  }

  /** Embeddings of any number of rows. */
  embed(rows: Rows): Rows {
    const dim = this.sizes.at(-1)!;
    const count = rowCount(rows);
    const values = new Float32Array(count * dim);
    for (let start = 0; start < count; start += chunk) {
      const end = Math.min(start + chunk, count);
      values.set(this.forward(rows.values.subarray(start * rows.dim, end * rows.dim)), start * dim);
    }
    return { values, dim };
  }
}

/** ReLU, in place. */
export function rectify(values: Float32Array): void {
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
}
