/** Runs by worker threads, several at a time, kept one by one. */
import type { EngineName } from 'circle-loss';
import Tinypool from 'tinypool';
import { startProgress } from '../terminal/progress.ts';
import type { RunPlan, RunResult } from './run.ts';
import { RunStore } from './store.ts';
import type { Subject } from './subjects.ts';
import type { WorkerData } from './worker.ts';

export interface RunPoolOptions {
  subjects: readonly Subject[];
  engine: EngineName;
  workers: number;
  threads: number;
  /** Where finished runs are kept. */
  folder: string;
}

/** A run that is done, whether now or by an earlier command. */
export interface FinishedRun {
  plan: RunPlan;
  result: RunResult;
}

export class RunPool {
  readonly #store: RunStore;
  readonly #subjects: readonly Subject[];
  readonly #pool: Tinypool;
  /** By the file that has it or will have it. */
  readonly #asked = new Map<string, Promise<RunResult>>();
  /** Runs that this command computed, and those that it found. */
  computed = 0;
  found = 0;

  constructor({ subjects, engine, workers, threads, folder }: RunPoolOptions) {
    this.#store = new RunStore(folder, engine);
    this.#subjects = subjects;
    const workerData: WorkerData = { subjects, place: { engine, threads } };
    this.#pool = new Tinypool({
      filename: new URL('./worker-entry.mjs', import.meta.url).href,
      minThreads: 0,
      maxThreads: workers,
      idleTimeout: 60_000,
      workerData,
    });
  }

  /** Each plan's result, in the order of the plans. */
  async run(title: string, plans: readonly RunPlan[]): Promise<FinishedRun[]> {
    const progress = startProgress(title, plans.length);
    const results = plans.map(async (plan) => {
      const result = await this.#find(plan);
      progress.advance(`${plan.data}, ${plan.loss}`);
      return { plan, result };
    });
    try {
      return await Promise.all(results);
    } finally {
      progress.stop();
    }
  }

  /** Once, whoever asks and however often. */
  #find(plan: RunPlan): Promise<RunResult> {
    const subject = this.#subjects.find(({ name }) => name === plan.data)!;
    const key = this.#store.fileOf(plan, subject);
    const result = this.#asked.get(key) ?? this.#readOrCompute(plan, subject);
    this.#asked.set(key, result);
    return result;
  }

  async #readOrCompute(plan: RunPlan, subject: Subject): Promise<RunResult> {
    const kept = await this.#store.read(plan, subject);
    if (kept) {
      this.found++;
      return kept;
    }
    const result: RunResult = await this.#pool.run(plan);
    await this.#store.write(plan, subject, result);
    this.computed++;
    return result;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
