/** Runs a problem on an engine, turns what the engine reports into a result or an error. */
import { checkAlive, copyInto, trueLengthOf } from './arrays.ts';
import { giveBackAll } from './copies.ts';
import { isDeviceMatrix } from './device-matrix.ts';
import type { AnyProblem, Engine, EngineJob, Problem, Report } from './engine.ts';
import {
  aborted,
  deviceFailed,
  internal,
  notFinite,
  notFiniteOnDevice,
  outOfDeviceMemory,
  outOfMemory,
  overflow,
  similarityOverflow,
  workspaceOutOfMemory,
  wrongShape,
} from './errors.ts';
import { gradientOfCandidates, isolate, type StepArrays } from './problem.ts';
import type { PairLossResult, PairLossValue } from './results.ts';
import { isAborted } from './signals.ts';

export function run(engine: Engine, problem: Problem, names = namesOf(problem)): PairLossResult {
  const report = engine.compute(problem);
  if (report.status !== 'ok') throw failure(report, problem, names);
  return resultOf(engine, problem, report);
}

/** `out`: the caller's arrays among the outputs. They are written at the end; the others are nobody else's yet. */
export async function runAsync(
  engine: Engine,
  problem: Problem,
  out: StepArrays['out'],
  signal?: AbortSignal,
  names = namesOf(problem),
): Promise<PairLossResult> {
  refuseAborted(signal);
  const isolated = isolate(problem, out);
  const report = await finish(() => engine.computeAsync(isolated), signal, problem.update ? 'result' : 'abort');
  if (report.status !== 'ok') throw failure(report, isolated, names);
  try {
    deliver([
      ['out.anchorLosses', isolated.anchorLosses, problem.anchorLosses],
      ['out.gradient', isolated.gradient, problem.gradient],
      [`out.${gradientOfCandidates[problem.candidateKind]}`, isolated.candidateGradient, problem.candidateGradient],
    ]);
  } catch (error) {
    // A step that has been made cannot fail any more: its results stay in arrays of their own.
    if (problem.update) return resultOf(engine, isolated, report);
    throw error;
  }
  giveBackAll(isolated, problem);
  return resultOf(engine, problem, report);
}

/** Before anything is copied. */
export function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal && isAborted(signal)) throw aborted(signal);
}

/**
 * Starts a job and waits for it. An abort before its end rejects; `wins`: whether even where the job came to a result all
 * the same, or not where that cannot be undone.
 */
export async function finish(
  start: () => EngineJob,
  signal: AbortSignal | undefined,
  wins: 'abort' | 'result' = 'abort',
): Promise<Report> {
  if (signal === undefined) return start().done;
  const job = start();
  const abort = () => job.abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const report = await job.done;
    if (wins === 'abort' || report.status !== 'ok') refuseAborted(signal);
    return report;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

type Delivery = readonly [name: string, from: Float32Array | undefined, to: Float32Array | undefined];

/** Copies private results to where they belong; all or none, should an array have been transferred meanwhile. */
export function deliver(deliveries: readonly Delivery[]): void {
  for (const [name, from, to] of deliveries) {
    if (from === undefined || to === undefined || from === to) continue;
    checkAlive(name, to);
    if (trueLengthOf(to) !== from.length) throw wrongShape(name, `${from.length} numbers still`, `${trueLengthOf(to)}`);
  }
  for (const [, from, to] of deliveries) if (from && to && from !== to) copyInto(to, from);
}

function resultOf(engine: Engine, problem: Problem, { loss, validAnchors }: Report): PairLossResult {
  const { anchorLosses, gradient, candidateGradient, candidateKind } = problem;
  const value: PairLossValue & Partial<PairLossResult> = { loss, anchorLosses, validAnchors, engine: engine.name };
  if (gradient) value.gradient = gradient;
  if (candidateGradient) value[gradientOfCandidates[candidateKind]!] = candidateGradient;
  return value as PairLossResult; // the public overloads tell calls that skip the gradient
}

function namesOf({ candidateKind }: Problem): Names {
  return { anchors: 'embeddings', candidates: candidateKind === 'classWeights' ? 'classWeights' : 'candidates' };
}

/** What messages call the arrays of a call, and what to do about numbers that are not finite. */
export interface Names {
  anchors: string;
  candidates: string;
  remedy?: string;
}

/** The error of a report that is not ok. `placeOf`: where the caller has a row, if that is not where the problem has it. */
export function failure(report: Report, problem: AnyProblem, names: Names, placeOf = placeIn(report, problem)): Error {
  switch (report.status) {
    case 'notFinite':
      return nameNotFinite(report, problem, names, placeOf);
    case 'overflow':
      return 'pairLoss' in problem ? overflow(problem.normalize) : similarityOverflow();
    case 'outOfMemory':
      return hasLimit(problem) ? workspaceOutOfMemory(pairsOf(problem)) : outOfMemory(pairsOf(problem));
    case 'outOfDeviceMemory': {
      const limit = hasLimit(problem) ? 'Lower workspaceLimit, c' : 'C';
      const rows = isDeviceMatrix(problem.candidates) ? ' with candidates in a Float32Array' : '';
      return outOfDeviceMemory(pairsOf(problem), `${limit}ompute fewer rows a call, or use engine 'cpu'${rows}.`);
    }
    case 'deviceFailed':
      return deviceFailed(report.deviceError!);
    default:
      return internal(`The engine reported '${report.status}'`);
  }
}

/** A similarity matrix keeps no tiles. */
const hasLimit = (problem: AnyProblem) => 'workspaceLimit' in problem;

const pairsOf = ({ anchorCount, candidateCount, dim }: AnyProblem) =>
  `${anchorCount} × ${candidateCount} pairs of dim ${dim}`;

/** The row among all candidates, where some were chosen. */
function placeIn({ array }: Pick<Report, 'array'>, { candidateRows }: AnyProblem) {
  return (row: number) => (array === 'candidates' ? (candidateRows?.[row] ?? row) : row);
}

/** Engines tell the row; column and value are looked up here, where the rows are within reach. */
function nameNotFinite(
  { array, row }: Report,
  problem: AnyProblem,
  names: Names,
  placeOf: (row: number) => number,
): Error {
  const values = problem[array] ?? problem.anchors;
  if (isDeviceMatrix(values)) return notFiniteOnDevice(names[array], placeOf(row), names.remedy);
  const start = placeIn({ array }, problem)(row) * problem.dim;
  const column = values.subarray(start, start + problem.dim).findIndex((value) => !Number.isFinite(value));
  return notFinite(names[array], placeOf(row), column, values[start + column], names.remedy);
}
