/**
 * Hours of use in minutes: all kinds of calls, on all engines, from several callers and worker threads, with aborts, disposals
 * and errors between. Every result is held against the first of its kind; memory, handles and threads against what they were.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { engines } from 'circle-loss';
import { Command } from 'commander';
import { markdownTable } from 'markdown-table';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { describeMachine } from '../machine.ts';
import { measureDelays, measureFairness } from './delay.ts';
import { trendOf } from './trend.ts';
import { kindsFor, type Outcome, type Place, pick, randomOf } from './work.ts';

const options = new Command('npm run soak --')
  .description('Uses the package in all ways at once, and checks that nothing is wrong, lost, or kept.')
  .option('--minutes <count>', 'how long', Number, 10)
  .option('--seed <number>', 'of what the callers do', Number, 1)
  .parse()
  .opts<{ minutes: number; seed: number }>();

/**
 * What a call may leave behind, on average over all kinds of them: the smallest thing in native memory, its job, has more.
 * One kind that leaves a few hundred bytes does not show here; `test/leaks.test.ts` has sessions, one-shot and asynchronous calls one by one.
 */
const bytesPerCall = 200;
const callers = 6;
const goalMilliseconds = 20;

const listed = engines();
const cpu = listed.find(({ name, available }) => name === 'cpu' && available);
const places: Place[] = [
  { name: 'reference', engine: 'reference' },
  ...(cpu?.variants ?? []).map((variant) => ({ name: `cpu ${variant}`, engine: 'cpu' as const, variant })),
];
if (process.env.CIRCLE_LOSS_CUDA_ADDON) places.push({ name: 'cuda', engine: 'cuda' });
const kinds = kindsFor(cpu?.variant);
const names = Object.keys(kinds);

const digests = new Map<string, string>(
  Object.entries({
    abort: 'AbortError',
    'error NaN': 'ERR_CIRCLE_NOT_FINITE',
    'error shape': 'ERR_CIRCLE_SHAPE',
    'error disposed': 'ERR_CIRCLE_DISPOSED',
  }),
);
const counts: Record<string, number> = {};
const breaches: string[] = [];
let calls = 0;

function check(kind: string, outcome: Outcome | undefined): void {
  if (outcome === undefined) return;
  calls++;
  counts[kind] = (counts[kind] ?? 0) + 1;
  const { key, digest } = outcome;
  const expected = digests.get(key);
  if (expected === undefined) digests.set(key, digest);
  else if (expected !== digest) breaches.push(`${kind}, ${key}: ${digest} in place of ${expected}`);
}

/** Aborts and errors are rarer than calls, the reference slower: everybody has the same turn, nobody the same time. */
async function caller(seed: number, until: number): Promise<void> {
  const random = randomOf(seed);
  while (performance.now() < until) {
    const kind = pick(random, names);
    const call = uniformInt(random, 0, 0x7fffffff);
    const place = pick(random, places);
    try {
      check(kind, await kinds[kind](randomOf(call), place));
    } catch (error) {
      breaches.push(`${kind} on ${place.name}, call ${call}: ${error}`);
    }
    await sleep(0);
  }
}

/** A worker after the other, with some calls each. */
async function workers(seed: number, until: number): Promise<void> {
  const random = randomOf(seed);
  while (performance.now() < until) {
    const worker = new Worker(new URL('worker-entry.mjs', import.meta.url), { workerData: { best: cpu?.variant } });
    for (let i = 0; i < 20 && performance.now() < until; i++) {
      const kind = pick(random, names);
      const message = { kind, seed: uniformInt(random, 0, 0x7fffffff), place: pick(random, places) };
      const answer = new Promise<Outcome | undefined>((resolve, reject) => {
        worker.once('message', resolve).once('error', reject);
      });
      worker.postMessage(message);
      check('worker thread', await answer);
      worker.removeAllListeners('error');
    }
    await worker.terminate();
  }
}

async function use(seed: number, milliseconds: number): Promise<void> {
  const until = performance.now() + milliseconds;
  const all = Array.from({ length: callers }, (_, i) => caller(seed * 1000 + i, until));
  await Promise.all([...all, workers(seed * 1000 + callers, until)]);
}

