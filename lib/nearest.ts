/** The k most similar candidates of each anchor: by an engine that makes similarities a tile at a time and keeps k of each row. */
import { float32, rowCount } from './arrays.ts';
import { candidateRowCount, candidateRows, copyOfRows } from './candidates.ts';
import { copyOf, giveBack, giveBackAll } from './copies.ts';
import type { NearestProblem } from './engine.ts';
import { type EngineChoice, sharedChoice, trim } from './engines.ts';
import { outOfMemory } from './errors.ts';
import type { Abortable, CandidateRows, NearestOptions } from './options.ts';
import { defaultThreads } from './problem.ts';
import { failure, finish, type Names, refuseAborted } from './run.ts';
import { parse, schemas } from './schemas.ts';

/** What was found for each anchor, best first; of equals the lower index. */
export interface Nearest {
  /** N × k: cosines, from −1 to 1, unless rows are taken as given. */
  similarities: Float32Array;
  /** N × k: rows of the candidates. */
  indices: Int32Array;
}

export interface Search {
  choice: Pick<EngineChoice, 'engineFor'>;
  anchors: Float32Array;
  /** undefined: the anchors, and none finds itself. */
  candidates: CandidateRows | undefined;
  candidateCount: number;
  dim: number;
  k: number;
  normalize: boolean;
  threads: number;
  precision: 'exact' | 'fast';
  names: Names;
}

/**
 * The `k` candidates most similar to each anchor, without the matrix of all similarities.
 *
 * - `anchors`: N × dim finite numbers. Normalised inside unless `normalize: false`: similarities are then cosines.
 * - `options.candidates`: M × dim numbers, or a DeviceMatrix, and k from 1 to M; without them the anchors themselves, of
 *   which none finds itself, and k from 1 to N − 1.
 *
 * Similarities are those of `computeSimilarity`, to the bit; on engine 'cuda' of that with `candidates`. Cost: 2 × N × M × dim operations, on engine 'cpu' half of that
 * without candidates; memory linear in N, M and N × k.
 *
 * Of the rows (1, 0), (0.8, 0.6) and (0, 1), with k = 1: the second, by 0.8; the first, by 0.8; and the second, by 0.6.
 *
 * Throws as `computeSimilarity` does; ERR_CIRCLE_OVERFLOW with `normalize: false` where a similarity that is found is beyond
 * float32. Engines differ there in what they find: sums on the way may be beyond it, and cancel, or become NaN.
 */
export function findNearest(anchors: Float32Array, options: NearestOptions): Nearest {
  const search = createSearch(anchors, parse(schemas.nearest, options) as NearestOptions);
  return nearestCandidates(search, trim);
}

/** `findNearest` off the JavaScript thread, on copies; an aborted `signal` rejects with an `AbortError`. */
export async function findNearestAsync(anchors: Float32Array, options: NearestOptions & Abortable): Promise<Nearest> {
  const settings = parse(schemas.nearestAsync, options) as NearestOptions & Abortable;
  const { signal } = settings;
  const search = createSearch(anchors, settings);
  refuseAborted(signal);
  const candidates = copyOfRows(search.candidates);
  const found = await nearestCandidatesAsync({ ...search, candidates }, signal, trim);
  giveBackAll({ candidates }, search);
  return found;
}

function createSearch(values: unknown, settings: NearestOptions): Search {
  const { dim, k, engine = 'auto', device = 0 } = settings;
  const anchors = float32('anchors', values);
  const anchorCount = rowCount('anchors', anchors, dim);
  const given = settings.candidates;
  const candidates = given === undefined ? undefined : candidateRows('candidates', given, { dim, engine, device });
  const candidateCount = candidates ? candidateRowCount('candidates', candidates, dim) : anchorCount;
  parse(schemas.countTo(candidates ? candidateCount : anchorCount - 1), k, 'options.k');
  return {
    choice: sharedChoice(engine, device),
    anchors,
    candidates,
    candidateCount,
    dim,
    k,
    normalize: settings.normalize ?? true,
    threads: settings.threads ?? defaultThreads,
    precision: settings.precision ?? 'exact',
    names: { anchors: 'anchors', candidates: 'candidates', remedy: 'Leave the row out.' },
  };
}

/** `after`: what becomes of the engine. */
export function nearestCandidates(search: Search, after: typeof trim = () => {}): Nearest {
  const problem = createProblem(search);
  const engine = search.choice.engineFor(problem);
  try {
    const report = engine.nearest(problem);
    if (report.status !== 'ok') throw failure(report, problem, search.names);
    return foundBy(problem);
  } finally {
    after(engine);
  }
}

/** Off the JavaScript thread, on a copy of the anchors; the candidates must not change meanwhile. */
export async function nearestCandidatesAsync(
  search: Search,
  signal: AbortSignal | undefined,
  after: typeof trim = () => {},
): Promise<Nearest> {
  refuseAborted(signal);
  const problem = createProblem({ ...search, anchors: copyOf(search.anchors) });
  const engine = search.choice.engineFor(problem);
  try {
    const report = await finish(() => engine.nearestAsync(problem), signal);
    if (report.status !== 'ok') throw failure(report, problem, search.names);
    giveBack(problem.anchors);
    return foundBy(problem);
  } finally {
    after(engine);
  }
}

const foundBy = ({ similarities, indices }: NearestProblem): Nearest => ({ similarities, indices });

function createProblem({ choice: _choice, names, k, ...rows }: Search): NearestProblem {
  const anchorCount = rowCount(names.anchors, rows.anchors, rows.dim);
  try {
    const similarities = new Float32Array(anchorCount * k);
    return {
      ...rows,
      candidateRows: undefined,
      anchorCount,
      checkFinite: 'throw',
      similarities,
      indices: new Int32Array(anchorCount * k),
    };
  } catch (cause) {
    throw outOfMemory(`the ${k} nearest of ${anchorCount} rows`, cause);
  }
}
