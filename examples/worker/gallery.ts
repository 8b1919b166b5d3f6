/**
 * The pictures that requests are answered from, as the newest weights embed them.
 *
 * All pictures are embedded by asynchronous calls, off this thread, which only copies, adds biases and rectifies some
 * hundred rows at a time. What one request takes, a row times the gallery, is done here and now: it takes less time than
 * the copies that an asynchronous call makes.
 */
import { computeSimilarity, computeSimilarityAsync, type EngineName } from 'circle-loss';
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
  readonly #similarities: Float32Array;

  /** `sizes` are those of the network's layers, whose weights and biases follow each other in `weights`. */
  constructor(inputs: Rows, sizes: readonly number[], weights: SharedWeights, engine: EngineName) {
    this.#inputs = inputs;
    this.#sizes = sizes;
    this.#weights = weights;
    this.#engine = engine;
    this.#similarities = new Float32Array(rowCount(inputs));
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
    const out = this.#similarities;
    computeSimilarity(query, { dim, candidates, engine: this.#engine, threads: 1, out });
    return { step: this.#version - 1, neighbours: best(out, row, count) };
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

function best(similarities: Float32Array, self: number, count: number): Neighbour[] {
  const found: Neighbour[] = [];
  similarities.forEach((similarity, row) => {
    if (row === self || (found.length === count && similarity <= found[count - 1].similarity)) return;
    const place = found.findIndex((other) => other.similarity < similarity);
    found.splice(place < 0 ? found.length : place, 0, { row, similarity });
    if (found.length > count) found.pop();
  });
  return found;
}
