/**
 * A pair's numbers, computed in the page by the package itself: logits and slopes are those of `lib/formulas.ts`, loss and
 * gradients those of the reference engine on an anchor, a positive and a negative.
 */
import type { OnHost, Problem } from '../../../../lib/engine.ts';
import { type Formula, formulaOf } from '../../../../lib/formulas.ts';
import { type ResolvedPairLoss, resolvePairLoss } from '../../../../lib/losses.ts';
import { evaluate } from '../../../../lib/reference.ts';
import { pairLossOf, type State } from './state.ts';

export interface PairNumbers {
  loss: number;
  /** ∂L/∂s_n and ∂L/∂s_p. */
  gradientN: number;
  gradientP: number;
  logitN: number;
  logitP: number;
  /** α: what the slope of a logit is multiplied by; 1 on both sides where a loss has no weights. */
  weightN: number;
  weightP: number;
  /** The sum of the logits, which is 0 on the decision boundary. */
  sum: number;
}

export function lossOf(state: State): ResolvedPairLoss {
  return resolvePairLoss(pairLossOf(state), false);
}

export function numbersAt(state: State, sn: number, sp: number): PairNumbers {
  const pairLoss = lossOf(state);
  const formula = formulaOf(pairLoss);
  const logitN = formula.negativeLogit(sn);
  const logitP = formula.positiveLogit(sp);
  return {
    ...lossAndGradient(pairLoss, sn, sp),
    ...weightsAt(pairLoss, sn, sp),
    logitN,
    logitP,
    sum: logitN + logitP,
  };
}

/** Detached slopes are ∓γα, whatever the gradient does with α. */
function weightsAt(pairLoss: ResolvedPairLoss, sn: number, sp: number): Pick<PairNumbers, 'weightN' | 'weightP'> {
  if (pairLoss.type !== 'circle') return { weightN: 1, weightP: 1 };
  const detached = formulaOf({ ...pairLoss, weighting: 'detached' });
  const positive = (value: number) => (value === 0 ? 0 : value); // not −0
  return {
    weightN: positive(detached.negativeSlope(sn) / pairLoss.gamma),
    weightP: positive(-detached.positiveSlope(sp) / pairLoss.gamma),
  };
}

/** The anchor is (1, 0), so that a candidate's first number is its similarity, and of its gradient the slope. */
function lossAndGradient(pairLoss: ResolvedPairLoss, sn: number, sp: number) {
  const candidateGradient = new Float32Array(4);
  const anchorLosses = new Float32Array(1);
  const problem: OnHost<Problem> = {
    anchorCount: 1,
    candidateCount: 2,
    dim: 2,
    candidateKind: 'labelled',
    pairLoss,
    normalize: false,
    scope: 'anchor',
    reduction: 'sum',
    upstream: 1,
    checkFinite: 'throw',
    threads: 1,
    precision: 'exact',
    workspaceLimit: undefined,
    anchors: Float32Array.of(1, 0),
    anchorLabels: Int32Array.of(1),
    candidates: Float32Array.of(sp, 0, sn, 0),
    candidateRows: undefined,
    candidateLabels: Int32Array.of(1, 0),
    upstreamPerLoss: undefined,
    anchorLosses,
    gradient: new Float32Array(2),
    candidateGradient,
    update: undefined,
  };
  const steps = evaluate(problem);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return { loss: step.value.loss, gradientP: candidateGradient[0], gradientN: candidateGradient[2] };
}

/** The sum of the logits over the plane is that of a function of s_n and one of s_p. */
export function sumField(state: State, count: number, similarity: (k: number) => number): number[] {
  const formula: Formula = formulaOf(lossOf(state));
  const values = Array.from({ length: count }, (_, k) => similarity(k));
  const negative = values.map((s) => formula.negativeLogit(s));
  const positive = values.map((s) => formula.positiveLogit(s));
  return positive.flatMap((logitP) => negative.map((logitN) => logitN + logitP));
}
