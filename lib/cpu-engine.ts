/** The native CPU engine behind the interface of engines: options become numbers of the request, a report comes back. */
import type { Engine, EngineJob, Problem, Report, SimilarityProblem, Status } from './engine.ts';
import {
  type NativeJob,
  type NativeModule,
  type NativeSession,
  nativeStatus,
  reportFields,
  requestFields,
} from './native.ts';
import { defaultWorkspaceLimit } from './problem.ts';

type Indices<T extends readonly string[]> = Record<T[number], number>;

const indicesOf = <const T extends readonly string[]>(fields: T) =>
  Object.fromEntries(fields.map((field, index) => [field, index])) as Indices<T>;

const at = indicesOf(requestFields);
const reportAt = indicesOf(reportFields);
const statuses = Object.keys(nativeStatus) as Status[];

const candidateKinds = { batch: 0, labelled: 1, classWeights: 2 };
const reductions = { mean: 0, 'mean-nonzero': 1, 'mean-all': 2, sum: 3 };

function fillRequest(request: Float64Array, problem: Problem): void {
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
  request[at.workspaceLimit] = problem.workspaceLimit;
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

/** A similarity matrix has no loss: the fields of one hold what is valid everywhere. */
function fillSimilarityRequest(request: Float64Array, problem: SimilarityProblem): void {
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
  request[at.workspaceLimit] = defaultWorkspaceLimit;
}

function readReport(report: Float64Array): Report {
  return {
    status: statuses[report[reportAt.status]],
    array: report[reportAt.array] === 1 ? 'candidates' : 'anchors',
    row: report[reportAt.row],
    loss: report[reportAt.loss],
    validAnchors: report[reportAt.validAnchors],
  };
}

function jobOf(job: NativeJob, report: Float64Array): EngineJob {
  return { done: job.done.then(() => readReport(report)), abort: () => job.abort() };
}

/** A problem as arguments of the native calls. */
const argumentsOf = (
  request: Float64Array,
  report: Float64Array,
  problem: Problem,
): Parameters<NativeSession['compute']> => [
  request,
  report,
  problem.anchors,
  problem.anchorLabels,
  problem.candidates,
  problem.candidateLabels,
  problem.upstreamPerLoss,
  problem.anchorLosses,
  problem.gradient,
  problem.candidateGradient,
];

const similarityArgumentsOf = (
  request: Float64Array,
  report: Float64Array,
  { anchors, candidates, out }: SimilarityProblem,
): Parameters<NativeSession['similarity']> => [request, report, anchors, candidates, out];

const newRequest = () => new Float64Array(requestFields.length);
const newReport = () => new Float64Array(reportFields.length);

/** Synchronous calls share one request and one report; each asynchronous call has its own. */
class CpuEngine implements Engine {
  readonly name = 'cpu';
  readonly #session: NativeSession;
  readonly #request = newRequest();
  readonly #report = newReport();

  constructor(session: NativeSession) {
    this.#session = session;
  }

  compute(problem: Problem): Report {
    fillRequest(this.#request, problem);
    this.#session.compute(...argumentsOf(this.#request, this.#report, problem));
    return readReport(this.#report);
  }

  computeAsync(problem: Problem): EngineJob {
    const request = newRequest();
    const report = newReport();
    fillRequest(request, problem);
    return jobOf(this.#session.computeAsync(...argumentsOf(request, report, problem)), report);
  }

  similarity(problem: SimilarityProblem): Report {
    fillSimilarityRequest(this.#request, problem);
    this.#session.similarity(...similarityArgumentsOf(this.#request, this.#report, problem));
    return readReport(this.#report);
  }

  similarityAsync(problem: SimilarityProblem): EngineJob {
    const request = newRequest();
    const report = newReport();
    fillSimilarityRequest(request, problem);
    return jobOf(this.#session.similarityAsync(...similarityArgumentsOf(request, report, problem)), report);
  }

  workspaceBytes(): number {
    return this.#session.workspaceBytes();
  }

  release(): void {
    this.#session.release();
  }
}

export function openCpu(module: NativeModule, variant: string): Engine {
  return new CpuEngine(new module.Session(variant));
}
