/** How long the event loop is kept waiting while 64 calls are in flight, and whether every caller gets its turn. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { computeCircleLossAsync, createPairLoss } from 'circle-loss';
import { batchOf } from './problems.ts';

const pairLoss = { type: 'circle' } as const;
const inFlight = 64;

export interface Delay {
  readonly name: string;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly callsPerSecond: number;
}

/** After the calls have been started: the copies of 64 batches at once are the caller's own burst. */
export async function measureDelays(milliseconds: number): Promise<Delay[]> {
  const delays: Delay[] = [];
  for (const [n, dim] of [
    [128, 128],
    [512, 512],
    [1024, 512],
  ]) {
    const { embeddings, labels } = batchOf(n, dim, 1);
    for (const how of ['one-shot', 'one session'] as const) {
      using session = createPairLoss({ dim, pairLoss });
      const call = () =>
        how === 'one-shot'
          ? computeCircleLossAsync(embeddings, labels, { dim })
          : session.computeAsync(embeddings, labels);
      await call();
      let calls = 0;
      let running = true;
      const start = performance.now();
      const loops = Array.from({ length: inFlight }, async () => {
        for (; running; calls++) await call();
      });
      await sleep(0);
      const histogram = monitorEventLoopDelay({ resolution: 1 });
      histogram.enable();
      await sleep(milliseconds);
      histogram.disable();
      running = false;
      await Promise.all(loops);
      const seconds = (performance.now() - start) / 1000;
      const [p50, p99, max] = [histogram.percentile(50), histogram.percentile(99), histogram.max].map((ns) => ns / 1e6);
      delays.push({ name: `${n} × ${dim}, ${how}`, p50, p99, max, callsPerSecond: calls / seconds });
    }
  }
  return delays;
}

export interface Fairness {
  readonly name: string;
  /** Calls of the caller who had fewest and of the one who had most, among those with the same calls, where these are farthest apart. */
  readonly fewest: number;
  readonly most: number;
  /** What `most − fewest` may come to. */
  readonly apart: number;
  /** The longest wait for a small call, in times of one large call by itself. */
  readonly longestWait: number;
  /** Large calls that ended during one small call, at most. */
  readonly overtaken: number;
  /** What `overtaken` may come to. */
  readonly bound: number;
}

export const large = 6;
export const small = 4;

/**
 * How far apart alike callers may be who had `turns` turns. A turn is a place in a queue of ten; as many calls run at once
 * as the pool of Node has threads, four, so that a turn ends at most three places before or after its own: three tenths of
 * a turn. Chance adds these up to 0.3 √turns, for two callers 0.3 √(2 turns); four times that happens to one pair in
 * 16,000, and 21 pairs are looked at. At the end one more is cut off. A caller who is preferred, or drawn by lot (√turns
 * a caller), is soon farther ahead.
 */
export const apartAfter = (turns: number) => 1 + 4 * 0.3 * Math.sqrt(2 * turns);

/**
 * Callers wait in one queue. When a small call joins it, each caller of large ones has one call ahead of it at most: six
 * large calls end during a small one. But the thread of Node's pool that takes it may lose its core before it has joined,
 * and as long the others go on: each large call more than six happens 0.4 times as often as the one before (twelve were the
 * most in 13,000 small calls; thirteen have been seen). Four calls of each, 24, do not happen by chance; without order among the four threads that
 * wait there were 96 to 138.
 */
export async function measureFairness(milliseconds: number): Promise<Fairness[]> {
  const found: Fairness[] = [];
  for (const sessions of ['one session', 'a session each'] as const) {
    const shared = createPairLoss({ dim: 256, pairLoss });
    const [big, little] = [batchOf(768, 256, 1), batchOf(64, 256, 2)];
    await shared.computeAsync(big.embeddings, big.labels);
    const alone = performance.now();
    await shared.computeAsync(big.embeddings, big.labels);
    const largeTime = performance.now() - alone;
    let largeDone = 0;
    let overtaken = 0;
    let longest = 0;
    const served = new Array<number>(large + small).fill(0);
    const end = performance.now() + milliseconds;
    await Promise.all(
      served.map(async (_, caller) => {
        const isLarge = caller < large;
        const { embeddings, labels } = isLarge ? big : little;
        const own = sessions === 'one session' ? shared : createPairLoss({ dim: 256, pairLoss });
        while (performance.now() < end) {
          const before = largeDone;
          const start = performance.now();
          await own.computeAsync(embeddings, labels);
          served[caller]++;
          if (isLarge) largeDone++;
          else {
            overtaken = Math.max(overtaken, largeDone - before);
            longest = Math.max(longest, performance.now() - start);
          }
        }
        if (own !== shared) own.dispose();
      }),
    );
    shared.dispose();
    const spreads = [served.slice(0, large), served.slice(large)].map((counts) => {
      const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
      return { fewest, most, apart: apartAfter(most) };
    });
    const [worst] = spreads.sort((a, b) => (b.most - b.fewest) / b.apart - (a.most - a.fewest) / a.apart);
    found.push({
      name: sessions,
      ...worst,
      longestWait: longest / largeTime,
      overtaken,
      bound: 4 * large,
    });
  }
  return found;
}
