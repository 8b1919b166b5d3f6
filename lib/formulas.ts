/**
 * Logit and slope (∂logit/∂s) of a similarity, for each pair loss: the definitions that `reference.ts` computes.
 * The hard-mining limit of triplet loss has the logits of Eq. 1 without γ; the maximum takes the place of log-sum-exp.
 */
import type { ResolvedPairLoss } from './losses.ts';

export interface Formula {
  positiveLogit(s: number): number;
  positiveSlope(s: number): number;
  negativeLogit(s: number): number;
  negativeSlope(s: number): number;
}

export function formulaOf(pairLoss: ResolvedPairLoss): Formula {
  switch (pairLoss.type) {
    case 'circle':
      return circle(pairLoss);
    case 'unified':
      return linear(pairLoss.gamma, pairLoss.margin);
    case 'arcface':
      return arcface(pairLoss);
    case 'triplet':
      return linear(1, pairLoss.margin);
  }
}

/** Eq. 6 with the weights of Eq. 5: l_p = −γ [O_p − s]₊ (s − Δ_p), l_n = γ [s − O_n]₊ (s − Δ_n). */
function circle({ gamma, optima, targets, weighting }: Extract<ResolvedPairLoss, { type: 'circle' }>): Formula {
  const weightP = (s: number) => Math.max(optima.positive - s, 0);
  const weightN = (s: number) => Math.max(s - optima.negative, 0);
  const logits = {
    positiveLogit: (s: number) => -gamma * weightP(s) * (s - targets.positive),
    negativeLogit: (s: number) => gamma * weightN(s) * (s - targets.negative),
  };
  if (weighting === 'detached') {
    return { ...logits, positiveSlope: (s) => -gamma * weightP(s), negativeSlope: (s) => gamma * weightN(s) };
  }
  const centreP = (optima.positive + targets.positive) / 2;
  const centreN = (optima.negative + targets.negative) / 2;
  return {
    ...logits,
    positiveSlope: (s) => (weightP(s) > 0 ? 2 * gamma * (s - centreP) : 0),
    negativeSlope: (s) => (weightN(s) > 0 ? 2 * gamma * (s - centreN) : 0),
  };
}

/** Eq. 1: l_p = −γ s, l_n = γ (s + m). */
function linear(gamma: number, margin: number): Formula {
  return {
    positiveLogit: (s) => -gamma * s,
    positiveSlope: () => -gamma,
    negativeLogit: (s) => gamma * (s + margin),
    negativeSlope: () => gamma,
  };
}

/** The sine of an angle whose cosine is 1 − 1e-7: where ∂cos(θ+m)/∂s would grow without bound, it stops at this sine. */
const leastSine = Math.sqrt(1 - (1 - 1e-7) ** 2);

/** l_p = −γ φ(s), φ = cos(θ + m) = s cos m − sin θ sin m, and l_n = γ s. */
function arcface({ gamma, margin, derivative, beyondPi }: Extract<ResolvedPairLoss, { type: 'arcface' }>): Formula {
  const cosM = Math.cos(margin);
  const sinM = Math.sin(margin);
  const sine = (s: number) => Math.sqrt(Math.max(1 - s * s, 0));
  const isLinear = (s: number) => beyondPi === 'linear' && s < -cosM;
  const phi = (s: number) => (isLinear(s) ? s - margin * sinM : s * cosM - sine(s) * sinM);
  const phiSlope = (s: number) => {
    if (derivative === 'straight-through' || isLinear(s)) return 1;
    return cosM + (s / Math.max(sine(s), leastSine)) * sinM;
  };
  return {
    positiveLogit: (s) => -gamma * phi(s),
    positiveSlope: (s) => -gamma * phiSlope(s),
    negativeLogit: (s) => gamma * s,
    negativeSlope: () => gamma,
  };
}
