/**
 * What is wrong with a result: where it is farther from double precision than float32 carries it. Losses are held to the
 * bound of `test/sensitivity.ts`, similarities to the classical one, what was found to its own similarity. The reference
 * engine, which makes the doubles, is itself held to finite differences of plain definitions in `test/reference.test.ts`.
 */
import type { MemoryBankLoss, Nearest, PairLossOptions, PairLossResult } from 'circle-loss';
import type { Case } from '../../test/cases.ts';
import { computeInDouble, type DoubleResult } from '../../test/in-double.ts';
import { distance, largest, sensitivityOf } from '../../test/sensitivity.ts';
import type { BankProblem, HeadProblem, LossProblem, SearchProblem } from './problems.ts';
import type { HeadResult } from './work.ts';

/** A sentence for each thing that is wrong. */
export type Judge<Result> = (result: Result) => string[];

/** As in `test/engines.test.ts`: twice what a nudge of float32's size moves it, and the rounding of the result. */
function apart(what: string, found: ArrayLike<number>, exact: ArrayLike<number>, move: number): string[] {
  if (found.length !== exact.length) return [`${found.length} numbers of ${what} in place of ${exact.length}`];
  const bound = 2 * move + largest(exact) * 2 ** -22 + 1e-30;
  const error = distance(found, exact);
  return error <= bound
    ? []
    : [`${what} off by ${error.toExponential(1)}, at most ${bound.toExponential(1)} is rounding`];
}

export function judgeLoss(problem: LossProblem): Judge<PairLossResult> {
  const testCase: Case = { name: problem.name, ...problem.batch(), options: problem.options() };
  const exact = computeInDouble(testCase.embeddings, testCase.labels, testCase.options);
  const moves = sensitivityOf(testCase, exact);
  return ({ loss, validAnchors, anchorLosses, gradient, classWeightGradient, candidateGradient }) => [
    ...apart('loss', [loss], [exact.loss], moves.loss),
    ...apart('valid anchors', [validAnchors], [exact.validAnchors], 0),
    ...apart('anchor losses', anchorLosses, exact.anchorLosses, moves.anchorLosses),
    ...apart('gradient', gradient, exact.gradient, moves.gradient),
    ...apart(
      "candidates' gradient",
      classWeightGradient ?? candidateGradient ?? [],
      exact.candidateGradient,
      moves.candidateGradient,
    ),
  ];
}

/** Cosines of all rows with all rows of the other array. */
function cosinesOf(rows: Float32Array, others: Float32Array, dim: number): Float64Array[] {
  const split = (array: Float32Array) =>
    Array.from({ length: array.length / dim }, (_, i) => {
      const row = Float64Array.from(array.subarray(i * dim, (i + 1) * dim));
      const norm = Math.hypot(...row);
      return row.map((value) => value / norm);
    });
  const units = split(others);
  return split(rows).map((a) => Float64Array.from(units, (b) => a.reduce((sum, value, k) => sum + value * b[k], 0)));
}

/** Of a cosine: one rounding a term and four of the normalisation, of terms whose sizes add up to 1 at most. */
const cosineBound = (dim: number) => (dim + 4) * 2 ** -24;

export function judgeSimilarity(problem: SearchProblem): Judge<{ out: Float32Array }> {
  const { embeddings } = problem.batch();
  const exact = cosinesOf(embeddings, embeddings, problem.dim).flatMap((row) => [...row]);
  return ({ out }) => apart('similarity', out, exact, cosineBound(problem.dim) / 2);
}

/** Of each row the best: as many cosines, as high as any other's but for rounding, and each once. */
function judgeBest(cosines: readonly Float64Array[], k: number, dim: number, indices: ArrayLike<number>): string[] {
  if (indices.length !== cosines.length * k) return [`${indices.length} found in place of ${cosines.length * k}`];
  return cosines.flatMap((row, i) => {
    const sorted = [...row].sort((a, b) => b - a);
    const places = Array.from({ length: k }, (_, place) => indices[i * k + place]);
    // Two bounds: that of what was taken, and that of what was left.
    const isBest = places.every((index, place) => row[index] >= sorted[place] - 2 * cosineBound(dim));
    return isBest && new Set(places).size === k ? [] : [`row ${i} has found ${places}`];
  });
}

