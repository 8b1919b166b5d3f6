/** Identification: by hand, against sorting each row, and at its limits. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeSimilarity } from '../lib/index.ts';
import {
  evaluateIdentification,
  evaluateIdentificationMatrix,
  type IdentificationMatrixOptions,
} from '../lib/metrics.ts';
import { randomFrom } from './cases.ts';
import { errorOf } from './error-of.ts';

const evaluate = (similarities: readonly number[], options: IdentificationMatrixOptions) =>
  evaluateIdentificationMatrix(Float32Array.from(similarities), options);

describe('by hand', () => {
  // Two queries of A, one of B, and C whom the gallery has not; the gallery is A, B.
  const labels = { queryLabels: [0, 0, 1, 2], galleryLabels: [0, 1] };
  const similarities = [0.875, 0.25, 0.5, 0.625, 0.25, 0.8125, 0.75, 0.125];

  it('mated queries have a rank, others a threshold', () => {
    const rates = { falsePositiveRates: [0, 1], withinRank: 1 };
    expect(evaluate(similarities, { ...labels, ...rates })).toEqual({
      mated: 3,
      nonMated: 1,
      cmc: Float64Array.of(2 / 3, 1), // ranks 1, 2, 1
      tpirAtFpir: [
        { fpir: 0, tpir: 2 / 3, threshold: 0.75, reachedFpir: 0 }, // .875 and .8125 are above C's best
        { fpir: 1, tpir: 2 / 3, threshold: Number.NEGATIVE_INFINITY, reachedFpir: 1 }, // the other A is second
      ],
    });
    const anywhere = evaluate(similarities, { ...labels, ...rates, withinRank: 2 }).tpirAtFpir;
    expect(anywhere.map(({ tpir }) => tpir)).toEqual([2 / 3, 1]);
  });

  it('takes the best of several mates, and ties count against it', () => {
    // Mates .5 and .75; others .75 and .25: one is as similar as the best mate, so rank 2.
    const tied = { queryLabels: [4], galleryLabels: [4, 9, 4, 8] };
    expect(evaluate([0.5, 0.75, 0.75, 0.25], tied).cmc).toEqual(Float64Array.of(0, 1, 1, 1));
    expect(evaluate([0.5, 0.7, 0.75, 0.25], tied).cmc).toEqual(Float64Array.of(1, 1, 1, 1));
  });

  it('a mate at the threshold is rejected', () => {
    const one = { queryLabels: [0, 5], galleryLabels: [0], falsePositiveRates: [0] };
    expect(evaluate([0.5, 0.5], one).tpirAtFpir[0].tpir).toBe(0);
    expect(evaluate([0.75, 0.5], one).tpirAtFpir[0].tpir).toBe(1);
  });

  it('rates are 1e-1 and 1e-2 where some query has no mate, and none otherwise', () => {
    expect(evaluate(similarities, labels).tpirAtFpir.map(({ fpir }) => fpir)).toEqual([0.1, 0.01]);
    expect(evaluate([1], { queryLabels: [3], galleryLabels: [3] }).tpirAtFpir).toEqual([]);
  });

  it('has at most as many ranks as the gallery rows, 50 by default', () => {
    const galleryLabels = Array.from({ length: 60 }, (_, i) => i);
    const similarities = galleryLabels.map((label) => -label);
    expect(evaluate(similarities, { queryLabels: [51], galleryLabels }).cmc).toEqual(new Float64Array(50));
    const { cmc } = evaluate(similarities, { queryLabels: [51], galleryLabels, ranks: 70 });
    expect([cmc.length, cmc.indexOf(1)]).toEqual([60, 51]);
  });
});

/** Eighths: many ties. */
const problems = fc
  .record({
    queryLabels: fc.array(fc.nat(5), { minLength: 1, maxLength: 12 }),
    galleryLabels: fc.array(fc.nat(4), { minLength: 1, maxLength: 8 }),
    withinRank: fc.integer({ min: 1, max: 9 }),
    eighths: fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 96, maxLength: 96 }),
    sixtyFourths: fc.array(fc.nat(64), { minLength: 1, maxLength: 4 }),
  })
  .filter(({ queryLabels, galleryLabels }) => queryLabels.some((label) => galleryLabels.includes(label)));

