/** Distractors: by hand, against counting all of them, in pieces, and at its limits. */
import { describe, expect, it } from 'vitest';
import { computeSimilarity } from '../lib/index.ts';
import { Greatest } from '../lib/metrics/greatest.ts';
import { evaluateDistractors, evaluateVerification } from '../lib/metrics.ts';
import { randomFrom } from './cases.ts';
import { errorOf } from './error-of.ts';

describe('by hand', () => {
  // Rows as they are: products are exact. Queries of one label: (2, 0) and (2, 1), similarity 4.
  const query = { embeddings: Float32Array.of(2, 0, 2, 1), labels: [3, 3] };
  const options = { dim: 2, normalize: false, engine: 'reference' } as const;

  it('a mate is found where it is ahead of all distractors so far', () => {
    // Similarities of the distractors with the first query and the second: 0, 1 | 2, 5 | 4, 4 | 6, 6.
    const distractors = Float32Array.of(0, 1, 1, 3, 2, 0, 3, 0);
    const counts = { distractorCounts: [4, 1, 2, 3], ranks: [1, 2, 3] };
    const result = evaluateDistractors(query, distractors, { ...options, ...counts, falseAcceptRates: [0.25, 0.5] });
    expect(result).toEqual({
      queries: 2,
      skipped: 0,
      couples: 2,
      identifiedAt: [
        { distractors: 1, rank: 1, identified: 1 },
        { distractors: 1, rank: 2, identified: 1 },
        { distractors: 1, rank: 3, identified: 1 },
        { distractors: 2, rank: 1, identified: 0.5 }, // 5 is ahead of the second query's mate
        { distractors: 2, rank: 2, identified: 1 },
        { distractors: 2, rank: 3, identified: 1 },
        { distractors: 3, rank: 1, identified: 0 }, // 4 is as similar as the mate: ahead of it
        { distractors: 3, rank: 2, identified: 0.5 },
        { distractors: 3, rank: 3, identified: 1 },
        { distractors: 4, rank: 1, identified: 0 },
        { distractors: 4, rank: 2, identified: 0 },
        { distractors: 4, rank: 3, identified: 0.5 }, // 4 and 6; the other has 5, 4 and 6
      ],
      // Impostors 6, 6, 5, 4, 4, 2, 1, 0: two of eight may pass, above 5; four, above 4, which the mates equal.
      tarAtFar: [
        { far: 0.25, tar: 0, threshold: 5, reachedFar: 0.25 },
        { far: 0.5, tar: 0, threshold: 4, reachedFar: 0.375 },
      ],
    });
  });

  it('who has no mate is skipped', () => {
    const three = { embeddings: Float32Array.of(9, 9, 2, 0, 2, 1), labels: [1, 3, 3] };
    const result = evaluateDistractors(three, Float32Array.of(1, 3), options);
    expect(result).toMatchObject({ queries: 2, skipped: 1, couples: 2, tarAtFar: [{ threshold: 5 }] });
    expect(result.identifiedAt).toEqual([{ distractors: 1, rank: 1, identified: 0.5 }]);
  });

  it('counts are powers of ten and all there are', () => {
    const countsOf = (rows: number) =>
      evaluateDistractors(query, new Float32Array(2 * rows), options).identifiedAt.map(
        ({ distractors }) => distractors,
      );
    expect(countsOf(7)).toEqual([7]);
    expect(countsOf(100)).toEqual([10, 100]);
    expect(countsOf(101)).toEqual([10, 100, 101]);
  });

  it('all may pass', () => {
    const all = { ...options, falseAcceptRates: [1] };
    const { tarAtFar } = evaluateDistractors(query, Float32Array.of(3, 0), all);
    expect(tarAtFar).toEqual([{ far: 1, tar: 1, threshold: Number.NEGATIVE_INFINITY, reachedFar: 1 }]);
  });
});

