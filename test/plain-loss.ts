/**
 * The losses once more, as a page of definitions on plain arrays: what finite differences are taken of.
 *
 * `base` holds the similarities at which what counts as a constant is frozen: the weight α (detached), the slope of
 * cos(θ + m) (straight-through). The gradient asked for is then the derivative of this function at `base`.
 */
import { resolvePairLoss } from '../lib/losses.ts';
import type { Case } from './cases.ts';

export interface PlainLoss {
  losses: number[];
  /** Σ upstream × loss, or upstream × reduced loss: what the gradient is the gradient of. */
  final: number;
}

function unit(rows: number[][], normalize: boolean): number[][] {
  if (!normalize) return rows;
  return rows.map((row) => row.map((value) => value / Math.max(Math.hypot(...row), 1e-12)));
}

/** Similarities of all anchors with all candidates. */
export function similaritiesOf({ options }: Case, anchors: number[][], candidates: number[][]): number[][] {
  const normalize = options.normalize ?? true;
  const columns = unit(candidates, normalize);
  return unit(anchors, normalize).map((a) => columns.map((b) => a.reduce((sum, value, k) => sum + value * b[k], 0)));
}

function logits({ options }: Case, isPositive: boolean, s: number, base: number): number {
  const loss = resolvePairLoss(options.pairLoss, options.classWeights !== undefined);
  switch (loss.type) {
    case 'circle': {
      const at = loss.weighting === 'detached' ? base : s;
      const { optima, targets, gamma } = loss;
      if (isPositive) return -gamma * Math.max(optima.positive - at, 0) * (s - targets.positive);
      return gamma * Math.max(at - optima.negative, 0) * (s - targets.negative);
    }
    case 'unified':
      return isPositive ? -loss.gamma * s : loss.gamma * (s + loss.margin);
    case 'arcface': {
      if (!isPositive) return loss.gamma * s;
      const phi = (x: number) => {
        const theta = Math.acos(x);
        if (loss.beyondPi === 'linear' && theta + loss.margin > Math.PI) return x - loss.margin * Math.sin(loss.margin);
        return Math.cos(theta + loss.margin);
      };
      return -loss.gamma * (loss.derivative === 'exact' ? phi(s) : phi(base) + (s - base));
    }
    case 'triplet':
      return isPositive ? -s : s + loss.margin;
  }
}

const logSumExp = (values: number[]) => {
  const max = Math.max(...values);
  return values.length === 0
    ? -Infinity
    : max + Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0));
};

export function plainLoss(testCase: Case, similarities: number[][], base: number[][]): PlainLoss {
  const { options, labels } = testCase;
  const columnLabels = options.classWeights ? similarities[0].map((_, c) => c) : (options.candidateLabels ?? labels);
  const isBatch = !options.classWeights && !options.candidates;
  const lists = similarities.map((row, i) => {
    const sides: [positive: number[], negative: number[]] = [[], []];
    row.forEach((s, j) => {
      if (isBatch && (i === j || (options.scope === 'batch' && j < i))) return;
      const isPositive = labels[i] === columnLabels[j];
      sides[isPositive ? 0 : 1].push(logits(testCase, isPositive, s, base[i][j]));
    });
    return sides;
  });
  const terms = options.scope === 'batch' ? [[lists.flatMap(([p]) => p), lists.flatMap(([, n]) => n)]] : lists;
  const isValid = terms.map(([p, n]) => p.length > 0 && n.length > 0);
  const losses = terms.map(([p, n], i) => {
    if (!isValid[i]) return 0;
    if (options.pairLoss.type === 'triplet') return Math.max(Math.max(...p) + Math.max(...n), 0);
    const sum = logSumExp(p) + logSumExp(n);
    return sum > 0 ? sum + Math.log1p(Math.exp(-sum)) : Math.log1p(Math.exp(sum));
  });
  const divisors = {
    mean: isValid.filter(Boolean).length,
    'mean-nonzero': losses.filter((loss) => loss > 0).length,
    'mean-all': losses.length,
    sum: 1,
  };
  const divisor = divisors[options.reduction ?? 'mean'];
  const { upstream = 1 } = options;
  const total = losses.reduce((sum, loss) => sum + loss, 0);
  const final =
    typeof upstream === 'number'
      ? divisor && (upstream * total) / divisor
      : losses.reduce((sum, loss, i) => sum + upstream[i] * loss, 0);
  return { losses, final };
}

export function rowsOf(values: Float32Array, dim: number): number[][] {
  return Array.from({ length: values.length / dim }, (_, i) => [...values.subarray(i * dim, (i + 1) * dim)]);
}