type Problem = typeof problems extends fc.Arbitrary<infer P> ? P : never;

it('against sorting each row, others before mates among equals', () => {
  const property = ({ queryLabels, galleryLabels, withinRank, eighths, sixtyFourths }: Problem) => {
    const width = galleryLabels.length;
    const similarities = eighths.slice(0, queryLabels.length * width).map((n) => n / 8);
    const rows = queryLabels.map((label, q) => {
      const candidates = galleryLabels.map((other, g) => ({ s: similarities[q * width + g], other }));
      candidates.sort((a, b) => b.s - a.s || Number(a.other === label) - Number(b.other === label));
      const place = candidates.findIndex(({ other }) => other === label);
      return { top: candidates[0].s, rank: place + 1, mate: candidates[place]?.s };
    });
    const mated = rows.filter(({ rank }) => rank > 0);
    const nonMated = rows.filter(({ rank }) => rank === 0);
    const falsePositiveRates = nonMated.length === 0 ? undefined : sixtyFourths.map((n) => n / 64);
    const result = evaluate(similarities, { queryLabels, galleryLabels, withinRank, falsePositiveRates });
    expect([result.mated, result.nonMated]).toEqual([mated.length, nonMated.length]);
    const share = (chosen: (row: (typeof rows)[number]) => boolean, of: typeof rows) =>
      of.filter(chosen).length / of.length;
    for (const [k, found] of result.cmc.entries()) expect(found).toBe(share(({ rank }) => rank <= k + 1, mated));
    for (const { fpir, tpir, threshold, reachedFpir } of result.tpirAtFpir) {
      // Of thresholds that let no more than the wanted share through, the lowest.
      const tops: number[] = [...nonMated.map(({ top }) => top), -Infinity];
      const lowest = Math.min(...tops.filter((t) => share(({ top }) => top > t, nonMated) <= fpir));
      expect(threshold).toBe(lowest);
      expect(reachedFpir).toBe(share(({ top }) => top > lowest, nonMated));
      expect(tpir).toBe(share(({ rank, mate }) => rank <= withinRank && mate > lowest, mated));
    }
  };
  fc.assert(fc.property(problems, property));
});

