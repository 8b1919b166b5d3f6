import { setImmediate as eventLoop } from 'node:timers/promises';

/** Native objects are freed by the event loop, after the collector has found that nobody holds them; what they held, then. */
export async function collect(): Promise<void> {
  for (let time = 0; time < 2; time++) {
    globalThis.gc?.();
    await eventLoop();
  }
}
