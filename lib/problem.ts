/** From options and arrays to a problem: defaults filled in, lengths held against each other, outputs allocated. */
import os from 'node:os';
import { checkApart, checkRows, copyOfLabels, float32, isArray, labelArray, output, trueLengthOf } from './arrays.ts';
import { type CandidateArrays, type Candidates, copyOfRows, hostRows, lengthOf, readCandidates } from './candidates.ts';
import { copyOf, privateArray } from './copies.ts';
import type { Problem } from './engine.ts';
import { invalidArgument, wrongShape } from './errors.ts';
import { largestParameter, type PairLoss, parameterRange, resolvePairLoss } from './losses.ts';
import type { CandidateUpdate } from './optimizers.ts';
import type { EngineName, Reduction, Scope } from './options.ts';
import { bare } from './schemas.ts';

/** Arrays that a call may bring with it; unchecked. */
export interface StepArrays extends CandidateArrays {
  upstream?: unknown;
  /** Of a class head: in place of the class weights' gradient. */
  update?: CandidateUpdate;
  out?: { anchorLosses?: unknown; gradient?: unknown; classWeightGradient?: unknown; candidateGradient?: unknown };
}

/** Options as parsed: of one shape, because reading what an object lacks is slow, and with the defaults filled in. */
export interface Settings {
  dim: number;
  pairLoss: PairLoss;
  normalize: boolean;
  scope: Scope;
  reduction: Reduction;
  gradient: 'compute' | 'skip';
  candidateGradient: 'skip' | 'compute';
  checkFinite: 'throw' | 'propagate';
  engine: EngineName;
  device: number;
  threads: number;
  precision: 'exact' | 'fast';
  workspaceLimit: number | undefined;
  arrays: StepArrays;
}

/** A literal would have what a program puts on Object.prototype. */
export const noArrays = Object.freeze(bare({})) as Readonly<Record<string, undefined>>;

/** What a step may bring, and does not. */
export const noStep: StepArrays = {
  classWeights: undefined,
  candidates: undefined,
  candidateLabels: undefined,
  candidateRows: undefined,
  update: undefined,
  upstream: undefined,
  out: undefined,
};

/**
 * Asked once: the answer costs a system call. Node 18.0 has no such function, nor the Node-API of the binaries: engine
 * 'reference' shall be able to say so.
 */
export const defaultThreads = os.availableParallelism?.() ?? os.cpus().length;

type ParsedOptions = Partial<Omit<Settings, 'dim' | 'pairLoss' | 'arrays'>> & StepArrays & { dim: number };

export function createSettings(options: ParsedOptions, pairLoss: PairLoss): Settings {
  checkCombination(pairLoss, options);
  return {
    dim: options.dim,
    pairLoss,
    normalize: options.normalize ?? true,
    scope: options.scope ?? 'anchor',
    reduction: options.reduction ?? 'mean',
    gradient: options.gradient ?? 'compute',
    candidateGradient: options.candidateGradient ?? 'skip',
    checkFinite: options.checkFinite ?? 'throw',
    engine: options.engine ?? 'auto',
    device: options.device ?? 0,
    threads: options.threads ?? defaultThreads,
    precision: options.precision ?? 'exact',
    workspaceLimit: options.workspaceLimit,
    arrays: {
      ...noStep,
      classWeights: options.classWeights,
      candidates: options.candidates,
      candidateLabels: options.candidateLabels,
      upstream: options.upstream,
      out: options.out,
    },
  };
}

/** Combinations that the types already reject. */
function checkCombination(pairLoss: PairLoss, { normalize, scope }: ParsedOptions): void {
  if (pairLoss.type === 'arcface' && normalize === false) {
    throw invalidArgument(
      'options.normalize',
      "true for pairLoss 'arcface', which needs the angle of unit rows",
      normalize,
    );
  }
  if (pairLoss.type === 'triplet' && scope === 'batch') {
    throw invalidArgument(
      'options.scope',
      "'anchor' for pairLoss 'triplet', which takes each anchor's hardest pair",
      scope,
    );
  }
}

/** Of gradients that something is moved by: nobody could take a NaN back. */
function checkFinite(name: string, array: Float32Array): void {
  const bad = array.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw invalidArgument(`${name}[${bad}]`, 'a finite number', array[bad]);
}

interface Upstream {
  number: number;
  perLoss: Float32Array | undefined;
}

function readUpstream(upstream: unknown, lossCount: number): Upstream {
  if (upstream === undefined) return { number: 1, perLoss: undefined };
  if (typeof upstream !== 'object') {
    if (typeof upstream === 'number' && Math.abs(upstream) <= largestParameter) {
      return { number: upstream, perLoss: undefined };
    }
    throw invalidArgument('upstream', `${parameterRange} or a Float32Array`, upstream);
  }
  const perLoss = float32('upstream', upstream);
  if (perLoss.length !== lossCount)
    throw wrongShape('upstream', `one number a loss, ${lossCount}`, `${perLoss.length}`);
  return { number: 1, perLoss };
}

interface Outputs {
  anchorLosses: Float32Array;
  gradient: Float32Array | undefined;
  candidateGradient: Float32Array | undefined;
}

/** The result that the candidates' gradient is. */
export const gradientOfCandidates = {
  batch: undefined,
  labelled: 'candidateGradient',
  classWeights: 'classWeightGradient',
} as const;

