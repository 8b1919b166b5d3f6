/** What a caller may ask for. The types are written by hand; `schemas.ts` holds values to them at run time. */
import type { DeviceMatrix } from './device-matrix.ts';
import type { CircleShape, PairLoss } from './losses.ts';

/** int32 labels; equal labels make a positive pair. A plain array is copied. */
export type Labels = Int32Array | readonly number[];

/** M × dim numbers, row by row: of JavaScript, or rows that stay on a GPU (engine 'cuda' or 'auto'). */
export type CandidateRows = Float32Array | DeviceMatrix;

/**
 * A named engine that does not work here is an error. 'auto' takes for each call the one that should be fastest: 'cuda'
 * where it works and the call has work enough to be worth the way to the GPU and back, or candidates that are there
 * already; otherwise 'cpu'; and 'reference' where that has no binary. The choice is made before the call: where a GPU
 * then has no room, or fails, the call throws, whatever chose it.
 */
export type EngineName = 'auto' | 'cpu' | 'reference' | 'cuda';

/** One log-sum-exp an anchor, or one over all pairs (each unordered pair of the batch once). */
export type Scope = 'anchor' | 'batch';

/**
 * What the sum of the anchors' losses is divided by: anchors that have a positive and a negative ('mean'), losses
 * above 0 ('mean-nonzero'), all anchors ('mean-all'), or 1 ('sum'). The loss is 0 where the divisor is 0.
 */
export type Reduction = 'mean' | 'mean-nonzero' | 'mean-all' | 'sum';

/** Arrays of the caller that results go to; they come back as the fields of the result. Lengths as in the result. */
export interface OutArrays {
  anchorLosses?: Float32Array;
  gradient?: Float32Array;
  classWeightGradient?: Float32Array;
  candidateGradient?: Float32Array;
}

export interface CommonOptions {
  /** Numbers in a row: `embeddings.length = N × dim`. An integer from 1. */
  dim: number;
  /** Default 'mean'. */
  reduction?: Reduction;
  /**
   * ∂(final)/∂(loss), from −1e30 to 1e30, default 1: gradients are multiplied by it. An array holds ∂(final)/∂(anchor
   * loss), N numbers (1 in scope 'batch'), in place of number and reduction; `loss` is still reduced as asked.
   */
  upstream?: number | Float32Array;
  /** A row with NaN or ±Infinity is an error that names it ('throw', default), or NaN comes out ('propagate'). */
  checkFinite?: 'throw' | 'propagate';
  /** Default 'auto'. */
  engine?: EngineName;
  /**
   * Of engine 'cuda' with unit rows: products as right as float32's ('exact', default), or a third of the
   * multiplications with each coordinate rounded to 11 bits ('fast'): a similarity is then off by some
   * 2⁻¹¹ · √(2 / (3 dim)), a logit by γ times that and its slope. Rows as given, and other engines, are exact always.
   */
  precision?: 'exact' | 'fast';
  /** Of engine 'cuda': the number of the GPU, from 0, as `engines()` lists them; default 0. */
  device?: number;
  /** Of engine 'cpu': at most this many threads, from 1; default `os.availableParallelism()`. Results do not depend on it. */
  threads?: number;
  /**
   * Bytes that tiles of similarities may take; default 268435456 (256 MiB), on engine 'cuda' 67108864 (64 MiB). What does
   * not fit is recomputed, a column of tiles at a time at least: a limit below one such column is exceeded by it.
   */
  workspaceLimit?: number;
  /** Default: arrays are allocated for each call. */
  out?: OutArrays;
}

/** What the anchors are compared with: one of the three. */
export type CandidateOptions = BatchCandidates | ClassWeightCandidates | LabelledCandidates;

/** The batch itself; a row is never its own candidate. */
export interface BatchCandidates {
  classWeights?: undefined;
  candidates?: undefined;
  candidateLabels?: undefined;
  candidateGradient?: 'skip';
}

/** Class-level labels: row c stands for class c, and labels are rows, from 0 to C − 1. */
export interface ClassWeightCandidates {
  /** C × dim. Normalised as the embeddings are. */
  classWeights: CandidateRows;
  candidates?: undefined;
  candidateLabels?: undefined;
  candidateGradient?: 'skip';
}

