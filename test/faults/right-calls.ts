/** A right call of every function that the package exports, and of the methods of what it returns: what arbitrary values are put into. */
import * as tf from '@tensorflow/tfjs';
import * as adapter from '../../lib/adapters/tfjs.ts';
import * as index from '../../lib/index.ts';
import * as metrics from '../../lib/metrics.ts';
import * as protocols from '../../lib/protocols.ts';

export interface RightCall {
  call: (...args: never[]) => unknown;
  /** Made anew for each call: arrays may be transferred, tensors disposed. */
  args: () => unknown[];
}

const [dim, circle] = [2, { type: 'circle' } as const];
const rows = () => Float32Array.of(1, 0, 0.6, 0.8, 0, 1, -0.6, 0.8);
const labels = () => [0, 0, 1, 1];
const pairLoss = { dim, pairLoss: circle };
const optimizer = { type: 'sgd', learningRate: 0.1 } as const;
const set = (extra: object = {}) => ({ embeddings: rows(), labels: labels(), ...extra });
const scores = () => Float32Array.of(0.9, 0.1, 0.8, 0.3);
const same = () => [true, false, true, false];
const paths = () => ['a.jpg', 'b.jpg'];
const items = () => [
  { path: 'b.jpg', label: 1, camera: 1 },
  { path: 'a.jpg', label: 0, camera: 2 },
];
const pairs = () => [{ first: 'a.jpg', second: 'b.jpg', same: true, fold: 0 }];
const nowhere = '/nowhere/at/all';

const ofEntries: Record<string, () => unknown[]> = {
  computeCircleLoss: () => [rows(), labels(), { dim }],
  computeCircleLossAsync: () => [rows(), labels(), { dim }],
  computePairLoss: () => [rows(), labels(), pairLoss],
  computePairLossAsync: () => [rows(), labels(), pairLoss],
  surrogateGradient: () => [rows(), labels(), pairLoss],
  surrogateGradientAsync: () => [rows(), labels(), pairLoss],
  computeSimilarity: () => [rows(), { dim }],
  computeSimilarityAsync: () => [rows(), { dim }],
  findNearest: () => [rows(), { dim, k: 1 }],
  findNearestAsync: () => [rows(), { dim, k: 1 }],
  createPairLoss: () => [pairLoss],
  createClassHead: () => [{ ...pairLoss, classes: 3, optimizer }],
  loadClassHead: () => [nowhere, { threads: 1 }],
  createMemoryBank: () => [{ ...pairLoss, capacity: 8 }],
  createDeviceMatrix: () => [rows(), { dim }],
  allocatePinned: () => [8],
  pkSampler: () => [{ labels: labels(), classesPerBatch: 2, samplesPerClass: 2, seed: 1 }],
  amSoftmax: () => [{ margin: 0.35 }],
  normFace: () => [{ gamma: 64 }],
  softmax: () => [],
  engines: () => [],

  evaluateRetrieval: () => [rows(), labels(), { dim }],
  evaluateRetrievalAsync: () => [rows(), labels(), { dim }],
  evaluateReIdentification: () => [set({ cameras: [1, 2, 1, 2] }), set({ cameras: [2, 1, 2, 1] }), { dim }],
  evaluateReIdentificationAsync: () => [set({ cameras: [1, 2, 1, 2] }), set({ cameras: [2, 1, 2, 1] }), { dim }],
  evaluateIdentification: () => [set(), set(), { dim }],
  evaluateIdentificationMatrix: () => [scores(), { queryLabels: [0, 1], galleryLabels: [0, 1] }],
  evaluateDistractors: () => [set(), rows(), { dim }],
  evaluateVerification: () => [scores(), same(), {}],
  evaluateFolds: () => [scores(), same(), { folds: 2 }],
  aggregateTemplates: () => [rows(), { dim, templates: [5, 5, 6, 6], media: [0, 1, 0, 0] }],
  similaritiesOfPairs: () => [rows(), [0, 1, 2, 3], { dim }],

  alignRows: () => [paths(), items(), {}],
  alignPairs: () => [paths(), pairs(), {}],
  alignTemplates: () => [Int32Array.of(5, 6), Int32Array.of(6, 5)],
  camerasOf: () => [items()],
  labelsOf: () => [items()],
  gatherRows: () => [rows(), Int32Array.of(1, 0), { dim }],
  templatesOf: () => [[{ frames: paths() }, { frames: ['c.jpg'] }]],
  readMegaFaceFeatures: () => [nowhere, paths(), { ending: '_features.bin' }],
  readIjbVerification: () => [nowhere, { set: 'IJB-C' }],
  readIjbIdentification: () => [nowhere, { set: 'IJB-C' }],

  withTensorFlow: () => [tf],
};

