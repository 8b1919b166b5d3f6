/**
 * `circle-loss`: the losses, class heads, memories, samplers and similarities.
 *
 * @module circle-loss
 */
export { createClassHead, loadClassHead } from './class-head.ts';
export type {
  ClassHead,
  ClassHeadOptions,
  ClassHeadPlace,
  ClassHeadStep,
  ClassHeadStepOptions,
  ClassPrediction,
} from './class-head-options.ts';
export { computeCircleLoss, computeCircleLossAsync, computePairLoss, computePairLossAsync } from './compute.ts';
export { createDeviceMatrix, type DeviceMatrix, type DeviceMatrixOptions } from './device-matrix.ts';
export { type DeviceInfo, type EngineInfo, engines } from './engines.ts';
export { CircleLossError, type CircleLossErrorCode } from './errors.ts';
export type {
  ArcFaceLoss,
  CircleLoss,
  CircleShape,
  NamedPairLoss,
  PairLoss,
  PositiveNegative,
  TripletLoss,
  UnifiedLoss,
  Weighting,
} from './losses.ts';
export { amSoftmax, normFace, softmax } from './losses.ts';
export {
  createMemoryBank,
  type MemoryBank,
  type MemoryBankLoss,
  type MemoryBankOptions,
  type MemoryBankStepOptions,
} from './memory-bank.ts';
export { findNearest, findNearestAsync, type Nearest } from './nearest.ts';
export type { AdamOptimizer, Optimizer, SgdOptimizer } from './optimizers.ts';
export type {
  Abortable,
  BatchCandidates,
  CandidateOptions,
  CandidateRows,
  CircleLossOptions,
  ClassWeightCandidates,
  CommonOptions,
  EngineName,
  LabelledCandidates,
  Labels,
  NearestOptions,
  Normalization,
  OutArrays,
  PairLossChoice,
  PairLossOptions,
  Reduction,
  Scope,
  SessionOptions,
  SimilarityOptions,
  StepOptions,
  SteppedCandidates,
} from './options.ts';
export { allocatePinned } from './pinned.ts';
export { type PkSampler, type PkSamplerOptions, pkSampler } from './pk-sampler.ts';
export type { CandidateGradientResult, ClassLevelResult, PairLossResult, PairLossValue } from './results.ts';
export { createPairLoss, type PairLossSession } from './session.ts';
export { computeSimilarity, computeSimilarityAsync } from './similarity.ts';
export {
  type CandidateSurrogate,
  type Surrogate,
  type SurrogateOps,
  surrogateGradient,
  surrogateGradientAsync,
} from './surrogate.ts';
