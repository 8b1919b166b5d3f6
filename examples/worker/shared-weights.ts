/**
 * Weights that one thread writes and others read, without either waiting: two copies in shared memory. The newest is
 * read while the next is written into the other, and a version tells a reader whether it was overtaken after all.
 */
import type { Parameter } from '../network/network.ts';

export class SharedWeights {
  /** What another thread opens the same weights with. */
  readonly buffer: SharedArrayBuffer;
  readonly #version: Int32Array;
  readonly #copies: readonly [Float32Array, Float32Array];

  /** Of a new buffer for `length` numbers, or of one that another thread made. */
  constructor(source: number | SharedArrayBuffer) {
    this.buffer = typeof source === 'number' ? new SharedArrayBuffer(4 * (1 + 2 * source)) : source;
    const length = (this.buffer.byteLength / 4 - 1) / 2;
    this.#version = new Int32Array(this.buffer, 0, 1);
    this.#copies = [new Float32Array(this.buffer, 4, length), new Float32Array(this.buffer, 4 * (1 + length), length)];
  }

  /** How often weights were published; 0: there are none yet. */
  get version(): number {
    return Atomics.load(this.#version, 0);
  }

  /** By the one thread that writes. */
  publish(parameters: readonly Parameter[]): void {
    const version = this.version + 1;
    let offset = 0;
    for (const { values } of parameters) {
      this.#copies[version % 2].set(values, offset);
      offset += values.length;
    }
    Atomics.store(this.#version, 0, version);
  }

  /** A copy of the newest weights, all of one version. */
  read(): { version: number; values: Float32Array } {
    while (true) {
      const version = this.version;
      const values = this.#copies[version % 2].slice();
      // The writer comes to this copy again only after it has published the other.
      if (this.version === version) return { version, values };
    }
  }
}
