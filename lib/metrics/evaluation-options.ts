/** What evaluations have in common that compute similarities themselves. */
import type { SimilarityOptions } from '../options.ts';

/** Where and how similarities are computed: as in `computeSimilarity`. */
export type EvaluationOptions = Pick<
  SimilarityOptions,
  'dim' | 'normalize' | 'engine' | 'threads' | 'device' | 'precision'
>;