describe('against counting', () => {
  const dim = 3;
  const random = randomFrom(5);
  // Integers from −2 to 2: products are exact and often equal.
  const rowsOf = (count: number) => Float32Array.from({ length: count * dim }, () => Math.floor(random() * 5) - 2);
  const labels = Int32Array.from({ length: 30 }, () => Math.floor(random() * 9));
  const query = { embeddings: rowsOf(30), labels };
  const distractors = rowsOf(200);
  const options = { dim, normalize: false } as const;
  const wanted = { distractorCounts: [1, 17, 64, 200], ranks: [1, 2, 5, 20], falseAcceptRates: [0, 0.01, 0.3] };

  it('every couple and every distractor', () => {
    const own = computeSimilarity(query.embeddings, options);
    const others = computeSimilarity(query.embeddings, { ...options, candidates: distractors });
    const couples = [...labels.keys()].flatMap((q) =>
      [...labels.keys()].filter((mate) => mate !== q && labels[mate] === labels[q]).map((mate) => ({ q, mate })),
    );
    const result = evaluateDistractors(query, distractors, { ...options, ...wanted });
    expect(result.couples).toBe(couples.length);
    expect(result.identifiedAt).toEqual(
      wanted.distractorCounts.flatMap((count) =>
        wanted.ranks.map((rank) => {
          const found = couples.filter(({ q, mate }) => {
            const ahead = others.subarray(q * 200, q * 200 + count).filter((s) => s >= own[q * 30 + mate]);
            return 1 + ahead.length <= rank;
          });
          return { distractors: count, rank, identified: found.length / couples.length };
        }),
      ),
    );

    const mated = [...labels.keys()].filter((q) => couples.some((couple) => couple.q === q));
    const genuine = couples.map(({ q, mate }) => own[q * 30 + mate]);
    const impostor = mated.flatMap((q) => [...others.subarray(q * 200, (q + 1) * 200)]);
    const same = [...genuine.map(() => true), ...impostor.map(() => false)];
    const { tarAtFar } = evaluateVerification(Float32Array.from([...genuine, ...impostor]), same, {
      falseAcceptRates: wanted.falseAcceptRates,
    });
    expect(result.tarAtFar).toEqual(tarAtFar);
  });

  it('in pieces it is the same, and what no count needs is not asked for', () => {
    let asked = 0;
    function* pieces() {
      for (const [first, last] of [
        [0, 5],
        [5, 64],
        [64, 199],
        [199, 200],
        [0, 1],
      ]) {
        asked++;
        yield distractors.subarray(first * dim, last * dim);
      }
    }
    const whole = evaluateDistractors(query, distractors, { ...options, ...wanted });
    expect(evaluateDistractors(query, pieces(), { ...options, ...wanted })).toEqual(whole);
    expect(asked).toBe(4);
  });

  it.each<[string, () => unknown, string, string]>([
    [
      'pieces without counts',
      () => evaluateDistractors(query, [distractors], options),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.distractorCounts must be given where distractors come in pieces; received undefined.',
    ],
    [
      'too few',
      () => evaluateDistractors(query, distractors, { ...options, distractorCounts: [201] }),
      'ERR_CIRCLE_SHAPE',
      'distractors must be 201 rows, the most of options.distractorCounts; received 200.',
    ],
    [
      'too few in pieces',
      () => evaluateDistractors(query, [distractors], { ...options, distractorCounts: [201] }),
      'ERR_CIRCLE_SHAPE',
      'distractors must be 201 rows, the most of options.distractorCounts; received 200.',
    ],
    [
      'no distractor',
      () => evaluateDistractors(query, new Float32Array(0), options),
      'ERR_CIRCLE_SHAPE',
      'distractors must be rows of dim = 3 numbers, at least one; received 0 numbers.',
    ],
    [
      'a number',
      () => evaluateDistractors(query, 5 as never, options),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'distractors must be a Float32Array or an iterable of them; received 5.',
    ],
    [
      'doubles',
      () => evaluateDistractors(query, new Float64Array(3) as never, options),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'distractors must be a Float32Array; received Float64Array(3).',
    ],
    [
      'NaN in a later piece',
      () =>
        evaluateDistractors(query, [distractors.subarray(0, 6), distractors.with(4, Number.NaN)], {
          ...options,
          distractorCounts: [9],
        }),
      'ERR_CIRCLE_NOT_FINITE',
      'distractors must be finite numbers; received NaN at row 3, column 1.',
    ],
    [
      'no mates',
      () => evaluateDistractors({ embeddings: rowsOf(2), labels: [0, 1] }, distractors, options),
      'ERR_CIRCLE_SHAPE',
      'query.labels must be of a label that comes twice, at least; received 2 different ones. Add queries of one label: each is the mate of the others.',
    ],
    [
      'count 0',
      () => evaluateDistractors(query, distractors, { ...options, distractorCounts: [0] }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.distractorCounts.0 must be an integer from 1; received 0.',
    ],
  ])('refuses %s', (_, call, code, message) => {
    const error = errorOf(call);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});

/** Some 65,000 pass before the first are pruned. Many ties, or numbers that grow, so that the greatest come late. */
it.each([
  ['ties', (random: number) => Math.floor(random * 50)],
  ['growing numbers', (random: number, i: number) => Math.floor(random * 2 ** 20) + 8 * i],
])('the greatest of many numbers are kept, however often they are pruned: %s', (_, number) => {
  const random = randomFrom(2);
  const numbers = Float32Array.from({ length: 150_000 }, (_, i) => number(random(), i));
  const sorted = numbers.toSorted();
  for (const count of [1, 3, 1000, 70_000, 150_000, 200_000]) {
    const greatest = new Greatest(count);
    for (let i = 0; i < numbers.length; i++) greatest.add(numbers[i]);
    const found = greatest.ascending();
    const expected = sorted.slice(-count);
    expect(found.length).toBe(expected.length);
    expect(found.findIndex((value, i) => value !== expected[i])).toBe(-1);
  }
});

it('a number between those that were kept takes the place of the least', () => {
  const greatest = new Greatest(2);
  for (const number of [10, 20, ...Array<number>(70_000).fill(0), 15]) greatest.add(number);
  expect(greatest.ascending()).toEqual(Float32Array.of(15, 20));
});