describe('from embeddings', () => {
  const dim = 5;
  const random = randomFrom(1);
  const rowsOf = (count: number) => Float32Array.from({ length: count * dim }, () => random() - 0.5);
  const labelsOf = (count: number, classes: number) =>
    Int32Array.from({ length: count }, () => Math.floor(random() * classes));
  const query = { embeddings: rowsOf(40), labels: labelsOf(40, 12) };
  const gallery = { embeddings: rowsOf(30), labels: labelsOf(30, 9) };

  it.each([true, false])('is what the matrix of similarities gives, normalize %s', (normalize) => {
    const similarities = computeSimilarity(query.embeddings, { dim, candidates: gallery.embeddings, normalize });
    const rates = { falsePositiveRates: [0.2, 0.05], withinRank: 3, ranks: 12 };
    const labels = { queryLabels: query.labels, galleryLabels: gallery.labels };
    const result = evaluateIdentification(query, gallery, { dim, normalize, ...rates });
    expect(result.nonMated).toBeGreaterThan(5);
    expect(result).toEqual(evaluateIdentificationMatrix(similarities, { ...labels, ...rates }));
  });

  it('passes pieces of queries: the same for a gallery of which five queries fill one', () => {
    // 2²⁴ similarities at a time: three rows of a gallery of 2²² + 1. Queries 0 … 6 are similar to its row 0 only.
    const rows = 2 ** 22 + 1;
    const embeddings = new Float32Array(rows).fill(-1);
    embeddings[0] = 1;
    const labels = new Int32Array(rows).fill(1);
    labels[0] = 0;
    const queries = { embeddings: Float32Array.of(1, 1, -1, 1, 1, -1, 1), labels: Int32Array.of(0, 1, 1, 0, 5, 0, 0) };
    const { mated, nonMated, cmc, tpirAtFpir } = evaluateIdentification(
      queries,
      { embeddings, labels },
      { dim: 1, falsePositiveRates: [0, 1] },
    );
    // Of label 0, 1 (found), −1 (all others are ahead); of label 1, 1 (row 0 is ahead), −1 (found); 5 has no mate.
    expect([mated, nonMated, cmc[0], cmc[1]]).toEqual([6, 1, 4 / 6, 5 / 6]);
    expect(tpirAtFpir.map(({ tpir }) => tpir)).toEqual([0, 4 / 6]);
  });

  it.each<[string, () => unknown, string, string]>([
    [
      'NaN in a query',
      () => evaluateIdentification({ ...query, embeddings: query.embeddings.with(7, Number.NaN) }, gallery, { dim }),
      'ERR_CIRCLE_NOT_FINITE',
      'query.embeddings must be finite numbers; received NaN at row 1, column 2. Leave the row out.',
    ],
    [
      'NaN in the gallery',
      () => evaluateIdentification(query, { ...gallery, embeddings: gallery.embeddings.with(0, Infinity) }, { dim }),
      'ERR_CIRCLE_NOT_FINITE',
      'gallery.embeddings must be finite numbers; received Infinity at row 0, column 0.',
    ],
    [
      'labels',
      () => evaluateIdentification({ ...query, labels: [1] }, gallery, { dim }),
      'ERR_CIRCLE_SHAPE',
      'query.embeddings and query.labels must be equally many; received 40 rows of dim = 5 numbers and 1 labels.',
    ],
    [
      'an array',
      () => evaluateIdentification(query.embeddings as never, gallery, { dim }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'query.embeddings must be a Float32Array; received undefined.',
    ],
    [
      'no dim',
      () => evaluateIdentification(query, gallery, {} as never),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.dim must be an integer from 1; received undefined.',
    ],
    [
      'no mate',
      () => evaluate([1, 2], { queryLabels: [1, 2], galleryLabels: [0] }),
      'ERR_CIRCLE_SHAPE',
      'The query labels must be of the gallery, one of them at least; received none of 2. Add queries whose label the gallery has.',
    ],
    [
      'a rate without non-mated queries',
      () => evaluate([1], { queryLabels: [0], galleryLabels: [0], falsePositiveRates: [0] }),
      'ERR_CIRCLE_SHAPE',
      'Add queries whose label the gallery has not, or leave falsePositiveRates out.',
    ],
    [
      'no gallery',
      () => evaluate([], { queryLabels: [0], galleryLabels: [] }),
      'ERR_CIRCLE_SHAPE',
      'options.galleryLabels must be at least one label; received 0.',
    ],
    [
      'no query',
      () => evaluate([], { queryLabels: [], galleryLabels: [0] }),
      'ERR_CIRCLE_SHAPE',
      'options.queryLabels must be at least one label; received 0.',
    ],
    [
      'a similarity too many',
      () => evaluate([1, 2, 3], { queryLabels: [0], galleryLabels: [0, 1] }),
      'ERR_CIRCLE_SHAPE',
      'similarities must be queryLabels.length × galleryLabels.length = 1 × 2 = 2 numbers; received 3.',
    ],
    [
      'NaN',
      () => evaluate([1, 2, 3, Number.NaN], { queryLabels: [0, 1], galleryLabels: [0, 1] }),
      'ERR_CIRCLE_NOT_FINITE',
      'similarities[3] must be a number; received NaN. A pair that could not be compared scores -Infinity.',
    ],
    [
      'rank 0',
      () => evaluate([1], { queryLabels: [0], galleryLabels: [0], withinRank: 0 }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.withinRank must be an integer from 1; received 0.',
    ],
  ])('refuses %s', (_, call, code, message) => {
    const error = errorOf(call);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});
