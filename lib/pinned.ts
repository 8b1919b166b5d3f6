/** Arrays that travel fastest between host and device. */
import { requireCuda } from './cuda.ts';
import { outOfMemory } from './errors.ts';
import { parse, schemas } from './schemas.ts';

/** What the native side can count; no machine has as much memory. */
const longest = 2 ** 50;

/**
 * A Float32Array of zeros in page-locked memory, which a GPU reads and writes without a detour through a buffer of its
 * driver: for embeddings and `out` arrays of synchronous calls to engine 'cuda' (asynchronous ones work on copies). Freed
 * by the garbage collector like any other array. Page-locked memory is lost to the rest of the system: allocate few such
 * arrays, and use them again.
 *
 * - `length`: numbers, an integer from 1.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_INVALID_ARGUMENT, ERR_CIRCLE_OUT_OF_MEMORY, and where CUDA cannot run
 * ERR_CIRCLE_CUDA_UNAVAILABLE or ERR_CIRCLE_NATIVE_LOAD.
 */
export function allocatePinned(length: number): Float32Array {
  parse(schemas.length, length, 'length');
  const { module } = requireCuda(0);
  const array = length > longest ? undefined : module.allocatePinned(length);
  if (array === undefined) throw outOfMemory(`a page-locked Float32Array of ${length} numbers`);
  return array;
}
