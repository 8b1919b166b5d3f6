/** Optimisers of class weights that an engine moves in place: what a user writes, the defaults, and the formulas. */
import type { CandidateRows } from './options.ts';

/** Stochastic gradient descent, as `torch.optim.SGD`: v ← μ v + (g + λ w), w ← w − η v. */
export interface SgdOptimizer {
  type: 'sgd';
  /** η, from 0 to 1e30. */
  learningRate: number;
  /** μ, from 0 to 1, 1 excluded. Default 0: no velocity is kept. The face recognition of the paper's field takes 0.9. */
  momentum?: number;
  /** λ, from 0 to 1e30. Default 0. */
  weightDecay?: number;
}

/** Adam (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1), weight decay in the gradient as in `torch.optim.Adam`. */
export interface AdamOptimizer {
  type: 'adam';
  /** η, from 0 to 1e30. */
  learningRate: number;
  /** From 0 to 1, 1 excluded. Default 0.9. */
  beta1?: number;
  /** From 0 to 1, 1 excluded. Default 0.999. */
  beta2?: number;
  /** From 1e-30 to 1e30. Default 1e-8. */
  epsilon?: number;
  /** λ, from 0 to 1e30. Default 0. */
  weightDecay?: number;
}

export type Optimizer = SgdOptimizer | AdamOptimizer;

/** With the defaults filled in. */
export type ResolvedOptimizer = Required<SgdOptimizer> | Required<AdamOptimizer>;

export function resolveOptimizer(optimizer: Optimizer): ResolvedOptimizer {
  const { learningRate, weightDecay = 0 } = optimizer;
  // As engines have it, to whom the smallest numbers are 0: whether there is a velocity must be the same for both.
  if (optimizer.type === 'sgd') {
    return { type: 'sgd', learningRate, weightDecay, momentum: Math.fround(optimizer.momentum ?? 0) };
  }
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = optimizer;
  return { type: 'adam', learningRate, weightDecay, beta1, beta2, epsilon };
}

/** How many numbers an optimiser keeps for each weight: the velocity, or mean and square of the gradient. */
export function momentCount(optimizer: ResolvedOptimizer): 0 | 1 | 2 {
  if (optimizer.type === 'adam') return 2;
  return optimizer.momentum === 0 ? 0 : 1;
}

/** A step of an optimiser on the candidates of a call, in place. */
export interface CandidateUpdate {
  readonly optimizer: ResolvedOptimizer;
  /** Of this step, from 1. */
  readonly step: number;
  /** Like the candidates, where the optimiser has them. */
  readonly firstMoment: CandidateRows | undefined;
  readonly secondMoment: CandidateRows | undefined;
}

/** The same on the host: `dim` numbers from `start` on, by their gradient. */
export function stepInPlace(
  update: CandidateUpdate,
  gradient: Float32Array,
  gradientStart: number,
  weights: Float32Array,
  start: number,
  dim: number,
): void {
  const move = update.optimizer.type === 'sgd' ? sgd(update.optimizer) : adam(update.optimizer, update.step);
  const first = update.firstMoment as Float32Array | undefined;
  const second = update.secondMoment as Float32Array | undefined;
  for (let k = start; k < start + dim; k++) {
    const moved = move(weights[k], gradient[gradientStart + k - start], first?.[k] ?? 0, second?.[k] ?? 0);
    weights[k] = moved.weight;
    if (first) first[k] = moved.first;
    if (second) second[k] = moved.second;
  }
}

type Move = (
  weight: number,
  gradient: number,
  first: number,
  second: number,
) => { weight: number; first: number; second: number };

function sgd({ learningRate, momentum, weightDecay }: Required<SgdOptimizer>): Move {
  return (weight, gradient, velocity) => {
    const first = momentum * velocity + gradient + weightDecay * weight;
    return { weight: weight - learningRate * first, first, second: 0 };
  };
}

function adam({ learningRate, beta1, beta2, epsilon, weightDecay }: Required<AdamOptimizer>, step: number): Move {
  const stepSize = learningRate / (1 - beta1 ** step);
  const root = Math.sqrt(1 - beta2 ** step);
  return (weight, gradient, mean, square) => {
    const decayed = gradient + weightDecay * weight;
    const first = beta1 * mean + (1 - beta1) * decayed;
    const second = beta2 * square + (1 - beta2) * decayed * decayed;
    return { weight: weight - (stepSize * first) / (Math.sqrt(second) / root + epsilon), first, second };
  };
}
