/** What the types let through and what they refuse; `types.test.ts` has the compiler read this file. */
import {
  allocatePinned,
  amSoftmax,
  type CandidateGradientResult,
  type ClassHead,
  type ClassHeadStep,
  type ClassLevelResult,
  computeCircleLoss,
  computeCircleLossAsync,
  computePairLoss,
  computeSimilarity,
  createClassHead,
  createDeviceMatrix,
  createMemoryBank,
  createPairLoss,
  type DeviceMatrix,
  findNearest,
  findNearestAsync,
  loadClassHead,
  type MemoryBank,
  type MemoryBankLoss,
  type Nearest,
  normFace,
  type PairLossResult,
  type PairLossSession,
  type PairLossValue,
  type PkSampler,
  pkSampler,
  type SessionOptions,
  softmax,
} from '../lib/index.ts';
import {
  aggregateTemplates,
  type DistractorEvaluation,
  evaluateDistractors,
  evaluateFolds,
  evaluateIdentification,
  evaluateIdentificationMatrix,
  evaluateReIdentification,
  evaluateRetrieval,
  evaluateVerification,
  type Folds,
  type Identification,
  type ReIdentificationMetrics,
  type RetrievalMetrics,
  similaritiesOfPairs,
  type Templates,
  type Verification,
} from '../lib/metrics.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function expectType<Expected>(): <Found>(
  value: Found,
  ...same: Equal<Found, Expected> extends true ? [] : [never]
) => void;

declare const x: Float32Array;
declare const y: Int32Array;
declare const sessionOptions: SessionOptions;
const classWeights = x;
const candidates = { candidates: x, candidateLabels: y };

// Results have what the options ask for.
expectType<PairLossResult>()(computeCircleLoss(x, y, { dim: 4 }));
expectType<PairLossResult>()(
  computeCircleLoss(x, [1, 2], { dim: 4, gradient: 'compute', margin: 0.2, scope: 'batch' }),
);
expectType<PairLossValue>()(computeCircleLoss(x, y, { dim: 4, gradient: 'skip' }));
expectType<ClassLevelResult>()(computeCircleLoss(x, y, { dim: 4, classWeights }));
expectType<PairLossValue>()(computeCircleLoss(x, y, { dim: 4, classWeights, gradient: 'skip' }));
expectType<PairLossResult>()(computeCircleLoss(x, y, { dim: 4, ...candidates }));
expectType<CandidateGradientResult>()(computeCircleLoss(x, y, { dim: 4, ...candidates, candidateGradient: 'compute' }));
expectType<Promise<ClassLevelResult>>()(
  computeCircleLossAsync(x, y, { dim: 4, classWeights, signal: AbortSignal.timeout(9) }),
);
expectType<PairLossValue & Partial<PairLossResult>>()(
  computeCircleLoss(x, y, { dim: 4, gradient: 'skip' as 'skip' | 'compute' }),
);
expectType<Promise<PairLossValue & Partial<PairLossResult>>>()(
  computeCircleLossAsync(x, y, { dim: 4, gradient: 'skip' as 'skip' | 'compute' }),
);
expectType<ClassLevelResult>()(computePairLoss(x, y, { dim: 4, classWeights, ...amSoftmax({ margin: 0.2 }) }));
computePairLoss(x, y, { dim: 4, classWeights, ...normFace() });
computePairLoss(x, y, { dim: 4, classWeights, ...softmax() });
computePairLoss(x, y, { dim: 4, pairLoss: { type: 'arcface', beyondPi: 'cosine' }, scope: 'batch' });
computePairLoss(x, y, { dim: 4, pairLoss: { type: 'triplet' }, normalize: false });
expectType<Float32Array>()(computeSimilarity(x, { dim: 4, candidates: x }));

