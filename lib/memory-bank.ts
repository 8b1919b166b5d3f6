/** `createMemoryBank`: embeddings of past batches as candidates (cross-batch memory, Wang et al. 2020, arXiv:1912.06798). */
import { checkAlive, checkApart, checkRows, float32, labelArray, ordinary, output } from './arrays.ts';
import type { Engine, Problem } from './engine.ts';
import { allocateRows, type EngineRows } from './engine-rows.ts';
import { type EngineChoice, residentEngine } from './engines.ts';
import { disposed, invalidArgument, notFinite, outOfHostMemory, wrongShape } from './errors.ts';
import { largestParameter } from './losses.ts';
import type { Abortable, EngineName, Labels, PairLossChoice, Reduction } from './options.ts';
import { createProblem, createSettings, noStep, type Settings, type StepArrays } from './problem.ts';
import { firstNotFinite } from './reference-rows.ts';
import type { PairLossResult, PairLossValue } from './results.ts';
import { run, runAsync } from './run.ts';
import { bare, parse, schemas } from './schemas.ts';

export type MemoryBankOptions = PairLossChoice & {
  /** Embeddings that the memory holds, an integer from 1 to 2147483647; a further one takes the place of the oldest. */
  capacity: number;
  /** Numbers in a row. An integer from 1. */
  dim: number;
  /**
   * Calls of `enqueue` that store nothing, because embeddings of an untrained network drift too fast to be kept: the
   * paper waits for 1000. Default 0.
   */
  warmUp?: number;
  /** Of the batch's own pairs, from −1e30 to 1e30; 0 leaves them out. Default 1. */
  batchWeight?: number;
  /** Of pairs with the memory, from −1e30 to 1e30; 0 leaves them out. Default 1. */
  memoryWeight?: number;
  /** Default 'mean', of each of the two losses. */
  reduction?: Reduction;
  /** Default 'auto': the GPU where a batch of 128 embeddings would be worth it, else the CPU. Decided once. */
  engine?: EngineName;
  /** Of engine 'cuda': the number of the GPU; default 0. */
  device?: number;
  /** As in `CommonOptions`; default 'exact'. */
  precision?: 'exact' | 'fast';
  /** Of engine 'cpu'; default `os.availableParallelism()`. */
  threads?: number;
  /** As in `CommonOptions`. */
  workspaceLimit?: number;
};

export interface MemoryBankStepOptions {
  /** ∂(final)/∂(loss), from −1e30 to 1e30: the gradient is multiplied by it. Default 1. */
  upstream?: number;
  /** An array of the caller, N × dim, that the gradient goes to. */
  out?: { gradient?: Float32Array };
}

export interface MemoryBankLoss {
  /** batchWeight × batch.loss + memoryWeight × memory.loss. */
  loss: number;
  /** ∂(final)/∂(embeddings), N × dim. What the memory holds is a constant. */
  gradient: Float32Array;
  /** The batch against itself, where its weight is not 0. */
  batch?: PairLossValue;
  /** The batch against the memory, where that holds something and its weight is not 0. */
  memory?: PairLossValue;
}

/** A ring of past embeddings with their labels. */
export interface MemoryBank extends Disposable {
  readonly capacity: number;
  readonly dim: number;
  /** Embeddings held now. */
  readonly size: number;
  /** The engine whose memory has them. */
  readonly engine: 'cuda' | 'cpu' | 'reference';
  /**
   * The pair loss of a batch against itself plus that against the memory, and its gradient. The memory stays as it is:
   * enqueue the batch afterwards, or it would be its own easiest positive.
   *
   * - `embeddings`: N × dim finite numbers; `labels`: N integers.
   */
  loss(embeddings: Float32Array, labels: Labels, options?: MemoryBankStepOptions): MemoryBankLoss;
  /** `loss` off the JavaScript thread, with the memory as it is now. */
  lossAsync(
    embeddings: Float32Array,
    labels: Labels,
    options?: MemoryBankStepOptions & Abortable,
  ): Promise<MemoryBankLoss>;
  /** Stores at most `capacity` embeddings with their labels, in place of the oldest; waits for a GPU's calls in flight. */
  enqueue(embeddings: Float32Array, labels: Labels): void;
  /** Forgets everything; `warmUp` is not repeated. */
  clear(): void;
  /** Frees the memory, after the calls in flight. */
  dispose(): void;
}

