/**
 * The public API against a model of what it must refuse: options and arrays are made right, then broken in a way of which
 * the model knows the code, or not broken. Never another error, never a result that is not finite or not that of engine
 * 'reference'. CIRCLE_LOSS_FAULT_RUNS sets the number of runs of each property.
 */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  computeCircleLoss,
  computePairLoss,
  computePairLossAsync,
  computeSimilarity,
  createClassHead,
  createMemoryBank,
  createPairLoss,
  findNearest,
  pkSampler,
} from '../lib/index.ts';
import { evaluateFolds, evaluateReIdentification, evaluateRetrieval, evaluateVerification } from '../lib/metrics.ts';
import { pairLosses, randomFrom, randomRows } from './cases.ts';

const numRuns = Number(process.env.CIRCLE_LOSS_FAULT_RUNS ?? 1000);
const seed = process.env.CIRCLE_LOSS_FAULT_SEED ? Number(process.env.CIRCLE_LOSS_FAULT_SEED) : 20_020_213;
vi.setConfig({ testTimeout: 900_000 });
const check = (property: fc.IProperty<never> | fc.IAsyncProperty<never>) =>
  fc.assert(property as fc.IAsyncProperty<unknown>, { numRuns, seed, interruptAfterTimeLimit: 600_000 });

const invalid = 'ERR_CIRCLE_INVALID_ARGUMENT';
const shape = 'ERR_CIRCLE_SHAPE';

interface Call {
  values: Float32Array;
  labels: unknown;
  options: Record<string, unknown>;
}

/** What goes wrong: how a right call is broken, and the code that it must then have. */
interface Break {
  name: string;
  code: string;
  apply: (call: Call, junk: Junk) => unknown;
}

interface Junk {
  /** No number that an option of numbers takes. */
  notANumber: unknown;
  /** Neither 'compute' nor any other choice. */
  notAChoice: unknown;
  notAnArray: unknown;
  notALabel: unknown;
}

const junk: fc.Arbitrary<Junk> = fc.record({
  notANumber: fc.oneof(
    fc.constantFrom<unknown>(
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      null,
      true,
      5n,
      Symbol('s'),
      new Date(0),
      () => 1,
    ),
    fc.string(),
    fc.array(fc.integer()),
    fc.object(),
  ),
  notAChoice: fc.oneof(
    fc.constantFrom<unknown>(
      null,
      0,
      1,
      Number.NaN,
      {},
      [],
      () => 1,
      'MEAN',
      'mean ',
      '__proto__',
      'constructor',
      'toString',
    ),
    fc.string().filter((text) => !choices.includes(text)),
  ),
  notAnArray: fc.oneof(
    fc.constantFrom<unknown>(
      null,
      undefined,
      0,
      'text',
      {},
      new Float64Array(8),
      new ArrayBuffer(8),
      new Set([1]),
      () => 1,
      new Proxy([], {}),
    ),
    fc.object(),
    fc.float64Array({ maxLength: 5 }),
    fc.uint8Array({ maxLength: 5 }),
  ),
  notALabel: fc.oneof(
    fc.constantFrom<unknown>(
      null,
      undefined,
      Number.NaN,
      0.5,
      2 ** 31,
      -(2 ** 31) - 1,
      Number.POSITIVE_INFINITY,
      '1',
      true,
      1n,
      [1],
      {},
    ),
    fc.double({ noInteger: true }),
    fc.string(),
  ),
});
const choices = ['mean', 'mean-nonzero', 'mean-all', 'sum', 'anchor', 'batch', 'compute', 'skip', 'throw', 'propagate']
  .concat(['auto', 'cpu', 'reference', 'cuda', 'exact', 'fast', 'strict', 'nearest', 'repeat', 'detached'])
  .concat(['differentiated', 'midpoints', 'grid', 'keep', 'drop']);

const set = (name: string, key: keyof Junk, extra: Partial<Break> = {}): Break => ({
  name: `${name} is ${key}`,
  code: invalid,
  apply: ({ options }, given) => {
    options[name] = given[key];
  },
  ...extra,
});
const setTo = (name: string, value: unknown, code = invalid): Break => ({
  name: `${name} is ${String(value)}`,
  code,
  apply: ({ options }) => {
    options[name] = value;
  },
});

