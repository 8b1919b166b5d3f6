/** Retrieval and re-identification: cases worked by hand, brute force, and what bad input is told. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeSimilarity, type EngineName } from '../lib/index.ts';
import {
  evaluateReIdentification,
  evaluateReIdentificationAsync,
  evaluateRetrieval,
  evaluateRetrievalAsync,
  type ReIdentificationSet,
} from '../lib/metrics.ts';
import { randomFrom } from './cases.ts';
import { errorOf } from './error-of.ts';

/** Unit rows at given cosines with (1, 0): what a query (1, 0) ranks. */
const at = (...cosines: number[]) => Float32Array.from(cosines.flatMap((c) => [c, Math.sqrt(1 - c * c)]));

const dim = 2;
const query = Float32Array.of(1, 0);

describe('retrieval', () => {
  it('is what the example of its docstring says', () => {
    const gallery = at(0.9, 0.8, 0.7, 0.6, 0.5, 0.4);
    const galleryLabels = [7, 1, 7, 2, 3, 7];
    expect(evaluateRetrieval(query, [7], { dim, gallery, galleryLabels, recallAt: [1, 5] })).toEqual({
      queries: 1,
      skipped: 0,
      recallAt: [
        { k: 1, recall: 1 },
        { k: 5, recall: 1 },
      ],
      precisionAt1: 1,
      rPrecision: 2 / 3,
      mapAtR: (1 + 2 / 3) / 3,
      map: (1 + 2 / 3 + 3 / 6) / 3,
    });
  });

  it('ties count against the model', () => {
    // Everything is equal to everything: each query's two matches come after the three rows of the other label.
    const same = new Float32Array(12).fill(1);
    const found = evaluateRetrieval(same, [0, 0, 0, 1, 1, 1], { dim, recallAt: [1, 3, 4] });
    expect(found.recallAt.map(({ recall }) => recall)).toEqual([0, 0, 1]);
    expect(found).toMatchObject({ precisionAt1: 0, rPrecision: 0, mapAtR: 0, map: (1 / 4 + 2 / 5) / 2 });
  });

  it('no query finds itself, and one that is alone with its label is skipped', () => {
    const rows = at(1, 0.9, 0.2);
    const found = evaluateRetrieval(rows, [4, 4, 5], { dim });
    expect(found).toMatchObject({ queries: 2, skipped: 1, precisionAt1: 1, mapAtR: 1 });
  });

  it('a gallery row that is the query itself is not found', () => {
    const gallery = at(1, 0.5, 0.9);
    const options = { dim, gallery, galleryLabels: [7, 7, 8] };
    expect(evaluateRetrieval(query, [7], options)).toMatchObject({ precisionAt1: 1, rPrecision: 0.5 });
    expect(evaluateRetrieval(query, [7], { ...options, own: Int32Array.of(0) })).toMatchObject({
      precisionAt1: 0,
      map: 1 / 2,
    });
  });
});

describe('re-identification', () => {
  const asking: ReIdentificationSet = { embeddings: query, labels: [7], cameras: [1] };

  it('is what the example of its docstring says', () => {
    const gallery = {
      embeddings: at(0.9, 0.8, 0.7, 0.6, 0.5),
      labels: [7, 9, 7, -1, 7],
      cameras: [1, 1, 2, 2, 3],
    };
    const found = evaluateReIdentification(asking, gallery, { dim, ranks: 4 });
    expect(found).toEqual({ queries: 1, skipped: 0, cmc: Float64Array.of(0, 1, 1, 1), map: (1 / 2 + 2 / 3) / 2 });
  });

  it('of another junk label, −1 is a label as others are', () => {
    const gallery = { embeddings: at(0.9, 0.8, 0.7), labels: [-1, 0, 7], cameras: [2, 2, 2] };
    expect(evaluateReIdentification(asking, gallery, { dim }).map).toBe(1 / 2);
    expect(evaluateReIdentification(asking, gallery, { dim, junkLabel: 0 }).map).toBe(1 / 2);
    expect(evaluateReIdentification(asking, gallery, { dim, junkLabel: 5 }).map).toBe(1 / 3);
  });

  it('a query that only its own camera saw is skipped', () => {
    const two = { embeddings: at(1, 0.5), labels: [7, 8], cameras: [1, 1] };
    const gallery = { embeddings: at(0.9, 0.8), labels: [7, 8], cameras: [2, 1] };
    expect(evaluateReIdentification(two, gallery, { dim })).toMatchObject({ queries: 1, skipped: 1, map: 1 });
  });
});

interface Case {
  embeddings: Float32Array;
  labels: number[];
  cameras: number[];
  dim: number;
  queries: number;
}