interface Held {
  readonly files: number;
  readonly threads: number;
  readonly resources: string;
}

async function held(): Promise<Held> {
  globalThis.gc?.();
  await sleep(300);
  return {
    files: readdirSync('/proc/self/fd').length,
    threads: Number(/^Threads:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]),
    resources: process.getActiveResourcesInfo().sort().join(),
  };
}

const total = options.minutes * 60_000;
const warming = Math.min(total * 0.3, 60_000);
const phase = Math.max(250, Math.min(total * 0.02, 3000));
await use(options.seed, warming); // pools, caches and compiled code get their size
const before = await held();

const points: [number, number][] = [];
const samplePeriod = Math.max(50, Math.min(500, total / 400));
const start = performance.now();
const warmCalls = calls;
const sampling = setInterval(() => {
  globalThis.gc?.();
  points.push([calls, process.memoryUsage.rss()]);
}, samplePeriod);
await use(options.seed + 1, total - warming - 10 * phase);
clearInterval(sampling);
const perSecond = (calls - warmCalls) / ((performance.now() - start) / 1000);
const after = await held();

const memory = trendOf(points);
const isFlat = memory.low <= 0 || memory.high < bytesPerCall;
if (!isFlat) breaches.push(`memory grows by ${memory.low.toFixed(0)} to ${memory.high.toFixed(0)} bytes a call`);
for (const key of ['files', 'threads', 'resources'] as const) {
  if (before[key] !== after[key]) breaches.push(`${key}: ${before[key]} before, ${after[key]} at the end`);
}

const delays = await measureDelays(phase);
const fairness = await measureFairness(2 * phase);
for (const { name, overtaken, bound, ratio } of fairness) {
  if (ratio === 0) breaches.push(`${name}: a caller was never served`);
  if (overtaken > bound)
    breaches.push(`${name}: ${overtaken} large calls ended during a small one, at most ${bound} may`);
}

const { cpu: processor, parallelism, node, commit } = describeMachine();
const number = (value: number) => value.toFixed(1);
const table = (header: string[], rows: string[][]) =>
  console.log(`\n${markdownTable([header, ...rows], { align: ['l', ...header.slice(1).map(() => 'r')] })}`);
console.log(`${processor}, ${parallelism} threads, Node.js ${node}, commit ${commit}, seed ${options.seed}`);
console.log(
  `${calls} calls, ${number(perSecond)} a second; ${digests.size} digests; engines: ${places.map(({ name }) => name).join(', ')}`,
);
console.log(
  `resident memory: ${number(memory.slope)} bytes a call, 95 %: ${number(memory.low)} to ${number(memory.high)}; ${points.length} samples`,
);
console.log(
  `at the end: ${after.files} file descriptors, ${after.threads} threads (before: ${before.files}, ${before.threads})`,
);
table(
  ['call', 'calls'],
  Object.entries(counts).map(([kind, count]) => [kind, `${count}`]),
);
table(
  ['64 calls in flight', 'event loop p50 ms', 'p99 ms', 'max ms', 'calls/s', `goal p99 ≤ ${goalMilliseconds} ms`],
  delays.map(({ name, p50, p99, max, callsPerSecond }) => [
    name,
    number(p50),
    number(p99),
    number(max),
    number(callsPerSecond),
    p99 <= goalMilliseconds ? 'met' : 'missed',
  ]),
);
table(
  [
    `${6} callers of large, ${4} of small calls`,
    'fewest/most served',
    'longest small wait, × large',
    'large during a small',
    'at most',
  ],
  fairness.map(({ name, ratio, longestWait, overtaken, bound }) => [
    name,
    ratio.toFixed(2),
    number(longestWait),
    `${overtaken}`,
    `${bound}`,
  ]),
);
// The first, and the last, which are of the process as a whole.
const named = [...breaches.slice(0, 10), ...breaches.slice(10).slice(-10)];
for (const breach of named) console.error(`BREACH ${breach}`);
console.log(`\n${breaches.length} breaches`);
process.exitCode = breaches.length > 0 ? 1 : 0;