/** Of every function that takes rows. */
const breaksOfRows: Break[] = [
  set('dim', 'notANumber'),
  ...[0, -1, 1.5, 2 ** 53, undefined].map((value) => setTo('dim', value)),
  setTo('dim', 2 ** 53 - 1, shape),
  set('normalize', 'notANumber', {
    apply: ({ options }, { notANumber }) => {
      options.normalize = notANumber === true ? 1 : notANumber;
    },
  }),
  set('engine', 'notAChoice'),
  set('precision', 'notAChoice'),
  set('threads', 'notANumber'),
  setTo('threads', 0),
  set('device', 'notANumber'),
  setTo('device', -1),
  {
    name: 'an unknown key',
    code: invalid,
    apply: ({ options }) => {
      options.gama = 3;
    },
  },
  {
    name: 'rows are no array',
    code: invalid,
    apply: (call, { notAnArray }) => {
      call.values = notAnArray as never;
    },
  },
  {
    name: 'a number too many',
    code: shape,
    apply: (call) => {
      call.values = new Float32Array(call.values.length + 1).fill(1);
      if (call.options.dim === 1) call.values = new Float32Array(0);
    },
  },
  {
    name: 'rows that are gone',
    code: 'ERR_CIRCLE_DETACHED',
    apply: ({ values }) => structuredClone(values, { transfer: [values.buffer as ArrayBuffer] }),
  },
  {
    name: 'a row that is not finite',
    code: 'ERR_CIRCLE_NOT_FINITE',
    apply: ({ values }) => {
      values[values.length >> 1] = Number.POSITIVE_INFINITY;
    },
  },
];
const breaksOfLabels: Break[] = [
  {
    name: 'labels are no array',
    code: invalid,
    apply: (call, { notAnArray }) => {
      call.labels = Array.isArray(notAnArray) ? 5 : notAnArray;
    },
  },
  {
    name: 'a label that is none',
    code: invalid,
    apply: (call, { notALabel }) => {
      const list = Array.from(call.labels as Int32Array) as unknown[];
      list[list.length - 1] = notALabel;
      call.labels = list;
    },
  },
  {
    name: 'a label too few',
    code: shape,
    apply: (call) => {
      call.labels = Array.from(call.labels as Int32Array).slice(1);
    },
  },
];
const breaksOfLoss: Break[] = [
  ...breaksOfRows,
  ...breaksOfLabels,
  set('reduction', 'notAChoice'),
  set('scope', 'notAChoice'),
  set('gradient', 'notAChoice'),
  set('checkFinite', 'notAChoice'),
  set('candidateGradient', 'notAChoice'),
  setTo('candidateGradient', 'compute'),
  setTo('candidateLabels', [1, 2]),
  set('workspaceLimit', 'notANumber'),
  setTo('workspaceLimit', -1),
  setTo('upstream', 1e31),
  setTo('upstream', 'much'),
  setTo('upstream', new Float32Array(1000), shape),
  setTo('classWeights', [1, 2, 3]),
  setTo('out', 5),
  setTo('out', { gradient: [] }),
  {
    name: 'out of another length',
    code: shape,
    apply: ({ options }) => Object.assign(options, { gradient: 'compute', out: { gradient: new Float32Array(1000) } }),
  },
  setTo('out', { classWeightGradient: new Float32Array(4) }),
  {
    name: 'out is the rows',
    code: 'ERR_CIRCLE_OVERLAP',
    apply: ({ values, options }) => {
      options.gradient = 'compute';
      options.out = { gradient: values };
    },
  },
];

/** 3 to 9 rows, each label at least twice, the first label twice and the last too: every metric has something to find. */
const calls: fc.Arbitrary<Call & { seed: number; count: number }> = fc
  .record({ count: fc.integer({ min: 4, max: 9 }), dim: fc.integer({ min: 1, max: 6 }), seed: fc.integer() })
  .map((given) => ({
    ...given,
    values: randomRows(given.count, given.dim, randomFrom(given.seed)),
    labels: Int32Array.from({ length: given.count }, (_, i) => i >> 1),
    options: { dim: given.dim },
  }))
  .map(({ dim: _, ...call }) => call);

