/** Memory of C++'s own that there is not. */
import { engineOutOfMemory } from './errors.ts';

/** A call of the native side, which throws in C++'s words where what it needs beside its arrays is not to be had. */
export function orOutOfMemory<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && error.message === 'std::bad_alloc') throw engineOutOfMemory(error);
    throw error;
  }
}
