/**
 * What an engine says of one pair of similarities (s_n, s_p): an anchor, one positive and one negative that have them.
 *
 * In two dimensions the anchor is (1, 0) and a candidate (s, √(1 − s²)). Rows are taken as given, so the similarity is the
 * candidate's first number, with no rounding but that of s to float32; and since s = anchor · candidate, the gradient
 * of a candidate is ∂L/∂s times the anchor: its first number is the slope that is asked for.
 */
import { type CandidateGradientResult, computePairLoss, type EngineName, type PairLoss } from 'circle-loss';

export interface Point {
  sn: number;
  sp: number;
}

export interface PairValue {
  loss: number;
  /** ∂L/∂s_n: from 0 up. */
  slopeN: number;
  /** ∂L/∂s_p: from 0 down. */
  slopeP: number;
}

/** Losses that take rows as given; ArcFace needs angles. */
export type PlaneLoss = Exclude<PairLoss, { type: 'arcface' }>;

export function valueAt(point: Point, pairLoss: PlaneLoss, engine: EngineName): PairValue {
  const { loss, candidateGradient } = callAt(point, pairLoss, engine);
  return { loss, slopeN: candidateGradient[2], slopeP: candidateGradient[0] };
}

/** The call itself, for who wants to see that nothing but the slopes is in it. */
export function callAt({ sn, sp }: Point, pairLoss: PlaneLoss, engine: EngineName): CandidateGradientResult {
  const labels = { anchor: [1], candidates: [1, 0] };
  const common = {
    dim: 2,
    normalize: false,
    candidates: Float32Array.of(...unitRow(sp), ...unitRow(sn)),
    candidateLabels: labels.candidates,
    candidateGradient: 'compute',
    engine,
    threads: 1,
  } as const;
  const anchor = Float32Array.of(1, 0);
  // Two calls that differ in a type only: of the triplet loss scope 'batch' is not for the choosing.
  return pairLoss.type === 'triplet'
    ? computePairLoss(anchor, labels.anchor, { ...common, pairLoss })
    : computePairLoss(anchor, labels.anchor, { ...common, pairLoss });
}

function unitRow(s: number): [number, number] {
  return [s, Math.sqrt(Math.max(1 - s * s, 0))];
}
