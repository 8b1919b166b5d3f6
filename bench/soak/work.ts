/** Calls whose results are known: each is made again and again, in whatever way, and must give the same bits. */
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
  type PairLoss,
  type PairLossOptions,
} from 'circle-loss';
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export type Random = ReturnType<typeof xoroshiro128plus>;

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

export type Kind = (random: Random, place: Place) => Promise<Outcome | undefined>;

const losses: readonly PairLoss[] = [
  { type: 'circle' },
  { type: 'circle', weighting: 'differentiated', margin: 0.25, gamma: 256 },
  { type: 'unified' },
  { type: 'arcface' },
  { type: 'triplet' },
];
/** One row, one tile, some tiles, ragged, and a class for each of many dimensions. */
const shapes = [
  [1, 8],
  [7, 3],
  [64, 64],
  [97, 33],
  [130, 128],
  [230, 24],
] as const;

export const randomOf = (seed: number): Random => xoroshiro128plus(seed);
export const pick = <T>(random: Random, values: readonly T[]): T => values[uniformInt(random, 0, values.length - 1)];

export interface Batch {
  readonly embeddings: Float32Array;
  readonly labels: Int32Array;
}

/** The rows at a byte offset of their own: where they lie must not matter. */
export function batchOf(n: number, dim: number, seed: number, offset = 0): Batch {
  const random = randomOf(seed * 7919 + n * 31 + dim);
  const embeddings = new Float32Array(new ArrayBuffer((n * dim + offset) * 4), offset * 4);
  for (let k = 0; k < embeddings.length; k++) embeddings[k] = 2 * uniformFloat32(random) - 1;
  return { embeddings, labels: Int32Array.from({ length: n }, () => uniformInt(random, 0, Math.ceil(n / 4))) };
}

export function digestOf(result: object): string {
  const hash = createHash('sha1');
  for (const [name, value] of Object.entries(result)) {
    hash.update(name);
    hash.update(ArrayBuffer.isView(value) ? (value as Float32Array) : String(value));
  }
  return hash.digest('hex');
}

/** A problem from a small set, so that it comes again; what must not matter is drawn apart from it. */
function problemOf(random: Random, { name }: Place) {
  const [n, dim] = pick(random, shapes);
  const at = uniformInt(random, 0, losses.length - 1);
  const against = pick(random, ['batch', 'set', 'classes'] as const);
  const seed = uniformInt(random, 0, 2);
  const others = batchOf(37, dim, seed + 100);
  const candidates = {
    batch: {},
    set: { candidates: others.embeddings, candidateLabels: others.labels, candidateGradient: 'compute' },
    classes: { classWeights: batchOf(Math.ceil(n / 4) + 1, dim, seed + 200).embeddings },
  }[against];
  const options = {
    dim,
    pairLoss: losses[at],
    ...candidates,
    threads: uniformInt(random, 1, 4),
    workspaceLimit: pick(random, [0, 100_000, 2 ** 28]),
  } as PairLossOptions;
  return {
    ...batchOf(n, dim, seed, uniformInt(random, 0, 3)),
    n,
    options,
    key: `${name}: loss ${at} ${n}x${dim} ${against} ${seed}`,
  };
}

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

const sessionOn = (place: Place, options: PairLossOptions) =>
  on(place, () => createPairLoss({ ...options, engine: place.engine }));

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
    return 'no error';
  } catch (error) {
    const { code, name } = error as { code?: CircleLossErrorCode; name: string };
    return code ?? name;
  }
}

/** One-shot calls have the engine's own choice of an instruction set. */
const isBest = ({ variant }: Place, best: string | undefined) => variant === undefined || variant === best;

