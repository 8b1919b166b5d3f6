/**
 * The loss and its gradient by the definitions of docs/math.md, in 256 binary digits after the point: what tells how far
 * double precision, the truth of all other measurements, is from it. It shares no code with lib, except the defaults of
 * options, and is slow: for the smallest shape. Means over anchors of unit rows, against the batch or class weights.
 */
import type { PairLossOptions } from '../../lib/index.ts';
import { type ResolvedPairLoss, resolvePairLoss } from '../../lib/losses.ts';
import {
  atLeast,
  cosine,
  digits,
  divide,
  exponential,
  fixed,
  integerRoot,
  logarithm,
  multiply,
  one,
  scaled,
  sine,
  squareRoot,
  toNumber,
} from './fixed-point.ts';

interface Row {
  readonly unit: readonly bigint[];
  /** What the row was divided by. */
  readonly divisor: bigint;
  readonly isScaled: boolean;
}

type Side = (s: bigint) => readonly [logit: bigint, slope: bigint];

const leastNorm = fixed(1e-12);
/** float32's smallest number is 2⁻¹⁴⁹: as integers rows are exact. */
const unitsInLast = 149n;

function rowOf(values: Float32Array): Row {
  const integers = Array.from(values, (value) => scaled(value, unitsInLast));
  const square = integers.reduce((sum, value) => sum + value * value, 0n);
  // ‖x‖ 2^(149 + 256)
  const root = integerRoot(square << (2n * digits));
  const norm = root >> unitsInLast;
  const isScaled = norm > leastNorm;
  const unit = integers.map((value) =>
    isScaled ? (value << (2n * digits)) / root : (value << (2n * digits - unitsInLast)) / leastNorm,
  );
  return { unit, divisor: isScaled ? norm : leastNorm, isScaled };
}

const rowsOf = (values: Float32Array, dim: number) =>
  Array.from({ length: values.length / dim }, (_, i) => rowOf(values.subarray(i * dim, (i + 1) * dim)));

const dot = (a: readonly bigint[], b: readonly bigint[]) =>
  a.reduce((sum, value, k) => sum + value * b[k], 0n) >> digits;

function sidesOf(loss: ResolvedPairLoss): [positive: Side, negative: Side] {
  if (loss.type === 'circle') return circle(loss);
  if (loss.type === 'arcface') return arcface(loss);
  const gamma = loss.type === 'triplet' ? one : fixed(loss.gamma);
  const m = fixed(loss.margin);
  return [(s) => [-multiply(gamma, s), -gamma], (s) => [multiply(gamma, s + m), gamma]];
}

function circle(loss: Extract<ResolvedPairLoss, { type: 'circle' }>): [Side, Side] {
  const gamma = fixed(loss.gamma);
  const isDetached = loss.weighting === 'detached';
  const side =
    (sign: bigint, optimum: bigint, target: bigint): Side =>
    (s) => {
      const weight = multiply(gamma, atLeast(sign * (s - optimum), 0n));
      const logit = sign * multiply(weight, s - target);
      // d/ds of γ (s − O)(s − Δ) on the side where the weight is not 0
      const full = weight > 0n ? multiply(gamma, 2n * s - optimum - target) : 0n;
      return [logit, isDetached ? sign * weight : full];
    };
  const { optima, targets } = loss;
  return [
    side(-1n, fixed(optima.positive), fixed(targets.positive)),
    side(1n, fixed(optima.negative), fixed(targets.negative)),
  ];
}

function arcface({
  gamma,
  margin,
  derivative,
  beyondPi,
}: Extract<ResolvedPairLoss, { type: 'arcface' }>): [Side, Side] {
  if (derivative !== 'exact' || beyondPi !== 'linear') throw new Error('ArcFace must have its defaults here.');
  const scale = fixed(gamma);
  const m = fixed(margin);
  const [cosM, sinM] = [cosine(m), sine(m)];
  const sineOf = (s: bigint) => squareRoot(atLeast(one - multiply(s, s), 0n));
  const leastSine = sineOf(one - fixed(1e-7));
  const positive: Side = (s) => {
    if (s < -cosM) return [-multiply(scale, s - multiply(m, sinM)), -scale];
    const phi = multiply(s, cosM) - multiply(sineOf(s), sinM);
    const slope = cosM + multiply(divide(s, atLeast(sineOf(s), leastSine)), sinM);
    return [-multiply(scale, phi), -multiply(scale, slope)];
  };
  return [positive, (s) => [multiply(scale, s), scale]];
}

