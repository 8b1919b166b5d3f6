/** The native engines behind the interface of engines: options become numbers of the request, a report comes back. */
import { isDeviceMatrix, nativeRowsOf } from './device-matrix.ts';
import type {
  Engine,
  EngineJob,
  NearestProblem,
  Problem,
  RankProblem,
  Report,
  RowsProblem,
  SimilarityProblem,
  Status,
} from './engine.ts';
import {
  type CpuModule,
  type CudaModule,
  type NativeJob,
  type NativeSession,
  nativeStatus,
  reportFields,
  requestFields,
} from './native.ts';
import { orOutOfMemory } from './native-memory.ts';
import type { CandidateUpdate } from './optimizers.ts';
import type { CandidateRows } from './options.ts';

type Indices<T extends readonly string[]> = Record<T[number], number>;

const indicesOf = <const T extends readonly string[]>(fields: T) =>
  Object.fromEntries(fields.map((field, index) => [field, index])) as Indices<T>;

const at = indicesOf(requestFields);
const reportAt = indicesOf(reportFields);
const statuses = Object.keys(nativeStatus) as Status[];

const candidateKinds = { batch: 0, labelled: 1, classWeights: 2 };
const precisions = { exact: 0, fast: 1 };
const reductions = { mean: 0, 'mean-nonzero': 1, 'mean-all': 2, sum: 3 };

function fillRequest(request: Float64Array, problem: Problem, defaultWorkspaceLimit: number): void {
  request[at.anchorCount] = problem.anchorCount;
  request[at.candidateCount] = problem.candidateCount;
  request[at.dim] = problem.dim;
  request[at.candidateKind] = candidateKinds[problem.candidateKind];
  fillPairLoss(request, problem);
  request[at.normalize] = Number(problem.normalize);
  request[at.scope] = problem.scope === 'batch' ? 1 : 0;
  request[at.reduction] = reductions[problem.reduction];
  request[at.upstream] = problem.upstream;
  request[at.checkFinite] = problem.checkFinite === 'throw' ? 1 : 0;
  request[at.threads] = problem.threads;
  request[at.workspaceLimit] = problem.workspaceLimit ?? defaultWorkspaceLimit;
  request[at.precision] = precisions[problem.precision];
  fillOptimizer(request, problem.update);
}

/** Numbers that an optimiser does not have stay what they were; the native side does not read them. */
function fillOptimizer(request: Float64Array, update: CandidateUpdate | undefined): void {
  if (update === undefined) {
    request[at.optimizer] = 0;
    return;
  }
  const { optimizer } = update;
  request[at.learningRate] = optimizer.learningRate;
  request[at.weightDecay] = optimizer.weightDecay;
  if (optimizer.type === 'sgd') {
    request[at.optimizer] = 1;
    request[at.momentum] = optimizer.momentum;
    return;
  }
  request[at.optimizer] = 2;
  request[at.beta1] = optimizer.beta1;
  request[at.beta2] = optimizer.beta2;
  request[at.epsilon] = optimizer.epsilon;
  request[at.step] = update.step;
}

/** Numbers that a loss does not have stay what they were; the native side does not read them. */
function fillPairLoss(request: Float64Array, { pairLoss }: Problem): void {
  switch (pairLoss.type) {
    case 'circle':
      request[at.pairLoss] = 0;
      request[at.gamma] = pairLoss.gamma;
      request[at.optimumPositive] = pairLoss.optima.positive;
      request[at.optimumNegative] = pairLoss.optima.negative;
      request[at.targetPositive] = pairLoss.targets.positive;
      request[at.targetNegative] = pairLoss.targets.negative;
      request[at.derivative] = pairLoss.weighting === 'differentiated' ? 1 : 0;
      return;
    case 'unified':
      request[at.pairLoss] = 1;
      request[at.gamma] = pairLoss.gamma;
      request[at.margin] = pairLoss.margin;
      return;
    case 'arcface':
      request[at.pairLoss] = 2;
      request[at.gamma] = pairLoss.gamma;
      request[at.margin] = pairLoss.margin;
      request[at.derivative] = pairLoss.derivative === 'exact' ? 1 : 0;
      request[at.beyondPi] = pairLoss.beyondPi === 'cosine' ? 1 : 0;
      return;
    case 'triplet':
      request[at.pairLoss] = 3;
      request[at.gamma] = 1;
      request[at.margin] = pairLoss.margin;
  }
}