const weightedRange = 'a number from -1e30 to 1e30, and so when multiplied by batchWeight and by memoryWeight';

/** One of the two losses: its weight, and what it compares. */
interface Part {
  name: 'batch' | 'memory';
  weight: number;
  problem: Problem;
}

class Ring implements MemoryBank {
  readonly capacity: number;
  readonly dim: number;
  readonly engine: Engine['name'];
  readonly #batchWeight: number;
  readonly #memoryWeight: number;
  readonly #settings: Settings;
  readonly #choice: EngineChoice;
  readonly #rows: EngineRows;
  readonly #labels: Int32Array;
  #warmUp: number;
  #size = 0;
  #next = 0;
  #isDisposed = false;

  constructor(options: MemoryBankOptions) {
    const { capacity, dim, engine = 'auto', device = 0, pairLoss } = options;
    const resident = residentEngine(engine, device, capacity, dim);
    this.capacity = capacity;
    this.dim = dim;
    this.engine = resident.name;
    this.#warmUp = options.warmUp ?? 0;
    this.#batchWeight = options.batchWeight ?? 1;
    this.#memoryWeight = options.memoryWeight ?? 1;
    this.#settings = createSettings(bare({ ...options, engine: resident.name }), pairLoss);
    this.#choice = resident.choice;
    this.#rows = allocateRows(capacity, dim, { engine: resident.name, device }, 'Lower the capacity.');
    this.#labels = this.#allocate(() => new Int32Array(capacity));
  }

