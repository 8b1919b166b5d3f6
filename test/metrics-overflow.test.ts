/**
 * Similarities that are NaN although the rows are finite: ∞ − ∞, on an engine that multiplies and adds in float32. Which
 * rows do it depends on the instruction set, so similarities stand in for them that are NaN at one place.
 */
import { beforeEach, expect, it, vi } from 'vitest';
import { evaluateDistractors, evaluateIdentification } from '../lib/metrics.ts';
import type { SimilarityOptions } from '../lib/options.ts';
import { errorOf } from './error-of.ts';

const missing = { call: 0, place: 0 };
let calls = 0;

vi.mock('../lib/similarity.ts', () => ({
  computeSimilarity(anchors: Float32Array, { dim, candidates }: SimilarityOptions) {
    const numbers = new Float32Array((anchors.length * (candidates as Float32Array).length) / dim ** 2);
    return calls++ === missing.call ? numbers.with(missing.place, Number.NaN) : numbers;
  },
}));

beforeEach(() => {
  calls = 0;
});

const message =
  'Similarities must be within the range of float32; received finite rows some of whose are beyond it. Scale the rows down or set normalize: true.';
const query = { embeddings: Float32Array.of(1, 2, 3, 4), labels: [0, 0] };
const options = { dim: 2, normalize: false };

it.each([0, 1, 2, 3])('is an error of identification, at %d', (place) => {
  Object.assign(missing, { call: 0, place });
  const gallery = { embeddings: Float32Array.of(1, 2, 3, 4), labels: [0, 1] };
  const error = errorOf(() => evaluateIdentification(query, gallery, options));
  expect([error.code, error.message]).toEqual(['ERR_CIRCLE_OVERFLOW', message]);
});

const distractors = Float32Array.of(1, 2, 3, 4, 5, 6);

it.each([
  ['a mate', { call: 0, place: 1 }],
  ['another', { call: 0, place: 2 }],
  ['a distractor', { call: 1, place: 5 }],
])('is an error among distractors, of %s', (_, where) => {
  Object.assign(missing, where);
  const error = errorOf(() => evaluateDistractors(query, distractors, options));
  expect([error.code, error.message]).toEqual(['ERR_CIRCLE_OVERFLOW', message]);
});

it('a query is no mate of its own', () => {
  Object.assign(missing, { call: 0, place: 3 });
  expect(evaluateDistractors(query, distractors, options).couples).toBe(2);
});