const common = fc.record(
  {
    normalize: fc.constant(true),
    engine: fc.constantFrom('auto', 'cpu', 'reference'),
    threads: fc.integer({ min: 1, max: 3 }),
    precision: fc.constantFrom('exact', 'fast'),
    device: fc.constant(0),
  },
  { requiredKeys: [] },
);
const ofLoss = fc.record(
  {
    reduction: fc.constantFrom('mean', 'mean-nonzero', 'mean-all', 'sum'),
    gradient: fc.constantFrom('compute', 'skip'),
    checkFinite: fc.constant('throw'),
    workspaceLimit: fc.constantFrom(0, 1, 5000, 2 ** 30, 2 ** 53 - 1),
    upstream: fc.constantFrom(1, -2, 0),
  },
  { requiredKeys: [] },
);

const brokenBy = (breaks: readonly Break[]) => fc.option(fc.constantFrom(...breaks), { nil: undefined, freq: 3 });

async function outcomeOf(
  run: () => unknown,
): Promise<{ result?: unknown; error?: { code?: string; message?: string } }> {
  try {
    return { result: await run() };
  } catch (error) {
    return { error: error as Error };
  }
}

/** Numbers anywhere in a result. */
function numbersOf(result: unknown): number[] {
  if (typeof result === 'number') return [result];
  if (ArrayBuffer.isView(result)) return Array.from(result as Float32Array);
  return typeof result === 'object' && result !== null ? Object.values(result).flatMap(numbersOf) : [];
}

/**
 * γ is at most 80 here, and rows are unit rows of at most 6 numbers: a similarity is off by (6 + 4) × 2⁻²⁴ on one side of
 * the comparison, a logit by 4γ times that and a loss by two logits; `sum` adds 9 of them up. A gradient is that of up to
 * 2 × 9 pairs of weight 4γ whose exponents are known to twice the loss's bound, over rows of norm 2⁻⁸ at least.
 */
const logitBound = 2 * 4 * 80 * 10 * 2 ** -24;
const lossBound = 9 * logitBound;
const gradientBound = 2 * 2 * 9 * 4 * 80 * (2 * logitBound) * 2 ** 8 * 9;

function expectClose(found: unknown, expected: unknown): void {
  const [ours, theirs] = [found, expected].map((result) => result as { loss: number; gradient?: Float32Array });
  expect(Math.abs(ours.loss - theirs.loss)).toBeLessThanOrEqual(lossBound + Math.abs(theirs.loss) * 2 ** -22);
  expect(ours.gradient?.length).toBe(theirs.gradient?.length);
  ours.gradient?.forEach((value, k) => {
    expect(Math.abs(value - theirs.gradient![k])).toBeLessThanOrEqual(gradientBound);
  });
}

interface Subject {
  run: (call: Call) => unknown;
  breaks: readonly Break[];
  options: fc.Arbitrary<Record<string, unknown>>;
  /** The same on engine 'reference', where that is a comparison. */
  isLoss?: boolean;
}

const loss = fc.record({ common, ofLoss }).map((parts) => ({ ...parts.common, ...parts.ofLoss }));
const pairLoss = fc
  .constantFrom(...Object.values(pairLosses))
  .map((given) => ('gamma' in given && given.gamma! > 80 ? { ...given, gamma: 80 } : { gamma: 80, ...given }))
  .map((given) => (given.type === 'triplet' ? { type: 'triplet' } : given));
const withPairLoss = fc.record({ loss, pairLoss }).map((parts) => ({ ...parts.loss, pairLoss: parts.pairLoss }));
const breaksOfPairLoss: Break[] = [
  ...breaksOfLoss,
  set('pairLoss', 'notAChoice'),
  ...[
    { type: 'circel' },
    { type: 'circle', gamma: 0 },
    { type: 'arcface', margin: 4 },
    {},
    [],
    { type: 'triplet', gamma: 3 },
  ].map((value) => setTo('pairLoss', value)),
  {
    name: 'triplet of a batch',
    code: invalid,
    apply: ({ options }) => Object.assign(options, { pairLoss: { type: 'triplet' }, scope: 'batch' }),
  },
  {
    name: 'arcface without angles',
    code: invalid,
    apply: ({ options }) => Object.assign(options, { pairLoss: { type: 'arcface' }, normalize: false }),
  },
];
const seedsAndWeights = fc.record({ seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }, { requiredKeys: [] });

