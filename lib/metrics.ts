/**
 * `circle-loss/metrics`: how embeddings are judged.
 *
 * @module circle-loss/metrics
 */
export {
  type DistractorEvaluation,
  type DistractorOptions,
  type DistractorRate,
  evaluateDistractors,
} from './metrics/distractors.ts';
export type { EvaluationOptions } from './metrics/evaluation-options.ts';
export { evaluateFolds, type Fold, type FoldOptions, type Folds } from './metrics/folds.ts';
export {
  evaluateIdentification,
  evaluateIdentificationMatrix,
  type Identification,
  type IdentificationMatrixOptions,
  type IdentificationOptions,
  type IdentificationPoint,
  type IdentificationRates,
} from './metrics/identification.ts';
export {
  evaluateReIdentification,
  evaluateReIdentificationAsync,
  type ReIdentificationMetrics,
  type ReIdentificationOptions,
  type ReIdentificationSet,
} from './metrics/re-identification.ts';
export {
  evaluateRetrieval,
  evaluateRetrievalAsync,
  type RetrievalMetrics,
  type RetrievalOptions,
} from './metrics/retrieval.ts';
export type { LabelledEmbeddings } from './metrics/rows.ts';
export type { OperatingPoint } from './metrics/scores.ts';
export {
  aggregateTemplates,
  type PairSimilarityOptions,
  similaritiesOfPairs,
  type TemplateOptions,
  type Templates,
} from './metrics/templates.ts';
export {
  evaluateVerification,
  type RocCurve,
  type Verification,
  type VerificationOptions,
} from './metrics/verification.ts';