  #allocate<Memory>(make: () => Memory): Memory {
    try {
      return make();
    } catch (cause) {
      this.dispose();
      throw outOfHostMemory(`${this.capacity} labels`, 'Lower the capacity.', cause);
    }
  }

  get size(): number {
    return this.#size;
  }

  loss(embeddings: Float32Array, labels: Labels, options?: MemoryBankStepOptions): MemoryBankLoss {
    this.#checkAlive();
    const given = parse(schemas.memoryBankStep, options ?? {}, 'step') as MemoryBankStepOptions;
    const { parts, gradient } = this.#parts(given, embeddings, labels);
    const results = parts.map(({ problem }) => run(this.#choice.engineFor(problem), problem));
    return sumOf(parts, results, gradient);
  }

  async lossAsync(
    embeddings: Float32Array,
    labels: Labels,
    options?: MemoryBankStepOptions & Abortable,
  ): Promise<MemoryBankLoss> {
    this.#checkAlive();
    const given = parse(schemas.memoryBankStepAsync, options ?? {}, 'step') as MemoryBankStepOptions & Abortable;
    const { parts, gradient } = this.#parts(given, embeddings, labels);
    // Both begin now: each has the memory as it is.
    const running = parts.map(({ problem }) =>
      runAsync(this.#choice.engineFor(problem), problem, undefined, given.signal),
    );
    try {
      return sumOf(parts, await Promise.all(running), gradient);
    } finally {
      await Promise.allSettled(running);
      if (this.#isDisposed) this.#free();
    }
  }

  enqueue(embeddings: Float32Array, labels: Labels): void {
    const array = labelArray('labels', labels);
    this.#checkAlive();
    const rows = float32('embeddings', embeddings);
    checkRows('embeddings', rows.length, 'labels', array.length, this.dim);
    if (array.length > this.capacity) {
      throw wrongShape('labels', `at most capacity = ${this.capacity} labels`, `${array.length}`);
    }
    const bad = firstNotFinite(rows, this.dim);
    if (bad >= 0) {
      const column = rows.subarray(bad * this.dim).findIndex((value) => !Number.isFinite(value));
      throw notFinite('embeddings', bad, column, rows[bad * this.dim + column], 'Nothing was stored.');
    }
    if (this.#warmUp > 0) {
      this.#warmUp--;
      return;
    }
    const untilEnd = Math.min(array.length, this.capacity - this.#next);
    this.#store(rows.subarray(0, untilEnd * this.dim), array.subarray(0, untilEnd), this.#next);
    if (untilEnd < array.length) this.#store(rows.subarray(untilEnd * this.dim), array.subarray(untilEnd), 0);
    this.#next = (this.#next + array.length) % this.capacity;
    this.#size = Math.min(this.capacity, this.#size + array.length);
  }

  clear(): void {
    this.#checkAlive();
    this.#size = 0;
    this.#next = 0;
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #store(rows: Float32Array, labels: Int32Array, first: number): void {
    this.#rows.write(rows, first);
    this.#labels.set(labels, first);
  }

  #checkAlive(): void {
    if (this.#isDisposed) throw disposed('The memory bank');
  }

  /** Calls in flight hold what they use. */
  #free(): void {
    this.#choice.release();
    this.#rows[Symbol.dispose]();
  }

  /** `gradient`: where the sum goes. */
  #parts(given: MemoryBankStepOptions, embeddings: Float32Array, labels: Labels) {
    const { upstream = 1, out } = given;
    const array = labelArray('labels', labels);
    this.#checkAlive(); // once more: reading options and lists may have run code of the caller's
    const problemOf = (weight: number, arrays: StepArrays) => {
      const weighted = upstream * weight;
      if (Math.abs(weighted) > largestParameter) throw invalidArgument('step.upstream', weightedRange, upstream);
      return createProblem(this.#settings, { ...noStep, ...arrays, upstream: weighted }, embeddings, array);
    };
    // Made even where it is left out, because it checks the arrays.
    const batch = problemOf(this.#batchWeight, {});
    const gradient = output('out.gradient', out?.gradient, batch.anchors.length);
    if (out?.gradient !== undefined) {
      checkApart(
        [['out.gradient', gradient]],
        [
          ['embeddings', batch.anchors],
          ['labels', batch.anchorLabels],
        ],
      );
    }
    const parts: Part[] = [{ name: 'batch', weight: this.#batchWeight, problem: batch }];
    if (this.#size > 0) {
      const weight = this.#memoryWeight;
      parts.push({ name: 'memory', weight, problem: problemOf(weight, this.#memory()) });
    }
    return { parts: parts.filter(({ weight }) => weight !== 0), gradient };
  }

  /** What is held now, as candidates: of an array its beginning, of a matrix on a device its first rows by number. */
  #memory(): StepArrays {
    const { values } = this.#rows;
    const candidateLabels = this.#labels.subarray(0, this.#size);
    if (values instanceof Float32Array) {
      return { candidates: values.subarray(0, this.#size * this.dim), candidateLabels };
    }
    const isFull = this.#size === this.capacity;
    const candidateRows = isFull ? undefined : Int32Array.from({ length: this.#size }, (_, row) => row);
    return { candidates: values, candidateLabels, candidateRows };
  }
}

/** Sums into `out` when nothing can fail any more. */
function sumOf(parts: readonly Part[], results: readonly PairLossResult[], out: Float32Array): MemoryBankLoss {
  checkAlive('out.gradient', out);
  const numbers = ordinary(out);
  for (const { gradient } of results) {
    if (gradient.length !== numbers.length)
      throw wrongShape('out.gradient', `${gradient.length} numbers still`, `${numbers.length}`);
  }
  numbers.fill(0);
  const sum: MemoryBankLoss = { loss: 0, gradient: out };
  for (const [i, { name, weight }] of parts.entries()) {
    const { gradient, ...value } = results[i];
    sum.loss += weight * value.loss;
    sum[name] = value;
    for (let k = 0; k < gradient.length; k++) numbers[k] += gradient[k];
  }
  return sum;
}

/**
 * A memory of the last embeddings, in the memory of the engine that computes with them: a batch is compared with itself
 * and with thousands of rows that cost no forward pass of the network.
 *
 * Memory: capacity × dim floats. Cost of a loss: that of the batch alone, plus 4 × N × size × dim operations, 6 where
 * `workspaceLimit` has no room for its tiles. `lossAsync` on the CPU copies what the memory holds, as all asynchronous calls
 * copy their inputs.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_INVALID_ARGUMENT, ERR_CIRCLE_OUT_OF_MEMORY, and as `computePairLoss` does where a
 * named engine cannot run.
 */
export function createMemoryBank(options: MemoryBankOptions): MemoryBank {
  return new Ring(parse(schemas.memoryBank, options) as MemoryBankOptions);
}
