/** Private arrays that go from call to call: nobody's result lies in them, and a training loop needs no new ones. */
import { describe, expect, it } from 'vitest';
import { copyOf, giveBack, privateArray } from '../lib/copies.ts';
import {
  computeCircleLoss,
  computeCircleLossAsync,
  computeSimilarity,
  computeSimilarityAsync,
  findNearest,
  findNearestAsync,
} from '../lib/index.ts';
import { randomFrom, randomRows } from './cases.ts';
import { errorOf } from './error-of.ts';

const mebibyte = 2 ** 18; // of 4-byte numbers

describe('memory', () => {
  it('goes to the next array of its length, and to one at a time', () => {
    const given = privateArray(mebibyte);
    giveBack(given);
    expect(privateArray(mebibyte + 1) === given).toBe(false);
    const source = new Float32Array(mebibyte).fill(3);
    const copy = copyOf(source);
    expect(copy === given).toBe(true);
    expect(copy.every((value) => value === 3)).toBe(true);
    expect(privateArray(mebibyte) === given).toBe(false);
  });

  it('is kept for the arrays last given back, up to 32 MiB', () => {
    const lengths = Array.from({ length: 40 }, (_, i) => mebibyte + i);
    const arrays = lengths.map((length) => new Float32Array(length));
    for (const array of arrays) giveBack(array);
    const kept = arrays.map((array) => privateArray(array.length) === array);
    // 32 of a little more than 1 MiB are more than 32 MiB.
    expect(kept).toEqual(lengths.map((_, i) => i >= 40 - 31));
    const huge = new Float32Array(32 * mebibyte + 1);
    giveBack(huge);
    expect(privateArray(huge.length) === huge).toBe(false);
    const small = new Float32Array(100);
    giveBack(small);
    expect(privateArray(100) === small).toBe(false);
  });
});

describe('calls', () => {
  const [count, dim] = [160, 64];
  const batch = (seed: number) => ({
    rows: randomRows(count, dim, randomFrom(seed)),
    others: randomRows(count, dim, randomFrom(seed + 100)),
    labels: Int32Array.from({ length: count }, (_, i) => (i * seed) % 7),
  });
  type Batch = ReturnType<typeof batch>;
  const numbers = () => ({ gradient: new Float32Array(count * dim), anchorLosses: new Float32Array(count) });

  /** Each with arrays of the same sizes, so that they leave each other theirs. */
  const kinds: readonly (readonly [name: string, now: (b: Batch) => unknown, later: (b: Batch) => Promise<unknown>])[] =
    [
      [
        'a loss',
        ({ rows, labels }) => computeCircleLoss(rows, labels, { dim }),
        ({ rows, labels }) => computeCircleLossAsync(rows, labels, { dim }),
      ],
      [
        'a loss into arrays of the caller',
        ({ rows, labels }) => computeCircleLoss(rows, labels, { dim, out: numbers() }),
        ({ rows, labels }) => computeCircleLossAsync(rows, labels, { dim, out: numbers() }),
      ],
      [
        'a loss with candidates',
        ({ rows, labels, others }) =>
          computeCircleLoss(rows, labels, { dim, candidates: others, candidateLabels: labels, out: numbers() }),
        ({ rows, labels, others }) =>
          computeCircleLossAsync(rows, labels, { dim, candidates: others, candidateLabels: labels, out: numbers() }),
      ],
      [
        'similarities',
        ({ rows, others }) => computeSimilarity(rows, { dim, candidates: others }),
        ({ rows, others }) => computeSimilarityAsync(rows, { dim, candidates: others }),
      ],
      [
        'a search',
        ({ rows, others }) => findNearest(rows, { dim, k: dim, candidates: others }),
        ({ rows, others }) => findNearestAsync(rows, { dim, k: dim, candidates: others }),
      ],
    ];

  it('results stay what they are while later calls use the memory of earlier ones', async () => {
    const found: [result: unknown, expected: unknown][] = [];
    for (let round = 1; round <= 4; round++) {
      const given = batch(round);
      const pending = kinds.map(([, , later]) => later(given));
      const expected = kinds.map(([, now]) => now(given));
      const results = await Promise.all(pending);
      results.forEach((result, i) => {
        found.push([result, expected[i]]);
      });
    }
    for (const [result, expected] of found) expect(result).toEqual(expected);
  });

  it('a call that fails leaves the next ones right', async () => {
    const [first, second] = [batch(1), batch(2)];
    const spoilt = first.rows.slice();
    spoilt[5] = Number.NaN;
    const now = ({ rows, labels }: Batch) => computeCircleLoss(rows, labels, { dim });
    const later = ({ rows, labels }: Batch) => computeCircleLossAsync(rows, labels, { dim, out: numbers() });
    const expected = [now(first), now(second)];
    for (let i = 0; i < 3; i++) {
      const error = await later({ ...first, rows: spoilt }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ message: errorOf(() => now({ ...first, rows: spoilt })).message });
      // At once, so that memory which was given back twice would be both's.
      expect(await Promise.all([later(first), later(second)])).toEqual(expected);
    }
  });

  it('a training loop with arrays of its own needs no new memory', async () => {
    const { rows, labels, others } = batch(1);
    const options = { dim, candidates: others, candidateLabels: labels, out: numbers() };
    await computeCircleLossAsync(rows, labels, options);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 20; i++) await computeCircleLossAsync(rows, labels, options);
    // A call has three private arrays of this size; there must not be one new one in two calls.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan((20 * rows.byteLength) / 2);
  });
});
