/** `createPairLoss`: options checked once, a workspace kept from step to step. */
import { chooseEngine, type EngineChoice } from './engines.ts';
import { disposed } from './errors.ts';
import type { Abortable, CandidateRows, Labels, SessionOptions, StepOptions } from './options.ts';
import { createProblem, createSettings, noArrays, noStep, type Settings, type StepArrays } from './problem.ts';
import type { CandidateGradientResult, ClassLevelResult, PairLossResult, PairLossValue } from './results.ts';
import { run, runAsync } from './run.ts';
import { parse, schemas } from './schemas.ts';

/**
 * A pair loss for a training loop. `using` disposes it; so does `dispose()`, and garbage collection in the end, which
 * frees native memory only between turns of the event loop.
 */
export interface PairLossSession<Result extends PairLossValue = PairLossResult> extends Disposable {
  /** As `computePairLoss`; `step` replaces arrays of the options for this call. */
  compute(embeddings: Float32Array, labels: Labels, step?: StepOptions): Result;
  /** As `computePairLossAsync`. Calls may overlap; each works on copies, and `out` arrays are written at its end. */
  computeAsync(embeddings: Float32Array, labels: Labels, step?: StepOptions & Abortable): Promise<Result>;
  /** Frees the workspace, after the calls in flight. A later call is an error (ERR_CIRCLE_DISPOSED). */
  dispose(): void;
}

/**
 * A pair loss that is computed again and again: options are checked once, and the engine keeps its workspace between
 * steps, which may grow and shrink.
 *
 * Takes the options of `computePairLoss`. What changes from step to step (class weights, candidates and their labels,
 * upstream, out) may also come with each step. Throws what `computePairLoss` throws: about options here, about arrays
 * in the step.
 */
export function createPairLoss(options: SessionOptions & { gradient: 'skip' }): PairLossSession<PairLossValue>;
export function createPairLoss(
  options: SessionOptions & { gradient?: 'compute'; classWeights: CandidateRows },
): PairLossSession<ClassLevelResult>;
export function createPairLoss(
  options: SessionOptions & { gradient?: 'compute'; candidateGradient: 'compute' },
): PairLossSession<CandidateGradientResult>;
export function createPairLoss(options: SessionOptions & { gradient?: 'compute' }): PairLossSession;
export function createPairLoss(options: SessionOptions): PairLossSession<PairLossValue & Partial<PairLossResult>>;
export function createPairLoss(options: unknown): PairLossSession<CandidateGradientResult & ClassLevelResult> {
  const parsed = parse(schemas.pairLoss, options);
  const settings = createSettings(parsed, parsed.pairLoss);
  return openSession(settings, chooseEngine(settings.engine, settings.device)) as PairLossSession<
    CandidateGradientResult & ClassLevelResult
  >;
}

/** A session on engines of one's own: a given instruction set, in tests. */
export function openSession(settings: Settings, choice: EngineChoice): PairLossSession {
  let isDisposed = false;
  const checkAlive = () => {
    if (isDisposed) throw disposed('The pair loss');
  };
  const read = (schema: typeof schemas.step | typeof schemas.stepAsync, step: unknown) => {
    checkAlive();
    const given = step === undefined ? noArrays : parse(schema, step, 'step');
    checkAlive(); // reading options may have run code of the caller's
    return given;
  };
  const dispose = () => {
    isDisposed = true;
    choice.release();
  };
  return {
    compute(embeddings, labels, step) {
      const arrays = replaced(settings.arrays, read(schemas.step, step));
      const problem = createProblem(settings, arrays, embeddings, labels);
      return run(choice.engineFor(problem), problem);
    },
    async computeAsync(embeddings, labels, step) {
      const given: { signal?: AbortSignal } & StepArrays = read(schemas.stepAsync, step);
      const arrays = replaced(settings.arrays, given);
      const problem = createProblem(settings, arrays, embeddings, labels);
      try {
        return await runAsync(choice.engineFor(problem), problem, arrays.out, given.signal);
      } finally {
        // A call that had not begun when dispose() freed the workspace has grown a new one.
        if (isDisposed) choice.release();
      }
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
}

/** Candidates replace candidates with their labels, and the other kind: what a step compares with is its own affair. */
function replaced(arrays: StepArrays, step: StepArrays): StepArrays {
  const bringsCandidates = step.classWeights !== undefined || step.candidates !== undefined;
  const { classWeights, candidates } = bringsCandidates ? step : arrays;
  return {
    ...noStep,
    classWeights,
    candidates,
    candidateLabels: step.candidateLabels ?? (bringsCandidates ? undefined : arrays.candidateLabels),
    upstream: step.upstream ?? arrays.upstream,
    out: step.out ?? arrays.out,
  };
}
