/** What a class head takes and gives. */
import type { Optimizer } from './optimizers.ts';
import type { Abortable, EngineName, Labels, PairLossChoice, Reduction } from './options.ts';
import type { PairLossValue } from './results.ts';

/** Where a head lives and how it computes: what a saved head may be given anew. */
export interface ClassHeadPlace {
  /** Default 'auto': the GPU where a batch of 128 embeddings would be worth it, else the CPU. Decided once. */
  engine?: EngineName;
  /** Of engine 'cuda': the number of the GPU; default 0. */
  device?: number;
  /** As in `CommonOptions`; default 'exact'. */
  precision?: 'exact' | 'fast';
  /** Of engine 'cpu'; default `os.availableParallelism()`. */
  threads?: number;
  /** As in `CommonOptions`; where the weights are over 1 GiB the default is 32 MiB. */
  workspaceLimit?: number;
}

export type ClassHeadOptions = ClassHeadPlace &
  PairLossChoice & {
    /** C, an integer from 1 to 2147483647. */
    classes: number;
    /** Numbers in a row. An integer from 1. */
    dim: number;
    optimizer: Optimizer;
    /** Share of the classes that a step compares with and moves, above 0, to 1. Default 1. */
    sampleRate?: number;
    /** Decides the first weights and the sampled classes. An integer from 0 to 4294967295; default 0. */
    seed?: number;
    /** The first weights, C × dim; copied. Default: uniform from −1/√dim to 1/√dim, as the seed has it. */
    weights?: Float32Array;
    /** Default 'mean'. */
    reduction?: Reduction;
  };

export interface ClassHeadStepOptions {
  /** Replaces the optimiser's learning rate for this step: a schedule is the caller's. From 0 to 1e30. */
  learningRate?: number;
  /** As in `CommonOptions`. */
  upstream?: number | Float32Array;
  /** Arrays of the caller that results go to. */
  out?: { anchorLosses?: Float32Array; gradient?: Float32Array };
}

export interface ClassHeadStep extends PairLossValue {
  /** ∂(final)/∂(embeddings), N × dim, at the weights before the step. */
  gradient: Float32Array;
  /** The classes that took part, ascending, where the sample rate is below 1. */
  sampledClasses?: Int32Array;
}

export interface ClassPrediction {
  /** N × k classes, the most similar first; among equals the smaller number. */
  classes: Int32Array;
  /** Their similarities, N × k. */
  similarities: Float32Array;
}

/**
 * Class weights with their optimiser. While an asynchronous step is in flight every other call is an error, and while a
 * save or a prediction is, every step (ERR_CIRCLE_BUSY); so is any call after `dispose()` (ERR_CIRCLE_DISPOSED).
 */
export interface ClassHead extends Disposable {
  readonly classes: number;
  readonly dim: number;
  /** The engine whose memory has the weights. */
  readonly engine: 'cuda' | 'cpu' | 'reference';
  /** Steps made so far. */
  readonly steps: number;
  /**
   * Loss and gradient of the embeddings, and one step of the optimiser on the class weights.
   *
   * - `embeddings`: N × dim finite numbers; `labels`: N classes, from 0 to C − 1.
   *
   * An error changes nothing, unless a GPU fails in the middle of the step (ERR_CIRCLE_CUDA).
   */
  step(embeddings: Float32Array, labels: Labels, options?: ClassHeadStepOptions): ClassHeadStep;
  /**
   * `step` off the JavaScript thread, on copies of its arrays. Once weights have moved it resolves: an abort comes too
   * late, and where arrays of `out` were transferred or resized meanwhile, the results are in new ones.
   */
  stepAsync(
    embeddings: Float32Array,
    labels: Labels,
    options?: ClassHeadStepOptions & Abortable,
  ): Promise<ClassHeadStep>;
  /** The loss against all classes; nothing moves. */
  loss(embeddings: Float32Array, labels: Labels): PairLossValue;
  /** The `k` (default 1, at most C) most similar classes of each embedding. */
  predict(embeddings: Float32Array, k?: number): ClassPrediction;
  predictAsync(embeddings: Float32Array, k?: number, options?: Abortable): Promise<ClassPrediction>;
  /** A copy of the weights, C × dim, in `out` or a new array. */
  weights(out?: Float32Array): Float32Array;
  /**
   * Writes weights, optimiser and settings to a safetensors file, from which `loadClassHead` goes on as if nothing had
   * happened. The file appears whole or not at all: until then an older one of that name stays. Throws ERR_CIRCLE_FILE.
   */
  save(path: string): Promise<void>;
  /** Frees the memory, after the calls in flight. */
  dispose(): void;
}
