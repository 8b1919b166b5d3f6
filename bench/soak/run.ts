/**
 * Hours of use in minutes: all kinds of calls, on all engines, from several callers and worker threads, with aborts, disposals
 * and errors between. Every result is held against the digest of one that agrees with the truth; memory, handles and threads
 * against what they were.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { engines } from 'circle-loss';
import { Command } from 'commander';
import { markdownTable } from 'markdown-table';
import { describeMachine } from '../machine.ts';
import { type Delay, type Fairness, large, small } from './delay.ts';
import { storeDigests } from './digests.ts';
import { blocks, trendOf, verdictOf } from './trend.ts';
import { Use } from './use.ts';
import { cpuPlace, type Place } from './work.ts';

const options = new Command('npm run soak --')
  .description('Uses the package in all ways at once, and checks that nothing is wrong, lost, or kept.')
  .option('--minutes <count>', 'how long', Number, 10)
  .option('--seed <number>', 'of what the callers do', Number, 1)
  .parse()
  .opts<{ minutes: number; seed: number }>();

/** The smallest thing of a call in native memory, its job, has more. */
const smallestObject = 200;
/** What allocators and collectors keep without any leak, and come to hold in minutes, however many calls there are. */
const fragments = 4e6;
const goalMilliseconds = 20;

const cpu = engines().find(({ name }) => name === 'cpu')!;
// Engine 'reference' would not end one of the calls in flight in the time that there is.
if (!cpu.available) throw new Error(`The soak needs engine 'cpu': ${cpu.reason}`);
const places: Place[] = [{ name: 'reference', engine: 'reference' }, ...(cpu.variants ?? []).map(cpuPlace)];
if (process.env.CIRCLE_LOSS_CUDA_ADDON) places.push({ name: 'cuda', engine: 'cuda' });

const { digests, flaws } = storeDigests(places, cpu.variant);
const use = new Use(places, cpu.variant, digests);
const breaches = use.breaches;
breaches.push(...flaws);

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

/**
 * Event loop and fairness in a process with Node's own settings. Those that keep memory still (`bench/package.json`) are not what users
 * have: a small young generation halves the loop's p99, memory that always goes back to the system doubles it.
 */
async function measureInPlainNode(milliseconds: number): Promise<{ delays: Delay[]; fairness: Fairness[] }> {
  const { MALLOC_MMAP_THRESHOLD_: _, MALLOC_TRIM_THRESHOLD_: __, ...env } = process.env;
  const entry = fileURLToPath(new URL('delay-entry.ts', import.meta.url));
  const args = ['--import', 'tsx', entry, `${milliseconds}`];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout);
}

const total = options.minutes * 60_000;
const warming = Math.min(total * 0.3, 60_000);
const longestPhase = 3000;
const phase = Math.max(250, Math.min(total * 0.02, longestPhase));
/**
 * Whether every question must have an answer. A loop that never waits for more than a millisecond or two is looked at a
 * thousand times in a full phase, so that ten looks decide about its p99; in a shorter phase one hiccup of the machine does.
 */
const isLong = phase === longestPhase;
await use.go(options.seed, warming); // pools, caches and compiled code get their size
const before = await held();

const points: [number, number][] = [];
const start = performance.now();
const [warmCalls, warmCounts] = [use.calls, { ...use.counts }];
const measured = total - warming - 10 * phase;
const perBlock = Math.max(2, Math.min(20, Math.round(measured / blocks / 1000)));
for (let block = 0; block < blocks; block++) {
  for (let round = 0; round < perBlock; round++) {
    const seed = options.seed + 1 + block * perBlock + round;
    if (round === 0) await use.briefThread(seed);
    await use.go(seed, measured / blocks / perBlock);
    points.push([use.calls, process.memoryUsage.rss()]);
  }
}
const measuredCalls = use.calls - warmCalls;
const perSecond = measuredCalls / ((performance.now() - start) / 1000);
const after = await held();
await use.end();

/** The smallest object of the rarest kind of calls shows, where there are calls enough to see it beside fragments. */
const rarest = Math.min(...Object.keys(use.counts).map((kind) => use.counts[kind] - (warmCounts[kind] ?? 0)));
const bytesPerCall = Math.max((smallestObject * rarest) / measuredCalls, fragments / measuredCalls);
const memory = trendOf(points);
const verdict = verdictOf(memory, bytesPerCall);
const interval = `${memory.low.toFixed(1)} to ${memory.high.toFixed(1)} bytes a call`;
if (verdict === 'growing') breaches.push(`memory grows by ${interval}, at most ${bytesPerCall.toFixed(1)} may`);
if (verdict === 'inconclusive' && isLong)
  breaches.push(`memory: ${interval} do not tell whether it grows by ${bytesPerCall.toFixed(1)}`);
for (const key of ['files', 'threads', 'resources'] as const) {
  if (before[key] !== after[key]) breaches.push(`${key}: ${before[key]} before, ${after[key]} at the end`);
}

const { delays, fairness } = await measureInPlainNode(phase);
for (const { name, p99 } of delays) {
  if (isLong && !(p99 <= goalMilliseconds))
    breaches.push(`${name}: the event loop's p99 is ${p99.toFixed(1)} ms, the goal ${goalMilliseconds} ms`);
}
for (const { name, overtaken, bound, fewest, most, apart } of fairness) {
  if (fewest === 0) breaches.push(`${name}: a caller was never served`);
  if (most - fewest > apart)
    breaches.push(`${name}: ${fewest} calls of one caller, ${most} of another, at most ${apart.toFixed(1)} apart`);
  if (overtaken > bound)
    breaches.push(`${name}: ${overtaken} large calls ended during a small one, at most ${bound} may`);
}

const { cpu: processor, parallelism, node, commit } = describeMachine();
const number = (value: number) => value.toFixed(1);
const table = (header: string[], rows: string[][]) =>
  console.log(`\n${markdownTable([header, ...rows], { align: ['l', ...header.slice(1).map(() => 'r')] })}`);
console.log(`${processor}, ${parallelism} threads, Node.js ${node}, commit ${commit}, seed ${options.seed}`);
console.log(
  `${use.calls} calls, ${number(perSecond)} a second; ${digests.size} digests of results that were held against double precision; engines: ${places.map(({ name }) => name).join(', ')}`,
);
console.log(
  `resident memory: ${verdict}; ${number(memory.slope)} bytes a call, 95 %: ${interval}; bound ${number(bytesPerCall)}; ${points.length} samples`,
);
console.log(
  `at the end: ${after.files} file descriptors, ${after.threads} threads (before: ${before.files}, ${before.threads})`,
);
table(
  ['call', 'calls'],
  Object.entries(use.counts).map(([kind, count]) => [kind, `${count}`]),
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
if (!isLong) console.log('\nToo short to judge: a p99 that is missed and memory that is inconclusive are no breaches.');
table(
  [
    `${large} callers of large, ${small} of small calls`,
    'fewest, most served',
    'apart, at most',
    'longest small wait, × large',
    'large during a small',
    'at most',
  ],
  fairness.map(({ name, fewest, most, apart, longestWait, overtaken, bound }) => [
    name,
    `${fewest}, ${most}`,
    number(apart),
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
