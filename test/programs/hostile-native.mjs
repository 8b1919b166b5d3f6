/**
 * A native addon called as nobody should: `node hostile-native.mjs <addon> <seconds> <seed>` prints how many calls of
 * each kind there were, and ends with 0. Whatever is wrong with the arguments, a call throws, or reports that it is
 * invalid, or computes; it never reads or writes what it was not given.
 *
 * One rule of lib/native.ts is kept: arrays of an asynchronous call stay as they are until it is done.
 */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const [path, seconds, seed] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(resolve(path));
const { requestFields, reportFields, variants, Session, DeviceRows } = addon;
const at = Object.fromEntries(requestFields.map((field, index) => [field, index]));
const methods = ['compute', 'similarity', 'nearest', 'rank'];

/** mulberry32. */
let state = Number(seed);
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const integer = (most) => Math.floor(random() * (most + 1));
const pick = (list) => list[integer(list.length - 1)];
const chance = (share) => random() < share;

/** Words around every array that may be written: an engine that writes beside it is seen. */
const guard = 64;
const guards = [];
function guarded(View, length) {
  const words = new Uint8Array(guard + length * View.BYTES_PER_ELEMENT + guard).fill(0xa5);
  const array = new View(words.buffer, guard, length);
  for (let i = 0; i < length; i++) array[i] = View === Int32Array ? integer(4) : random() - 0.5;
  guards.push(words);
  return array;
}
function checkGuards() {
  for (const words of guards.splice(0)) {
    for (let i = 0; i < guard; i++) {
      if (words[i] !== 0xa5 || words[words.length - 1 - i] !== 0xa5) throw new Error('a guard was overwritten');
    }
  }
}

const floats = (length) => guarded(Float32Array, length);
const integers = (length) => guarded(Int32Array, length);
const doubles = (length) => guarded(Float64Array, length).fill(0);

function detached() {
  const array = new Float32Array(8);
  structuredClone(array, { transfer: [array.buffer] });
  return array;
}

const absurd = [
  0,
  -1,
  0.5,
  NaN,
  Infinity,
  -Infinity,
  1e300,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 63,
  -0,
  1,
  2,
  3,
];
const foreign = [
  undefined,
  null,
  true,
  5,
  -1n,
  'text',
  Symbol('s'),
  {},
  [],
  [1, 2],
  () => {},
  new Date(0),
  new ArrayBuffer(64),
  new SharedArrayBuffer(64),
  new DataView(new ArrayBuffer(64)),
  new Uint8Array(64),
  new BigInt64Array(8),
  new Float64Array(8),
  new Float32Array(0),
  new Int32Array(0),
  new Proxy(new Float32Array(8), {}),
  Object.create(new Float32Array(8)),
  new (class extends Float32Array {})(8),
  new Float32Array(new SharedArrayBuffer(64)),
  detached(),
];

/** A call that is right, for a method. */
function rightCall(method) {
  const [n, m, dim] = [1 + integer(6), 1 + integer(6), 1 + integer(5)];
  const kind = method === 'compute' ? integer(2) : integer(1);
  const candidateCount = kind === 0 ? n : m;
  const request = doubles(requestFields.length);
  const set = (values) => {
    for (const [field, value] of Object.entries(values)) request[at[field]] = value;
  };
  set({ anchorCount: n, candidateCount, dim, candidateKind: kind, gamma: 20, margin: 0.3, upstream: 1, threads: 2 });
  set({ optimumPositive: 1.3, optimumNegative: -0.3, targetPositive: 0.7, targetNegative: 0.3, workspaceLimit: 1e6 });
  set({ pairLoss: integer(3), normalize: integer(1), reduction: integer(3), checkFinite: integer(1), precision: 0 });
  const report = doubles(reportFields.length);
  const anchors = floats(n * dim);
  const candidates = kind === 0 ? undefined : floats(candidateCount * dim);
  if (method === 'similarity') return [request, report, anchors, candidates, floats(n * candidateCount)];
  if (method === 'nearest') {
    const k = 1 + integer(Math.max(0, candidateCount - (kind === 0 ? 2 : 1)));
    return [request, report, anchors, candidates, floats(n * k), integers(n * k)];
  }
  if (method === 'rank') {
    const [first, end] = [integers(n), integers(n)];
    let pairs = 0;
    for (let i = 0; i < n; i++) {
      first[i] = integer(candidateCount);
      end[i] = first[i] + integer(candidateCount - first[i]);
      pairs += end[i] - first[i];
    }
    return [request, report, anchors, candidates, first, end, floats(pairs), integers(pairs)];
  }
  const labels = integers(n);
  for (let i = 0; i < n; i++) labels[i] %= candidateCount;
  const call = [request, report, anchors, labels, candidates, kind === 1 ? integers(candidateCount) : undefined];
  call.push(chance(0.3) ? floats(n) : undefined, floats(n), floats(n * dim));
  const moves = kind !== 0 && chance(0.3);
  call.push(kind !== 0 && !moves ? floats(candidateCount * dim) : undefined);
  if (moves) {
    set({ optimizer: 2, learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, step: 1 });
    call.push(chance(0.5) ? Int32Array.from({ length: candidateCount }, (_, i) => i) : undefined);
    call.push(floats(candidateCount * dim), floats(candidateCount * dim));
  }
  return call;
}

