/**
 * The way into anybody's automatic differentiation. Of a loss that is computed outside it, a framework needs to know one
 * thing, the gradient g at the embeddings x₀; and the surrogate loss + Σ (x − x₀)·g has both at x₀: the loss as its
 * value, g as its gradient. What lies before the embeddings gets from it what it would have got from the loss.
 */
import { computePairLoss, computePairLossAsync } from './compute.ts';
import { isDeviceMatrix } from './device-matrix.ts';
import { invalidArgument } from './errors.ts';
import type { Abortable, CandidateRows, ClassWeightCandidates, Labels, PairLossOptions } from './options.ts';
import type { CandidateGradientResult, ClassLevelResult, PairLossResult } from './results.ts';

/** Two operations of the framework; the rest of it is not needed. */
export interface SurrogateOps<Tensor, Scalar> {
  /**
   * Σ tensor · constants, by which the tensor is differentiated: `(x, g) => tf.sum(tf.mul(x, tf.tensor(g, x.shape)))`.
   * There are as many constants as the tensor has numbers, row by row.
   */
  dot(tensor: Tensor, constants: Float32Array): Scalar;
  /** scalar + other. */
  add(scalar: Scalar, other: Scalar | number): Scalar;
}

/** Of a loss with one gradient. */
export interface Surrogate {
  /**
   * What to differentiate in place of the loss. `embeddings` are the framework's, made by the model from the same batch
   * and parameters as the numbers that the loss was computed of: N × dim.
   */
  surrogate<Tensor, Scalar>(ops: SurrogateOps<Tensor, Scalar>, embeddings: Tensor): Scalar;
}

/** Of a loss with two gradients: `candidates` are the class weights, C × dim, or the labelled candidates, M × dim. */
export interface CandidateSurrogate {
  surrogate<Tensor, Scalar>(ops: SurrogateOps<Tensor, Scalar>, embeddings: Tensor, candidates: Tensor): Scalar;
}

/** @inline */
type WithGradient = PairLossOptions & { gradient?: 'compute' };

interface SurrogateGradient<When extends 'now' | 'later', More = unknown> {
  (
    embeddings: Float32Array,
    labels: Labels,
    options: WithGradient & ClassWeightCandidates & More,
  ): Returned<When, ClassLevelResult & CandidateSurrogate>;
  (
    embeddings: Float32Array,
    labels: Labels,
    options: WithGradient & { candidateGradient: 'compute' } & More,
  ): Returned<When, CandidateGradientResult & CandidateSurrogate>;
  (embeddings: Float32Array, labels: Labels, options: WithGradient & More): Returned<When, PairLossResult & Surrogate>;
}

type Returned<When extends 'now' | 'later', Result> = When extends 'now' ? Result : Promise<Result>;

/**
 * A pair loss for a framework that is not ours. Arrays, options, result, cost and errors are those of `computePairLoss`,
 * and the result has one thing more, `surrogate`: a function of the framework's tensors that has the loss as its value
 * and the loss's gradient as its gradient, with respect to the embeddings and to all that they were made of.
 *
 * ```ts
 * const { surrogate } = surrogateGradient(await embed(parameters).data(), labels, { dim, pairLoss });
 * const gradients = grad((p) => surrogate(ops, embed(p)))(parameters);
 * ```
 *
 * It is exact at the parameters where the embeddings were computed, and there only: step, then compute anew. Second
 * derivatives of it are those of a linear function, 0, and not the loss's.
 *
 * With `out`, the surrogate is made of those arrays, and good until they are written again.
 *
 * Throws what `computePairLoss` throws, and ERR_CIRCLE_INVALID_ARGUMENT where `gradient` is 'skip'.
 *
 * @function
 */
export const surrogateGradient: SurrogateGradient<'now'> = (
  embeddings: Float32Array,
  labels: Labels,
  options: WithGradient,
): never => {
  refuseSkip(options);
  const result = computePairLoss(embeddings, labels, options);
  return withSurrogate(result, embeddings, candidatesOf(options)) as never;
};

/**
 * `surrogateGradient` as `computePairLossAsync` does it.
 *
 * @function
 */
export const surrogateGradientAsync: SurrogateGradient<'later', Abortable> = async (
  embeddings: Float32Array,
  labels: Labels,
  options: WithGradient & Abortable,
): Promise<never> => {
  refuseSkip(options);
  // The copies say where the loss was computed: the caller may change the arrays meanwhile.
  const computed = computePairLossAsync(embeddings, labels, options);
  const copies = Promise.all([copyOfRows(embeddings), copyOfRows(candidatesOf(options))]);
  copies.catch(() => {}); // of what is no rows: the error is that of the call
  const result = await computed;
  const [at, candidatesAt] = await copies;
  return withSurrogate(result, at!, candidatesAt) as never;
};

function refuseSkip(options: WithGradient | undefined): void {
  const gradient: string | undefined = options?.gradient;
  if (gradient !== 'skip') return;
  throw invalidArgument('options.gradient', "'compute' or absent where the gradient is all there is to it", gradient);
}

const candidatesOf = (options: PairLossOptions | undefined): CandidateRows | undefined =>
  options?.classWeights ?? options?.candidates;

/** Rejects, rather than throws, where the rows are none: the call that checks them has the better error. */
const copyOfRows = async (rows: CandidateRows | undefined) => rows && numbersOf(rows).slice();

const numbersOf = (rows: CandidateRows): Float32Array => (isDeviceMatrix(rows) ? rows.read() : rows);

function withSurrogate(result: PairLossResult, embeddings: CandidateRows, candidates: CandidateRows | undefined) {
  const { loss, gradient } = result;
  const other = result.classWeightGradient ?? result.candidateGradient;
  let constant = loss - dotOf(embeddings, gradient);
  if (other && candidates) constant -= dotOf(candidates, other);
  const surrogate = <Tensor, Scalar>(ops: SurrogateOps<Tensor, Scalar>, anchors: Tensor, columns: Tensor): Scalar => {
    const first = ops.dot(anchors, gradient);
    return ops.add(other ? ops.add(first, ops.dot(columns, other)) : first, constant);
  };
  return { ...result, surrogate };
}

function dotOf(rows: CandidateRows, constants: Float32Array): number {
  return numbersOf(rows).reduce((sum, value, i) => sum + value * constants[i], 0);
}