export function judgeNearest(problem: SearchProblem, k: number): Judge<Nearest> {
  const { embeddings } = problem.batch();
  const cosines = cosinesOf(embeddings, embeddings, problem.dim);
  for (const [i, row] of cosines.entries()) row[i] = -2; // none finds itself
  return ({ similarities, indices }) => {
    const own = Float64Array.from(indices, (index, place) => cosines[Math.floor(place / k)]?.[index] ?? Number.NaN);
    return [
      ...judgeBest(cosines, k, problem.dim, indices),
      ...apart('similarities', similarities, own, cosineBound(problem.dim) / 2),
    ];
  };
}

/** `compute`: the head's result on engine `reference`, of the embeddings given. */
export function judgeHead(problem: HeadProblem, compute: (embeddings: Float32Array) => HeadResult): Judge<HeadResult> {
  const { embeddings, labels } = problem.batch();
  const { dim } = problem.options;
  const inDouble = (rows: Float32Array): DoubleResult => {
    const { loss, anchorLosses, gradient, weights } = compute(rows);
    const doubles = { anchorLosses: Float64Array.from(anchorLosses), gradient: Float64Array.from(gradient) };
    return { loss, validAnchors: 0, ...doubles, candidateGradient: Float64Array.from(weights) };
  };
  const exact = inDouble(embeddings);
  const options = { dim, pairLoss: problem.options.pairLoss } as PairLossOptions;
  const moves = sensitivityOf({ name: problem.name, embeddings, labels, options }, exact, undefined, inDouble);
  return ({ loss, anchorLosses, gradient, weights, classes }) => [
    ...apart('loss', [loss], [exact.loss], moves.loss),
    ...apart('anchor losses', anchorLosses, exact.anchorLosses, moves.anchorLosses),
    ...apart('gradient', gradient, exact.gradient, moves.gradient),
    ...apart('weights', weights, exact.candidateGradient, moves.candidateGradient),
    ...judgeBest(cosinesOf(embeddings, weights, dim), classes.length / labels.length, dim, classes),
  ];
}

/** A batch against itself, and against the last rows that it was stored with. */
export function judgeBank(problem: BankProblem): Judge<Pick<MemoryBankLoss, 'loss' | 'gradient'>> {
  const { embeddings, labels } = problem.batch();
  const { capacity, dim, pairLoss } = problem.options;
  const repeated = <Row>(row: Row) => Array.from({ length: problem.times }, () => row);
  const candidates = Float32Array.from(
    repeated([...embeddings])
      .flat()
      .slice(-capacity * dim),
  );
  const candidateLabels = Int32Array.from(
    repeated([...labels])
      .flat()
      .slice(-capacity),
  );
  const parts = [{}, { candidates, candidateLabels }].map((against) => {
    const options = { dim, pairLoss, ...against } as PairLossOptions;
    const exact = computeInDouble(embeddings, labels, options);
    return { exact, moves: sensitivityOf({ name: problem.name, embeddings, labels, options }, exact) };
  });
  const [batch, memory] = parts.map(({ exact }) => exact);
  const moveOf = (key: 'loss' | 'gradient') => parts.reduce((sum, { moves }) => sum + moves[key], 0);
  const gradientOf = batch.gradient.map((value, k) => value + memory.gradient[k]);
  // What the parts were rounded to is left where they cancel.
  const rounding = (Math.max(largest(batch.gradient), largest(memory.gradient)) * 2 ** -22) / 2;
  return ({ loss, gradient }) => [
    ...apart('loss', [loss], [batch.loss + memory.loss], moveOf('loss')),
    ...apart('gradient', gradient, gradientOf, moveOf('gradient') + rounding),
  ];
}
