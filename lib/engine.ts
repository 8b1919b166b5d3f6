/** What every engine is: one forward with gradient, one similarity matrix, and retrieval, on problems already checked. */
import type { ResolvedPairLoss } from './losses.ts';
import type { nativeStatus } from './native.ts';
import type { CandidateUpdate } from './optimizers.ts';
import type { CandidateRows, Reduction, Scope } from './options.ts';

/** The batch itself (row i is not its own candidate), another labelled set, or class weights (row c has label c). */
export type CandidateKind = 'batch' | 'labelled' | 'classWeights';

/** A call with nothing left to decide. Engines read the inputs, write the outputs, and keep neither. */
export interface Problem {
  readonly anchorCount: number;
  readonly candidateCount: number;
  readonly dim: number;
  readonly candidateKind: CandidateKind;
  readonly pairLoss: ResolvedPairLoss;
  readonly normalize: boolean;
  readonly scope: Scope;
  readonly reduction: Reduction;
  /** Ignored where `upstreamPerLoss` is given. */
  readonly upstream: number;
  readonly checkFinite: 'throw' | 'propagate';
  readonly threads: number;
  readonly precision: 'exact' | 'fast';
  /** undefined: the engine's own default. */
  readonly workspaceLimit: number | undefined;

  readonly anchors: Float32Array;
  readonly anchorLabels: Int32Array;
  readonly candidates: CandidateRows | undefined;
  /** Candidate i is this row of `candidates`, ascending (row r of class weights has label r); undefined: all in order. */
  readonly candidateRows: Int32Array | undefined;
  readonly candidateLabels: Int32Array | undefined;
  readonly upstreamPerLoss: Float32Array | undefined;

  readonly anchorLosses: Float32Array;
  readonly gradient: Float32Array | undefined;
  readonly candidateGradient: Float32Array | undefined;
  /** Moves the candidates in place of writing their gradient; once that has begun, nothing aborts the call. */
  readonly update: CandidateUpdate | undefined;
}

/** Rows that are compared with rows, and how: what every call without a loss is made of. */
export interface RowsProblem {
  readonly anchorCount: number;
  readonly candidateCount: number;
  readonly dim: number;
  readonly normalize: boolean;
  readonly checkFinite: 'throw' | 'propagate';
  readonly threads: number;
  readonly precision: 'exact' | 'fast';
  readonly anchors: Float32Array;
  /** undefined: the anchors. */
  readonly candidates: CandidateRows | undefined;
  /** As of `Problem`. */
  readonly candidateRows?: Int32Array;
}

/** The similarity matrix. */
export interface SimilarityProblem extends RowsProblem {
  readonly out: Float32Array;
}

/**
 * The k most similar candidates of each anchor, best first, of equals the lower number; where the anchors are the
 * candidates, an anchor is not its own.
 */
export interface NearestProblem extends RowsProblem {
  readonly checkFinite: 'throw';
  /** anchorCount × k, both. */
  readonly similarities: Float32Array;
  readonly indices: Int32Array;
}

/**
 * How far the candidates of an anchor's own label come down. They are a run of candidates, from `ownFirst[i]` up to and
 * without `ownEnd[i]`; all others have other labels.
 */
export interface RankProblem extends RowsProblem {
  readonly checkFinite: 'throw';
  readonly ownFirst: Int32Array;
  readonly ownEnd: Int32Array;
  /** Anchors' own runs, one after the other, both: the similarity, and how many others are at least as similar. */
  readonly similarities: Float32Array;
  readonly reachedBy: Int32Array;
}

export type AnyProblem = Problem | SimilarityProblem | NearestProblem | RankProblem;

/** A problem whose rows are all JavaScript's: what an engine without a device can compute. */
export type OnHost<P extends Problem | RowsProblem> = P & { readonly candidates: Float32Array | undefined };

export type Status = keyof typeof nativeStatus;

/**
 * What a call came to. Outputs are results where the status is ok, half-written perhaps where it is aborted (they are then
 * private, see `EngineJob`), and untouched otherwise.
 */
export interface Report {
  readonly status: Status;
  /** Where a row is not finite. */
  readonly array: 'anchors' | 'candidates';
  readonly row: number;
  readonly loss: number;
  readonly validAnchors: number;
  /** CUDA's words, where a device failed. */
  readonly deviceError?: string;
}

/** A call in flight on private arrays; `done` rejects only on a bug. */
export interface EngineJob {
  readonly done: Promise<Report>;
  abort(): void;
}

export interface Engine {
  readonly name: 'cuda' | 'cpu' | 'reference';
  compute(problem: Problem): Report;
  computeAsync(problem: Problem): EngineJob;
  similarity(problem: SimilarityProblem): Report;
  similarityAsync(problem: SimilarityProblem): EngineJob;
  nearest(problem: NearestProblem): Report;
  nearestAsync(problem: NearestProblem): EngineJob;
  rank(problem: RankProblem): Report;
  rankAsync(problem: RankProblem): EngineJob;
  workspaceBytes(): number;
  /** Frees the workspace; a later call grows a new one. */
  release(): void;
}
