/** The soak notices what it is there to notice, and its trend is a trend. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { computeSimilarity, createPairLoss, engines, findNearest, type PairLossResult } from 'circle-loss';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { describe, expect, it } from 'vitest';
import { apartAfter } from '../bench/soak/delay.ts';
import { bankProblems, headProblems, lossProblems, randomOf, searchProblems } from '../bench/soak/problems.ts';
import { trendOf, verdictOf } from '../bench/soak/trend.ts';
import { judgeBank, judgeHead, judgeLoss, judgeNearest, judgeSimilarity } from '../bench/soak/truth.ts';
import { computeHead, cpuPlace, filledBank, kindsFor, type Place } from '../bench/soak/work.ts';

const root = join(import.meta.dirname, '..');

describe('the trend of a series', () => {
  const random = xoroshiro128plus(5);
  const noise = () => uniformFloat64(random) - 0.5;
  const series = (count: number, value: (x: number) => number) =>
    Array.from({ length: count }, (_, i): [number, number] => [10 * i, value(10 * i)]);

  it('is the slope of a line, without doubt', () => {
    const { slope, low, high } = trendOf(series(240, (x) => 7 + 3 * x));
    for (const value of [slope, low, high]) expect(value).toBeCloseTo(3, 9);
  });

  it('holds the slope of 95 noisy lines in 100', () => {
    // Of 400, 380 are expected; the binomial distribution has 362 to 395 but for once in ten thousand.
    let held = 0;
    for (let i = 0; i < 400; i++) {
      const { low, high } = trendOf(series(240, (x) => 0.002 * x + noise()));
      if (low <= 0.002 && 0.002 <= high) held++;
    }
    expect(held).toBeGreaterThanOrEqual(362);
    expect(held).toBeLessThanOrEqual(395);
  });

  it.each([
    [0.5, 'flat'],
    [0.9, 'flat'],
    [1.1, 'growing'],
    [2, 'growing'],
  ] as const)('that grows by %d of what it may is %s', (share, verdict) => {
    // Ten minutes: 200,000 calls that may leave 20 bytes each. Samples at rest are within 300 KB of each other.
    const points = series(240, (x) => (share * 20 * x * 200_000) / 2400 + 300_000 * noise());
    const inCalls = points.map(([x, y]) => [(x * 200_000) / 2400, y] as const);
    expect(verdictOf(trendOf(inCalls), 20)).toBe(verdict);
  });

  it('is inconclusive where noise hides whether it grows by more than it may', () => {
    const points = series(240, (x) => 0.001 * x + 100 * noise());
    const trend = trendOf(points);
    expect(trend.low).toBeLessThan(0.001);
    expect(trend.high).toBeGreaterThan(0.001);
    expect(verdictOf(trend, 0.001)).toBe('inconclusive');
  });

  it('needs two samples for each of its blocks', () => {
    expect(() => trendOf(series(23, noise))).toThrow('24 samples; received 23');
    expect(trendOf(series(24, noise)).slope).toBeDefined();
  });
});

describe('a problem of the soak', () => {
  const place = { name: 'reference', engine: 'reference' } as const;
  const kinds = Object.entries(kindsFor(undefined)).filter(([name]) => name !== 'abort');

  it.each(kinds)('%s: comes again, with the same digest, and is another from another seed', async (_, kind) => {
    const outcomes = new Map<string, string>();
    for (let seed = 0; seed < 8; seed++) {
      for (let time = 0; time < 2; time++) {
        const { key, digest } = (await kind(randomOf(seed), place))!;
        expect(outcomes.get(key) ?? digest).toBe(digest);
        outcomes.set(key, digest);
      }
    }
    expect(outcomes.size).toBeGreaterThan(1);
    // A batch of one row has nothing to compute, whatever its loss.
    expect(new Set(outcomes.values()).size).toBeGreaterThan(outcomes.size / 2);
  });
});

/** On the engine that is there, whichever. */
const cpu = engines().find(({ name, available }) => name === 'cpu' && available);
const place: Place = cpu?.variant ? cpuPlace(cpu.variant) : { name: 'reference', engine: 'reference' };
const { engine } = place;

