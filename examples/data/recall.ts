/** The measure that examples report: every picture of a part looks for its like among all others of it. */
import type { EngineName } from 'circle-loss';
import { evaluateRetrieval } from 'circle-loss/metrics';
import type { Part } from './data-set.ts';
import type { Rows } from './rows.ts';

/** Share of the pictures whose most similar one is of their class, when they are compared as `rows`. */
export function recallAt1({ values, dim }: Rows, { labels }: Part, engine: EngineName): number {
  return evaluateRetrieval(values, labels, { dim, engine }).precisionAt1;
}

/** Of the test part, by features before and by embeddings after training. */
export function describeRecall(before: number, after: number, { classCount, pictures }: Part): string {
  return `Recall@1        ${before.toFixed(3)} before, ${after.toFixed(3)} after, of ${pictures.length} pictures of ${classCount} emoji never seen`;
}
