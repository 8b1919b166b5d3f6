/**
 * What anybody would write: the loss and its gradient in float32, each operation rounded, sums from left to right. Others
 * are held against it: an engine that is less exact than this has a fault.
 */

import type { PairLossOptions } from '../../lib/index.ts';
import { resolvePairLoss } from '../../lib/losses.ts';

const f = Math.fround;

interface Found {
  loss: number;
  gradient: Float32Array;
}

interface Side {
  readonly columns: number[];
  readonly logits: number[];
  readonly slopes: number[];
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, k) => f(sum + f(value * b[k])), 0);

function unitRows(values: Float32Array, dim: number) {
  return Array.from({ length: values.length / dim }, (_, i) => {
    const row = values.subarray(i * dim, (i + 1) * dim);
    // As any framework does: x · max(‖x‖, ε)⁻¹, where the squares of huge and tiny rows are ∞ and 0.
    const norm = f(Math.max(f(Math.sqrt(dot(row, row))), 1e-12));
    return { unit: row.map((value) => f(value / norm)), norm };
  });
}

function logSumExp(logits: readonly number[]): number {
  const max = Math.max(...logits);
  return f(max + f(Math.log(logits.reduce((sum, logit) => f(sum + f(Math.exp(f(logit - max)))), 0))));
}

/** Of Circle loss, detached, with the paper's optima, and of the unified loss; undefined for others. */
export function plainFloat32(
  embeddings: Float32Array,
  labels: Int32Array,
  options: PairLossOptions,
): Found | undefined {
  const { dim, classWeights } = options;
  const pairLoss = resolvePairLoss(options.pairLoss, classWeights !== undefined);
  if (pairLoss.type !== 'circle' && pairLoss.type !== 'unified') return undefined;
  if (pairLoss.type === 'circle' && pairLoss.weighting === 'differentiated') return undefined;
  const { gamma } = pairLoss;
  const m = pairLoss.type === 'circle' ? pairLoss.targets.negative : pairLoss.margin;
  const logitOf = (s: number, isPositive: boolean): [logit: number, slope: number] => {
    if (pairLoss.type === 'unified') return isPositive ? [f(-gamma * s), -gamma] : [f(gamma * f(s + m)), gamma];
    const weight = f(Math.max(isPositive ? f(1 + m - s) : f(s + m), 0));
    const slope = f((isPositive ? -gamma : gamma) * weight);
    return [f(slope * f(s - (isPositive ? f(1 - m) : m))), slope];
  };
  const anchors = unitRows(embeddings, dim);
  const columns = classWeights instanceof Float32Array ? unitRows(classWeights, dim) : anchors;
  const isBatch = columns === anchors;
  const n = anchors.length;
  const toUnit = anchors.map(() => new Float32Array(dim));
  const add = (to: Float32Array, weight: number, row: Float32Array) => {
    for (let k = 0; k < dim; k++) to[k] += f(weight * row[k]);
  };
  let loss = 0;
  let valid = 0;
  const updates: (() => void)[] = [];
  anchors.forEach(({ unit }, i) => {
    const sides: [Side, Side] = [0, 1].map(() => ({ columns: [], logits: [], slopes: [] })) as unknown as [Side, Side];
    columns.forEach((column, j) => {
      if (isBatch && i === j) return;
      const isPositive = labels[i] === (isBatch ? labels[j] : j);
      const side = sides[isPositive ? 0 : 1];
      const [logit, slope] = logitOf(dot(unit, column.unit), isPositive);
      side.columns.push(j);
      side.logits.push(logit);
      side.slopes.push(slope);
    });
    if (sides.some(({ columns: { length } }) => length === 0)) return;
    valid++;
    const lse = sides.map(({ logits }) => logSumExp(logits));
    const sum = f(lse[0] + lse[1]);
    loss = f(loss + (sum > 0 ? f(sum + f(Math.log1p(Math.exp(-sum)))) : f(Math.log1p(Math.exp(sum)))));
    const slopeOfSum = f(1 / f(1 + f(Math.exp(-sum))));
    updates.push(() => {
      sides.forEach(({ columns: js, logits, slopes }, side) => {
        js.forEach((j, at) => {
          const share = f(slopeOfSum * f(Math.exp(f(logits[at] - lse[side]))));
          const weight = f(f(share * slopes[at]) / valid);
          add(toUnit[i], weight, columns[j].unit);
          if (isBatch) add(toUnit[j], weight, unit);
        });
      });
    });
  });
  for (const update of updates) update();
  const gradient = new Float32Array(n * dim);
  anchors.forEach(({ unit, norm }, i) => {
    const along = dot(toUnit[i], unit);
    for (let k = 0; k < dim; k++) gradient[i * dim + k] = f(f(toUnit[i][k] - f(along * unit[k])) / norm);
  });
  return { loss: valid ? f(loss / valid) : 0, gradient };
}
