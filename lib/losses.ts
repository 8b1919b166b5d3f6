/**
 * The pair losses: what a user writes, the defaults, and the numbers that an engine gets.
 *
 * s is the similarity of an anchor and a candidate, γ gamma, m margin; equation numbers are those of Sun et al.,
 * "Circle Loss: A Unified Perspective of Pair Similarity Optimization", CVPR 2020, arXiv:2002.10857v2.
 */
import { invalidArgument, unknownOption } from './errors.ts';
import { didYouMean } from './option-names.ts';

/** Numbers beyond this in size are refused: float32 has room for it times a similarity or a slope, and to spare. */
export const largestParameter = 1e30;
export const parameterRange = 'a number from -1e30 to 1e30';

/** A value for positive pairs and one for negative pairs; each from −1e30 to 1e30. */
export interface PositiveNegative {
  positive: number;
  negative: number;
}

/** Whether the weight α is a constant to the gradient (Eqs. 9 and 10), or differentiated as well. The loss is the same. */
export type Weighting = 'detached' | 'differentiated';

export interface CircleShape {
  /** m, from −1e30 to 1e30. Default 0.4; with class weights 0.25. */
  margin?: number;
  /** γ, from 1e-30 to 1e30. Default 80; with class weights 256. */
  gamma?: number;
  /** O_p and O_n, where the two-parameter form does not do. Default 1 + m and −m. */
  optima?: PositiveNegative;
  /** Δ_p and Δ_n, where the two-parameter form does not do. Default 1 − m and m. */
  targets?: PositiveNegative;
  /** Default 'detached', as in the paper; 'differentiated' is what Keras computes. */
  weighting?: Weighting;
}

/** Circle loss, Eq. 6: logits −γ [O_p − s]₊ (s − Δ_p) of positives and γ [s − O_n]₊ (s − Δ_n) of negatives. */
export interface CircleLoss extends CircleShape {
  type: 'circle';
}

/**
 * The unified loss, Eq. 1: logits −γ s of positives and γ (s + m) of negatives. With class weights it is
 * AM-Softmax (CosFace), with margin 0 NormFace, and on rows as given with γ = 1, margin 0 plain softmax.
 */
export interface UnifiedLoss {
  type: 'unified';
  /** m, from −1e30 to 1e30. Default 0.35, the paper's AM-Softmax baseline. */
  margin?: number;
  /** γ, from 1e-30 to 1e30. Default 64. */
  gamma?: number;
}

/** ArcFace (Deng et al., CVPR 2019): logits −γ cos(θ + m) of positives, θ = arccos s, and γ s of negatives. */
export interface ArcFaceLoss {
  type: 'arcface';
  /** m in radians, from 0 to π. Default 0.5. */
  margin?: number;
  /** γ, from 1e-30 to 1e30. Default 64. */
  gamma?: number;
  /** ∂cos(θ+m)/∂s: 'exact' (default), or 1 everywhere as insightface computes ('straight-through'). */
  derivative?: 'exact' | 'straight-through';
  /** Where θ + m > π: s − m sin m, which keeps falling with θ ('linear', default), or cos(θ + m) all the same ('cosine'). */
  beyondPi?: 'linear' | 'cosine';
}

/** Triplet loss with the hardest positive and negative, Eq. 3 (the limit of Eq. 1 over γ): [max s_n − min s_p + m]₊. */
export interface TripletLoss {
  type: 'triplet';
  /** m, from −1e30 to 1e30. Default 0.2. */
  margin?: number;
}

export type PairLoss = CircleLoss | UnifiedLoss | ArcFaceLoss | TripletLoss;

/** A pair loss with nothing left to decide: what engines compute. */
export type ResolvedPairLoss =
  | { type: 'circle'; gamma: number; optima: PositiveNegative; targets: PositiveNegative; weighting: Weighting }
  | Required<UnifiedLoss>
  | Required<ArcFaceLoss>
  | Required<TripletLoss>;

/** Fills in the defaults; those of Circle loss depend on whether the candidates are class weights. */
export function resolvePairLoss(pairLoss: PairLoss, classLevel: boolean): ResolvedPairLoss {
  switch (pairLoss.type) {
    case 'circle':
      return resolveCircle(pairLoss, classLevel);
    case 'unified':
      return { type: 'unified', margin: pairLoss.margin ?? 0.35, gamma: pairLoss.gamma ?? 64 };
    case 'arcface':
      return {
        type: 'arcface',
        margin: pairLoss.margin ?? 0.5,
        gamma: pairLoss.gamma ?? 64,
        derivative: pairLoss.derivative ?? 'exact',
        beyondPi: pairLoss.beyondPi ?? 'linear',
      };
    case 'triplet':
      return { type: 'triplet', margin: pairLoss.margin ?? 0.2 };
  }
}

function resolveCircle(circle: CircleShape, classLevel: boolean): ResolvedPairLoss {
  const margin = circle.margin ?? (classLevel ? 0.25 : 0.4);
  return {
    type: 'circle',
    gamma: circle.gamma ?? (classLevel ? 256 : 80),
    optima: circle.optima ?? { positive: 1 + margin, negative: -margin },
    targets: circle.targets ?? { positive: 1 - margin, negative: margin },
    weighting: circle.weighting ?? 'detached',
  };
}

/** A pair loss under a name of its own; spread it into the options: `{ dim, classWeights, ...amSoftmax() }`. */
export interface NamedPairLoss<Normalize extends boolean> {
  pairLoss: UnifiedLoss;
  normalize: Normalize;
}

/** That it is an object of these; their values are for the call to check that gets them. */
function checkShape(shape: unknown, known: readonly string[]): void {
  if (typeof shape !== 'object' || shape === null)
    throw invalidArgument('shape', 'an object such as { gamma: 64 }', shape);
  const unknown = Object.keys(shape).find((key) => !known.includes(key));
  if (unknown !== undefined) throw unknownOption('shape', unknown, known, didYouMean(unknown, known));
}

/** AM-Softmax, also CosFace, Eq. 2; use it with `classWeights`. Defaults: margin 0.35, γ 64. */
export function amSoftmax(shape: { margin?: number; gamma?: number } = {}): NamedPairLoss<true> {
  checkShape(shape, ['margin', 'gamma']);
  return { pairLoss: { type: 'unified', margin: shape.margin, gamma: shape.gamma }, normalize: true };
}

/** NormFace: softmax of scaled cosines, Eq. 2 with margin 0; use it with `classWeights`. Default: γ 64. */
export function normFace(shape: { gamma?: number } = {}): NamedPairLoss<true> {
  checkShape(shape, ['gamma']);
  return { pairLoss: { type: 'unified', margin: 0, gamma: shape.gamma }, normalize: true };
}

/** Softmax cross-entropy of inner products without a bias, Eq. 2 with margin 0 and γ 1 on rows as given; use it with `classWeights`. */
export function softmax(): NamedPairLoss<false> {
  return { pairLoss: { type: 'unified', margin: 0, gamma: 1 }, normalize: false };
}