describe('the truth about', () => {
  /** The first number of an array, with something added to it. */
  const plus = (values: Float32Array, more: number) => values.map((value, k) => (k === 0 ? value + more : value));
  const size = (values: Float32Array) => Math.max(...values.map(Math.abs));

  it('a loss: rounding is allowed, no more', () => {
    for (const problem of lossProblems.filter(({ name }) => / 97x33 .* 0$/.test(name))) {
      const { embeddings, labels } = problem.batch();
      using session = createPairLoss({ ...problem.options(), engine });
      const right = session.compute(embeddings, labels) as PairLossResult;
      const judge = judgeLoss(problem);
      expect(judge(right)).toEqual([]);
      const { gradient, anchorLosses } = right;
      for (const wrong of [
        { loss: right.loss * 1.001 },
        { validAnchors: right.validAnchors - 1 },
        { anchorLosses: plus(anchorLosses, size(anchorLosses) / 100) },
        { gradient: plus(gradient, size(gradient) / 100) },
        { gradient: plus(gradient, Number.NaN) },
        { gradient: gradient.subarray(1) },
        { gradient: gradient.map((value) => -value) },
      ]) {
        expect(judge({ ...right, ...wrong }), `${problem.name}, ${Object.keys(wrong)}`).toHaveLength(1);
      }
    }
  });

  it('searches: rounding is allowed, no more', () => {
    const problem = searchProblems[2];
    const { dim } = problem;
    const { embeddings } = problem.batch();
    const out = computeSimilarity(embeddings, { dim, engine });
    expect(judgeSimilarity(problem)({ out })).toEqual([]);
    expect(judgeSimilarity(problem)({ out: plus(out, 1e-5) })).toHaveLength(1);
    const right = findNearest(embeddings, { dim, engine, k: 3 });
    const judge = judgeNearest(problem, 3);
    expect(judge(right)).toEqual([]);
    const { similarities, indices } = right;
    expect(judge({ indices, similarities: plus(similarities, 1e-5) })).toHaveLength(1);
    // The third in place of the first, and the first twice.
    const [first, , third] = indices;
    expect(judge({ similarities, indices: indices.with(0, third) })).not.toEqual([]);
    expect(judge({ similarities, indices: indices.with(1, first) })).not.toEqual([]);
  });

  it('heads and memories: rounding is allowed, no more', () => {
    const reference: Place = { name: 'reference', engine: 'reference' };
    for (const problem of headProblems.slice(0, 2)) {
      const batch = problem.batch();
      const judge = judgeHead(problem, (embeddings) => computeHead(problem, { ...batch, embeddings }, reference));
      const right = computeHead(problem, batch, place);
      expect(judge(right)).toEqual([]);
      expect(judge({ ...right, weights: plus(right.weights, 0.01) })).not.toEqual([]);
      expect(judge({ ...right, gradient: plus(right.gradient, size(right.gradient) / 100) })).toHaveLength(1);
      expect(judge({ ...right, classes: right.classes.toReversed() })).not.toEqual([]);
    }
    const [problem] = bankProblems;
    const { embeddings, labels } = problem.batch();
    using bank = filledBank(problem, place);
    const right = bank.loss(embeddings, labels);
    expect(judgeBank(problem)(right)).toEqual([]);
    expect(judgeBank(problem)({ ...right, gradient: right.gradient.map((value) => value * 1.001) })).toHaveLength(1);
    // One row too many is remembered, or one too few.
    bank.enqueue(embeddings.subarray(0, 24), labels.subarray(0, 1));
    expect(judgeBank(problem)(bank.loss(embeddings, labels))).toHaveLength(2);
  });
});

describe('fairness', () => {
  it('lets alike callers be as far apart as overtaking by chance brings them, and no more', () => {
    // 0.97 of 200 turns is within it, three quarters are not; of a dozen turns any one may be half.
    expect(200 * 0.03).toBeLessThan(apartAfter(200));
    expect(200 * 0.25).toBeGreaterThan(apartAfter(200));
    expect(6).toBeLessThan(apartAfter(12));
  });
});

describe('npm run soak', () => {
  it.skipIf(!cpu)(
    'ends with an error where results, from the start or later, files and memory go wrong',
    async () => {
      const loader = pathToFileURL(join(root, 'test/programs/spoil.mjs')).href;
      const args = ['--expose-gc', '--import', 'tsx', '--import', loader, 'bench/soak/run.ts', '--minutes', '0.15'];
      const env = { ...process.env, CIRCLE_LOSS_SPOIL: 'gradient,result,files,memory' };
      const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'] });
      const [complaints, [status]] = await Promise.all([text(child.stderr), once(child, 'close')]);
      const named = [...complaints.matchAll(/^BREACH (.*)$/gm)].map(([, breach]) => breach);
      expect(named).toContainEqual(expect.stringMatching(/: gradient off by .* is rounding$/));
      expect(named).toContainEqual(expect.stringMatching(/: [0-9a-f]{40} in place of [0-9a-f]{40}$/));
      expect(named).toContainEqual(expect.stringMatching(/^files: \d+ before, \d+ at the end$/));
      expect(named).toContainEqual(
        expect.stringMatching(/^memory grows by [\d.]+ to [\d.]+ bytes a call, at most [\d.]+ may$/),
      );
      expect(status).toBe(1);
    },
    300_000,
  );
});
