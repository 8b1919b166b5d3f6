import { expect } from 'vitest';
import { CircleLossError } from '../lib/index.ts';

/** The CircleLossError that a call throws. */
export function errorOf(call: () => unknown): CircleLossError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(CircleLossError);
    return error as CircleLossError;
  }
  throw new Error('The call threw nothing.');
}
