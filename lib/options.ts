/**
 * What a caller may ask for: option types written by hand, and the zod schemas that hold values to them.
 *
 * The schemas see scalars only. Typed arrays are checked in `arrays.ts`, against each other, where their lengths are known.
 */
import { z } from 'zod';
import { invalidArgument, unknownOption } from './errors.ts';
import type { CircleShape, PairLoss } from './losses.ts';

/** int32 labels; equal labels make a positive pair. A plain array is copied. */
export type Labels = Int32Array | readonly number[];

/** 'auto' takes the fastest engine that works here; a named one that does not work is an error. */
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
   * ∂(final)/∂(loss), any finite number, default 1: gradients are multiplied by it. An array holds ∂(final)/∂(anchor
   * loss), N numbers (1 in scope 'batch'), in place of number and reduction; `loss` is still reduced as asked.
   */
  upstream?: number | Float32Array;
  /** A row with NaN or ±Infinity is an error that names it ('throw', default), or NaN comes out ('propagate'). */
  checkFinite?: 'throw' | 'propagate';
  /** Default 'auto'. */
  engine?: EngineName;
  /** At most this many threads, from 1; default `os.availableParallelism()`. Results do not depend on it. */
  threads?: number;
  /** Bytes that similarities may take while they are worth keeping; default 268435456. Beyond, they are recomputed. */
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
  classWeights: Float32Array;
  candidates?: undefined;
  candidateLabels?: undefined;
  candidateGradient?: 'skip';
}

/** Another labelled set: a memory of earlier batches, the gathered batch of several processes. No row is left out. */
export interface LabelledCandidates {
  classWeights?: undefined;
  /** M × dim. Normalised as the embeddings are. */
  candidates: Float32Array;
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

interface Gradient {
  /** 'skip' computes the loss alone, in about a third of the time; default 'compute'. */
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

/** Options of a `createPairLoss` object; a step may bring or replace the candidates. */
export type SessionOptions = CommonOptions &
  PairLossChoice &
  Gradient &
  Pick<StepOptions, 'classWeights' | 'candidates' | 'candidateLabels'> &
  Pick<LabelledCandidates, 'candidateGradient'>;

/** Asynchronous calls can be aborted. */
export interface Abortable {
  /** Rejects the call with an `AbortError` whose cause is the signal's reason; `out` arrays are then untouched. */
  signal?: AbortSignal;
}

/** What may change from step to step of a `createPairLoss` object; what is given here replaces what was given there. */
export interface StepOptions {
  classWeights?: Float32Array;
  candidates?: Float32Array;
  candidateLabels?: Labels;
  upstream?: number | Float32Array;
  out?: OutArrays;
}

export interface SimilarityOptions {
  /** Numbers in a row. An integer from 1. */
  dim: number;
  /** M × dim; default the anchors themselves. */
  candidates?: Float32Array;
  /** Default true: cosines. */
  normalize?: boolean;
  /** Default 'throw'. */
  checkFinite?: 'throw' | 'propagate';
  /** Default 'auto'. */
  engine?: EngineName;
  /** Default `os.availableParallelism()`. */
  threads?: number;
  /** N × M numbers that the result goes to; default: allocated. */
  out?: Float32Array;
}

const finite = z.number({ error: 'a finite number' });
const positive = z.number({ error: 'a positive finite number' }).positive({ error: 'a positive finite number' });
const count = (expected: string) => z.int({ error: expected }).min(1, { error: expected });
const choice = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: values.map((value) => `'${value}'`).join(' or ') }).optional();
const flag = z.boolean({ error: 'true or false' }).optional();
/** Checked by hand. */
const array = z.unknown().optional();

const strict = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape, { error: 'an object' });

const positiveNegative = strict({ positive: finite, negative: finite });

const circleShape = {
  margin: finite.optional(),
  gamma: positive.optional(),
  optima: positiveNegative.optional(),
  targets: positiveNegative.optional(),
  weighting: choice(['detached', 'differentiated']),
};

const radians = 'an angle in radians from 0 to π';

