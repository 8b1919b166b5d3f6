/**
 * Arrays that engines compute gradients into, used again where the backend has its own copy by then: a fresh array of some
 * megabytes costs as much as the copy, and its garbage twice that.
 */
import type { TensorFlowCore } from './types.ts';

export class GradientArrays {
  readonly #tf: TensorFlowCore;
  /** One for each gradient that nobody waits for any more. */
  readonly #free = new Map<string, Float32Array>();

  constructor(tf: TensorFlowCore) {
    this.#tf = tf;
  }

  /** An array for the gradient of that name. It is the caller's until it is given back, if ever. */
  take(name: string, size: number): Float32Array {
    const array = this.#free.get(name);
    this.#free.delete(name);
    return array?.length === size ? array : new Float32Array(size);
  }

  /** After a tensor has been made of it: on 'wasm' that is a copy, other backends may keep the array. */
  giveBack(name: string, array: Float32Array): void {
    if (this.#tf.getBackend() === 'wasm') this.#free.set(name, array);
  }
}
