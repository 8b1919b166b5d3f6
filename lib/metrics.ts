/** `circle-loss/metrics`: how embeddings are judged. */
export type { EvaluationOptions } from './metrics/own-matches.ts';
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
