/** Threads written in TypeScript. */
import { Worker } from 'node:worker_threads';

/** Starts a file of this folder in a thread of its own, with a copy of `workerData` (shared buffers are shared). */
export function startThread(file: string, workerData: unknown): Worker {
  return new Worker(new URL('./thread-entry.mjs', import.meta.url), { argv: [file], workerData });
}
