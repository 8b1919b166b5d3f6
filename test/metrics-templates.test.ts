/** Templates and the similarities of listed pairs: by hand, and against the sums written out. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeSimilarity } from '../lib/index.ts';
import { aggregateTemplates, similaritiesOfPairs } from '../lib/metrics.ts';
import { randomFrom } from './cases.ts';
import { errorOf } from './error-of.ts';

const float32 = (...values: number[]) => Float32Array.from(values);
const halfUlp = 2 ** -24;

describe('aggregateTemplates', () => {
  it('averages a medium, adds up media, and makes the sum a unit row', () => {
    // Medium 1: (1, 0) and (0, 1), mean (½, ½); medium 2: (1, 0). Sum (1½, ½), norm √2.5.
    const images = { dim: 2, templates: [7, 7, 7], media: [1, 1, 2] };
    const { embeddings, templateIds } = aggregateTemplates(float32(1, 0, 0, 1, 1, 0), images);
    expect(templateIds).toEqual(Int32Array.of(7));
    expect(embeddings).toEqual(float32(1.5 / Math.sqrt(2.5), 0.5 / Math.sqrt(2.5)));
  });

  it('keeps norms unless told otherwise', () => {
    const images = { dim: 2, templates: [0, 0], media: [0, 1] };
    expect(aggregateTemplates(float32(3, 0, 0, 4), images).embeddings).toEqual(float32(0.6, 0.8));
    const dropped = aggregateTemplates(float32(3, 0, 0, 4), { ...images, imageNorms: 'drop' });
    expect(dropped.embeddings).toEqual(float32(Math.SQRT1_2, Math.SQRT1_2));
  });

  it('weights multiply images, and the mean divides by their number', () => {
    // Medium 0: (½ · (2, 0) + 0 · (9, 9)) / 2 = (½, 0); medium 1: 1 · (0, ½).
    const weights = float32(0.5, 0, 1);
    const images = { dim: 2, templates: [0, 0, 0], media: [0, 0, 1], weights };
    expect(aggregateTemplates(float32(2, 0, 9, 9, 0, 0.5), images).embeddings).toEqual(
      float32(Math.SQRT1_2, Math.SQRT1_2),
    );
  });

  it('weights multiply unit rows where norms are dropped', () => {
    // 3/5 · (1, 0) + 4/5 · (0, 1).
    const images = { dim: 2, templates: [0, 0], media: [0, 1], weights: float32(3, 4), imageNorms: 'drop' } as const;
    expect(aggregateTemplates(float32(7, 0, 0, 2), images).embeddings).toEqual(float32(0.6, 0.8));
  });

  it('a medium means something within a template only, and templates come in ascending order', () => {
    const images = { dim: 2, templates: Int32Array.of(5, -2, 5), media: Int32Array.of(1, 1, 1) };
    const { embeddings, templateIds } = aggregateTemplates(float32(1, 0, 0, 1, 1, 0), images);
    expect(templateIds).toEqual(Int32Array.of(-2, 5));
    expect(embeddings).toEqual(float32(0, 1, 1, 0));
  });

  it('a sum of nothing is a row of nothing', () => {
    const images = { dim: 2, templates: [0, 0], media: [0, 1] };
    expect(aggregateTemplates(float32(1, 0, -1, 0), images).embeddings).toEqual(float32(0, 0));
  });

  it('is the mean over media, added up, of every grouping', () => {
    const dim = 3;
    const image = fc.record({
      row: fc.array(fc.integer({ min: -8, max: 8 }), { minLength: dim, maxLength: dim }),
      template: fc.integer({ min: -2, max: 2 }),
      medium: fc.nat(2),
    });
    const property = (images: { row: number[]; template: number; medium: number }[]) => {
      const { embeddings, templateIds } = aggregateTemplates(Float32Array.from(images.flatMap(({ row }) => row)), {
        dim,
        templates: images.map(({ template }) => template),
        media: images.map(({ medium }) => medium),
      });
      expect([...templateIds]).toEqual([...new Set(images.map(({ template }) => template))].sort((a, b) => a - b));
      for (const [t, id] of templateIds.entries()) {
        const sum = [0, 0, 0];
        for (const medium of [0, 1, 2]) {
          const own = images.filter((one) => one.template === id && one.medium === medium);
          for (const { row } of own) for (let d = 0; d < dim; d++) sum[d] += row[d] / own.length;
        }
        const norm = Math.hypot(...sum);
        // Integers up to 8, at most 30 of them, in double precision: an exact sum of 0 may come out as some 30 · 8 · 2⁻⁵³.
        if (norm < 1e-9) continue;
        // A coordinate up to 1 is rounded to float32 once.
        for (let d = 0; d < dim; d++) {
          expect(Math.abs(embeddings[t * dim + d] - sum[d] / norm)).toBeLessThanOrEqual(1.01 * halfUlp);
        }
      }
    };
    fc.assert(fc.property(fc.array(image, { minLength: 1, maxLength: 30 }), property));
  });

  const images = { dim: 2, templates: [0, 0], media: [0, 1] };
  const two = float32(1, 0, 0, 1);
  it.each<[string, () => unknown, string, string]>([
    [
      'no image',
      () => aggregateTemplates(float32(), { dim: 2, templates: [], media: [] }),
      'ERR_CIRCLE_SHAPE',
      'options.templates must be at least one label',
    ],
    [
      'a row too many',
      () => aggregateTemplates(float32(1, 0, 0, 1, 1, 1), images),
      'ERR_CIRCLE_SHAPE',
      'embeddings and options.templates must be equally many; received 3 rows of dim = 2 numbers and 2 templates.',
    ],
    [
      'a medium too few',
      () => aggregateTemplates(two, { ...images, media: [0] }),
      'ERR_CIRCLE_SHAPE',
      'options.media must be as long as options.templates, 2; received 1.',
    ],
    [
      'a weight too few',
      () => aggregateTemplates(two, { ...images, weights: float32(1) }),
      'ERR_CIRCLE_SHAPE',
      'options.weights must be as long as options.templates, 2; received 1.',
    ],
    [
      'a negative weight',
      () => aggregateTemplates(two, { ...images, weights: float32(1, -1) }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.weights[1] must be a finite number from 0; received -1.',
    ],
    [
      'an infinite weight',
      () => aggregateTemplates(two, { ...images, weights: float32(Infinity, 1) }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.weights[0] must be a finite number from 0; received Infinity.',
    ],
    [
      'NaN',
      () => aggregateTemplates(float32(1, 0, 0, Number.NaN), images),
      'ERR_CIRCLE_NOT_FINITE',
      'embeddings must be finite numbers; received NaN at row 1, column 1. Leave the image out of its template.',
    ],
    [
      'a typo',
      () => aggregateTemplates(two, { ...images, weight: two } as never),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      "Did you mean 'weights'?",
    ],
  ])('refuses %s', (_, call, code, message) => {
    const error = errorOf(call);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});

describe('similaritiesOfPairs', () => {
  const rows = float32(1, 0, 0, 2, 3, 4);

  it('is the cosine of each pair, or the product of its rows', () => {
    const pairs = Int32Array.of(0, 2, 1, 2, 2, 2, 0, 1);
    expect(similaritiesOfPairs(rows, pairs, { dim: 2 })).toEqual(float32(0.6, 0.8, 1, 0));
    expect(similaritiesOfPairs(rows, pairs, { dim: 2, normalize: false })).toEqual(float32(3, 8, 25, 0));
  });

  it('rows may have names', () => {
    expect(similaritiesOfPairs(rows, [-1, 300], { dim: 2, ids: [300, 7, -1] })).toEqual(float32(0.6));
  });

  it('a row of nothing is similar to nothing', () => {
    expect(similaritiesOfPairs(float32(0, 0, 3, 4), [0, 1], { dim: 2 })).toEqual(float32(0));
  });

  it.each([1, 2, 3, 4, 5, 7, 128])('is what computeSimilarity says, dim %d', (dim) => {
    const random = randomFrom(dim);
    const embeddings = Float32Array.from({ length: 9 * dim }, () => random() - 0.5);
    const matrix = computeSimilarity(embeddings, { dim, engine: 'reference' });
    const pairs = Int32Array.from({ length: 2 * 81 }, (_, i) => (i % 2 === 0 ? Math.floor(i / 18) : (i >> 1) % 9));
    const found = similaritiesOfPairs(embeddings, pairs, { dim });
    // Sums in double precision on both sides. Unit rows in float32 are off by 2⁻²⁴ of each coordinate, which by Cauchy and
    // Schwarz moves a similarity by 2⁻²⁴ for each of the two rows; the results are rounded by 2⁻²⁴ at most, each.
    for (let i = 0; i < 81; i++) expect(Math.abs(found[i] - matrix[i])).toBeLessThanOrEqual(4 * halfUlp);
  });

  it.each<[string, () => unknown, string, string]>([
    [
      'no pair',
      () => similaritiesOfPairs(rows, [], { dim: 2 }),
      'ERR_CIRCLE_SHAPE',
      'pairs must be two names for each pair, at least one pair; received 0 names.',
    ],
    ['half a pair', () => similaritiesOfPairs(rows, [0, 1, 2], { dim: 2 }), 'ERR_CIRCLE_SHAPE', 'received 3 names.'],
    [
      'a foreign row',
      () => similaritiesOfPairs(rows, [0, 3], { dim: 2 }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'pairs[1] must be a row, from 0 to 2; received 3.',
    ],
    [
      'a foreign name',
      () => similaritiesOfPairs(rows, [9, 5], { dim: 2, ids: [5, 6, 7] }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'pairs[0] must be one of options.ids; received 9.',
    ],
    [
      'a name twice',
      () => similaritiesOfPairs(rows, [5, 5], { dim: 2, ids: [5, 6, 5] }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.ids[2] must be unlike options.ids[0]; received 5.',
    ],
    [
      'a name too few',
      () => similaritiesOfPairs(rows, [5, 5], { dim: 2, ids: [5, 6] }),
      'ERR_CIRCLE_SHAPE',
      'options.ids must be one for each of the 3 rows; received 2.',
    ],
    [
      'half a row',
      () => similaritiesOfPairs(rows, [0, 1], { dim: 4 }),
      'ERR_CIRCLE_SHAPE',
      'embeddings must be rows of dim = 4 numbers, at least one; received 6 numbers.',
    ],
    [
      'infinity',
      () => similaritiesOfPairs(float32(1, Infinity), [0, 0], { dim: 2 }),
      'ERR_CIRCLE_NOT_FINITE',
      'received Infinity at row 0, column 1. Leave the row out.',
    ],
  ])('refuses %s', (_, call, code, message) => {
    const error = errorOf(call);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});
