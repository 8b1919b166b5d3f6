/** What is read off the whole receiver operating characteristic: a walk through all scores from the greatest down. */
import type { OperatingPoint, Scores } from './scores.ts';

/** The distinct scores in descending order, and how many of either kind are that great or greater. */
class Descent {
  /** The score that the walk has come to. */
  score = Number.POSITIVE_INFINITY;
  genuine = 0;
  impostor = 0;
  readonly #scores: Scores;

  constructor(scores: Scores) {
    this.#scores = scores;
  }

  /** Goes to the next smaller score; false where there is none. */
  next(): boolean {
    const { genuine, impostor } = this.#scores;
    let g = genuine.length - 1 - this.genuine;
    let i = impostor.length - 1 - this.impostor;
    if (g < 0 && i < 0) return false;
    const score = Math.max(
      g < 0 ? Number.NEGATIVE_INFINITY : genuine[g],
      i < 0 ? Number.NEGATIVE_INFINITY : impostor[i],
    );
    while (g >= 0 && genuine[g] === score) g--;
    while (i >= 0 && impostor[i] === score) i--;
    this.genuine = genuine.length - 1 - g;
    this.impostor = impostor.length - 1 - i;
    this.score = score;
    return true;
  }
}

/** Mann and Whitney's count of couples of a genuine and a smaller impostor score, ties half, as a share of all. */
export function areaUnderCurve(scores: Scores): number {
  const walk = new Descent(scores);
  const total = scores.impostor.length;
  // Twice the count, an integer: exact up to 2⁵³, which is 4 · 10⁷ genuine by 10⁸ impostor scores.
  let twice = 0;
  for (let genuine = 0, impostor = 0; walk.next(); genuine = walk.genuine, impostor = walk.impostor) {
    twice += (walk.genuine - genuine) * (2 * (total - walk.impostor) + (walk.impostor - impostor));
  }
  return twice / (2 * scores.genuine.length * total);
}

/** Where straight lines between neighbouring operating points meet the line of equal rates. */
export function equalErrorRate(scores: Scores): number {
  const walk = new Descent(scores);
  let falseAccepts = 0;
  let falseRejects = 1;
  while (walk.next()) {
    const accepted = walk.impostor / scores.impostor.length;
    const rejected = (scores.genuine.length - walk.genuine) / scores.genuine.length;
    if (accepted >= rejected) {
      const before = falseRejects - falseAccepts;
      const share = before / (before + (accepted - rejected));
      return falseAccepts + share * (accepted - falseAccepts);
    }
    falseAccepts = accepted;
    falseRejects = rejected;
  }
  return 1; // never: the least score accepts all and rejects none
}

/** The rule 'nearest' of `evaluateVerification`, for each rate. */
export function nearestPoints(scores: Scores, rates: readonly number[]): OperatingPoint[] {
  const genuineTotal = scores.genuine.length;
  const impostorTotal = scores.impostor.length;
  const points = rates.map((far) => ({ far, tar: 0, threshold: 0, reachedFar: Number.POSITIVE_INFINITY }));
  // Of points that are as near the later one stays: it accepts more.
  const consider = (genuine: number, impostor: number, threshold: number) => {
    const reached = impostor / impostorTotal;
    for (const point of points) {
      if (Math.abs(reached - point.far) > Math.abs(point.reachedFar - point.far)) continue;
      point.tar = genuine / genuineTotal;
      point.threshold = threshold;
      point.reachedFar = reached;
    }
  };

  const walk = new Descent(scores);
  walk.next();
  consider(0, 0, walk.score);
  // Second differences of the counts at the middle point tell whether it is a corner; the first has none and is kept.
  let stepGenuine = Number.NaN;
  let stepImpostor = Number.NaN;
  let { genuine, impostor } = walk;
  while (walk.next()) {
    const nextGenuine = walk.genuine - genuine;
    const nextImpostor = walk.impostor - impostor;
    if (nextGenuine !== stepGenuine || nextImpostor !== stepImpostor) consider(genuine, impostor, walk.score);
    stepGenuine = nextGenuine;
    stepImpostor = nextImpostor;
    genuine = walk.genuine;
    impostor = walk.impostor;
  }
  consider(genuine, impostor, Number.NEGATIVE_INFINITY);
  return points;
}
