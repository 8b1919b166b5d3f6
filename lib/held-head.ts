/** A class head at work: its rows, whose turn it is, and what each call makes of them. */
import { checkClassLabels, copyOfLabels, float32, labelArray, ordinary, output, withMemory } from './arrays.ts';
import { type HeadSettings, tensorNames, writeHead } from './class-head-file.ts';
import type {
  ClassHead,
  ClassHeadPlace,
  ClassHeadStep,
  ClassHeadStepOptions,
  ClassPrediction,
} from './class-head-options.ts';
import { ClassSampler } from './class-sampling.ts';
import type { Problem } from './engine.ts';
import { allocateRows, type EngineRows, pieces } from './engine-rows.ts';
import { type EngineChoice, residentEngine } from './engines.ts';
import { type Nearest, nearestCandidates, nearestCandidatesAsync, type Search } from './nearest.ts';
import type { Abortable, Labels } from './options.ts';
import { createProblem, createSettings, noStep, type Settings, type StepArrays } from './problem.ts';
import type { PairLossResult, PairLossValue } from './results.ts';
import { run, runAsync } from './run.ts';
import { bare, parse, schemas } from './schemas.ts';
import { Turns } from './turns.ts';

const names = {
  anchors: 'embeddings',
  candidates: 'The class weights',
  remedy: 'The head is as it was before the call.',
};

/** A limit that stays a small part of the weights, where they are large. */
const largeHead = 2 ** 30;
const largeHeadWorkspace = 32 * 2 ** 20;

export class HeldHead implements ClassHead {
  readonly classes: number;
  readonly dim: number;
  readonly engine: ClassHead['engine'];
  readonly #settings: HeadSettings;
  readonly #callSettings: Settings;
  readonly #choice: EngineChoice;
  readonly #sampler: ClassSampler | undefined;
  readonly #rows: EngineRows[] = [];
  readonly #turns = new Turns('The class head');
  #steps: number;
  #callsInFlight = 0;

