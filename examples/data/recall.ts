/** The measure that examples report: every picture of a part looks for its like among all others of it. */
import type { EngineName } from 'circle-loss';
import { startProgress } from '../terminal/progress.ts';
import type { Part } from './data-set.ts';
import { evaluate, leaveOneOut } from './evaluate.ts';
import type { Rows } from './rows.ts';

/** Share of the pictures whose most similar one is of their class, when they are compared as `rows`. */
export function recallAt1(title: string, rows: Rows, { labels }: Part, engine: EngineName): number {
  const progress = startProgress(title, labels.length);
  const [{ rank1 }] = evaluate(rows, labels, [leaveOneOut], engine, progress.advance);
  progress.stop();
  return rank1;
}

/** Of the test part, by features before and by embeddings after training. */
export function describeRecall(before: number, after: number, { classCount, pictures }: Part): string {
  return `Recall@1        ${before.toFixed(3)} before, ${after.toFixed(3)} after, of ${pictures.length} pictures of ${classCount} emoji never seen`;
}
