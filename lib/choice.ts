/** What `'auto'` goes by: whether a call is worth the way to a GPU and back. */
import { hostRows } from './candidates.ts';
import type { AnyProblem } from './engine.ts';

/** A call, as far as the choice is concerned. */
export interface CallShape {
  anchorCount: number;
  candidateCount: number;
  dim: number;
  /** Where the candidates lie: they are the anchors, or other rows. */
  candidates: 'anchors' | 'host' | 'device';
  /** Numbers that come back. */
  results: number;
}

/** Below this many multiply-adds a CPU is done before copies and kernels have been started and waited for. */
const leastWork = 2 ** 28;

/** Multiply-adds for each byte that must cross the bus. */
const leastIntensity = 64;

/**
 * Whether a GPU should beat the CPU:
 *
 * - where the candidates are on the device, always: no other engine can have them;
 * - otherwise where there is work enough, N × M × dim ≥ 2²⁸ multiply-adds, and enough of it for each byte that crosses the
 *   bus: rows and gradients are linear in N and M, the work is their product, so that the harmonic mean of N and M has to
 *   be some hundreds. A similarity matrix has N × M results: there it is dim that counts.
 *
 * The rule counts bytes and operations: a bus of some 10 GB/s at 64 multiply-adds a byte asks for 1.3 TFLOP/s, more than
 * the CPU engine reaches on few cores and a small part of what a GPU does. It was not fitted to measurements.
 */
export function isWorthCuda({ anchorCount, candidateCount, dim, candidates, results }: CallShape): boolean {
  if (candidates === 'device') return true;
  const work = anchorCount * candidateCount * dim;
  const rows = candidates === 'anchors' ? anchorCount : anchorCount + candidateCount;
  return work >= leastWork && work >= leastIntensity * 4 * (rows * dim + results);
}

export function shapeOf(problem: AnyProblem): CallShape {
  const { anchorCount, candidateCount, dim, candidates } = problem;
  const place = candidates === undefined ? 'anchors' : hostRows(candidates) ? 'host' : 'device';
  return { anchorCount, candidateCount, dim, candidates: place, results: resultsOf(problem) };
}

/** Arrays of a problem that come back. */
const resultNames = [
  'out',
  'anchorLosses',
  'gradient',
  'candidateGradient',
  'similarities',
  'indices',
  'reachedBy',
] as const;

function resultsOf(problem: AnyProblem): number {
  const arrays = problem as Partial<Record<(typeof resultNames)[number], Float32Array | Int32Array>>;
  return resultNames.reduce((sum, name) => sum + (arrays[name]?.length ?? 0), 0);
}