/** Another labelled set: a memory of earlier batches, the gathered batch of several processes. No row is left out. */
export interface LabelledCandidates {
  classWeights?: undefined;
  /** M × dim. Normalised as the embeddings are. */
  candidates: CandidateRows;
  /** M labels. */
  candidateLabels: Labels;
  /** Whether the gradient of the candidates is wanted too; default 'skip'. */
  candidateGradient?: 'skip' | 'compute';
}

/** A pair loss with the options that it has a meaning for. */
export type PairLossChoice =
  | { pairLoss: Extract<PairLoss, { type: 'circle' | 'unified' }>; normalize?: boolean; scope?: Scope }
  /** ArcFace needs angles: unit rows. */
  | { pairLoss: Extract<PairLoss, { type: 'arcface' }>; normalize?: true; scope?: Scope }
  /** The hardest pair of a whole batch is no batch-hard triplet loss. */
  | { pairLoss: Extract<PairLoss, { type: 'triplet' }>; normalize?: boolean; scope?: 'anchor' };

/** @inline */
interface Gradient {
  /** 'skip' computes the loss alone and keeps no tiles; default 'compute'. */
  gradient?: 'compute' | 'skip';
}

export interface Normalization {
  /** Whether rows are divided by max(‖x‖, 1e-12); default true. The gradient goes through it, to the numbers given. */
  normalize?: boolean;
  /** Default 'anchor'. */
  scope?: Scope;
}

export type CircleLossOptions = CommonOptions & CircleShape & Normalization & Gradient & CandidateOptions;
export type PairLossOptions = CommonOptions & PairLossChoice & Gradient & CandidateOptions;

/** As `LabelledCandidates`, but each step may bring its own. */
export type SteppedCandidates = { classWeights?: undefined } & Partial<Omit<LabelledCandidates, 'classWeights'>>;

/** Options of a `createPairLoss` object; a step may bring or replace the candidates. */
export type SessionOptions = CommonOptions & PairLossChoice & Gradient & (ClassWeightCandidates | SteppedCandidates);

/** Asynchronous calls can be aborted. */
export interface Abortable {
  /** Rejects the call with an `AbortError` whose cause is the signal's reason; `out` arrays are then untouched. */
  signal?: AbortSignal;
}

/** What may change from step to step of a `createPairLoss` object; what is given here replaces what was given there. */
export interface StepOptions {
  classWeights?: CandidateRows;
  candidates?: CandidateRows;
  candidateLabels?: Labels;
  upstream?: number | Float32Array;
  out?: OutArrays;
}

export interface SimilarityOptions {
  /** Numbers in a row. An integer from 1. */
  dim: number;
  /** M × dim; default the anchors themselves. */
  candidates?: CandidateRows;
  /** Default true: cosines. */
  normalize?: boolean;
  /** Default 'throw'. */
  checkFinite?: 'throw' | 'propagate';
  /** Default 'auto'. */
  engine?: EngineName;
  /** As in `CommonOptions`; default 'exact'. */
  precision?: 'exact' | 'fast';
  /** Of engine 'cuda': the number of the GPU; default 0. */
  device?: number;
  /** Of engine 'cpu'; default `os.availableParallelism()`. */
  threads?: number;
  /** N × M numbers that the result goes to; default: allocated. */
  out?: Float32Array;
}

export interface NearestOptions {
  /** Numbers in a row. An integer from 1. */
  dim: number;
  /** How many candidates of each anchor. An integer from 1 to the candidates there are. */
  k: number;
  /** M × dim; default the anchors themselves, of which none finds itself. */
  candidates?: CandidateRows;
  /** Default true: cosines. */
  normalize?: boolean;
  /** Default 'auto'. */
  engine?: EngineName;
  /** As in `CommonOptions`; default 'exact'. */
  precision?: 'exact' | 'fast';
  /** Of engine 'cuda': the number of the GPU; default 0. */
  device?: number;
  /** Of engine 'cpu'; default `os.availableParallelism()`. */
  threads?: number;
}
