/**
 * What a process goes through: `node faults.mjs <scenario> [argument …]` prints a line of JSON. The files of test/ named
 * faults-* run it; of the built package, as a user's process would.
 */
import { spawnSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  computeCircleLoss,
  computeCircleLossAsync,
  computeSimilarity,
  computeSimilarityAsync,
  createClassHead,
  createMemoryBank,
  createPairLoss,
  findNearest,
  findNearestAsync,
} from '../../dist/index.mjs';
import { evaluateRetrieval, evaluateRetrievalAsync } from '../../dist/metrics.mjs';
import { batch } from './rows.mjs';

const dim = 32;
const place = { engine: 'cpu', threads: 2 };
const pairLoss = { type: 'circle' };
const optimizer = { type: 'adam', learningRate: 0.01 };
const classes = 50;
const small = batch(60, dim);
const medium = batch(500, dim);
const [scenario, ...given] = process.argv.slice(2);

/** mulberry32. */
let state = Number(given.at(-1)) || 1;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const integer = (most) => Math.floor(random() * (most + 1));

const openHead = (extra = {}) => createClassHead({ classes, dim, pairLoss, optimizer, seed: 5, ...place, ...extra });
function openBank() {
  const bank = createMemoryBank({ capacity: 100, dim, pairLoss, ...place });
  bank.enqueue(small.embeddings, small.labels);
  return bank;
}
const openSession = () => createPairLoss({ dim, pairLoss, ...place });

/** Every kind of call, and what comes of it. */
const calls = {
  loss: ({ embeddings, labels }) => computeCircleLoss(embeddings, labels, { dim, ...place }),
  lossAsync: ({ embeddings, labels }, options) =>
    computeCircleLossAsync(embeddings, labels, { dim, ...place, ...options }),
  session: ({ embeddings, labels }) => openSession().compute(embeddings, labels),
  sessionAsync: ({ embeddings, labels }, options) => openSession().computeAsync(embeddings, labels, options),
  similarity: ({ embeddings }) => computeSimilarity(embeddings, { dim, ...place }),
  similarityAsync: ({ embeddings }, options) => computeSimilarityAsync(embeddings, { dim, ...place, ...options }),
  nearest: ({ embeddings }) => findNearest(embeddings, { dim, k: 3, ...place }),
  nearestAsync: ({ embeddings }, options) => findNearestAsync(embeddings, { dim, k: 3, ...place, ...options }),
  head: ({ embeddings, labels }) => openHead().step(embeddings, labels),
  headAsync: ({ embeddings, labels }, options) => openHead().stepAsync(embeddings, labels, options),
  predictAsync: ({ embeddings }, options) => openHead().predictAsync(embeddings, 2, options),
  bank: ({ embeddings, labels }) => openBank().loss(embeddings, labels),
  bankAsync: ({ embeddings, labels }, options) => openBank().lossAsync(embeddings, labels, options),
  retrieval: ({ embeddings, labels }) => evaluateRetrieval(embeddings, labels, { dim, ...place }),
  retrievalAsync: ({ embeddings, labels }, options) =>
    evaluateRetrievalAsync(embeddings, labels, { dim, ...place, ...options }),
  referenceAsync: ({ embeddings, labels }, options) =>
    computeCircleLossAsync(embeddings, labels, { dim, engine: 'reference', ...options }),
};
const names = Object.keys(calls);

const resultOf = async (name, rows, options) => calls[name](rows, options);

/** What each call gives where nothing goes wrong. */
async function expectedOf(rows) {
  const expected = {};
  for (const name of names) expected[name] = await resultOf(name, rows);
  return expected;
}