expectType<PairLossSession>()(createPairLoss({ dim: 4, pairLoss: { type: 'circle' } }));
expectType<PairLossSession<PairLossValue>>()(
  createPairLoss({ dim: 4, pairLoss: { type: 'triplet' }, gradient: 'skip' }),
);
expectType<PairLossSession<ClassLevelResult>>()(createPairLoss({ dim: 4, ...amSoftmax(), classWeights }));
expectType<PairLossSession<CandidateGradientResult>>()(
  createPairLoss({ dim: 4, ...amSoftmax(), ...candidates, candidateGradient: 'compute' }),
);
expectType<PairLossSession<PairLossValue & Partial<PairLossResult>>>()(createPairLoss(sessionOptions));
createPairLoss({ dim: 4, pairLoss: { type: 'circle' }, candidates: x }).compute(x, y, { candidateLabels: y });
createPairLoss({ dim: 4, pairLoss: { type: 'circle' } }).compute(x, y, { classWeights, out: { gradient: x } });

// Rows on a device are as good as an array, but for embeddings; their gradients are arrays.
const matrix = createDeviceMatrix(x, { dim: 4, device: 1 });
expectType<DeviceMatrix>()(matrix);
expectType<Float32Array>()(matrix.read());
expectType<ClassLevelResult>()(computeCircleLoss(x, y, { dim: 4, classWeights: matrix, precision: 'fast' }));
expectType<PairLossSession<ClassLevelResult>>()(createPairLoss({ dim: 4, ...amSoftmax(), classWeights: matrix }));
computePairLoss(x, y, { dim: 4, ...amSoftmax(), candidates: matrix, candidateLabels: y, engine: 'cuda', device: 1 });
computeSimilarity(x, { dim: 4, candidates: matrix, precision: 'exact', device: 0 });
createPairLoss({ dim: 4, pairLoss: { type: 'circle' } }).compute(x, y, { classWeights: matrix });
expectType<Float32Array>()(allocatePinned(8));

// A sampler makes batches of indices, one epoch or without an end.
const sampler = pkSampler({ labels: y, classesPerBatch: 16, samplesPerClass: 5, seed: 1 });
expectType<PkSampler>()(sampler);
expectType<Int32Array>()(sampler.nextBatch());
expectType<IterableIterator<Int32Array>>()(sampler.endless());
for (const batch of sampler) expectType<Int32Array>()(batch);
pkSampler({ labels: [1, 1], classesPerBatch: 1, samplesPerClass: 2, seed: 1, smallClasses: 'repeat' });

