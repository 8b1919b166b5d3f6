/** The ways in which the soak makes its calls: whichever it is, a problem on a place has the same bits. */
import { createHash } from 'node:crypto';
import {
  type CircleLossErrorCode,
  computePairLoss,
  computePairLossAsync,
  computeSimilarity,
  computeSimilarityAsync,
  createClassHead,
  createMemoryBank,
  createPairLoss,
  findNearest,
  findNearestAsync,
  type MemoryBank,
  type PairLossOptions,
  type PairLossResult,
} from 'circle-loss';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import {
  type BankProblem,
  type Batch,
  bankProblems,
  type HeadProblem,
  headProblems,
  lossProblems,
  type Problem,
  pick,
  type Random,
  searchProblems,
} from './problems.ts';

export interface Place {
  /** What digests are kept by. */
  readonly name: string;
  readonly engine: 'reference' | 'cpu' | 'cuda';
  /** Of engine 'cpu': the instruction set. */
  readonly variant?: string;
}

export interface Outcome {
  /** Of the problem on its engine; two with one key have one digest. */
  readonly key: string;
  readonly digest: string;
}

export type Kind = (random: Random, place: Place) => Promise<Outcome>;

export const cpuPlace = (variant: string): Place => ({ name: `cpu ${variant}`, engine: 'cpu', variant });

export function digestOf(result: object): string {
  const hash = createHash('sha1');
  for (const [name, value] of Object.entries(result)) {
    hash.update(name);
    hash.update(ArrayBuffer.isView(value) ? (value as Float32Array) : String(value));
  }
  return hash.digest('hex');
}

export const keyOf = ({ name }: Problem, place: Place, what = '') => `${place.name}: ${what}${name}`;

/** Sessions and heads open an engine of their own, of the instruction set that the environment names at that moment. */
function on<T>({ variant }: Place, open: () => T): T {
  const before = process.env.CIRCLE_LOSS_CPU_VARIANT;
  if (variant !== undefined) process.env.CIRCLE_LOSS_CPU_VARIANT = variant;
  try {
    return open();
  } finally {
    if (before === undefined) delete process.env.CIRCLE_LOSS_CPU_VARIANT;
    else process.env.CIRCLE_LOSS_CPU_VARIANT = before;
  }
}

/** Found of each row. */
export const neighbours = 3;

export const sessionOn = (place: Place, options: PairLossOptions) =>
  on(place, () => createPairLoss({ ...options, engine: place.engine }));

export interface HeadResult extends Pick<PairLossResult, 'loss' | 'anchorLosses' | 'gradient'> {
  readonly weights: Float32Array;
  readonly classes: Int32Array;
}

const headOn = (place: Place, options: HeadProblem['options']) =>
  on(place, () => createClassHead({ ...options, engine: place.engine }));

/** Classes for each row. */
const predicted = 2;

/** Two steps, and what the head then makes of the batch. */
export function computeHead({ options }: HeadProblem, { embeddings, labels }: Batch, place: Place): HeadResult {
  using head = headOn(place, options);
  head.step(embeddings, labels);
  const { loss, anchorLosses, gradient } = head.step(embeddings, labels);
  const { classes } = head.predict(embeddings, predicted);
  return { loss, anchorLosses, gradient, weights: head.weights(), classes };
}

/** That has been given the batch some times. */
export function filledBank({ options, times, batch }: BankProblem, place: Place): MemoryBank {
  const bank = on(place, () => createMemoryBank({ ...options, engine: place.engine }));
  const { embeddings, labels } = batch();
  for (let i = 0; i < times; i++) bank.enqueue(embeddings, labels);
  return bank;
}

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
    return 'no error';
  } catch (error) {
    const { code, name } = error as { code?: CircleLossErrorCode; name: string };
    return code ?? name;
  }
}

/** Drawn apart from the problem, because it must not matter. */
const executionOf = (random: Random) => ({
  threads: uniformInt(random, 1, 4),
  workspaceLimit: pick(random, [0, 100_000, 2 ** 28]),
});
const offsetOf = (random: Random) => uniformInt(random, 0, 3);

