/** What is called: each function with the options that it takes and the ways to break a call of it. */
import fc from 'fast-check';
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
  surrogateGradient,
} from '../../lib/index.ts';
import {
  aggregateTemplates,
  evaluateDistractors,
  evaluateFolds,
  evaluateIdentification,
  evaluateReIdentification,
  evaluateRetrieval,
  evaluateVerification,
  similaritiesOfPairs,
} from '../../lib/metrics.ts';
import { pairLosses } from '../cases.ts';
import {
  type Break,
  breaksOfLabels,
  breaksOfLoss,
  breaksOfPairs,
  breaksOfRows,
  type Call,
  common,
  invalid,
  ofLoss,
  set,
  setTo,
  shape,
} from './breaks.ts';

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
const queryAndGallery = ({ values, labels }: Call) => {
  const rows = { embeddings: values, labels };
  return [rows, { ...rows }] as never[];
};
const seedsAndWeights = fc.record({ seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }, { requiredKeys: [] });

export const subjects: Record<string, Subject> = {
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
  surrogateGradient: {
    run: ({ values, labels, options }) => {
      const { surrogate, ...result } = surrogateGradient(values, labels as never, options as never);
      return result;
    },
    breaks: [...breaksOfPairLoss, setTo('gradient', 'skip')],
    options: withPairLoss.map(({ gradient: _, ...options }) => options),
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
  evaluateIdentification: {
    run: (call) => {
      const [query, gallery] = queryAndGallery(call);
      return evaluateIdentification(query, gallery, call.options as never);
    },
    breaks: [
      ...breaksOfRows,
      ...breaksOfLabels,
      setTo('ranks', 0),
      set('withinRank', 'notANumber'),
      setTo('falsePositiveRates', [1.5]),
      setTo('falsePositiveRates', [0.5], shape), // every query has a mate
    ],
    options: fc
      .record({ common, ranks: fc.integer({ min: 1, max: 1000 }) })
      .map((parts) => ({ ...parts.common, ranks: parts.ranks })),
  },
  evaluateDistractors: {
    run: (call) => {
      const [query] = queryAndGallery(call);
      return evaluateDistractors(query, call.values, call.options as never);
    },
    breaks: [
      ...breaksOfRows,
      ...breaksOfLabels,
      setTo('ranks', []),
      setTo('ranks', [0]),
      setTo('falseAcceptRates', [-1]),
      setTo('distractorCounts', [1000], shape),
      set('distractorCounts', 'notANumber', {
        apply: ({ options }, { notANumber }) => {
          options.distractorCounts = [1, notANumber];
        },
      }),
    ],
    options: common,
  },
  aggregateTemplates: {
    run: ({ values, labels, options: { engine, threads, precision, device, normalize, ...options } }) =>
      aggregateTemplates(values, { templates: labels, media: labels, ...options } as never),
    breaks: [
      ...breaksOfRows.filter(({ name }) => !/^(engine|threads|precision|device|normalize)/.test(name)),
      ...breaksOfLabels,
      set('imageNorms', 'notAChoice'),
      setTo('media', [1], shape),
      setTo('weights', [1]),
      setTo('weights', new Float32Array(1000), shape),
    ],
    options: fc.record({ imageNorms: fc.constantFrom('keep', 'drop') }, { requiredKeys: [] }),
  },
  similaritiesOfPairs: {
    run: ({ values, labels, options: { engine, threads, precision, device, ...options } }) => {
      const count = (labels as Int32Array).length;
      return similaritiesOfPairs(values, [0, count - 1, 1, 0], options as never);
    },
    breaks: [
      ...breaksOfRows.filter(({ name }) => !/^(engine|threads|precision|device)/.test(name)),
      setTo('ids', [1], shape),
      setTo('ids', 5),
    ],
    options: fc.record({ normalize: fc.boolean() }, { requiredKeys: [] }),
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