/** Small integers, so that many similarities are equal. */
const cases: fc.Arbitrary<Case> = fc
  .record({
    count: fc.integer({ min: 4, max: 60 }),
    dim: fc.integer({ min: 1, max: 6 }),
    classes: fc.integer({ min: 1, max: 8 }),
    seed: fc.integer(),
  })
  .map(({ count, dim, classes, seed }) => {
    const random = randomFrom(seed);
    const draw = (below: number) => Math.floor(random() * below);
    return {
      embeddings: Float32Array.from({ length: count * dim }, () => draw(5) - 2),
      labels: Array.from({ length: count }, () => draw(classes) - 1),
      cameras: Array.from({ length: count }, () => draw(3)),
      dim,
      queries: 1 + draw(count - 2),
    };
  });

interface Judged {
  skipped: number;
  ranks: number[][];
}

/** Ranks by sorting all that a query may find, rows of other labels first among equals. */
function judge(
  { embeddings, labels, dim }: Case,
  queries: readonly number[],
  mayFind: (query: number, row: number) => boolean,
  engine: EngineName = 'auto',
): Judged {
  const matrix = computeSimilarity(embeddings, { dim, engine });
  const judged: Judged = { skipped: 0, ranks: [] };
  for (const query of queries) {
    const row = matrix.subarray(query * labels.length, (query + 1) * labels.length);
    const found = [...labels.keys()].filter((other) => mayFind(query, other));
    const isMatch = (other: number) => Number(labels[other] === labels[query]);
    found.sort((a, b) => row[b] - row[a] || isMatch(a) - isMatch(b));
    const ranks = found.flatMap((other, i) => (isMatch(other) ? [i + 1] : []));
    if (ranks.length === 0) judged.skipped++;
    else judged.ranks.push(ranks);
  }
  return judged;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function expectedMetrics({ ranks, skipped }: Judged) {
  const averageOf = (list: readonly number[], limit: number) =>
    sum(list.map((rank, i) => (rank <= limit ? (i + 1) / rank : 0))) / list.length;
  return {
    queries: ranks.length,
    skipped,
    recallAt: [1, 3].map((k) => ({ k, recall: mean(ranks.map(([first]) => Number(first <= k))) })),
    precisionAt1: mean(ranks.map(([first]) => Number(first === 1))),
    rPrecision: mean(ranks.map((list) => list.filter((rank) => rank <= list.length).length / list.length)),
    mapAtR: mean(ranks.map((list) => averageOf(list, list.length))),
    map: mean(ranks.map((list) => averageOf(list, Number.POSITIVE_INFINITY))),
  };
}

/** Sums of at most 60 numbers up to 1, in another order: 60 roundings of 2⁻⁵³ each, and a division. */
const bound = 61 * 2 ** -53;

function expectClose(found: unknown, expected: object): void {
  const numbers = (value: unknown): number[] =>
    typeof value === 'number' ? [value] : Object.values(value as object).flatMap(numbers);
  const [a, b] = [numbers(found), numbers(expected)];
  expect(a.length).toBe(b.length);
  a.forEach((value, i) => {
    expect(Math.abs(value - b[i])).toBeLessThanOrEqual(bound);
  });
}

describe.each(['auto', 'reference'] as const)('on engine %s, by brute force', (engine) => {
  const runs = { numRuns: 150 };

  it('leave one out', () => {
    fc.assert(
      fc.property(cases, (c) => {
        const judged = judge(c, [...c.labels.keys()], (query, row) => query !== row, engine);
        const evaluate = () => evaluateRetrieval(c.embeddings, c.labels, { dim: c.dim, recallAt: [1, 3], engine });
        if (judged.ranks.length === 0) expect(errorOf(evaluate).code).toBe('ERR_CIRCLE_INVALID_ARGUMENT');
        else expectClose(evaluate(), expectedMetrics(judged));
      }),
      runs,
    );
  });

  /** The first rows ask the rest. */
  const parts = (c: Case) => {
    const split = <T extends { slice(start: number, end?: number): T }>(array: T, width: number) =>
      [array.slice(0, c.queries * width), array.slice(c.queries * width)] as const;
    const [embeddings, gallery] = split(c.embeddings, c.dim);
    const [labels, galleryLabels] = split(c.labels, 1);
    const [cameras, galleryCameras] = split(c.cameras, 1);
    return { embeddings, gallery, labels, galleryLabels, cameras, galleryCameras };
  };

  it('queries and a gallery', () => {
    fc.assert(
      fc.property(cases, (c) => {
        const { embeddings, gallery, labels, galleryLabels } = parts(c);
        const judged = judge(c, [...labels.keys()], (_, row) => row >= c.queries, engine);
        const options = { dim: c.dim, recallAt: [1, 3], gallery, galleryLabels, engine };
        const evaluate = () => evaluateRetrieval(embeddings, labels, options);
        if (judged.ranks.length === 0) expect(errorOf(evaluate).code).toBe('ERR_CIRCLE_INVALID_ARGUMENT');
        else expectClose(evaluate(), expectedMetrics(judged));
      }),
      runs,
    );
  });

  it('re-identification', () => {
    fc.assert(
      fc.property(cases, (c) => {
        const { embeddings, gallery, labels, galleryLabels, cameras, galleryCameras } = parts(c);
        const judged = judge(
          c,
          [...labels.keys()],
          (query, row) =>
            row >= c.queries &&
            c.labels[row] !== -1 &&
            (c.labels[row] !== c.labels[query] || c.cameras[row] !== c.cameras[query]),
          engine,
        );
        const evaluate = () =>
          evaluateReIdentification(
            { embeddings, labels, cameras },
            { embeddings: gallery, labels: galleryLabels, cameras: galleryCameras },
            { dim: c.dim, ranks: 3, engine },
          );
        if (judged.ranks.length === 0) {
          expect(errorOf(evaluate).code).toBe('ERR_CIRCLE_INVALID_ARGUMENT');
          return;
        }
        const { queries, skipped, map } = expectedMetrics(judged);
        const cmc = [1, 2, 3].map((k) => mean(judged.ranks.map(([first]) => Number(first <= k))));
        expectClose(evaluate(), { queries, skipped, cmc, map });
      }),
      runs,
    );
  });
});

describe('a part of the queries at a time', () => {
  /** 2,100 rows of one label: 4.4 million pairs, more than a call takes. The other 50 are of another. */
  const count = 2150;
  const random = randomFrom(1);
  const embeddings = Float32Array.from({ length: 3 * count }, () => random() - 0.5);
  const labels = Int32Array.from({ length: count }, (_, row) => Number(row % 43 === 0));

  it('comes to the same', async () => {
    const options = { dim: 3, recallAt: [1, 3] };
    const found = evaluateRetrieval(embeddings, labels, options);
    const everyRow = [...labels.keys()];
    const c = { embeddings, labels: [...labels], cameras: [], dim: 3, queries: 0 };
    const expected = expectedMetrics(judge(c, everyRow, (query, row) => query !== row));
    // As `bound`, of sums of 2,150 and of 2,100 numbers.
    const wider = (2150 + 2100) * 2 ** -53;
    expect(Math.abs(found.map - expected.map)).toBeLessThanOrEqual(wider);
    expect(Math.abs(found.mapAtR - expected.mapAtR)).toBeLessThanOrEqual(wider);
    expect(found.recallAt).toEqual(expected.recallAt);
    expect(await evaluateRetrievalAsync(embeddings, labels, options)).toEqual(found);
  });
});

describe('asynchronously', () => {
  const random = randomFrom(2);
  const embeddings = Float32Array.from({ length: 400 * 8 }, () => random() - 0.5);
  const labels = Int32Array.from({ length: 400 }, () => Math.floor(random() * 40));
  const cameras = Int32Array.from({ length: 400 }, () => Math.floor(random() * 3));

  it('rows and labels may change once the call has begun', async () => {
    const expected = evaluateRetrieval(embeddings, labels, { dim: 8 });
    const given = { embeddings: embeddings.slice(), labels: labels.slice() };
    const found = evaluateRetrievalAsync(given.embeddings, given.labels, { dim: 8 });
    given.embeddings.fill(0);
    given.labels.fill(0);
    expect(await found).toEqual(expected);
  });

  it('cameras too', async () => {
    const set = () => ({ embeddings: embeddings.slice(), labels: labels.slice(), cameras: cameras.slice() });
    const expected = evaluateReIdentification(set(), set(), { dim: 8 });
    const given = set();
    const found = evaluateReIdentificationAsync(given, given, { dim: 8 });
    for (const array of Object.values(given)) array.fill(0);
    expect(await found).toEqual(expected);
  });

  it('labels may be transferred once the call has begun', async () => {
    const given = labels.slice();
    const found = evaluateRetrievalAsync(embeddings, given, { dim: 8 });
    structuredClone(given.buffer, { transfer: [given.buffer] });
    expect(await found).toEqual(evaluateRetrieval(embeddings, labels, { dim: 8 }));
  });

  it('what was wrong with a row is what was wrong when the call began', async () => {
    const given = embeddings.slice();
    given[5 * 8 + 3] = Number.NaN;
    const filled = evaluateRetrievalAsync(given, labels, { dim: 8 });
    given.fill(1);
    await expect(filled).rejects.toThrow(/NaN at row 5, column 3. Leave the row out./);
    given[8 * 7] = Number.POSITIVE_INFINITY;
    const transferred = evaluateRetrievalAsync(given, labels, { dim: 8 });
    structuredClone(given.buffer, { transfer: [given.buffer] });
    await expect(transferred).rejects.toThrow(/Infinity at row 7, column 0/);
  });

  it('an abort rejects', async () => {
    const reason = new Error('enough');
    const call = evaluateRetrievalAsync(embeddings, labels, { dim: 8, signal: AbortSignal.abort(reason) });
    await expect(call).rejects.toMatchObject({ name: 'AbortError', cause: reason });
  });
});

describe('bad input', () => {
  const rows = at(1, 0.9, 0.2, 0.1);
  const labels = [0, 0, 1, 1];
  const gallery = { gallery: rows, galleryLabels: labels };
  const set = { embeddings: rows, labels, cameras: [0, 1, 0, 1] };

  it.each([
    [
      'too few labels',
      () => evaluateRetrieval(rows, [0, 0, 1], { dim }),
      /embeddings and labels must be equally many; received 4 rows of dim = \d numbers and 3 labels/,
    ],
    [
      'a row cut short',
      () => evaluateRetrieval(rows.subarray(1), labels, { dim }),
      /embeddings must be rows of dim = 2/,
    ],
    ['NaN', () => evaluateRetrieval(Float32Array.of(1, 0, Number.NaN, 0), [0, 0], { dim }), /NaN at row 1, column 0/],
    [
      'NaN where labels are not sorted',
      () => evaluateRetrieval(Float32Array.of(1, 0, 2, 0, Number.NaN, 0, 1, 1), [3, 2, 1, 0], { dim }),
      /embeddings must be .*NaN at row 2, column 0/,
    ],
    [
      'NaN in a gallery whose labels are not sorted',
      () => {
        const bad = { gallery: Float32Array.of(1, 0, Number.NaN, 0, 1, 1), galleryLabels: [2, 0, 1] };
        return evaluateRetrieval(rows, labels, { dim, ...bad });
      },
      /options.gallery must be .*NaN at row 1, column 0/,
    ],
    [
      'NaN in a gallery with junk',
      () => {
        const bad = { embeddings: Float32Array.of(1, 0, 2, 0, 1, Number.NaN), labels: [2, -1, 1], cameras: [1, 1, 1] };
        return evaluateReIdentification(set, bad, { dim });
      },
      /gallery.embeddings must be .*NaN at row 2, column 1/,
    ],
    [
      'labels of no gallery',
      () => evaluateRetrieval(rows, labels, { dim, galleryLabels: labels }),
      /galleryLabels must/,
    ],
    ['a gallery without labels', () => evaluateRetrieval(rows, labels, { dim, gallery: rows }), /galleryLabels must/],
    [
      'an own row that is none',
      () => evaluateRetrieval(rows, labels, { dim, ...gallery, own: Int32Array.of(0, 1, 2, 4) }),
      /options.own\[3\] must be a gallery row, from 0 to 3, or -1; received 4/,
    ],
    [
      'rank 0',
      () => evaluateRetrieval(rows, labels, { dim, recallAt: [0] }),
      /options.recallAt.0 must be an integer from 1/,
    ],
    [
      'no rank',
      () => evaluateRetrieval(rows, labels, { dim, recallAt: [] }),
      /options.recallAt must be an array of integers from 1, at least one/,
    ],
    ['nothing to find', () => evaluateRetrieval(rows, [0, 1, 2, 3], { dim }), /none that has/],
    ['only junk', () => evaluateReIdentification(set, { ...set, labels: [-1, -1, -1, -1] }, { dim }), /none that has/],
    [
      'too few cameras',
      () => evaluateReIdentification(set, { ...set, cameras: [1] }, { dim }),
      /gallery.cameras must be one camera a row, 4; received 1/,
    ],
    ['no set', () => evaluateReIdentification(undefined as never, set, { dim }), /query must be an object/],
    [
      'similarities beyond float32',
      () =>
        evaluateRetrieval(
          rows.map((x) => x * 2e19),
          labels,
          { dim, normalize: false },
        ),
      /Similarities must be within the range of float32/,
    ],
    [
      'an unknown option',
      () => evaluateRetrieval(rows, labels, { dim, recalAt: [1] } as never),
      /Did you mean 'recallAt'/,
    ],
  ])('%s is told', (_, call, message) => {
    expect(errorOf(call).message).toMatch(message);
  });
});