/** Rows without a loss: the fields of one hold what is valid everywhere. */
function fillRowsRequest(request: Float64Array, problem: RowsProblem, workspaceLimit: number): void {
  request.fill(0);
  request[at.anchorCount] = problem.anchorCount;
  request[at.candidateCount] = problem.candidateCount;
  request[at.dim] = problem.dim;
  request[at.candidateKind] = problem.candidates ? candidateKinds.labelled : candidateKinds.batch;
  request[at.gamma] = 1;
  request[at.normalize] = Number(problem.normalize);
  request[at.upstream] = 1;
  request[at.checkFinite] = problem.checkFinite === 'throw' ? 1 : 0;
  request[at.threads] = problem.threads;
  request[at.workspaceLimit] = workspaceLimit;
  request[at.precision] = precisions[problem.precision];
}

const nativeRows = (rows: CandidateRows | undefined) =>
  isDeviceMatrix(rows) ? nativeRowsOf(rows, 'The DeviceMatrix') : rows;

/** A problem as arguments of the native calls: each costs a little to read, and most calls do not have the last three. */
function argumentsOf(
  request: Float64Array,
  report: Float64Array,
  problem: Problem,
): Parameters<NativeSession['compute']> {
  const { candidateRows, update } = problem;
  const given: Parameters<NativeSession['compute']> = [
    request,
    report,
    problem.anchors,
    problem.anchorLabels,
    nativeRows(problem.candidates),
    problem.candidateLabels,
    problem.upstreamPerLoss,
    problem.anchorLosses,
    problem.gradient,
    problem.candidateGradient,
  ];
  if (candidateRows !== undefined || update !== undefined) {
    given.push(candidateRows, nativeRows(update?.firstMoment), nativeRows(update?.secondMoment));
  }
  return given;
}

const similarityArgumentsOf = (
  request: Float64Array,
  report: Float64Array,
  { anchors, candidates, candidateRows, out }: SimilarityProblem,
): Parameters<NativeSession['similarity']> => [request, report, anchors, nativeRows(candidates), out, candidateRows];

const nearestArgumentsOf = (
  request: Float64Array,
  report: Float64Array,
  { anchors, candidates, similarities, indices }: NearestProblem,
): Parameters<NativeSession['nearest']> => [request, report, anchors, nativeRows(candidates), similarities, indices];

const rankArgumentsOf = (
  request: Float64Array,
  report: Float64Array,
  { anchors, candidates, ownFirst, ownEnd, similarities, reachedBy }: RankProblem,
): Parameters<NativeSession['rank']> => {
  const rows = nativeRows(candidates);
  return [request, report, anchors, rows, ownFirst, ownEnd, similarities, reachedBy];
};

const newRequest = () => new Float64Array(requestFields.length);
const newReport = () => new Float64Array(reportFields.length);

/** What one native engine has that others have otherwise. */
interface Traits {
  readonly name: 'cpu' | 'cuda';
  /** Bytes, where a call names none. */
  readonly workspaceLimit: number;
  /** The driver's words for its errors. */
  describeError(error: number): string;
}

/** Synchronous calls share one request and one report; each asynchronous call has its own. */
class NativeEngine implements Engine {
  readonly name: 'cpu' | 'cuda';
  readonly #traits: Traits;
  readonly #session: NativeSession;
  readonly #request = newRequest();
  readonly #report = newReport();