const subjects: Record<string, Subject> = {
  computeCircleLoss: {
    run: ({ values, labels, options }) => computeCircleLoss(values, labels as never, options as never),
    breaks: [
      ...breaksOfLoss,
      set('gamma', 'notANumber'),
      setTo('gamma', 0),
      setTo('margin', 1e31),
      setTo('optima', {}),
    ],
    options: fc
      .record({ loss, gamma: fc.integer({ min: 1, max: 80 }) })
      .map((parts) => ({ ...parts.loss, gamma: parts.gamma })),
    isLoss: true,
  },
  computePairLoss: {
    run: ({ values, labels, options }) => computePairLoss(values, labels as never, options as never),
    breaks: breaksOfPairLoss,
    options: withPairLoss,
    isLoss: true,
  },
  computePairLossAsync: {
    run: ({ values, labels, options }) => computePairLossAsync(values, labels as never, options as never),
    breaks: [...breaksOfPairLoss, setTo('signal', {}), setTo('signal', Object.create(AbortSignal.prototype))],
    options: withPairLoss,
    isLoss: true,
  },
  createPairLoss: {
    run: ({ values, labels, options }) => {
      using session = createPairLoss(options as never);
      session.compute(values, labels as never);
      return session.compute(values, labels as never);
    },
    breaks: breaksOfPairLoss,
    options: withPairLoss,
    isLoss: true,
  },
  computeSimilarity: {
    run: ({ values, options }) => computeSimilarity(values, options as never),
    breaks: [
      ...breaksOfRows,
      set('checkFinite', 'notAChoice'),
      setTo('out', 3),
      setTo('out', new Float32Array(1000), shape),
      setTo('candidates', [1]),
    ],
    options: common,
  },
  findNearest: {
    run: ({ values, options }) => findNearest(values, { k: 2, ...options } as never),
    breaks: [
      ...breaksOfRows,
      set('k', 'notANumber'),
      setTo('k', 0),
      setTo('k', 100),
      setTo('k', 2 ** 53 - 1),
      setTo('candidates', 5),
    ],
    options: common,
  },
  createClassHead: {
    run: ({ values, labels, options }) => {
      const { dim, ...rest } = options;
      const optimizer = { type: 'sgd', learningRate: 0.1, momentum: 0.9 };
      using head = createClassHead({ dim, classes: 6, pairLoss: { type: 'circle' }, optimizer, ...rest } as never);
      const { loss: value, gradient } = head.step(values, labels as never);
      return [value, gradient, head.weights(), head.predict(values, 2)];
    },
    breaks: [
      ...breaksOfRows.filter(({ name }) => !name.startsWith('dim is 9007')),
      ...breaksOfLabels,
      set('classes', 'notANumber'),
      setTo('classes', 0),
      setTo('classes', 2 ** 31),
      setTo('classes', 1), // labels beyond it
      set('sampleRate', 'notANumber'),
      setTo('sampleRate', 0),
      setTo('sampleRate', 1.01),
      set('seed', 'notANumber'),
      setTo('seed', -1),
      setTo('optimizer', { type: 'sgd' }),
      setTo('optimizer', { type: 'adam', learningRate: 1, beta1: 1 }),
      setTo('weights', new Float32Array(5), shape),
      setTo('weights', [1]),
    ],
    options: fc.record({ common, seedsAndWeights }).map((parts) => ({ ...parts.common, ...parts.seedsAndWeights })),
  },
  createMemoryBank: {
    run: ({ values, labels, options }) => {
      const { dim, ...rest } = options;
      using bank = createMemoryBank({ dim, capacity: 12, pairLoss: { type: 'circle' }, ...rest } as never);
      bank.enqueue(values, labels as never);
      return bank.loss(values, labels as never);
    },
    breaks: [
      ...breaksOfRows.filter(({ name }) => !name.startsWith('dim is 9007')),
      ...breaksOfLabels,
      set('capacity', 'notANumber'),
      setTo('capacity', 0),
      setTo('capacity', 2 ** 31),
      setTo('capacity', 1, shape),
      setTo('warmUp', -1),
      setTo('batchWeight', 1e31),
      set('memoryWeight', 'notANumber'),
    ],
    options: common,
  },
  pkSampler: {
    run: ({ labels, options: { dim: _, ...options } }) =>
      pkSampler({
        labels,
        classesPerBatch: 1,
        samplesPerClass: 2,
        seed: 1,
        smallClasses: 'repeat',
        ...options,
      } as never).nextBatch(),
    breaks: [
      ...breaksOfLabels.slice(0, 2),
      set('classesPerBatch', 'notANumber'),
      setTo('classesPerBatch', 0),
      setTo('classesPerBatch', 2 ** 53 - 1, shape),
      set('samplesPerClass', 'notANumber'),
      setTo('samplesPerClass', 2 ** 53 - 1),
      set('seed', 'notANumber'),
      setTo('seed', 2 ** 32),
      set('smallClasses', 'notAChoice'),
    ],
    options: fc.record({ samplesPerClass: fc.integer({ min: 1, max: 9 }) }, { requiredKeys: [] }),
  },
  evaluateRetrieval: {
    run: ({ values, labels, options }) => evaluateRetrieval(values, labels as never, options as never),
    breaks: [
      ...breaksOfRows,
      ...breaksOfLabels,
      setTo('recallAt', []),
      set('recallAt', 'notANumber', {
        apply: ({ options }, { notANumber }) => {
          options.recallAt = [1, notANumber];
        },
      }),
      setTo('recallAt', [0]),
      setTo('galleryLabels', [1]),
      setTo('own', [1]),
      setTo('gallery', [1]),
      setTo('gallery', false),
      {
        name: 'own is nothing',
        code: invalid,
        apply: ({ values, labels, options }) =>
          Object.assign(options, { gallery: values, galleryLabels: labels, own: 0 }),
      },
    ],
    options: fc
      .record({ common, recallAt: fc.array(fc.integer({ min: 1, max: 2 ** 40 }), { minLength: 1, maxLength: 4 }) })
      .map((parts) => ({ ...parts.common, recallAt: parts.recallAt })),
  },
  evaluateReIdentification: {
    run: ({ values, labels, options }) => {
      const cameras = Array.from({ length: values?.length ?? 0 }, (_, i) => i).slice(
        0,
        Math.max(0, (labels as number[])?.length ?? 0),
      );
      const query = { embeddings: values, labels, cameras };
      return evaluateReIdentification(
        query as never,
        { ...query, cameras: cameras.map((camera) => camera + 1000) } as never,
        options as never,
      );
    },
    breaks: [
      ...breaksOfRows,
      ...breaksOfLabels,
      setTo('ranks', 0),
      set('ranks', 'notANumber'),
      setTo('junkLabel', 2 ** 31),
    ],
    options: fc
      .record({ common, ranks: fc.integer({ min: 1, max: 1000 }) })
      .map((parts) => ({ ...parts.common, ranks: parts.ranks })),
  },
  evaluateVerification: {
    run: ({ values, labels, options: { dim: _, ...options } }) =>
      evaluateVerification(values, sameOf(values, labels) as never, options as never),
    breaks: breaksOfPairs([
      set('rule', 'notAChoice'),
      setTo('rocPoints', 2),
      set('rocPoints', 'notANumber'),
      setTo('falseAcceptRates', [2]),
    ]),
    options: fc.record(
      {
        rule: fc.constantFrom('strict', 'nearest'),
        rocPoints: fc.integer({ min: 3, max: 2 ** 53 - 1 }),
        falseAcceptRates: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 }),
      },
      { requiredKeys: [] },
    ),
  },
  evaluateFolds: {
    run: ({ values, labels, options: { dim: _, ...options } }) =>
      evaluateFolds(values, sameOf(values, labels) as never, { folds: 2, ...options } as never),
    breaks: breaksOfPairs([
      setTo('folds', 1),
      setTo('folds', 2.5),
      setTo('folds', 1e6, shape),
      setTo('folds', [1], shape),
      setTo('thresholds', 'grids'),
      setTo('thresholds', [Number.NaN]),
    ]),
    options: fc.record(
      { folds: fc.integer({ min: 2, max: 4 }), thresholds: fc.constantFrom('midpoints', [0.5, -1]) },
      { requiredKeys: [] },
    ),
  },
};

