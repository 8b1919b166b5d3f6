/** Visitors in a thread of their own: each asks for a picture by chance, waits for the answer, rests and asks again. */
import { createHistogram } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Random } from '../data/random.ts';
import type { VisitorsData, VisitorsMessage } from './messages.ts';

const visitorCount = 4;
const restMilliseconds = 20;

const { port, pictures, seed } = workerData as VisitorsData;
const random = new Random(seed);
const microseconds = createHistogram();
let answered = 0;
let failed = 0;
let isOver = false;

parentPort!.once('message', () => {
  isOver = true;
});
await Promise.all(Array.from({ length: visitorCount }, visit));
const [median, p99] = [50, 99].map((percentile) => microseconds.percentile(percentile) / 1000);
send({ type: 'done', visits: { answered, failed, median, p99 } });

async function visit(): Promise<void> {
  while (!isOver) {
    await ask(Math.floor(random.fraction() * pictures));
    await setTimeout(restMilliseconds);
  }
}

async function ask(picture: number): Promise<void> {
  const started = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/nearest/${picture}`);
  const { nearest } = (await response.json()) as { nearest?: unknown[] };
  microseconds.record(Math.max(1, Math.round(1000 * (performance.now() - started))));
  if (!response.ok || !nearest?.length) failed++;
  else if (answered++ === 0) send({ type: 'answered' });
}

function send(message: VisitorsMessage): void {
  parentPort!.postMessage(message);
}