  constructor(session: NativeSession, traits: Traits) {
    this.name = traits.name;
    this.#traits = traits;
    this.#session = session;
  }

  compute(problem: Problem): Report {
    fillRequest(this.#request, problem, this.#traits.workspaceLimit);
    return this.#now(() => this.#session.compute(...argumentsOf(this.#request, this.#report, problem)));
  }

  computeAsync(problem: Problem): EngineJob {
    const request = newRequest();
    const report = newReport();
    fillRequest(request, problem, this.#traits.workspaceLimit);
    return this.#job(() => this.#session.computeAsync(...argumentsOf(request, report, problem)), report);
  }

  similarity(problem: SimilarityProblem): Report {
    return this.#now(() =>
      this.#session.similarity(...similarityArgumentsOf(this.#requestFor(problem), this.#report, problem)),
    );
  }

  similarityAsync(problem: SimilarityProblem): EngineJob {
    const report = newReport();
    const request = this.#requestFor(problem, newRequest());
    return this.#job(() => this.#session.similarityAsync(...similarityArgumentsOf(request, report, problem)), report);
  }

  nearest(problem: NearestProblem): Report {
    return this.#now(() =>
      this.#session.nearest(...nearestArgumentsOf(this.#requestFor(problem), this.#report, problem)),
    );
  }

  nearestAsync(problem: NearestProblem): EngineJob {
    const report = newReport();
    const request = this.#requestFor(problem, newRequest());
    return this.#job(() => this.#session.nearestAsync(...nearestArgumentsOf(request, report, problem)), report);
  }

  rank(problem: RankProblem): Report {
    return this.#now(() => this.#session.rank(...rankArgumentsOf(this.#requestFor(problem), this.#report, problem)));
  }

  rankAsync(problem: RankProblem): EngineJob {
    const report = newReport();
    const request = this.#requestFor(problem, newRequest());
    return this.#job(() => this.#session.rankAsync(...rankArgumentsOf(request, report, problem)), report);
  }

  #requestFor(problem: RowsProblem, request = this.#request): Float64Array {
    fillRowsRequest(request, problem, this.#traits.workspaceLimit);
    return request;
  }

  workspaceBytes(): number {
    return this.#session.workspaceBytes();
  }

  release(): void {
    this.#session.release();
  }

  #now(call: () => number): Report {
    orOutOfMemory(call);
    return this.#read(this.#report);
  }

  #job(start: () => NativeJob, report: Float64Array): EngineJob {
    const job = orOutOfMemory(start);
    return { done: job.done.then(() => this.#read(report)), abort: () => job.abort() };
  }

  #read(report: Float64Array): Report {
    const status = statuses[report[reportAt.status]];
    return {
      status,
      array: report[reportAt.array] === 1 ? 'candidates' : 'anchors',
      row: report[reportAt.row],
      loss: report[reportAt.loss],
      validAnchors: report[reportAt.validAnchors],
      deviceError: status === 'deviceFailed' ? this.#traits.describeError(report[reportAt.deviceError]) : undefined,
    };
  }
}

const cpuTraits: Traits = { name: 'cpu', workspaceLimit: 256 * 2 ** 20, describeError: () => '' };

export function openCpu(module: CpuModule, variant: string): Engine {
  return new NativeEngine(
    orOutOfMemory(() => new module.Session(variant, 0)),
    cpuTraits,
  );
}

/** A GPU's caches gain nothing by more, and its memory is dearer than the host's. */
const cudaWorkspaceLimit = 64 * 2 ** 20;

export function openCuda(module: CudaModule, variant: string, device: number): Engine {
  const session = orOutOfMemory(() => new module.Session(variant, device));
  return new NativeEngine(session, {
    name: 'cuda',
    workspaceLimit: cudaWorkspaceLimit,
    describeError: (error) => module.describeError(error),
  });
}