export function kindsFor(best: string | undefined): Record<string, Kind> {
  const oneShot =
    (run: (random: Random, place: Place) => Promise<Outcome>): Kind =>
    async (random, place) =>
      isBest(place, best) ? run(random, place) : undefined;
  const searched = (random: Random, { name }: Place, what: string) => {
    const seed = uniformInt(random, 0, 2);
    const [n, dim] = pick(random, shapes.slice(1));
    const given = batchOf(n, dim, seed, uniformInt(random, 0, 3)).embeddings;
    return { given, dim, threads: uniformInt(random, 1, 4), key: `${name}: ${what} ${n}x${dim} ${seed}` };
  };
  return {
    'one-shot': oneShot(async (random, { engine, name }) => {
      const { embeddings, labels, options, key } = problemOf(random, { engine, name });
      return { key, digest: digestOf(computePairLoss(embeddings, labels, { ...options, engine })) };
    }),
    'one-shot, asynchronous': oneShot(async (random, { engine, name }) => {
      const { embeddings, labels, options, key } = problemOf(random, { engine, name });
      const call = computePairLossAsync(embeddings, labels, { ...options, engine });
      embeddings.fill(Number.NaN); // the call has its copy
      return { key, digest: digestOf(await call) };
    }),
    session: async (random, place) => {
      const { embeddings, labels, options, key } = problemOf(random, place);
      using session = sessionOn(place, options);
      return { key, digest: digestOf(session.compute(embeddings, labels)) };
    },
    'session, asynchronous': async (random, place) => {
      const { embeddings, labels, options, key } = problemOf(random, place);
      using session = sessionOn(place, options);
      const [first, second] = await Promise.all([1, 2].map(() => session.computeAsync(embeddings, labels)));
      if (digestOf(first) !== digestOf(second)) return { key, digest: 'two calls at once differ' };
      return { key, digest: digestOf(first) };
    },
    'session, disposed in flight': async (random, place) => {
      const { embeddings, labels, options, key } = problemOf(random, place);
      const session = sessionOn(place, options);
      const call = session.computeAsync(embeddings, labels);
      session.dispose();
      return { key, digest: digestOf(await call) };
    },
    abort: async (random, place) => {
      const { embeddings, labels, options, key } = problemOf(random, place);
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
      const { given, key, ...options } = searched(random, place, 'similarity');
      const run = pick(random, [computeSimilarity, computeSimilarityAsync]);
      return { key, digest: digestOf({ out: await run(given, { ...options, engine: place.engine }) }) };
    }),
    nearest: oneShot(async (random, place) => {
      const { given, key, ...options } = searched(random, place, 'nearest');
      const run = pick(random, [findNearest, findNearestAsync]);
      return { key, digest: digestOf(await run(given, { ...options, k: 3, engine: place.engine })) };
    }),
    'class head': async (random, place) => {
      const seed = uniformInt(random, 0, 2);
      const optimizer = pick(random, [
        { type: 'sgd', learningRate: 0.1, momentum: 0.9 },
        { type: 'adam', learningRate: 0.01 },
      ] as const);
      const settings = { classes: 40, dim: 24, pairLoss: losses[0], sampleRate: 0.5, seed, engine: place.engine };
      using head = on(place, () =>
        createClassHead({ ...settings, optimizer, threads: uniformInt(random, 1, 4) } as Parameters<
          typeof createClassHead
        >[0]),
      );
      const { embeddings, labels } = batchOf(100, 24, seed);
      head.step(embeddings, labels);
      await head.stepAsync(embeddings, labels);
      const { classes } = await head.predictAsync(embeddings, 2);
      return {
        key: `${place.name}: head ${optimizer.type} ${seed}`,
        digest: digestOf({ weights: head.weights(), classes }),
      };
    },
    'memory bank': async (random, place) => {
      const seed = uniformInt(random, 0, 2);
      using bank = on(place, () =>
        createMemoryBank({ capacity: 150, dim: 24, pairLoss: { type: 'unified' }, engine: place.engine }),
      );
      const { embeddings, labels } = batchOf(60, 24, seed);
      for (let i = 0; i < 3; i++) bank.enqueue(embeddings, labels);
      const call = bank.lossAsync(embeddings, labels);
      bank.clear();
      const { loss, gradient } = await call;
      return { key: `${place.name}: bank ${seed}`, digest: digestOf({ loss, gradient }) };
    },
    'errors on purpose': async (random, place) => {
      const { embeddings, labels, options } = problemOf(random, { ...place });
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