const pairLoss = z.discriminatedUnion(
  'type',
  [
    strict({ type: z.literal('circle'), ...circleShape }),
    strict({ type: z.literal('unified'), margin: circleShape.margin, gamma: circleShape.gamma }),
    strict({
      type: z.literal('arcface'),
      margin: z.number({ error: radians }).min(0, { error: radians }).max(Math.PI, { error: radians }).optional(),
      gamma: circleShape.gamma,
      derivative: choice(['exact', 'straight-through']),
      beyondPi: choice(['linear', 'cosine']),
    }),
    strict({ type: z.literal('triplet'), margin: circleShape.margin }),
  ],
  {
    error: (issue) =>
      issue.path?.at(-1) === 'type'
        ? "'circle' or 'unified' or 'arcface' or 'triplet'"
        : "an object such as { type: 'circle' }",
  },
);

const engineShape = {
  dim: count('an integer from 1'),
  normalize: flag,
  checkFinite: choice(['throw', 'propagate']),
  engine: choice(['auto', 'cpu', 'reference', 'cuda']),
  threads: count('an integer from 1').optional(),
};

const commonShape = {
  ...engineShape,
  scope: choice(['anchor', 'batch']),
  reduction: choice(['mean', 'mean-nonzero', 'mean-all', 'sum']),
  gradient: choice(['compute', 'skip']),
  candidateGradient: choice(['skip', 'compute']),
  workspaceLimit: z.int({ error: 'a number of bytes from 0' }).min(0, { error: 'a number of bytes from 0' }).optional(),
  upstream: array,
  classWeights: array,
  candidates: array,
  candidateLabels: array,
  out: strict({
    anchorLosses: array,
    gradient: array,
    classWeightGradient: array,
    candidateGradient: array,
  }).optional(),
};

const signal = z.instanceof(AbortSignal, { error: 'an AbortSignal' }).optional();
const { upstream, classWeights, candidates, candidateLabels, out } = commonShape;
const similarityShape = { ...engineShape, candidates: array, out: array };

/** The schema of each public function's options. */
export const schemas = {
  circleLoss: strict({ ...commonShape, ...circleShape }),
  circleLossAsync: strict({ ...commonShape, ...circleShape, signal }),
  pairLoss: strict({ ...commonShape, pairLoss }),
  pairLossAsync: strict({ ...commonShape, pairLoss, signal }),
  step: strict({ upstream, classWeights, candidates, candidateLabels, out }),
  stepAsync: strict({ upstream, classWeights, candidates, candidateLabels, out, signal }),
  similarity: strict(similarityShape),
  similarityAsync: strict({ ...similarityShape, signal }),
};

/** Holds options to a schema and returns them as they are; the error names the first option that fails. */
export function parse<T extends z.ZodType>(schema: T, options: unknown, name = 'options'): z.output<T> {
  const result = schema.safeParse(options);
  if (result.success) return options as z.output<T>;
  throw firstError(schema, result.error.issues[0], options, name);
}

function firstError(schema: z.ZodType, issue: z.core.$ZodIssue, options: unknown, name: string): Error {
  let value = options;
  let where = name;
  for (const key of issue.path) {
    value = (value as Record<PropertyKey, unknown>)[key];
    where += `.${String(key)}`;
  }
  if (issue.code !== 'unrecognized_keys') return invalidArgument(where, issue.message, value);
  const known = knownKeys(schema, issue.path, value);
  return unknownOption(where, issue.keys[0], known, mostSimilar(issue.keys[0], known));
}

/** The keys that the schema has where the issue arose. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): string[] {
  let at: z.ZodType = schema;
  for (const key of path) at = (at as z.ZodObject).shape[key as string] as z.ZodType;
  if (at instanceof z.ZodOptional) at = at.unwrap() as z.ZodType;
  if (at instanceof z.ZodDiscriminatedUnion) {
    const { type } = value as PairLoss;
    at = at.options.find((option) => (option as z.ZodObject).shape.type.safeParse(type).success) as z.ZodType;
  }
  return Object.keys((at as z.ZodObject).shape);
}

/** The known key that differs in the fewest letters, if at most a third of them. */
function mostSimilar(key: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, edits: edits(key.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)[0];
  return ranked.edits <= Math.ceil(ranked.candidate.length / 3) ? ranked.candidate : undefined;
}

/** Levenshtein's distance. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