/** `best`: the instruction set that the CPU engine chooses, if there is one. */
export function kindsFor(best: string | undefined): Record<string, Kind> {
  /** One-shot calls have the engine's own choice of an instruction set. */
  const oneShot =
    (run: Kind): Kind =>
    (random, place) =>
      run(random, place.engine === 'cpu' ? cpuPlace(best!) : place);
  const loss = (random: Random, place: Place) => {
    const problem = pick(random, lossProblems);
    const options = { ...problem.options(), ...executionOf(random), engine: place.engine } as PairLossOptions;
    return { ...problem.batch(offsetOf(random)), options, key: keyOf(problem, place) };
  };
  const search = (random: Random, place: Place, what: string) => {
    const problem = pick(random, searchProblems);
    const { embeddings } = problem.batch(offsetOf(random));
    const options = { dim: problem.dim, threads: uniformInt(random, 1, 4), engine: place.engine };
    return { embeddings, options, key: keyOf(problem, place, what) };
  };
  return {
    'one-shot': oneShot(async (random, place) => {
      const { embeddings, labels, options, key } = loss(random, place);
      return { key, digest: digestOf(computePairLoss(embeddings, labels, options)) };
    }),
    'one-shot, asynchronous': oneShot(async (random, place) => {
      const { embeddings, labels, options, key } = loss(random, place);
      const call = computePairLossAsync(embeddings, labels, options);
      embeddings.fill(Number.NaN); // the call has its copy
      return { key, digest: digestOf(await call) };
    }),
    session: async (random, place) => {
      const { embeddings, labels, options, key } = loss(random, place);
      using session = sessionOn(place, options);
      return { key, digest: digestOf(session.compute(embeddings, labels)) };
    },
    'session, asynchronous': async (random, place) => {
      const { embeddings, labels, options, key } = loss(random, place);
      using session = sessionOn(place, options);
      const [first, second] = await Promise.all([1, 2].map(() => session.computeAsync(embeddings, labels)));
      if (digestOf(first) !== digestOf(second)) return { key, digest: 'two calls at once differ' };
      return { key, digest: digestOf(first) };
    },
    'session, disposed in flight': async (random, place) => {
      const { embeddings, labels, options, key } = loss(random, place);
      const session = sessionOn(place, options);
      const call = session.computeAsync(embeddings, labels);
      session.dispose();
      return { key, digest: digestOf(await call) };
    },
    abort: async (random, place) => {
      const { embeddings, labels, options, key } = loss(random, place);
      using session = sessionOn(place, options);
      const controller = new AbortController();
      const call = session.computeAsync(embeddings, labels, { signal: controller.signal });
      setTimeout(() => controller.abort(), uniformInt(random, 0, 3));
      try {
        return { key, digest: digestOf(await call) };
      } catch (error) {
        return { key: 'abort', digest: (error as Error).name };
      }
    },
    similarity: oneShot(async (random, place) => {
      const { embeddings, options, key } = search(random, place, 'similarity of ');
      const run = pick(random, [computeSimilarity, computeSimilarityAsync]);
      return { key, digest: digestOf({ out: await run(embeddings, options) }) };
    }),
    nearest: oneShot(async (random, place) => {
      const { embeddings, options, key } = search(random, place, 'nearest of ');
      const run = pick(random, [findNearest, findNearestAsync]);
      return { key, digest: digestOf(await run(embeddings, { ...options, k: neighbours })) };
    }),
    'class head': async (random, place) => {
      const problem = pick(random, headProblems);
      using head = headOn(place, { ...problem.options, threads: uniformInt(random, 1, 4) });
      const { embeddings, labels } = problem.batch();
      head.step(embeddings, labels);
      const { loss, anchorLosses, gradient } = await head.stepAsync(embeddings, labels);
      const { classes } = await head.predictAsync(embeddings, predicted);
      const result: HeadResult = { loss, anchorLosses, gradient, weights: head.weights(), classes };
      return { key: keyOf(problem, place), digest: digestOf(result) };
    },
    'memory bank': async (random, place) => {
      const problem = pick(random, bankProblems);
      const { embeddings, labels } = problem.batch();
      using bank = filledBank(problem, place);
      const call = bank.lossAsync(embeddings, labels);
      bank.clear();
      const { loss, gradient } = await call;
      return { key: keyOf(problem, place), digest: digestOf({ loss, gradient }) };
    },
    'errors on purpose': async (random, place) => {
      const { embeddings, labels, options } = loss(random, place);
      using session = sessionOn(place, options);
      const bad = pick(random, ['NaN', 'shape', 'disposed'] as const);
      if (bad === 'NaN') embeddings[uniformInt(random, 0, embeddings.length - 1)] = Number.NaN;
      if (bad === 'disposed') session.dispose();
      const given = bad === 'shape' ? labels.subarray(1) : labels;
      const out = bad === 'disposed' ? undefined : { gradient: new Float32Array(embeddings.length).fill(7) };
      const code = await codeOf(() => session.computeAsync(embeddings, given, { out }));
      const touched = out?.gradient.some((value) => value !== 7) ? ', out was written' : '';
      return { key: `error ${bad}`, digest: code + touched };
    },
  };
}
