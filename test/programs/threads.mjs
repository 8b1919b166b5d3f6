/** The addon in several worker threads, and in those that end too early. `node threads.mjs <scenario>` */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { computeCircleLoss, computeCircleLossAsync, createPairLoss } from '../../dist/index.mjs';
import { batch } from './rows.mjs';

const options = { dim: 64, engine: 'cpu', threads: 2 };
const small = batch(150, 64);
/** Takes longer than a worker needs to die. */
const large = batch(4000, 64);

const roles = {
  /** Many calls, synchronous and not, and what they all gave. */
  async compute() {
    const session = createPairLoss({ ...options, pairLoss: { type: 'circle' } });
    const losses = new Set();
    for (let call = 0; call < 40; call++) {
      losses.add(session.compute(small.embeddings, small.labels).loss);
      losses.add((await session.computeAsync(small.embeddings, small.labels)).loss);
    }
    session.dispose();
    parentPort.postMessage([...losses]);
  },
  /** A job that is in flight when the thread is told to end. */
  async hang() {
    const job = computeCircleLossAsync(large.embeddings, large.labels, options);
    parentPort.postMessage('started');
    await job;
  },
};

function start(role) {
  const worker = new Worker(new URL(import.meta.url), { workerData: role });
  const message = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  const exit = new Promise((resolve) => worker.once('exit', resolve));
  return { worker, message, exit };
}

const scenarios = {
  async atOnce() {
    const expected = computeCircleLoss(small.embeddings, small.labels, options).loss;
    const workers = Array.from({ length: 4 }, () => start('compute'));
    const losses = await Promise.all(workers.map(({ message }) => message));
    await Promise.all(workers.map(({ exit }) => exit));
    console.log(JSON.stringify({ same: losses.every((list) => list.length === 1 && list[0] === expected) }));
  },
  async terminate() {
    const expected = computeCircleLoss(small.embeddings, small.labels, options).loss;
    for (let round = 0; round < 25; round++) {
      const { worker, message, exit } = start('hang');
      await message;
      await worker.terminate();
      await exit;
    }
    const { loss } = computeCircleLoss(small.embeddings, small.labels, options);
    console.log(JSON.stringify({ same: loss === expected }));
  },
  async exit() {
    computeCircleLossAsync(large.embeddings, large.labels, options);
    console.log(JSON.stringify({ started: true }));
    setTimeout(() => process.exit(7), 5);
  },
  async end() {
    const job = computeCircleLossAsync(large.embeddings, large.labels, options);
    job.then(({ loss }) => console.log(JSON.stringify({ finite: Number.isFinite(loss) })));
  },
};

await (isMainThread ? scenarios[process.argv[2]] : roles[workerData])();
