/** What `'auto'` says when it goes on without the native engine that this machine should have: once, and nobody need listen. */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import type { CircleLossError } from './errors.ts';

const code = 'CIRCLE_LOSS_REFERENCE';

/**
 * Says why no native engine was loaded, and what helps. Once: a worker inherits that it was said, and in a thread ES modules
 * and CommonJS, two copies of this package, share it. Nothing on Windows, which no native engine is written for: nothing
 * would help.
 */
export function warnOfReference({ message: detail }: CircleLossError): void {
  if (process.platform === 'win32' || getEnvironmentData(code)) return;
  setEnvironmentData(code, true);
  const message = "engine 'auto' goes on with 'reference', which is some hundred to a thousand times as slow as 'cpu'.";
  process.emitWarning?.(message, { type: 'CircleLossWarning', code, detail });
}