// @ts-expect-error a sampler has a seed
pkSampler({ labels: y, classesPerBatch: 16, samplesPerClass: 5 });
// @ts-expect-error a typo
pkSampler({ labels: y, classesPerBatch: 16, samplesPerClass: 5, seed: 1, smallClases: 'skip' });
// @ts-expect-error an unknown way with small classes
pkSampler({ labels: y, classesPerBatch: 16, samplesPerClass: 5, seed: 1, smallClasses: true });
// @ts-expect-error float labels
pkSampler({ labels: x, classesPerBatch: 16, samplesPerClass: 5, seed: 1 });
// @ts-expect-error the number of batches follows from the data
sampler.batchesPerEpoch = 3;
// @ts-expect-error embeddings come from the host
computeCircleLoss(matrix, y, { dim: 4 });
// @ts-expect-error an unknown precision
computeCircleLoss(x, y, { dim: 4, precision: 'half' });
// @ts-expect-error a matrix has a dim
createDeviceMatrix(x, {});
// @ts-expect-error a result goes to an array
computeSimilarity(x, { dim: 4, out: matrix });
// @ts-expect-error dim is required
computeCircleLoss(x, y, {});
// @ts-expect-error options are required
computeCircleLoss(x, y);
// @ts-expect-error a typo
computeCircleLoss(x, y, { dim: 4, gama: 80 });
// @ts-expect-error a typo inside a pair loss
computePairLoss(x, y, { dim: 4, pairLoss: { type: 'circle', gama: 80 } });
// @ts-expect-error plain arrays are no embeddings
computeCircleLoss([1, 2], y, { dim: 4 });
// @ts-expect-error float labels
computeCircleLoss(x, x, { dim: 4 });
// @ts-expect-error two kinds of candidates
computeCircleLoss(x, y, { dim: 4, classWeights, ...candidates });
// @ts-expect-error two kinds of candidates, to begin with
createPairLoss({ dim: 4, pairLoss: { type: 'circle' }, classWeights, ...candidates });
// @ts-expect-error candidates need labels
computeCircleLoss(x, y, { dim: 4, candidates: x });
// @ts-expect-error labels need candidates
computeCircleLoss(x, y, { dim: 4, candidateLabels: y });
// @ts-expect-error the gradient of no candidates
computeCircleLoss(x, y, { dim: 4, candidateGradient: 'compute' });
// @ts-expect-error a signal cannot stop a synchronous call
computeCircleLoss(x, y, { dim: 4, signal: AbortSignal.timeout(9) });
// @ts-expect-error the loss has a name
computePairLoss(x, y, { dim: 4 });
// @ts-expect-error an unknown loss
computePairLoss(x, y, { dim: 4, pairLoss: { type: 'contrastive' } });
// @ts-expect-error triplet loss has no γ
computePairLoss(x, y, { dim: 4, pairLoss: { type: 'triplet', gamma: 1 } });
// @ts-expect-error triplet loss is per anchor
computePairLoss(x, y, { dim: 4, pairLoss: { type: 'triplet' }, scope: 'batch' });
// @ts-expect-error ArcFace needs unit rows
computePairLoss(x, y, { dim: 4, pairLoss: { type: 'arcface' }, normalize: false });
// @ts-expect-error the shape of Circle loss belongs into pairLoss here
computePairLoss(x, y, { dim: 4, pairLoss: { type: 'circle' }, margin: 0.4 });
// @ts-expect-error both optima or none
computeCircleLoss(x, y, { dim: 4, optima: { positive: 1 } });
// @ts-expect-error an unknown engine
computeCircleLoss(x, y, { dim: 4, engine: 'gpu' });
// @ts-expect-error no gradient was computed
computeCircleLoss(x, y, { dim: 4, gradient: 'skip' }).gradient;
// @ts-expect-error a step has no margin
createPairLoss({ dim: 4, pairLoss: { type: 'circle' } }).compute(x, y, { margin: 0.1 });
// @ts-expect-error only asynchronous steps can be aborted
createPairLoss({ dim: 4, pairLoss: { type: 'circle' } }).compute(x, y, { signal: AbortSignal.timeout(9) });

// Heads and banks.
const optimizer = { type: 'sgd', learningRate: 0.1, momentum: 0.9 } as const;
const headOptions = { classes: 3, dim: 4, pairLoss: { type: 'circle' }, optimizer } as const;
const head = createClassHead(headOptions);
expectType<ClassHead>()(head);
expectType<ClassHeadStep>()(head.step(x, y, { learningRate: 0.2, upstream: x, out: { gradient: x } }));
expectType<Promise<ClassHeadStep>>()(head.stepAsync(x, [1], { signal: new AbortController().signal }));
expectType<Float32Array>()(head.weights());
expectType<Promise<ClassHead>>()(loadClassHead('file', { engine: 'cpu', threads: 2 }));
createClassHead({
  ...headOptions,
  optimizer: { type: 'adam', learningRate: 0.1, beta2: 0.99 },
  sampleRate: 0.1,
  seed: 3,
});
createClassHead({ ...headOptions, ...amSoftmax() });
// @ts-expect-error: momentum is SGD's
createClassHead({ ...headOptions, optimizer: { type: 'adam', learningRate: 0.1, momentum: 0.9 } });
// @ts-expect-error: a learning rate is needed
createClassHead({ ...headOptions, optimizer: { type: 'sgd' } });
// @ts-expect-error: class weights are the head's own
createClassHead({ ...headOptions, classWeights: x });
// @ts-expect-error: ArcFace needs unit rows
createClassHead({ ...headOptions, pairLoss: { type: 'arcface' }, normalize: false });
// @ts-expect-error: a synchronous step cannot be aborted
head.step(x, y, { signal: new AbortController().signal });
// @ts-expect-error: a head in a file knows its classes
loadClassHead('file', { classes: 3 });
const bank = createMemoryBank({ capacity: 8, dim: 4, pairLoss: { type: 'triplet' }, warmUp: 2, memoryWeight: 0.5 });
expectType<MemoryBank>()(bank);
expectType<MemoryBankLoss>()(bank.loss(x, y, { upstream: 2 }));
expectType<Promise<MemoryBankLoss>>()(bank.lossAsync(x, y, { signal: new AbortController().signal }));
// @ts-expect-error: what the memory holds is its own
bank.loss(x, y, { candidates: x });
// @ts-expect-error: one hardest pair of a batch is no batch-hard triplet loss
createMemoryBank({ capacity: 8, dim: 4, pairLoss: { type: 'triplet' }, scope: 'batch' });

