/** Engine 'cuda' as a process of its own sees it. `node --expose-gc cuda.mjs <scenario>` */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { setImmediate as eventLoop } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  allocatePinned,
  computeCircleLoss,
  computeCircleLossAsync,
  createDeviceMatrix,
  createPairLoss,
  engines,
} from '../../dist/index.mjs';
import { batch } from './rows.mjs';

const options = { dim: 16, engine: 'cuda' };
const { embeddings, labels } = batch(60, 16);
const classes = batch(10, 16).embeddings;

/** What engines and matrices of this process hold on the device, by the addon's own count. */
const held = () => createRequire(import.meta.url)(resolve(process.env.CIRCLE_LOSS_CUDA_ADDON)).deviceBytesHeld();

/** The result of a call, or its error. */
function attempt(call) {
  try {
    return call();
  } catch ({ code, message }) {
    return { code, message };
  }
}

/** Native objects are freed by the event loop, some time after the collector has found that nobody holds them. */
async function collect() {
  for (let turn = 0; turn < 5; turn++) {
    gc();
    await eventLoop();
  }
}

function use() {
  const pinned = allocatePinned(embeddings.length);
  pinned.set(embeddings);
  const classWeights = createDeviceMatrix(classes, { dim: 16 });
  const session = createPairLoss({ ...options, pairLoss: { type: 'circle' }, classWeights });
  return { session, classWeights, pinned, loss: session.compute(pinned, labels).loss };
}

const roles = {
  use() {
    parentPort.postMessage(use().loss);
  },
  /** A job that is in flight when the thread is told to end. */
  async hang() {
    const { session, pinned } = use();
    const calls = Array.from({ length: 20 }, () => session.computeAsync(pinned, labels));
    parentPort.postMessage('started');
    await Promise.all(calls);
  },
};

function start(role) {
  const worker = new Worker(new URL(import.meta.url), { workerData: role });
  const message = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  const exit = new Promise((resolve) => worker.once('exit', resolve));
  return { worker, message, exit };
}

const scenarios = {
  /** What there is, and what each way to ask for it gives. */
  ask: () => ({
    info: engines()[0],
    named: attempt(() => computeCircleLoss(embeddings, labels, options).engine),
    session: attempt(() => createPairLoss({ ...options, pairLoss: { type: 'circle' } }) && 'opened'),
    matrix: attempt(() => createDeviceMatrix(classes, { dim: 16 }).rows),
    pinned: attempt(() => allocatePinned(3).length),
    cpu: attempt(() => computeCircleLoss(embeddings, labels, { ...options, engine: 'cpu' }).engine),
  }),
  /** A call that is worth a GPU. */
  auto: () => {
    const { embeddings, labels } = batch(1024, 256);
    return attempt(() => computeCircleLoss(embeddings, labels, { dim: 256, gradient: 'skip' }).engine);
  },
  /** More than the device has, then less. */
  memory: () => ({
    matrix: attempt(() => createDeviceMatrix(new Float32Array(2 ** 22), { dim: 16 })),
    loss: attempt(() => {
      const { embeddings, labels } = batch(4000, 256);
      return computeCircleLoss(embeddings, labels, { dim: 256, engine: 'cuda', gradient: 'skip' });
    }),
    after: attempt(() => computeCircleLoss(embeddings, labels, options).engine),
  }),
  /** Each of two devices by its number. */
  devices() {
    const classWeights = createDeviceMatrix(classes, { dim: 16, device: 1 });
    const on = (device) => attempt(() => computeCircleLoss(embeddings, labels, { ...options, device, classWeights }));
    const expected = computeCircleLoss(embeddings, labels, { ...options, classWeights: classes });
    return { count: engines()[0].devices.length, same: on(1).loss === expected.loss, refused: on(0) };
  },
  async collected() {
    for (let i = 0; i < 20; i++) use();
    const before = held();
    await collect();
    return { grew: before > 0, left: held() };
  },
  async disposed() {
    const { session, classWeights } = use();
    const running = session.computeAsync(embeddings, labels);
    classWeights.dispose();
    session.dispose();
    await running;
    await collect();
    return { left: held() };
  },
  async workers() {
    const workers = Array.from({ length: 3 }, () => start('use'));
    const losses = await Promise.all(workers.map(({ message }) => message));
    await Promise.all(workers.map(({ exit }) => exit));
    return { same: new Set(losses).size === 1, left: held() };
  },
  async terminated() {
    for (let round = 0; round < 10; round++) {
      const { worker, message, exit } = start('hang');
      await message;
      await worker.terminate();
      await exit;
    }
    return { left: held() };
  },
  async end() {
    const { loss } = await computeCircleLossAsync(embeddings, labels, options);
    return { finite: Number.isFinite(loss) };
  },
};

if (isMainThread) console.log(JSON.stringify(await scenarios[process.argv[2]]()));
else await roles[workerData]();