/** Readers of other data sets are called alike. */
const readers = Object.keys(protocols).filter((name) => name.startsWith('read') && !(name in ofEntries));
for (const name of readers) ofEntries[name] = () => [nowhere, {}];

/** Exports that no call can be wrong of: the class of the errors, which callers compare with and never make. */
export const exceptions = ['CircleLossError'];

export const exported: Record<string, unknown> = { ...index, ...metrics, ...protocols, ...adapter };

/** Of what makes something that is called in turn; a new one each time, since it may be disposed. */
const session = () => index.createPairLoss(pairLoss);
const head = () => index.createClassHead({ ...pairLoss, classes: 3, optimizer });
function bank() {
  const made = index.createMemoryBank({ ...pairLoss, capacity: 8 });
  made.enqueue(rows(), labels());
  return made;
}

/** A call of a method of `make()`. */
function method<Made extends object>(make: () => Made, name: keyof Made, ...args: (() => unknown)[]): RightCall {
  return {
    call: (...given) => {
      const made = make();
      return (made[name] as (...args: never[]) => unknown).call(made, ...given);
    },
    args: () => args.map((arg) => arg()),
  };
}
const step = () => ({});
const tensor = () =>
  tf.tensor2d([
    [1, 0],
    [0.6, 0.8],
    [0, 1],
    [-0.6, 0.8],
  ]);
const variable = tf.variable(tensor());
const losses = adapter.withTensorFlow(tf);
const model = () => tf.sequential({ layers: [losses.classWeights({ classes: 3, inputShape: [2] })] });
/** Tensors that a call makes go with it. */
const tidied =
  (call: (...args: never[]) => unknown): RightCall['call'] =>
  (...args) => {
    tf.tidy(() => call(...args) as tf.Scalar);
  };

const methods: Record<string, RightCall> = {
  'session.compute': method(session, 'compute', rows, labels, step),
  'session.computeAsync': method(session, 'computeAsync', rows, labels, step),
  'head.step': method(head, 'step', rows, labels, step),
  'head.stepAsync': method(head, 'stepAsync', rows, labels, step),
  'head.loss': method(head, 'loss', rows, labels),
  'head.predict': method(head, 'predict', rows, () => 2),
  'head.predictAsync': method(head, 'predictAsync', rows, () => 2, step),
  'head.weights': method(head, 'weights', () => new Float32Array(6)),
  'bank.loss': method(bank, 'loss', rows, labels, step),
  'bank.lossAsync': method(bank, 'lossAsync', rows, labels, step),
  'bank.enqueue': method(bank, 'enqueue', rows, labels),
  'tensors.circleLoss': { call: tidied(losses.circleLoss as never), args: () => [labels(), tensor(), {}] },
  'tensors.pairLoss': {
    call: tidied(losses.pairLoss as never),
    args: () => [labels(), tensor(), { pairLoss: circle }],
  },
  'tensors.minimizeAsync': {
    call: losses.minimizeAsync as never,
    args: () => [tf.train.sgd(0.1), labels(), () => variable.mul(1), { pairLoss: circle }],
  },
  'tensors.withLabels': { call: losses.withLabels as never, args: () => [model()] },
  'tensors.classWeightsOf': { call: losses.classWeightsOf as never, args: () => [model(), { threads: 1 }] },
  'tensors.classWeights': { call: losses.classWeights as never, args: () => [{ classes: 3 }] },
};

export const rightCalls: Record<string, RightCall> = {
  ...Object.fromEntries(
    Object.entries(ofEntries).map(([name, args]) => [name, { call: exported[name] as RightCall['call'], args }]),
  ),
  ...methods,
};