// Retrieval.
expectType<Nearest>()(findNearest(x, { dim: 4, k: 3, candidates: x, engine: 'cuda', precision: 'fast' }));
expectType<Promise<Nearest>>()(findNearestAsync(x, { dim: 4, k: 3, signal: new AbortController().signal }));
// @ts-expect-error: how many?
findNearest(x, { dim: 4 });
// @ts-expect-error: rows are always checked
findNearest(x, { dim: 4, k: 1, checkFinite: 'propagate' });
expectType<RetrievalMetrics>()(
  evaluateRetrieval(x, y, { dim: 4, recallAt: [1, 10], gallery: x, galleryLabels: y, own: y }),
);
// @ts-expect-error: a synchronous call cannot be aborted
evaluateRetrieval(x, y, { dim: 4, signal: new AbortController().signal });
const cameras = { embeddings: x, labels: y, cameras: [1, 2] };
expectType<ReIdentificationMetrics>()(evaluateReIdentification(cameras, cameras, { dim: 4, ranks: 10, junkLabel: 0 }));
// @ts-expect-error: cameras are needed
evaluateReIdentification({ embeddings: x, labels: y }, cameras, { dim: 4 });

// Metrics.
expectType<Verification>()(evaluateVerification(x, [true, false], { rule: 'nearest', falseAcceptRates: [0.1] }));
expectType<Float64Array | undefined>()(evaluateVerification(x, new Uint8Array(2), { rocPoints: 9 }).roc?.tar);
// @ts-expect-error: labels do not tell what is the same
evaluateVerification(x, y);
// @ts-expect-error: an unknown rule
evaluateVerification(x, [true], { rule: 'interpolated' });
expectType<Folds>()(evaluateFolds(x, [true, false], { folds: y, thresholds: 'grid' }));
evaluateFolds(x, [true, false], { folds: 10, thresholds: [0.1, 0.2] });
// @ts-expect-error: an unknown kind of thresholds
evaluateFolds(x, [true, false], { thresholds: 'all' });
expectType<Templates>()(aggregateTemplates(x, { dim: 4, templates: y, media: [1], weights: x, imageNorms: 'drop' }));
// @ts-expect-error: images have media
aggregateTemplates(x, { dim: 4, templates: y });
expectType<Float32Array>()(similaritiesOfPairs(x, y, { dim: 4, ids: y, normalize: false }));
const query = { embeddings: x, labels: y };
expectType<Identification>()(evaluateIdentification(query, query, { dim: 4, ranks: 5, engine: 'cpu', threads: 2 }));
expectType<Identification>()(evaluateIdentificationMatrix(x, { queryLabels: y, galleryLabels: [1], withinRank: 20 }));
// @ts-expect-error: labels are needed
evaluateIdentificationMatrix(x, { queryLabels: y });
// @ts-expect-error: a matrix was computed somewhere
evaluateIdentificationMatrix(x, { queryLabels: y, galleryLabels: y, engine: 'cpu' });
expectType<DistractorEvaluation>()(evaluateDistractors(query, x, { dim: 4 }));
evaluateDistractors(query, [x, x], { dim: 4, distractorCounts: [10, 100], ranks: [1, 10] });
// @ts-expect-error: distractors are nobody
evaluateDistractors(query, query, { dim: 4 });
