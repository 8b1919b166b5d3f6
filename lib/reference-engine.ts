/** The reference engine behind the interface of engines: synchronously at once, asynchronously a panel at a time. */
import type { Engine, EngineJob, Report } from './engine.ts';
import { evaluate, evaluateSimilarity, succeeded } from './reference.ts';

function finish(steps: Generator<void, Report>): Report {
  for (;;) {
    const step = steps.next();
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
      const step = steps.next();
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

export const referenceEngine: Engine = {
  name: 'reference',
  compute: (problem) => finish(evaluate(problem)),
  computeAsync: (problem) => finishInTurns(evaluate(problem)),
  similarity: (problem) => finish(evaluateSimilarity(problem)),
  similarityAsync: (problem) => finishInTurns(evaluateSimilarity(problem)),
  workspaceBytes: () => 0,
  release: () => {},
};
