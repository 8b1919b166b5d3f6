/**
 * The pictures that requests are answered from, as the newest weights embed them.
 *
 * All pictures are embedded by asynchronous calls, off this thread, which only copies, adds biases and rectifies some
 * hundred rows at a time. What one request takes, a row times the gallery, is done here and now: it takes less time than
 * the copies that an asynchronous call makes.
 */
import { computeSimilarityAsync, type EngineName, findNearest } from 'circle-loss';
import { type Rows, rowCount } from '../data/rows.ts';
import { rectify } from '../network/network.ts';
import type { SharedWeights } from './shared-weights.ts';

/** Rows that are embedded together: copying them, and the weights, holds this thread up for a millisecond or two. */
const chunk = 512;

export interface Neighbour {
  row: number;
  similarity: number;
}

export class Gallery {
  readonly #inputs: Rows;
  readonly #sizes: readonly number[];
  readonly #weights: SharedWeights;
  readonly #engine: EngineName;
  #embeddings: Rows = { values: new Float32Array(0), dim: 1 };
  /** Of the weights that made the embeddings. Those before the first step are version 1. */
  #version = 0;

  /** `sizes` are those of the network's layers, whose weights and biases follow each other in `weights`. */
  constructor(inputs: Rows, sizes: readonly number[], weights: SharedWeights, engine: EngineName) {
    this.#inputs = inputs;
    this.#sizes = sizes;
    this.#weights = weights;
    this.#engine = engine;
  }

  /** Embeds everything anew where there are newer weights. One call at a time; requests go on with the old ones. */
  async refresh(): Promise<void> {
    if (this.#weights.version === this.#version) return;
    const { version, values } = this.#weights.read();
    const dim = this.#sizes.at(-1)!;
    const count = rowCount(this.#inputs);
    const embeddings = new Float32Array(count * dim);
    for (let start = 0; start < count; start += chunk) {
      const end = Math.min(start + chunk, count);
      const input = this.#inputs.values.subarray(start * this.#inputs.dim, end * this.#inputs.dim);
      embeddings.set(await this.#embed(input, values), start * dim);
    }
    this.#embeddings = { values: embeddings, dim };
    this.#version = version;
  }

  /** The rows most similar to a row, best first, and how many training steps the weights have seen that say so. */
  nearest(row: number, count: number): { step: number; neighbours: Neighbour[] } {
    const { values: candidates, dim } = this.#embeddings;
    const query = candidates.subarray(row * dim, (row + 1) * dim);
    // One more: the row itself is the most like it, but for others that are equal to it.
    const options = { dim, k: count + 1, candidates, engine: this.#engine, threads: 1 };
    const { indices, similarities } = findNearest(query, options);
    const found = Array.from(indices, (other, i) => ({ row: other, similarity: similarities[i] }));
    return { step: this.#version - 1, neighbours: found.filter((neighbour) => neighbour.row !== row).slice(0, count) };
  }

  /** The network's forward pass. */
  async #embed(input: Float32Array, weights: Float32Array): Promise<Float32Array> {
    let rows = input;
    let offset = 0;
    for (let layer = 1; layer < this.#sizes.length; layer++) {
      const inputs = this.#sizes[layer - 1];
      const outputs = this.#sizes[layer];
      const candidates = weights.subarray(offset, offset + inputs * outputs);
      const bias = weights.subarray(offset + inputs * outputs, offset + (inputs + 1) * outputs);
      offset += (inputs + 1) * outputs;
      const options = { dim: inputs, candidates, normalize: false, engine: this.#engine, threads: 1 };
      rows = await computeSimilarityAsync(rows, options);
      addToRows(rows, bias);
      if (layer < this.#sizes.length - 1) rectify(rows);
    }
    return rows;
  }
}

function addToRows(rows: Float32Array, bias: Float32Array): void {
  for (let start = 0; start < rows.length; start += bias.length) {
    for (let k = 0; k < bias.length; k++) rows[start + k] += bias[k];
  }
}