/** Every other pair is of one identity; a label that is none makes one that is no boolean. */
function sameOf(values: Float32Array, labels: unknown): unknown {
  if (!(labels instanceof Int32Array)) return labels;
  return Array.from({ length: values?.length ?? 0 }, (_, i) => i % 2 === 0);
}

function breaksOfPairs(extra: Break[]): Break[] {
  const arrays = ['rows are no array', 'rows that are gone'];
  return [
    ...breaksOfRows.filter(({ name }) => arrays.includes(name)),
    {
      name: 'a similarity that is no number',
      code: 'ERR_CIRCLE_NOT_FINITE',
      apply: ({ values }) => {
        values[0] = Number.NaN;
      },
    },
    {
      name: 'pairs of one kind',
      code: shape,
      apply: (call) => {
        call.labels = Array.from(call.values, () => true);
      },
    },
    {
      name: 'same is text',
      code: invalid,
      apply: (call) => {
        call.labels = 'same';
      },
    },
    {
      name: 'same too short',
      code: shape,
      apply: (call) => {
        call.labels = [true, false];
      },
    },
    {
      name: 'an unknown key',
      code: invalid,
      apply: ({ options }) => {
        options.far = 3;
      },
    },
    ...extra,
  ];
}

describe.each(Object.entries(subjects))('%s', (_, { run, breaks, options, isLoss }) => {
  it('refuses what the model refuses, with its code, and computes the rest', async () => {
    await check(
      fc.asyncProperty(calls, options, brokenBy(breaks), junk, async (call, extra, broken, given) => {
        const whole: Call = {
          values: call.values.slice(),
          labels: call.labels,
          options: { ...call.options, ...extra },
        };
        broken?.apply(whole, given);
        const { result, error } = await outcomeOf(() => run(whole));
        if (broken) {
          expect(error?.code, `${broken.name}: ${error?.message}`).toBe(broken.code);
          expect(error!.message!.length).toBeLessThan(1000);
          return;
        }
        expect(error).toBeUndefined();
        const numbers = numbersOf(result).filter((value) => value !== Number.NEGATIVE_INFINITY); // a threshold may be
        expect(numbers.length).toBeGreaterThan(0);
        expect(numbers.every(Number.isFinite)).toBe(true);
        if (isLoss) expectClose(result, await run({ ...whole, options: { ...whole.options, engine: 'reference' } }));
      }) as never,
    );
  });
});

