/** Several callers and worker threads that make all kinds of calls at once, and hold every result against its digest. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { collect } from './collect.ts';
import { pick, type Random, randomOf } from './problems.ts';
import { kindsFor, type Outcome, type Place } from './work.ts';
import type { Order } from './worker.ts';

const callers = 6;
/** Of a thread that ends soon. */
const briefCalls = 5;

export class Use {
  calls = 0;
  readonly counts: Record<string, number> = {};
  readonly breaches: string[] = [];
  readonly #places: readonly Place[];
  readonly #best: string | undefined;
  readonly #digests: ReadonlyMap<string, string>;
  readonly #kinds;
  readonly #names;
  #lasting: Worker | undefined;

  /** `best`: the instruction set that the CPU engine chooses. */
  constructor(places: readonly Place[], best: string | undefined, digests: ReadonlyMap<string, string>) {
    this.#places = places;
    this.#best = best;
    this.#digests = digests;
    this.#kinds = kindsFor(best);
    this.#names = Object.keys(this.#kinds);
  }

  /** All at once until the time is over; what they used is then at rest. */
  async go(seed: number, milliseconds: number): Promise<void> {
    const until = performance.now() + milliseconds;
    this.#lasting ??= this.#thread();
    const all = Array.from({ length: callers }, (_, i) => this.#caller(randomOf(seed * 1000 + i), until));
    await Promise.all([...all, this.#orders(this.#lasting, randomOf(seed * 1000 + callers), until, Infinity)]);
    await ask(this.#lasting, 'tidy up');
    await collect();
  }

  /** A thread begins, makes a few calls and ends. */
  async briefThread(seed: number): Promise<void> {
    const thread = this.#thread();
    await this.#orders(thread, randomOf(seed * 1000 + callers + 1), Infinity, briefCalls);
    await thread.terminate();
  }

  async end(): Promise<void> {
    await this.#lasting?.terminate();
    this.#lasting = undefined;
    await collect();
  }

  #thread(): Worker {
    return new Worker(new URL('worker-entry.mjs', import.meta.url), { workerData: { best: this.#best } });
  }

  #check(kind: string, { key, digest }: Outcome): void {
    this.calls++;
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    const expected = this.#digests.get(key);
    if (expected !== digest) this.breaches.push(`${kind}, ${key}: ${digest} in place of ${expected}`);
  }

  #draw(random: Random): Exclude<Order, string> {
    return {
      kind: pick(random, this.#names),
      seed: uniformInt(random, 0, 0x7fffffff),
      place: pick(random, this.#places),
    };
  }

  async #caller(random: Random, until: number): Promise<void> {
    while (performance.now() < until) {
      const { kind, seed, place } = this.#draw(random);
      try {
        this.#check(kind, await this.#kinds[kind](randomOf(seed), place));
      } catch (error) {
        this.breaches.push(`${kind} on ${place.name}, call ${seed}: ${error}`);
      }
      await sleep(0);
    }
  }

  async #orders(thread: Worker, random: Random, until: number, count: number): Promise<void> {
    for (let i = 0; i < count && performance.now() < until; i++) {
      this.#check('worker thread', (await ask(thread, this.#draw(random)))!);
    }
  }
}

/** An error in the thread ends the soak. */
function ask(thread: Worker, order: Order): Promise<Outcome | undefined> {
  return new Promise((resolve, reject) => {
    thread.once('error', reject);
    thread.once('message', (outcome) => {
      thread.off('error', reject);
      resolve(outcome);
    });
    thread.postMessage(order);
  });
}
