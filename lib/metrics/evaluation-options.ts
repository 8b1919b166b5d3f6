/** What evaluations have in common that compute similarities themselves. */
import { engineOfAll } from '../engines.ts';
import type { SimilarityOptions } from '../options.ts';

/** Where and how similarities are computed: as in `computeSimilarity`. */
export type EvaluationOptions = Pick<
  SimilarityOptions,
  'dim' | 'normalize' | 'engine' | 'threads' | 'device' | 'precision'
>;

/** The same with an engine for all pieces of an evaluation: two engines round otherwise, and equals would not be equal. */
export function withOneEngine(options: EvaluationOptions, queries: number, others: number): EvaluationOptions {
  const { dim, engine = 'auto', device = 0 } = options;
  const shape = { anchorCount: queries, candidateCount: others, dim, candidates: 'host', results: queries } as const;
  return { ...options, engine: engineOfAll(engine, device, shape) };
}