/** Something about it that is wrong, or not. */
function disturb(call) {
  const kind = integer(9);
  const place = integer(call.length - 1);
  if (kind < 2) call[place] = pick(foreign);
  else if (kind === 2) call[0][integer(requestFields.length - 1)] = pick(absurd);
  else if (kind === 3) call.length = place;
  else if (kind === 4) call.push(...Array.from({ length: integer(5) }, () => pick(foreign)));
  else if (kind === 5 && ArrayBuffer.isView(call[place])) {
    call[place] = call[place].constructor === Int32Array ? integers(integer(20)) : floats(integer(20));
  } else if (kind === 6) call[place] = call[integer(call.length - 1)];
  else if (kind === 7 && ArrayBuffer.isView(call[place]) && 'length' in call[place] && place > 0) {
    const extremes = call[place] instanceof Int32Array ? [-1, 2 ** 31 - 1, -(2 ** 31)] : absurd;
    for (let i = 0; i < call[place].length; i++) if (chance(0.3)) call[place][i] = pick(extremes);
  } else if (kind === 8 && ArrayBuffer.isView(call[place]) && call[place].byteLength > 8) {
    // Arrays that share memory: what comes out is nobody's, but it comes.
    const other = call[integer(call.length - 1)];
    if (other instanceof Float32Array && call[place] instanceof Float32Array && other.buffer !== call[place].buffer) {
      const length = Math.min(other.length, call[place].length);
      call[place] = new Float32Array(other.buffer, other.byteOffset, length);
    }
  }
  return call;
}

const tally = { done: 0, invalid: 0, thrown: 0, jobs: 0, odd: 0 };

function count(call) {
  try {
    const status = call();
    if (status === 5) tally.invalid++;
    else tally.done++;
    return status;
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError || error instanceof Error)) throw error;
    tally.thrown++;
    return undefined;
  }
}

/** What is wrong with more than the arguments. */
const odd = [
  () => Session('baseline', 0),
  () => new Session(),
  () => new Session('no such variant', 0),
  () => new Session(variants[0], pick([NaN, -1, 1e10, 'x', undefined])),
  () => new Session(pick(foreign), pick(foreign)),
  () => Reflect.construct(Session, [variants[0], 0], Object),
  () => Session.prototype[pick(methods)].call(pick(foreign)),
  () => Session.prototype.release.call(pick([{}, null, Object.create(Session.prototype), new Float32Array(2), addon])),
  () => Session.prototype.workspaceBytes.call(Object.create(new Session(variants[0], 0))),
  () => addon.exponential?.(pick([variants[0], 'x', 5]), pick(foreign), pick(foreign)),
  () => addon.exponential?.(variants[0], new Float32Array(5), new Float32Array(pick([5, 4]))),
  () => addon.describeError?.(pick([NaN, -1, 1e9, 'x', undefined, 2])),
  () => DeviceRows && new DeviceRows(pick(foreign), pick(absurd), pick(absurd), pick(absurd)),
  () => DeviceRows && new DeviceRows(new Float64Array(reportFields.length), 0, pick([1, 3, 2 ** 31]), pick([1, 4])),
  () => DeviceRows?.prototype.write.call(pick(foreign), new Float64Array(reportFields.length), new Float32Array(4), 0),
  () => DeviceRows?.prototype.dispose.call(pick([{}, null, new Session(variants[0], 0)])),
  () => Session.prototype.compute.call(DeviceRows && new DeviceRows(new Float64Array(reportFields.length), 0, 1, 1)),
  () => addon.allocatePinned?.(pick([-1, NaN, 2 ** 60, 'x', 0, 5])),
];

const jobs = new Set();
function begin(session, method) {
  const call = disturb(rightCall(method));
  count(() => {
    const job = session[`${method}Async`](...call);
    const { abort } = job;
    tally.jobs++;
    const done = job.done.then((status) => {
      if (!Number.isInteger(status)) throw new Error(`a job ended with ${status}`);
      jobs.delete(done);
      abort(); // after the end
      abort.call('anything', 1, 2);
    });
    jobs.add(done);
    if (chance(0.3)) job.abort();
    if (chance(0.1)) {
      job.done = undefined; // who holds the handle may do with it what they want
      job.abort = undefined;
    }
    return 0;
  });
}

let session = new Session(variants[0], 0);
const end = Date.now() + 1000 * Number(seconds);
while (Date.now() < end) {
  if (chance(0.02)) session = new Session(pick(variants), 0); // the old one is dropped, with its jobs in flight
  const method = pick(methods);
  if (chance(0.1)) {
    tally.odd++;
    count(pick(odd));
  } else if (chance(0.15)) begin(session, method);
  else count(() => session[method](...disturb(rightCall(method))));
  if (chance(0.02)) session.release();
  if (jobs.size > 200) await Promise.all(jobs);
  if (jobs.size === 0) checkGuards();
  else if (guards.length > 5000) {
    await Promise.all(jobs);
    checkGuards();
  }
}

// Thousands of jobs at once, whose session nobody holds any more.
const many = [];
for (let i = 0; i < 3000; i++) many.push(session.similarityAsync(...rightCall('similarity')));
session = undefined;
for (const job of many) if (chance(0.5)) job.abort();
await Promise.all([...jobs, ...many.map(({ done }) => done)]);
checkGuards();
const right = rightCall('similarity');
const status = new Session(variants[0], 0).similarity(...right);
console.log(JSON.stringify({ ...tally, after: status }));
