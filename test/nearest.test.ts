/** `findNearest` as users call it; what engines find is held against the matrix in search.test.ts. */
import { describe, expect, it } from 'vitest';
import { computeSimilarity, type EngineName, engines, findNearest, findNearestAsync } from '../lib/index.ts';
import { randomFrom, randomRows } from './cases.ts';
import { errorOf } from './error-of.ts';

const rows = Float32Array.of(1, 0, 0.8, 0.6, 0, 1);
const options = { dim: 2, k: 1 };
const available = engines().flatMap(({ name, available }) => (available ? [name] : []));

describe.each(available as EngineName[])('on engine %s', (engine) => {
  it('is what the example of its docstring says', () => {
    const { indices, similarities } = findNearest(rows, { ...options, engine });
    expect([...indices]).toEqual([1, 0, 1]);
    // Rounded to float32, after products of at most two roundings each.
    [0.8, 0.8, 0.6].forEach((expected, i) => {
      expect(Math.abs(similarities[i] - expected)).toBeLessThan(6 * 2 ** -24);
    });
  });

  it('of other candidates a row finds itself, and of equals the first', () => {
    const candidates = Float32Array.of(0, 1, 1, 0, 2, 0);
    const { indices } = findNearest(rows, { dim: 2, k: 2, candidates, engine });
    expect([...indices]).toEqual([1, 2, 1, 2, 0, 1]);
  });

  it('rows may change once an asynchronous call has begun', async () => {
    const anchors = randomRows(300, 16, randomFrom(1));
    const candidates = randomRows(500, 16, randomFrom(2));
    const settings = { dim: 16, k: 7, engine };
    const expected = findNearest(anchors, { ...settings, candidates });
    const given = { anchors: anchors.slice(), candidates: candidates.slice() };
    const found = findNearestAsync(given.anchors, { ...settings, candidates: given.candidates });
    given.anchors.fill(1);
    given.candidates.fill(1);
    expect(await found).toEqual(expected);
  });

  it('an abort rejects, before and during the call', async () => {
    const reason = new Error('enough');
    const early = findNearestAsync(rows, { ...options, engine, signal: AbortSignal.abort(reason) });
    await expect(early).rejects.toMatchObject({ name: 'AbortError', cause: reason });
    const controller = new AbortController();
    const many = Float32Array.from({ length: 3000 * 32 }, randomFrom(3));
    const late = findNearestAsync(many, { dim: 32, k: 3, engine, signal: controller.signal });
    controller.abort(reason);
    await expect(late).rejects.toMatchObject({ name: 'AbortError', cause: reason });
  });
});

it('every k of one call is the first part of a larger one', () => {
  const anchors = randomRows(50, 8, randomFrom(4));
  const all = findNearest(anchors, { dim: 8, k: 49 });
  const few = findNearest(anchors, { dim: 8, k: 5 });
  for (let row = 0; row < 50; row++) {
    expect(few.indices.subarray(5 * row, 5 * row + 5)).toEqual(all.indices.subarray(49 * row, 49 * row + 5));
  }
  expect(computeSimilarity(anchors, { dim: 8 })[all.indices[0]]).toBe(all.similarities[0]);
});

it.each([
  [{ k: 3 }, /options.k must be an integer from 1 to 2; received 3/],
  [{ k: 0 }, /options.k must be an integer from 1; received 0/],
  [{ k: 4, candidates: rows }, /options.k must be an integer from 1 to 3; received 4/],
  [{ candidates: rows.subarray(1) }, /candidates must be rows of dim = 2/],
  [{ neighbours: 3 }, /unknown key 'neighbours'/],
  [
    { candidates: Float32Array.of(1, Number.NaN) },
    /candidates must be finite numbers; received NaN at row 0, column 1/,
  ],
])('%o is refused', (wrong, message) => {
  expect(errorOf(() => findNearest(rows, { ...options, ...wrong } as never)).message).toMatch(message);
});

it('a single row has no other to find', () => {
  expect(errorOf(() => findNearest(rows.subarray(0, 2), options)).code).toBe('ERR_CIRCLE_INVALID_ARGUMENT');
});
