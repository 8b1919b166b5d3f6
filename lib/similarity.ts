/** The similarity matrix itself. */
import { checkApart, float32, output, rowCount, trueLengthOf } from './arrays.ts';
import { candidateRowCount, candidateRows, copyOfRows, hostRows } from './candidates.ts';
import { copyOf, giveBackAll, privateArray } from './copies.ts';
import type { SimilarityProblem } from './engine.ts';
import { sharedEngine, trim } from './engines.ts';
import type { Abortable, SimilarityOptions } from './options.ts';
import { defaultThreads } from './problem.ts';
import { deliver, failure, finish, refuseAborted } from './run.ts';
import { parse, schemas } from './schemas.ts';

const names = { anchors: 'anchors', candidates: 'candidates' };

/**
 * Similarities of every anchor with every candidate: N × M numbers, row by row.
 *
 * - `anchors`: N × dim finite numbers. Normalised inside unless `normalize: false`: similarities are then cosines.
 * - `options.candidates`: M × dim numbers, or a DeviceMatrix; without them the anchors themselves, and the matrix is symmetric.
 *
 * A row of norm 1e-12 or less counts as x/1e-12. Cost: 2 × N × M × dim operations, 4 × N × M bytes.
 * Throws as `computeCircleLoss` does, but never ERR_CIRCLE_OVERFLOW: with `normalize: false` a similarity is ±Infinity
 * where it is beyond float32, and ±Infinity or NaN where sums on the way to it are, even if terms would cancel.
 */
export function computeSimilarity(anchors: Float32Array, options: SimilarityOptions): Float32Array {
  const settings = parse(schemas.similarity, options) as SimilarityOptions;
  const problem = createSimilarityProblem(anchors, settings);
  const engine = sharedEngine(settings.engine ?? 'auto', settings.device ?? 0, problem);
  try {
    const report = engine.similarity(problem);
    if (report.status !== 'ok') throw failure(report, problem, names);
    return problem.out;
  } finally {
    trim(engine);
  }
}

/** `computeSimilarity` off the JavaScript thread, on copies; an aborted `signal` rejects with an `AbortError`. */
export async function computeSimilarityAsync(
  anchors: Float32Array,
  options: SimilarityOptions & Abortable,
): Promise<Float32Array> {
  const settings = parse(schemas.similarityAsync, options) as SimilarityOptions & Abortable;
  const { signal } = settings;
  const problem = createSimilarityProblem(anchors, settings);
  refuseAborted(signal);
  const isolated: SimilarityProblem = {
    ...problem,
    anchors: copyOf(problem.anchors),
    candidates: copyOfRows(problem.candidates),
    out: settings.out === undefined ? problem.out : privateArray(trueLengthOf(problem.out)),
  };
  const engine = sharedEngine(settings.engine ?? 'auto', settings.device ?? 0, problem);
  try {
    const report = await finish(() => engine.similarityAsync(isolated), signal);
    if (report.status !== 'ok') throw failure(report, isolated, names);
    deliver([['out', isolated.out, problem.out]]);
    giveBackAll(isolated, problem);
    return problem.out;
  } finally {
    trim(engine);
  }
}

function createSimilarityProblem(values: unknown, settings: SimilarityOptions): SimilarityProblem {
  const { dim, engine = 'auto', device = 0 } = settings;
  const anchors = float32('anchors', values);
  const anchorCount = rowCount('anchors', anchors, dim);
  const given = settings.candidates;
  const candidates = given === undefined ? undefined : candidateRows('candidates', given, { dim, engine, device });
  const candidateCount = candidates ? candidateRowCount('candidates', candidates, dim) : anchorCount;
  const out = output('out', settings.out, anchorCount * candidateCount);
  checkApart(
    [['out', out]],
    [
      ['anchors', anchors],
      ['candidates', hostRows(candidates)],
    ],
  );
  return {
    anchorCount,
    candidateCount,
    dim,
    normalize: settings.normalize ?? true,
    checkFinite: settings.checkFinite ?? 'throw',
    threads: settings.threads ?? defaultThreads,
    precision: settings.precision ?? 'exact',
    anchors,
    candidates,
    candidateRows: undefined,
    out,
  };
}
