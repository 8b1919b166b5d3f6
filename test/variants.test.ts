/** Instruction sets against each other, on batches of many tiles; test/engines.test.ts holds each against the definition. */
import { describe, expect, it } from 'vitest';
import type { PairLossOptions } from '../lib/index.ts';
import { type Case, randomFrom, randomRows } from './cases.ts';
import { computeInDouble, cpuEngines, sessionOn } from './engine-list.ts';
import { distance, largest, sensitivityOf } from './sensitivity.ts';

/** More than one block of 96 rows a side; and of 192 rows, in a dimension that the reference can afford. */
const sizes = [
  { anchors: 210, candidates: 300, dim: 70 },
  { anchors: 780, candidates: 100, dim: 5 },
];

function cases({ anchors, candidates, dim }: (typeof sizes)[number]): Case[] {
  const random = randomFrom(anchors);
  const embeddings = randomRows(anchors, dim, random);
  const labels = Int32Array.from({ length: anchors }, () => Math.floor(random() * 20));
  const others = randomRows(candidates, dim, random);
  const candidateLabels = Int32Array.from({ length: candidates }, () => Math.floor(random() * 20));
  const options: [string, PairLossOptions][] = [
    ['pair-wise', { dim, pairLoss: { type: 'circle' } }],
    ['pair-wise, no workspace', { dim, pairLoss: { type: 'circle' }, workspaceLimit: 0 }],
    ['class-level', { dim, pairLoss: { type: 'arcface', gamma: 16 }, classWeights: others }],
    ['labelled set', { dim, pairLoss: { type: 'unified' }, candidates: others, candidateLabels, scope: 'batch' }],
  ];
  return options.map(([name, given]) => ({
    name: `${name}, ${anchors} × ${candidates} of ${dim}`,
    embeddings,
    labels,
    options: given,
  }));
}

const variants = cpuEngines.slice(1);

describe.skipIf(variants.length === 0)('instruction sets agree with each other', () => {
  const [best] = cpuEngines;
  describe.each(sizes.flatMap(cases))('$name', (testCase) => {
    const { embeddings, labels, options } = testCase;
    const moves = sensitivityOf(testCase, computeInDouble(embeddings, labels, options));
    using session = sessionOn(best, options);
    const expected = session.compute(embeddings, labels);

    it.each(variants)(`$name with ${best.name}`, (variant) => {
      using other = sessionOn(variant, options);
      const found = other.compute(embeddings, labels);
      expect(found.validAnchors).toBe(expected.validAnchors);
      // Either may be as far from the truth as rounding carries it, in opposite directions.
      const bound = (move: number, size: number) => 2 * (2 * move + size * 2 ** -22);
      expect(Math.abs(found.loss - expected.loss)).toBeLessThanOrEqual(bound(moves.loss, expected.loss));
      for (const key of ['anchorLosses', 'gradient'] as const) {
        expect(distance(found[key], expected[key])).toBeLessThanOrEqual(bound(moves[key], largest(expected[key])));
      }
      if (!found.classWeightGradient) return;
      const size = largest(expected.classWeightGradient!);
      const error = distance(found.classWeightGradient, expected.classWeightGradient!);
      expect(error).toBeLessThanOrEqual(bound(moves.candidateGradient, size));
    });
  });
});