describe('anything at all', () => {
  const anything = fc.oneof(
    fc.anything({
      withTypedArray: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withBigInt: true,
    }),
    fc.constantFrom<unknown>(new Float32Array(6), new Int32Array(3), [0, 0, 1], { dim: 2 }, { dim: 2, k: 1 }, 3),
  );
  const functions: ((a: never, b: never, c: never) => unknown)[] = [
    computeCircleLoss,
    computePairLoss,
    computePairLossAsync,
    computeSimilarity,
    findNearest,
    createPairLoss,
    createClassHead,
    createMemoryBank,
    pkSampler,
    evaluateRetrieval,
    evaluateReIdentification,
    evaluateVerification,
    evaluateFolds,
  ] as never;

  it('as arguments: a result, or an error of ours', async () => {
    await check(
      fc.asyncProperty(fc.constantFrom(...functions), anything, anything, anything, async (called, a, b, c) => {
        const { error } = await outcomeOf(() => called(a as never, b as never, c as never));
        if (error) expect(error.code, `${called.name}: ${error}`).toMatch(/^ERR_CIRCLE_(?!INTERNAL)/);
      }) as never,
    );
  });

  it('as an option: a result, or an error of ours', async () => {
    const names = ['gamma', 'margin', 'optima', 'targets', 'weighting', 'out', 'upstream', 'candidates', 'classWeights']
      .concat(['candidateLabels', 'reduction', 'threads', 'pairLoss', 'optimizer', 'falseAcceptRates', 'thresholds'])
      .concat(['folds', 'recallAt', 'own', 'gallery', 'galleryLabels', 'signal', 'weights', 'labels', 'smallClasses']);
    const [values, labels] = [Float32Array.of(1, 0, 0.6, 0.8, 0, 1), [0, 0, 1]];
    await check(
      fc.asyncProperty(
        fc.constantFrom(...functions),
        fc.constantFrom(...names),
        anything,
        async (called, name, value) => {
          const base = called === computePairLoss ? { dim: 2, pairLoss: { type: 'circle' } } : { dim: 2 };
          const { error } = await outcomeOf(() =>
            called(values as never, labels as never, { ...base, [name]: value } as never),
          );
          if (error) expect(error.code, `${called.name}, ${name}: ${error}`).toMatch(/^ERR_CIRCLE_(?!INTERNAL)/);
        },
      ) as never,
    );
  });
});