function makeOutputs(
  settings: Settings,
  arrays: StepArrays,
  lossCount: number,
  length: number,
  candidates: Candidates,
): Outputs {
  const out = arrays.out ?? noArrays;
  const isSkipped = settings.gradient === 'skip';
  const wantsCandidates =
    arrays.update === undefined && (candidates.kind === 'classWeights' || settings.candidateGradient === 'compute');
  const name = isSkipped || !wantsCandidates ? undefined : gradientOfCandidates[candidates.kind];
  for (const key of ['gradient', 'classWeightGradient', 'candidateGradient'] as const) {
    if (out[key] === undefined || key === name || (key === 'gradient' && !isSkipped)) continue;
    throw invalidArgument(`out.${key}`, 'absent where this gradient is not computed', out[key]);
  }
  return {
    anchorLosses: output('out.anchorLosses', out.anchorLosses, lossCount),
    gradient: isSkipped ? undefined : output('out.gradient', out.gradient, length),
    candidateGradient: name && output(`out.${name}`, out[name], lengthOf(candidates.values!)),
  };
}

/** A list may be the caller's code (`labelArray`). */
function withLabelsRead(arrays: StepArrays): StepArrays {
  const { candidates, candidateLabels } = arrays;
  if (candidates === undefined || !isArray(candidateLabels)) return arrays;
  return { ...arrays, candidateLabels: labelArray('candidateLabels', candidateLabels) };
}

/** Checks everything; what comes out borrows the caller's arrays. */
export function createProblem(settings: Settings, given: StepArrays, embeddings: unknown, labels: unknown): Problem {
  const { dim } = settings;
  const anchorLabels = labelArray('labels', labels);
  const arrays = withLabelsRead(given);
  // From here on nothing runs that the caller wrote: what is checked stays so.
  const anchors = float32('embeddings', embeddings);
  checkRows('embeddings', anchors.length, 'labels', anchorLabels.length, dim);
  const candidates = readCandidates(settings, arrays, anchorLabels);
  if (settings.candidateGradient === 'compute' && candidates.kind !== 'labelled') {
    throw invalidArgument('options.candidateGradient', "'skip' where no candidates are given", 'compute');
  }
  const { scope } = settings;
  const lossCount = scope === 'batch' ? 1 : anchorLabels.length;
  const upstream = readUpstream(arrays.upstream, lossCount);
  if (arrays.update && upstream.perLoss) checkFinite('upstream', upstream.perLoss);
  const outputs = makeOutputs(settings, arrays, lossCount, anchors.length, candidates);
  const problem: Problem = {
    anchorCount: anchorLabels.length,
    candidateCount: candidates.count,
    dim,
    candidateKind: candidates.kind,
    pairLoss: resolvePairLoss(settings.pairLoss, candidates.kind === 'classWeights'),
    normalize: settings.normalize,
    scope,
    reduction: settings.reduction,
    upstream: upstream.number,
    checkFinite: settings.checkFinite,
    threads: settings.threads,
    precision: settings.precision,
    workspaceLimit: settings.workspaceLimit,
    anchors,
    anchorLabels,
    candidates: candidates.values,
    candidateRows: arrays.candidateRows,
    candidateLabels: candidates.labels,
    upstreamPerLoss: upstream.perLoss,
    anchorLosses: outputs.anchorLosses,
    gradient: outputs.gradient,
    candidateGradient: outputs.candidateGradient,
    update: arrays.update,
  };
  if (arrays.out !== undefined) checkOutputsApart(problem);
  return problem;
}

function checkOutputsApart(problem: Problem): void {
  const candidateGradient = `out.${gradientOfCandidates[problem.candidateKind]}`;
  checkApart(
    [
      ['out.anchorLosses', problem.anchorLosses],
      ['out.gradient', problem.gradient],
      [candidateGradient, problem.candidateGradient],
    ],
    [
      ['embeddings', problem.anchors],
      ['labels', problem.anchorLabels],
      [problem.candidateKind === 'classWeights' ? 'classWeights' : 'candidates', hostRows(problem.candidates)],
      ['candidateLabels', problem.candidateLabels],
      ['upstream', problem.upstreamPerLoss],
    ],
  );
}

/**
 * The same problem on private arrays: what happens to the caller's meanwhile cannot matter. Rows on a device stay where
 * they are: whoever changes them waits for the call. `out`: the caller's outputs.
 */
export function isolate(problem: Problem, out: StepArrays['out'] = noArrays): Problem {
  const name = gradientOfCandidates[problem.candidateKind];
  const own = (array: Float32Array | undefined, given: unknown) =>
    array && given !== undefined ? privateArray(trueLengthOf(array)) : array;
  return {
    ...problem,
    anchors: copyOf(problem.anchors),
    anchorLabels: copyOfLabels(problem.anchorLabels),
    // Who moves them owns them, and lets nobody else do so meanwhile.
    candidates: problem.update ? problem.candidates : copyOfRows(problem.candidates),
    candidateLabels: problem.candidateLabels && copyOfLabels(problem.candidateLabels),
    upstreamPerLoss: problem.upstreamPerLoss && copyOf(problem.upstreamPerLoss),
    anchorLosses: own(problem.anchorLosses, out.anchorLosses)!,
    gradient: own(problem.gradient, out.gradient),
    candidateGradient: own(problem.candidateGradient, name && out[name]),
  };
}
