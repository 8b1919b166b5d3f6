/**
 * What every engine computes, and the engine that defines the others: plain TypeScript in double precision, written to be read.
 *
 * Forward: for each anchor, one row of similarities → logits → two log-sum-exps → its loss; the row is forgotten.
 * Gradient: the row again, each pair weighted by what its logit had in the log-sum-exp, times the other side's row.
 * Memory is linear in the rows; time is 2 (loss) or 8 (loss and gradient) × anchors × candidates × dim operations.
 */
import type { OnHost, Problem, Report, RowsProblem, SimilarityProblem } from './engine.ts';
import { type Formula, formulaOf } from './formulas.ts';
import { type CandidateUpdate, stepInPlace } from './optimizers.ts';
import {
  chosenRows,
  firstNotFinite,
  type Rows,
  readRows,
  similarities,
  throughNormalization,
} from './reference-rows.ts';

/** The two sides of a comparison, as double-precision rows. */
interface Sides {
  problem: Problem;
  formula: Formula;
  anchors: Rows;
  candidates: Rows;
}

/** What the forward pass leaves for the gradient: per anchor, or one in scope 'batch'. */
interface Statistics {
  /** Log-sum-exps of the logits; of triplet loss their maxima. −∞ where there is no such pair. */
  positive: Float64Array;
  negative: Float64Array;
  /** Of triplet loss: the candidate with the greatest logit, the first among equals. */
  hardestPositive: Int32Array;
  hardestNegative: Int32Array;
  losses: Float64Array;
}

/** Anchors between two chances for the event loop: about 4 million multiplications. */
const panelWork = 2 ** 22;

type Role = 'positive' | 'negative' | 'neither';

/** The only place that decides what a pair is. */
function roleOf(problem: Problem, i: number, j: number): Role {
  const { candidateKind, scope, anchorLabels, candidateLabels, candidateRows } = problem;
  if (candidateKind === 'classWeights') {
    return anchorLabels[i] === (candidateRows ? candidateRows[j] : j) ? 'positive' : 'negative';
  }
  if (candidateKind === 'labelled') return anchorLabels[i] === candidateLabels![j] ? 'positive' : 'negative';
  if (i === j || (scope === 'batch' && i > j)) return 'neither';
  return anchorLabels[i] === anchorLabels[j] ? 'positive' : 'negative';
}

/** log Σ eˡ of logits that come one by one, relative to the greatest so far, and which one that is. */
class LogSumExp {
  max = -Infinity;
  argmax = -1;
  #sum = 0;

  add(logit: number, index: number): void {
    if (logit <= this.max) {
      this.#sum += Math.exp(logit - this.max);
    } else if (!Number.isNaN(this.max)) {
      this.#sum = this.#sum * Math.exp(this.max - logit) + 1;
      this.max = logit; // NaN too, and it stays
      this.argmax = index;
    }
  }