const scenarios = {
  /** A limit on the address space `more` MiB above what the process has: calls succeed or are out of memory. */
  async memory(more) {
    const expected = await expectedOf(small);
    // What Node loads when an error is made for the first time is there before the limit is, and so are the batches:
    // zeros that nobody has touched, and in those too large to compute a number at the end that ends the call.
    await Promise.allSettled(names.map((name) => resultOf(name, { embeddings: new Float32Array(3), labels: [] })));
    const batches = [200, 2000, 1_000_000, 8_000_000].map((rows) => ({
      rows,
      embeddings: new Float32Array(rows * dim).fill(Number.NaN, rows > 2000 ? rows * dim - 1 : rows * dim),
      labels: new Int32Array(rows),
    }));
    const has = Number(/VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
    const limit = has + Number(more) * 2 ** 20;
    const { status, stderr } = spawnSync('prlimit', [`--as=${limit}:${limit}`, '--pid', String(process.pid)]);
    if (status !== 0) throw new Error(String(stderr));
    const outcomes = {};
    for (const { rows, ...arrays } of batches) {
      for (const name of names) {
        if (rows > 200 && /reference|retrieval/.test(name)) continue; // minutes
        const outcome = await resultOf(name, arrays).then(
          () => 'ok',
          ({ code }) => code,
        );
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }
    }
    const after = await expectedOf(small);
    return { outcomes, same: isDeepStrictEqual(after, expected) };
  },

  /** Threads that end at any moment of any call. */
  async terminate(rounds) {
    const expected = await expectedOf(small);
    const ended = [];
    for (let round = 0; round < Number(rounds); round++) {
      const worker = new Worker(new URL(import.meta.url), {
        workerData: names[round % names.length],
        argv: ['worker'],
      });
      const failed = new Promise((_, reject) => worker.once('error', reject));
      const started = new Promise((resolve) => worker.once('message', resolve));
      await Promise.race([started, failed]);
      await wait(random() * 12);
      const result = await Promise.race([resultOf(names[integer(names.length - 1)], small), failed]);
      ended.push(await worker.terminate(), result === undefined);
    }
    return { same: isDeepStrictEqual(await expectedOf(small), expected), ended: ended.length };
  },

  /** Ends in the middle of calls, as `how` says. */
  async end(how) {
    for (let i = 0; i < 8; i++)
      for (const name of names) if (name.endsWith('Async')) resultOf(name, medium).catch(() => {});
    console.log(JSON.stringify({ started: true }));
    const ends = {
      exit: () => process.exit(7),
      SIGTERM: () => process.kill(process.pid, 'SIGTERM'),
      SIGKILL: () => process.kill(process.pid, 'SIGKILL'),
      uncaught: () => {
        throw new Error('nobody catches this');
      },
      rejection: () => Promise.reject(new Error('nobody catches this')),
    };
    setTimeout(ends[how], random() * 20);
    await new Promise(() => {});
  },

  /** An abort at any moment: the result or an AbortError, and the next call as if nothing had been. */
  async abort(rounds) {
    const warnings = [];
    process.on('warning', (warning) => warnings.push(String(warning)));
    const expected = await expectedOf(medium);
    const outcomes = { resolved: 0, aborted: 0 };
    const wrong = [];
    const shared = new AbortController(); // of all calls: as a training loop's is
    const moments = [
      async () => {},
      async () => {
        for (let tasks = integer(30); tasks > 0; tasks--) await null;
      },
      async () => {
        for (let turns = integer(3); turns >= 0; turns--) await turn();
      },
      () => wait(random() * 4),
      () => new Promise((resolve) => process.nextTick(resolve)),
      (running) =>
        running.then(
          () => {},
          () => {},
        ), // at the end
    ];
    for (let round = 0; round < Number(rounds); round++) {
      const name = names.filter((called) => called.endsWith('Async'))[round % 8];
      const takesOut = ['lossAsync', 'sessionAsync', 'bankAsync', 'referenceAsync'].includes(name);
      const gradient = new Float32Array(medium.embeddings.length).fill(7);
      const controller = new AbortController();
      const reason = [undefined, new Error('own'), 0, { any: 'thing' }][round % 4];
      const isBefore = random() < 0.1;
      if (isBefore) controller.abort(reason);
      const options = { signal: controller.signal, ...(takesOut && { out: { gradient } }) };
      const running = resultOf(name, medium, options);
      resultOf(name, small, { signal: shared.signal }).catch((error) => wrong.push(String(error)));
      const moment = moments[integer(moments.length - 1)];
      const aborting = moment(running).then(() => controller.abort(reason));
      try {
        const result = await running;
        outcomes.resolved++;
        if (isBefore) wrong.push(`${name} began after an abort`);
        if (!isDeepStrictEqual({ ...result }, { ...expected[name] })) wrong.push(`${name} gave something else`);
        if (takesOut && result.gradient !== gradient) wrong.push(`${name} left out`);
      } catch (error) {
        outcomes.aborted++;
        if (error.name !== 'AbortError' || error.cause !== controller.signal.reason) wrong.push(String(error));
        if (gradient.some((value) => value !== 7)) wrong.push(`${name} wrote out`);
      }
      await aborting;
      if (getEventListeners(controller.signal, 'abort').length > 0) wrong.push(`${name} left a listener`);
    }
    const after = await expectedOf(medium);
    await turn();
    const left = getEventListeners(shared.signal, 'abort').length;
    return { outcomes, wrong, warnings, left, same: isDeepStrictEqual(after, expected) };
  },

  /** A head whose step is aborted has made it, or not. */
  async abortSteps(rounds) {
    const [head, twin] = [openHead({ sampleRate: 0.5 }), openHead({ sampleRate: 0.5 })];
    const { embeddings, labels } = medium;
    const outcomes = { made: 0, aborted: 0 };
    for (let round = 0; round < Number(rounds); round++) {
      const controller = new AbortController();
      const running = head.stepAsync(embeddings, labels, { signal: controller.signal });
      (random() < 0.7 ? turn() : wait(random() * 3)).then(() => controller.abort());
      try {
        const step = await running;
        outcomes.made++;
        if (!isDeepStrictEqual(step, twin.step(embeddings, labels))) return { outcomes, same: false };
      } catch (error) {
        if (error.name !== 'AbortError') throw error;
        outcomes.aborted++;
      }
      if (head.steps !== twin.steps) return { outcomes, same: false };
    }
    return { outcomes, same: isDeepStrictEqual(head.weights(), twin.weights()) };
  },

  /** Everything that a call needs is dropped while it runs, and the collector comes all the time. */
  async collect(rounds) {
    const expected = await expectedOf(small);
    for (let round = 0; round < Number(rounds); round++) {
      const running = names.map((name) => {
        // Arrays, sessions, heads and memories that nobody else holds.
        const { embeddings, labels } = small;
        return resultOf(name, { embeddings: embeddings.slice(), labels: labels.slice() });
      });
      globalThis.gc?.();
      await turn();
      globalThis.gc?.();
      const results = await Promise.all(running);
      for (const [i, name] of names.entries()) {
        if (!isDeepStrictEqual(results[i], expected[name])) return { same: false, name };
      }
    }
    return { same: true };
  },

  /** Disposed while their calls run: these end well. */
  async dispose(rounds) {
    const expected = await expectedOf(medium);
    const { embeddings, labels } = medium;
    for (let round = 0; round < Number(rounds); round++) {
      const [session, head, bank] = [openSession(), openHead(), openBank()];
      const running = [
        session.computeAsync(embeddings, labels),
        session.computeAsync(embeddings, labels),
        head.stepAsync(embeddings, labels),
        bank.lossAsync(embeddings, labels),
      ];
      if (random() < 0.5) await wait(random() * 5);
      for (const held of [session, head, bank]) held.dispose();
      globalThis.gc?.();
      const results = await Promise.all(running);
      const names = ['sessionAsync', 'sessionAsync', 'headAsync', 'bankAsync'];
      if (!results.every((result, i) => isDeepStrictEqual(result, expected[names[i]]))) return { same: false };
    }
    return { same: true };
  },

  /** Another thread writes labels while heads check and use them: a step of labels that were there, or an error. */
  async race(milliseconds) {
    const shared = new Int32Array(new SharedArrayBuffer(4 * small.labels.length));
    const worker = new Worker(new URL(import.meta.url), { workerData: { race: shared }, argv: ['worker'] });
    const stopped = new Promise((resolve) => worker.once('exit', resolve));
    await new Promise((resolve) => worker.once('message', resolve));
    const head = openHead({ sampleRate: 0.3 });
    const outcomes = { ok: 0, refused: 0 };
    const wrong = [];
    const end = Date.now() + Number(milliseconds);
    while (Date.now() < end) {
      try {
        const { loss, sampledClasses } = head.step(small.embeddings, shared);
        outcomes.ok++;
        const least = Math.ceil(0.3 * classes);
        if (!Number.isFinite(loss) || sampledClasses.length < least) wrong.push(`${loss}, ${sampledClasses.length}`);
        if (
          sampledClasses.some((label, i) => label < 0 || label >= classes || label <= (sampledClasses[i - 1] ?? -1))
        ) {
          wrong.push('classes that are none');
        }
      } catch (error) {
        if (error.code !== 'ERR_CIRCLE_INVALID_ARGUMENT') wrong.push(String(error));
        outcomes.refused++;
      }
    }
    worker.terminate();
    await stopped;
    return { outcomes, wrong: wrong.slice(0, 3) };
  },

  /** Saves one head after the other to `path`, of `rows` classes, until somebody ends the process; each all of one number. */
  async save(path, rows) {
    const heads = [1, 2].map((number) => {
      const weights = new Float32Array(Number(rows) * dim).fill(number);
      return createClassHead({ classes: Number(rows), dim, pairLoss, optimizer, weights, ...place });
    });
    for (let i = 0; ; i++) {
      await heads[i % 2].save(path);
      if (i === 1) console.log('saved');
    }
  },

  /** Saves once, and says what became of it. */
  async saveOnce(path, rows) {
    const head = createClassHead({ classes: Number(rows), dim, pairLoss, optimizer, ...place });
    return head.save(path).then(
      () => ({ saved: true }),
      ({ code, message, cause }) => ({ code, message, cause: cause?.code }),
    );
  },

  /** Loads what may be anything, with a bound on the heap (node's option). */
  async load(path) {
    const { loadClassHead } = await import('../../dist/index.mjs');
    return loadClassHead(path, place).then(
      () => ({ loaded: true }),
      ({ code, message }) => ({ code, message: String(message).slice(0, 300) }),
    );
  },
};

/** In a worker: the same call for ever, or labels that change for ever. */
async function work() {
  if (workerData.race) {
    parentPort.postMessage('started');
    const labels = workerData.race;
    for (let i = 0; ; i++) labels[i % labels.length] = i % 1000 === 0 ? 2 ** 31 - 1 : i % classes;
  }
  const rows = random() < 0.5 ? small : medium;
  await resultOf(workerData, small);
  parentPort.postMessage('started');
  for (;;) await Promise.all([resultOf(workerData, rows), resultOf(workerData, rows)]);
}

if (!isMainThread) await work();
else console.log(JSON.stringify(await scenarios[scenario](...given)));
