/** The reference engine behind the interface of engines: synchronously at once, asynchronously a panel at a time. */
import { ordinary } from './arrays.ts';
import { hostRows } from './candidates.ts';
import type { AnyProblem, Engine, EngineJob, OnHost, Report } from './engine.ts';
import { internal } from './errors.ts';
import { evaluate, evaluateSimilarity, succeeded } from './reference.ts';
import { searchNearest, searchRanks } from './reference-search.ts';

/** Where V8 has no memory for an array: the report says so, as that of other engines does. */
function next(steps: Generator<void, Report>): IteratorResult<void, Report> {
  try {
    return steps.next();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { done: true, value: { ...succeeded, status: 'outOfMemory' } };
  }
}

function finish(steps: Generator<void, Report>): Report {
  for (;;) {
    const step = next(steps);
    if (step.done) return step.value;
  }
}

/** A panel for each turn of the event loop. */
function finishInTurns(steps: Generator<void, Report>): EngineJob {
  let isAborted = false;
  const run = async (): Promise<Report> => {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (isAborted) return { ...succeeded, status: 'aborted' };
      const step = next(steps);
      if (step.done) return step.value;
    }
  };
  return {
    done: run(),
    abort: () => {
      isAborted = true;
    },
  };
}

const resultNames = ['anchorLosses', 'gradient', 'candidateGradient', 'out'] as const;

/** Results go to the caller's memory, not through methods that the caller may have replaced. */
function ordinaryResults(problem: AnyProblem): Partial<Record<string, Float32Array>> {
  const arrays = problem as unknown as Partial<Record<string, Float32Array>>;
  return Object.fromEntries(resultNames.flatMap((name) => (arrays[name] ? [[name, ordinary(arrays[name])]] : [])));
}

/** The choice of an engine has seen to it. */
function onHost<P extends AnyProblem>(problem: P): OnHost<P> {
  const candidates = hostRows(problem.candidates);
  if (candidates !== problem.candidates) throw internal("Engine 'reference' was given rows on a device");
  return { ...problem, ...ordinaryResults(problem), candidates };
}

export const referenceEngine: Engine = {
  name: 'reference',
  compute: (problem) => finish(evaluate(onHost(problem))),
  computeAsync: (problem) => finishInTurns(evaluate(onHost(problem))),
  similarity: (problem) => finish(evaluateSimilarity(onHost(problem))),
  similarityAsync: (problem) => finishInTurns(evaluateSimilarity(onHost(problem))),
  nearest: (problem) => finish(searchNearest(onHost(problem))),
  nearestAsync: (problem) => finishInTurns(searchNearest(onHost(problem))),
  rank: (problem) => finish(searchRanks(onHost(problem))),
  rankAsync: (problem) => finishInTurns(searchRanks(onHost(problem))),
  workspaceBytes: () => 0,
  release: () => {},
};
