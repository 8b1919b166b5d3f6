/**
 * Training that does not get in the way: a worker thread trains an embedding of emoji with Circle loss while the main
 * thread answers HTTP requests from the newest weights. How late the main thread's timers come is measured meanwhile.
 * `main` is the walk through it.
 */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { loadDataSet } from '../data/data-set.ts';
import { Random } from '../data/random.ts';
import { chooseEngine } from '../terminal/engine.ts';
import { Gallery } from './gallery.ts';
import { LoopDelay } from './loop-delay.ts';
import type { VisitorsData, VisitorsMessage, Visits } from './messages.ts';
import { readOptions, type WorkerOptions } from './options.ts';
import { portOf, startServer } from './server.ts';
import { startThread } from './thread.ts';
import { type TrainingRun, TrainingThread } from './training-thread.ts';

/** From one embedding of the gallery to the next: it costs as much as some training steps. */
const refreshMilliseconds = 1000;

await main(readOptions());

async function main(options: WorkerOptions): Promise<void> {
  const engine = chooseEngine(options.engine);
  const dataSet = await loadDataSet({ classLimit: options.classLimit, random: new Random(options.seed) });
  const { inputs } = dataSet.test;
  const training = await TrainingThread.start(dataSet, { ...options, engine });
  // Again and again: npm passes a Ctrl-C on to a process that the terminal told already.
  process.on('SIGINT', () => training.stop());
  const gallery = new Gallery(inputs, training.sizes, training.weights, engine);
  await gallery.refresh();
  const server = await startServer(gallery, dataSet, options.port);
  console.log(`Serving http://127.0.0.1:${portOf(server)}/nearest/0 and others. Ctrl-C ends it.`);
  const visitors = await startVisitors(server, dataSet.test.pictures.length, options.seed);

  const over = new AbortController();
  const refreshing = keepFresh(gallery, over.signal);
  const delay = new LoopDelay();
  const run = await training.run(options.seconds);
  delay.stop();
  const visits = await stopVisitors(visitors);
  over.abort();
  await refreshing;
  server.close();
  printSummary(run, visits, delay);
}

/** Resolves once the first of them has an answer. */
async function startVisitors(server: Server, pictures: number, seed: number): Promise<Worker> {
  const workerData: VisitorsData = { port: portOf(server), pictures, seed };
  const visitors = startThread('visitors.ts', workerData);
  await once(visitors, 'message');
  return visitors;
}

async function stopVisitors(visitors: Worker): Promise<Visits> {
  visitors.postMessage('stop');
  const [message] = (await once(visitors, 'message')) as [VisitorsMessage & { type: 'done' }];
  return message.visits;
}

async function keepFresh(gallery: Gallery, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await gallery.refresh();
    await setTimeout(refreshMilliseconds, undefined, { signal }).catch(() => {});
  }
}

function printSummary(run: TrainingRun, visits: Visits, delay: LoopDelay): void {
  const milliseconds = (value: number) => value.toFixed(1);
  const { steps, seconds, unseenBefore, unseenAfter } = run;
  const [p50, p90, p99, most] = [50, 90, 99, 100].map((percentile) => milliseconds(delay.percentile(percentile)));
  console.log(
    `Training        ${steps} steps of ${milliseconds((1000 * seconds) / steps)} ms in a thread of its own
Loss, unseen    ${unseenBefore.toFixed(2)} before, ${unseenAfter.toFixed(2)} after
Requests        ${visits.answered} answered, ${visits.failed} failed; half within ${milliseconds(visits.median)} ms, 99 % within ${milliseconds(visits.p99)} ms
Main thread     timers late by ${p50} ms (p50), ${p90} ms (p90), ${p99} ms (p99), ${most} ms at most`,
  );
}