  /** Weights and moments are allocated, and not yet filled. */
  constructor(settings: HeadSettings, place: ClassHeadPlace, steps: number) {
    const { classes, dim, sampleRate, seed } = settings;
    const { device = 0, precision, threads } = place;
    const resident = residentEngine(place.engine ?? 'auto', device, classes, dim);
    const workspaceLimit = place.workspaceLimit ?? (classes * dim * 4 > largeHead ? largeHeadWorkspace : undefined);
    this.classes = classes;
    this.dim = dim;
    this.engine = resident.name;
    this.#settings = settings;
    this.#steps = steps;
    this.#choice = resident.choice;
    this.#callSettings = createSettings(
      bare({ ...settings, engine: resident.name, device, precision, threads, workspaceLimit }),
      settings.pairLoss,
    );
    this.#sampler = sampleRate < 1 ? new ClassSampler(classes, sampleRate, seed) : undefined;
    try {
      for (const _ of tensorNames(settings.optimizer)) {
        const remedy = 'Use fewer classes, or an optimizer that keeps less.';
        this.#rows.push(allocateRows(classes, dim, { engine: resident.name, device }, remedy));
      }
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  get steps(): number {
    return this.#steps;
  }

  /** The weights, then the moments of the optimiser. */
  get rows(): readonly EngineRows[] {
    return this.#rows;
  }

  step(embeddings: Float32Array, labels: Labels, options?: ClassHeadStepOptions): ClassHeadStep {
    this.#turns.checkWrite();
    const given = parse(schemas.classHeadStep, options ?? {}, 'step') as ClassHeadStepOptions;
    const problem = this.#stepProblem(embeddings, labels, given);
    return this.#stepped(run(this.#choice.engineFor(problem), problem, names), problem);
  }

  async stepAsync(
    embeddings: Float32Array,
    labels: Labels,
    options?: ClassHeadStepOptions & Abortable,
  ): Promise<ClassHeadStep> {
    this.#turns.checkWrite();
    const given = parse(schemas.classHeadStepAsync, options ?? {}, 'step') as ClassHeadStepOptions & Abortable;
    const problem = this.#stepProblem(embeddings, labels, given);
    const engine = this.#choice.engineFor(problem);
    return this.#turns.write('stepAsync', async () => {
      const result = await this.#whileHeld(() => runAsync(engine, problem, given.out, given.signal, names));
      return this.#stepped(result, problem);
    });
  }

  loss(embeddings: Float32Array, labels: Labels): PairLossValue {
    this.#turns.checkRead();
    const array = this.#labels(labels);
    this.#turns.checkRead(); // reading a list may run code of the caller's
    const settings: Settings = { ...this.#callSettings, gradient: 'skip' };
    const problem = createProblem(settings, { ...noStep, classWeights: this.#rows[0].values }, embeddings, array);
    return run(this.#choice.engineFor(problem), problem, names);
  }

  predict(embeddings: Float32Array, k = 1): ClassPrediction {
    this.#turns.checkRead();
    return predictionOf(nearestCandidates(this.#search(embeddings, k)));
  }

  async predictAsync(embeddings: Float32Array, k = 1, options: Abortable = {}): Promise<ClassPrediction> {
    this.#turns.checkRead();
    const { signal } = parse(schemas.abortable, options) as Abortable;
    this.#turns.checkRead(); // reading options too
    const search = this.#search(embeddings, k);
    return this.#turns.read('predictAsync', async () =>
      predictionOf(await this.#whileHeld(() => nearestCandidatesAsync(search, signal))),
    );
  }

  weights(out?: Float32Array): Float32Array {
    this.#turns.checkRead();
    const array = this.#weightsArray(out);
    const numbers = ordinary(array);
    for (const { firstRow, count } of pieces(this.classes, this.dim)) {
      this.#rows[0].read(numbers.subarray(firstRow * this.dim, (firstRow + count) * this.dim), firstRow);
    }
    return array;
  }

  #weightsArray(out: Float32Array | undefined): Float32Array {
    const length = this.classes * this.dim;
    if (out !== undefined) return output('out', out, length);
    const remedy = 'Use save, which writes them some at a time.';
    return withMemory(`a copy of ${this.classes} × ${this.dim} weights`, remedy, () => new Float32Array(length));
  }

  async save(path: string): Promise<void> {
    const file = parse(schemas.path, path, 'path');
    this.#turns.checkRead();
    const { classes: rows, dim } = this;
    const matrices = tensorNames(this.#settings.optimizer).map((name, i) => ({
      name,
      rows,
      dim,
      read: this.#rows[i].read,
    }));
    await this.#turns.read('save', () => this.#whileHeld(() => writeHead(file, this.#settings, this.#steps, matrices)));
  }

  dispose(): void {
    this.#turns.dispose();
    if (this.#callsInFlight === 0) this.#free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The memory stays until the last call in flight has ended. */
  async #whileHeld<Result>(call: () => Promise<Result>): Promise<Result> {
    this.#callsInFlight++;
    try {
      return await call();
    } finally {
      this.#callsInFlight--;
      if (this.#turns.isDisposed && this.#callsInFlight === 0) this.#free();
    }
  }

  #free(): void {
    this.#choice.release();
    for (const rows of this.#rows.splice(0)) rows[Symbol.dispose]();
  }

  #labels(labels: Labels): Int32Array {
    const given = labelArray('labels', labels);
    // In memory that another thread writes they could change once they are checked, and a sampler relies on them.
    const array = this.#sampler ? copyOfLabels(given) : given;
    checkClassLabels(array, 'a class', this.classes);
    return array;
  }

  #stepProblem(embeddings: unknown, labels: Labels, given: ClassHeadStepOptions): Problem {
    const array = this.#labels(labels);
    // Once more: reading options and lists may have run code of the caller's, another step of this head for instance.
    this.#turns.checkWrite();
    const [weights, firstMoment, secondMoment] = this.#rows;
    const step = this.#steps + 1;
    const { optimizer } = this.#settings;
    const learningRate = given.learningRate ?? optimizer.learningRate;
    const arrays: StepArrays = {
      ...noStep,
      classWeights: weights.values,
      candidateRows: this.#sampler?.sample(array, step),
      upstream: given.upstream,
      out: given.out,
      update: {
        optimizer: { ...optimizer, learningRate },
        step,
        firstMoment: firstMoment?.values,
        secondMoment: secondMoment?.values,
      },
    };
    return createProblem(this.#callSettings, arrays, embeddings, array);
  }

  #stepped(result: PairLossResult, { candidateRows }: Problem): ClassHeadStep {
    this.#steps++;
    return candidateRows ? { ...result, sampledClasses: candidateRows } : result;
  }

  #search(embeddings: unknown, k: number): Search {
    const { dim, threads, precision, normalize } = this.#callSettings;
    return {
      choice: this.#choice,
      anchors: float32('embeddings', embeddings),
      candidates: this.#rows[0].values,
      candidateCount: this.classes,
      k: parse(schemas.countTo(this.classes), k, 'k'),
      names,
      dim,
      threads,
      precision,
      normalize,
    };
  }
}

const predictionOf = ({ indices, similarities }: Nearest): ClassPrediction => ({ classes: indices, similarities });