  value(): number {
    return this.max + Math.log(this.#sum);
  }
}

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoid = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

function* forward(sides: Sides): Generator<void, Statistics> {
  const { problem, formula } = sides;
  const { anchorCount, candidateCount, dim, scope } = problem;
  const lossCount = scope === 'batch' ? 1 : anchorCount;
  const statistics: Statistics = {
    positive: new Float64Array(lossCount),
    negative: new Float64Array(lossCount),
    hardestPositive: new Int32Array(lossCount),
    hardestNegative: new Int32Array(lossCount),
    losses: new Float64Array(lossCount),
  };
  const row = new Float64Array(candidateCount);
  let positive = new LogSumExp();
  let negative = new LogSumExp();
  for (let i = 0; i < anchorCount; i++) {
    if (isPanelStart(i, candidateCount * dim)) yield;
    similarities(sides.anchors, i, sides.candidates, row);
    for (let j = 0; j < candidateCount; j++) {
      const role = roleOf(problem, i, j);
      if (role === 'positive') positive.add(formula.positiveLogit(row[j]), j);
      if (role === 'negative') negative.add(formula.negativeLogit(row[j]), j);
    }
    if (scope === 'anchor') {
      settle(statistics, i, positive, negative, problem);
      positive = new LogSumExp();
      negative = new LogSumExp();
    }
  }
  if (scope === 'batch') settle(statistics, 0, positive, negative, problem);
  return statistics;
}

/** Two log-sum-exps become a loss. A side without pairs is −∞ and makes the loss 0, whatever the other side holds. */
function settle(
  statistics: Statistics,
  index: number,
  positive: LogSumExp,
  negative: LogSumExp,
  { pairLoss }: Problem,
): void {
  const isTriplet = pairLoss.type === 'triplet';
  if (positive.argmax < 0 || negative.argmax < 0) {
    statistics.positive[index] = -Infinity;
    statistics.negative[index] = -Infinity;
    return;
  }
  statistics.positive[index] = isTriplet ? positive.max : positive.value();
  statistics.negative[index] = isTriplet ? negative.max : negative.value();
  statistics.hardestPositive[index] = positive.argmax;
  statistics.hardestNegative[index] = negative.argmax;
  const sum = statistics.positive[index] + statistics.negative[index];
  statistics.losses[index] = isTriplet ? Math.max(sum, 0) : softplus(sum);
}

interface Reduced {
  loss: number;
  validAnchors: number;
  /** ∂loss / ∂(each loss) */
  factor: number;
}

/** A loss that is NaN counts as valid and as above 0, so that it comes out. */
function reduce({ reduction, anchorCount, scope }: Problem, { positive, negative, losses }: Statistics): Reduced {
  let sum = 0;
  let validAnchors = 0;
  let aboveZero = 0;
  for (let i = 0; i < losses.length; i++) {
    sum += losses[i];
    if (positive[i] !== -Infinity && negative[i] !== -Infinity) validAnchors++;
    if (losses[i] !== 0) aboveZero++;
  }
  const divisors = {
    mean: validAnchors,
    'mean-nonzero': aboveZero,
    'mean-all': scope === 'batch' ? 1 : anchorCount,
    sum: 1,
  };
  const factor = divisors[reduction] === 0 ? 0 : 1 / divisors[reduction];
  return { loss: sum * factor, validAnchors, factor };
}

interface Gradients {
  anchors: Float64Array;
  /** The anchors' own where the candidates are the batch: a row is then on both sides. */
  candidates: Float64Array | undefined;
}

/** Gradients of the rows as compared, before the way back through the normalisation. */
function* gradient(sides: Sides, statistics: Statistics, factor: number): Generator<void, Gradients> {
  const { problem, anchors, candidates } = sides;
  const { anchorCount, candidateCount, dim } = problem;
  const anchorGradient = new Float64Array(anchorCount * dim);
  let candidateGradient: Float64Array | undefined;
  if (problem.candidateKind === 'batch') candidateGradient = anchorGradient;
  else if (problem.candidateGradient || problem.update) candidateGradient = new Float64Array(candidateCount * dim);
  const row = new Float64Array(candidateCount);
  for (let i = 0; i < anchorCount; i++) {
    if (isPanelStart(i, 3 * candidateCount * dim)) yield;
    const index = problem.scope === 'batch' ? 0 : i;
    const upstream = problem.upstreamPerLoss?.[index] ?? problem.upstream * factor;
    const activity = activityOf(problem, statistics, index) * upstream;
    if (activity === 0) continue;
    similarities(anchors, i, candidates, row);
    for (let j = 0; j < candidateCount; j++) {
      const weight = activity * pairWeight(sides, statistics, index, i, j, row[j]);
      if (weight === 0) continue;
      addScaled(anchorGradient, i * dim, weight, candidates.values, j * dim, dim);
      if (candidateGradient) addScaled(candidateGradient, j * dim, weight, anchors.values, i * dim, dim);
    }
  }
  return { anchors: anchorGradient, candidates: candidateGradient };
}

/** Z = ∂L/∂(sum of the two log-sum-exps); 0 of an anchor without a positive or a negative. */
function activityOf({ pairLoss }: Problem, { positive, negative, losses }: Statistics, index: number): number {
  if (pairLoss.type !== 'triplet') return sigmoid(positive[index] + negative[index]);
  return losses[index] > 0 ? 1 : losses[index]; // 0, or NaN that came in
}

/** ∂(log-sum-exp of its side)/∂s of a pair: its share of the log-sum-exp times the slope of its logit. */
function pairWeight(
  { problem, formula }: Sides,
  { positive, negative, hardestPositive, hardestNegative }: Statistics,
  index: number,
  i: number,
  j: number,
  s: number,
): number {
  const isTriplet = problem.pairLoss.type === 'triplet';
  switch (roleOf(problem, i, j)) {
    case 'positive': {
      const share = isTriplet
        ? Number(hardestPositive[index] === j)
        : Math.exp(formula.positiveLogit(s) - positive[index]);
      return share * formula.positiveSlope(s);
    }
    case 'negative': {
      const share = isTriplet
        ? Number(hardestNegative[index] === j)
        : Math.exp(formula.negativeLogit(s) - negative[index]);
      return share * formula.negativeSlope(s);
    }
    case 'neither':
      return 0;
  }
}

function addScaled(
  sum: Float64Array,
  sumStart: number,
  scale: number,
  row: Float64Array,
  rowStart: number,
  dim: number,
): void {
  for (let k = 0; k < dim; k++) sum[sumStart + k] += scale * row[rowStart + k];
}

/** Allocates before anything is written. */
function moveCandidates(
  { candidates, candidateRows, dim }: OnHost<Problem>,
  update: CandidateUpdate,
  rows: Rows,
  gradient: Float64Array,
): void {
  const rounded = new Float32Array(gradient.length);
  throughNormalization(rows, gradient, rounded);
  for (let j = 0; j < rows.count; j++) {
    stepInPlace(update, rounded, j * dim, candidates!, (candidateRows?.[j] ?? j) * dim, dim);
  }
}

export const isPanelStart = (i: number, rowWork: number) => i % Math.max(1, Math.floor(panelWork / rowWork)) === 0;

/** The whole of a call; every `yield` is a chance to do something else, or to stop. Outputs are written at the end. */
export function* evaluate(problem: OnHost<Problem>): Generator<void, Report> {
  const bad = findNotFinite(problem);
  if (bad) return bad;
  const { anchorCount, candidateCount, dim, normalize, candidateKind } = problem;
  const anchors = readRows(problem.anchors, anchorCount, dim, normalize);
  const candidates =
    candidateKind === 'batch'
      ? anchors
      : readRows(chosenRows(problem.candidates!, problem.candidateRows, dim), candidateCount, dim, normalize);
  const sides: Sides = { problem, formula: formulaOf(problem.pairLoss), anchors, candidates };
  const statistics = yield* forward(sides);
  const { loss, validAnchors, factor } = reduce(problem, statistics);
  const overflows = statistics.losses.some((value) => !Number.isFinite(Math.fround(value)));
  if (problem.checkFinite === 'throw' && (overflows || !Number.isFinite(Math.fround(loss)))) {
    return { ...succeeded, status: 'overflow' };
  }
  if (problem.gradient) {
    const gradients = yield* gradient(sides, statistics, factor);
    if (problem.update) moveCandidates(problem, problem.update, candidates, gradients.candidates!);
    throughNormalization(anchors, gradients.anchors, problem.gradient);
    if (problem.candidateGradient) throughNormalization(candidates, gradients.candidates!, problem.candidateGradient);
  }
  problem.anchorLosses.set(statistics.losses);
  return { ...succeeded, loss, validAnchors };
}

/** The rows of a problem without a loss, or the report that one is not finite. */
export function rowsOf(problem: OnHost<RowsProblem>): { anchors: Rows; candidates: Rows } | Report {
  const bad = findNotFinite(problem);
  if (bad) return bad;
  const { anchorCount, candidateCount, dim, normalize } = problem;
  const anchors = readRows(problem.anchors, anchorCount, dim, normalize);
  const chosen = problem.candidates && chosenRows(problem.candidates, problem.candidateRows, dim);
  return { anchors, candidates: chosen ? readRows(chosen, candidateCount, dim, normalize) : anchors };
}

export function* evaluateSimilarity(problem: OnHost<SimilarityProblem>): Generator<void, Report> {
  const rows = rowsOf(problem);
  if ('status' in rows) return rows;
  const { anchorCount, candidateCount, dim, out } = problem;
  for (let i = 0; i < anchorCount; i++) {
    if (isPanelStart(i, candidateCount * dim)) yield;
    similarities(rows.anchors, i, rows.candidates, out.subarray(i * candidateCount, (i + 1) * candidateCount));
  }
  return succeeded;
}

export const succeeded: Report = { status: 'ok', array: 'anchors', row: 0, loss: 0, validAnchors: 0 };

function findNotFinite(problem: OnHost<Problem | RowsProblem>): Report | undefined {
  if (problem.checkFinite === 'propagate') return undefined;
  const { anchors, dim } = problem;
  const candidates = problem.candidates && chosenRows(problem.candidates, problem.candidateRows, dim);
  const row = firstNotFinite(anchors, dim);
  if (row >= 0) return { ...succeeded, status: 'notFinite', row };
  const candidateRow = candidates ? firstNotFinite(candidates, dim) : -1;
  return candidateRow < 0 ? undefined : { ...succeeded, status: 'notFinite', array: 'candidates', row: candidateRow };
}
