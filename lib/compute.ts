/** The one-shot functions: options parsed, a problem made of them, run on the shared engine. */
import { sharedEngine, trim } from './engines.ts';
import type { Abortable, CircleLossOptions, ClassWeightCandidates, Labels, PairLossOptions } from './options.ts';
import { createProblem, createSettings, type Settings } from './problem.ts';
import type { CandidateGradientResult, ClassLevelResult, PairLossResult, PairLossValue } from './results.ts';
import { run, runAsync } from './run.ts';
import { parse, schemas } from './schemas.ts';

/** What a call returns: its result, or the promise of it. */
type Returned<When extends 'now' | 'later', Result> = When extends 'now' ? Result : Promise<Result>;

/** A result has the gradients that the options ask for; where the types cannot tell, they are optional. */
interface Compute<Options, When extends 'now' | 'later' = 'now'> {
  (embeddings: Float32Array, labels: Labels, options: Options & { gradient: 'skip' }): Returned<When, PairLossValue>;
  (
    embeddings: Float32Array,
    labels: Labels,
    options: Options & { gradient?: 'compute' } & ClassWeightCandidates,
  ): Returned<When, ClassLevelResult>;
  (
    embeddings: Float32Array,
    labels: Labels,
    options: Options & { gradient?: 'compute'; candidateGradient: 'compute' },
  ): Returned<When, CandidateGradientResult>;
  (
    embeddings: Float32Array,
    labels: Labels,
    options: Options & { gradient?: 'compute' },
  ): Returned<When, PairLossResult>;
  (embeddings: Float32Array, labels: Labels, options: Options): Returned<When, PairLossValue & Partial<PairLossResult>>;
}

/**
 * Circle loss and its gradient: every anchor (row) is compared with every candidate, and its positives and negatives
 * become log(1 + Σ exp(l_n) Σ exp(l_p)).
 *
 * - `embeddings`: N × dim numbers, row by row; any finite numbers, normalised inside unless `normalize: false`.
 * - `labels`: N integers from −2³¹ to 2³¹ − 1; equal labels make a positive pair. With `classWeights` rows of them.
 * - `options`: `dim`, and what differs from the defaults: margin 0.4 and gamma 80 (0.25 and 256 with class weights),
 *   detached weights, unit rows, one log-sum-exp an anchor, the mean over anchors that have a positive and a negative.
 *
 * An anchor without a positive or without a negative has loss 0 and gradient 0. A row of norm 1e-12 or less counts as
 * x/1e-12, and so does its gradient. Cost in floating-point operations: N × N × dim (loss) or 3 to 4 times that (with
 * gradient) among the batch, 2 (loss) or 4 to 8 (with gradients) × N × M × dim with M other candidates (docs/math.md
 * §12); memory is linear in the rows but for `workspaceLimit`.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_INVALID_ARGUMENT, ERR_CIRCLE_SHAPE, ERR_CIRCLE_DETACHED, ERR_CIRCLE_OVERLAP,
 * ERR_CIRCLE_NOT_FINITE, ERR_CIRCLE_OVERFLOW, ERR_CIRCLE_OUT_OF_MEMORY, ERR_CIRCLE_DISPOSED (a DeviceMatrix),
 * ERR_CIRCLE_CUDA (a GPU that fails), and where the engine or binary asked for cannot run ERR_CIRCLE_NATIVE_LOAD or
 * ERR_CIRCLE_CUDA_UNAVAILABLE. `out` arrays are untouched where it throws, but for a GPU that fails
 * half way (ERR_CIRCLE_CUDA).
 *
 * Source: Sun et al., "Circle Loss", CVPR 2020, arXiv:2002.10857v2, Eqs. 5, 6, 8; gradient Eqs. 9, 10, and 0 where the
 * weight of a pair is 0.
 *
 * @function
 */
export const computeCircleLoss: Compute<CircleLossOptions> = (
  embeddings: Float32Array,
  labels: Labels,
  options: unknown,
) => computeWith(fromCircleOptions(parse(schemas.circleLoss, options)), embeddings, labels);

/**
 * `computeCircleLoss` off the JavaScript thread (engine 'reference': on it, in turns with other events). Works on
 * copies: the arrays may change as soon as the call returns (a DeviceMatrix waits with its changes). Rejects with what
 * `computeCircleLoss` throws, and with an `AbortError` once `signal` is aborted.
 *
 * @function
 */
export const computeCircleLossAsync: Compute<CircleLossOptions & Abortable, 'later'> = async (
  embeddings: Float32Array,
  labels: Labels,
  options: unknown,
) => {
  const parsed = parse(schemas.circleLossAsync, options);
  return computeWithAsync(fromCircleOptions(parsed), embeddings, labels, parsed.signal);
};

/**
 * Any pair loss of the family and its gradient. Arrays, options, result, cost and errors are those of
 * `computeCircleLoss`, but for `pairLoss`, which holds the loss with its parameters: `{ type: 'circle' }` (Eq. 6),
 * `{ type: 'unified' }` (Eq. 1: AM-Softmax, NormFace, softmax), `{ type: 'arcface' }` (unit rows only),
 * `{ type: 'triplet' }` (Eq. 3; scope 'anchor' only; of equally hard pairs the first has the gradient).
 *
 * Source: Sun et al., arXiv:2002.10857v2; Deng et al., "ArcFace", CVPR 2019, arXiv:1801.07698, Eq. 3.
 *
 * @function
 */
export const computePairLoss: Compute<PairLossOptions> = (embeddings: Float32Array, labels: Labels, options: unknown) =>
  computeWith(fromPairLossOptions(parse(schemas.pairLoss, options)), embeddings, labels);

/**
 * `computePairLoss` as `computeCircleLossAsync` does it.
 *
 * @function
 */
export const computePairLossAsync: Compute<PairLossOptions & Abortable, 'later'> = async (
  embeddings: Float32Array,
  labels: Labels,
  options: unknown,
) => {
  const parsed = parse(schemas.pairLossAsync, options);
  return computeWithAsync(fromPairLossOptions(parsed), embeddings, labels, parsed.signal);
};

function fromCircleOptions(options: ReturnType<typeof parse<typeof schemas.circleLoss>>): Settings {
  const { margin, gamma, optima, targets, weighting } = options;
  return createSettings(options, { type: 'circle', margin, gamma, optima, targets, weighting });
}

function fromPairLossOptions(options: ReturnType<typeof parse<typeof schemas.pairLoss>>): Settings {
  return createSettings(options, options.pairLoss);
}

/** Has the fields that the options ask for, as the call signatures above say. */
type AskedFor = Required<PairLossResult>;

function computeWith(settings: Settings, embeddings: unknown, labels: unknown): AskedFor {
  const problem = createProblem(settings, settings.arrays, embeddings, labels);
  const engine = sharedEngine(settings.engine, settings.device, problem);
  try {
    return run(engine, problem) as AskedFor;
  } finally {
    trim(engine);
  }
}

async function computeWithAsync(settings: Settings, embeddings: unknown, labels: unknown, signal?: AbortSignal) {
  const problem = createProblem(settings, settings.arrays, embeddings, labels);
  const engine = sharedEngine(settings.engine, settings.device, problem);
  try {
    return (await runAsync(engine, problem, settings.arrays.out, signal)) as AskedFor;
  } finally {
    trim(engine);
  }
}
