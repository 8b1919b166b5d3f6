/** Signals of the caller, asked by what they are: an object that only looks like one is refused, and no code of its own runs. */

const { get: isAbortedOf } = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')!;

export function isAborted(signal: AbortSignal): boolean {
  return Reflect.apply(isAbortedOf!, signal, []) as boolean;
}

export function isSignal(value: unknown): value is AbortSignal {
  try {
    isAborted(value as AbortSignal);
    return true;
  } catch {
    return false;
  }
}