interface Pair {
  readonly candidate: number;
  readonly logit: bigint;
  readonly slope: bigint;
}

/** Log-sum-exp and each pair's share of it; of the hardest pair its logit, and all of it. */
function soft(pairs: readonly Pair[], isHardest: boolean): { value: bigint; shares: bigint[] } {
  const most = pairs.reduce((max, { logit }) => (logit > max ? logit : max), pairs[0].logit);
  if (isHardest) {
    const first = pairs.findIndex(({ logit }) => logit === most);
    return { value: most, shares: pairs.map((_, i) => (i === first ? one : 0n)) };
  }
  const terms = pairs.map(({ logit }) => exponential(logit - most));
  const sum = terms.reduce((a, b) => a + b);
  return { value: most + logarithm(sum), shares: terms.map((term) => divide(term, sum)) };
}

export interface Exact {
  readonly loss: number;
  readonly gradient: Float64Array;
}

export function computeExactly(embeddings: Float32Array, labels: Int32Array, options: PairLossOptions): Exact {
  const { dim, classWeights } = options;
  const pairLoss = resolvePairLoss(options.pairLoss, classWeights !== undefined);
  const sides = sidesOf(pairLoss);
  const isHardest = pairLoss.type === 'triplet';
  const anchors = rowsOf(embeddings, dim);
  const candidates = classWeights instanceof Float32Array ? rowsOf(classWeights, dim) : anchors;
  const isBatch = candidates === anchors;
  const toUnit = anchors.map(() => new Array<bigint>(dim).fill(0n));
  let loss = 0n;
  let valid = 0n;
  anchors.forEach(({ unit }, i) => {
    const pairs: [Pair[], Pair[]] = [[], []];
    candidates.forEach((candidate, j) => {
      if (isBatch && i === j) return;
      const side = labels[i] === (isBatch ? labels[j] : j) ? 0 : 1;
      const similarity = dot(unit, candidate.unit);
      const s = similarity > one ? one : atLeast(similarity, -one);
      const [logit, slope] = sides[side](s);
      pairs[side].push({ candidate: j, logit, slope });
    });
    if (pairs.some(({ length }) => length === 0)) return;
    valid++;
    const lse = pairs.map((side) => soft(side, isHardest));
    const sum = lse[0].value + lse[1].value;
    const tail = exponential(sum < 0n ? sum : -sum);
    loss += atLeast(sum, 0n) + (isHardest ? 0n : logarithm(one + tail));
    const hinge = sum > 0n ? one : 0n;
    const slopeOfSum = isHardest ? hinge : divide(sum > 0n ? one : tail, one + tail);
    pairs.forEach((side, at) => {
      side.forEach(({ candidate: j, slope }, place) => {
        const weight = multiply(multiply(slopeOfSum, lse[at].shares[place]), slope);
        if (weight === 0n) return;
        for (let k = 0; k < dim; k++) {
          toUnit[i][k] += multiply(weight, candidates[j].unit[k]);
          if (isBatch) toUnit[j][k] += multiply(weight, unit[k]);
        }
      });
    });
  });
  const count = valid > 0n ? valid : 1n;
  const gradient = anchors.flatMap(({ unit, divisor, isScaled }, i) => {
    const along = isScaled ? dot(toUnit[i], unit) : 0n;
    return toUnit[i].map((value, k) => toNumber(divide((value - multiply(along, unit[k])) / count, divisor)));
  });
  return { loss: toNumber(loss / count), gradient: Float64Array.from(gradient) };
}
