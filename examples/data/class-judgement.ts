/** What examples with class weights report of them. */
import type { Part } from './data-set.ts';

/** How well class weights and embeddings of the training pictures fit each other. */
export interface ClassJudgement {
  /** Against all classes. */
  loss: number;
  /** Share of the pictures whose most similar class is theirs. */
  accuracy: number;
}

export function describeClasses(before: ClassJudgement, after: ClassJudgement, { classCount, pictures }: Part): string {
  const percent = ({ accuracy }: ClassJudgement) => `${(100 * accuracy).toFixed(1)} %`;
  return `Class loss      ${before.loss.toFixed(2)} before, ${after.loss.toFixed(2)} after, of ${pictures.length} training pictures
Classes         ${percent(before)} of them nearest to theirs of ${classCount} before, ${percent(after)} after`;
}
