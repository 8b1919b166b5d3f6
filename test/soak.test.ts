/** The soak notices what it is there to notice, and its trend is a trend. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { describe, expect, it } from 'vitest';
import { randomOf } from '../bench/soak/problems.ts';
import { trendOf } from '../bench/soak/trend.ts';
import { kindsFor } from '../bench/soak/work.ts';

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

describe('npm run soak', () => {
  it('ends with an error where results, files and memory go wrong', async () => {
    const loader = pathToFileURL(join(root, 'test/programs/spoil.mjs')).href;
    const args = ['--expose-gc', '--import', 'tsx', '--import', loader, 'bench/soak/run.ts', '--minutes', '0.15'];
    const env = { ...process.env, CIRCLE_LOSS_SPOIL: 'result,files,memory' };
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'] });
    const [complaints, [status]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    const named = [...complaints.matchAll(/^BREACH (.*)$/gm)].map(([, breach]) => breach);
    expect(named).toContainEqual(expect.stringMatching(/: [0-9a-f]{40} in place of [0-9a-f]{40}$/));
    expect(named).toContainEqual(expect.stringMatching(/^files: \d+ before, \d+ at the end$/));
    expect(named).toContainEqual(expect.stringMatching(/^memory grows by \d+ to \d+ bytes a call$/));
    expect(status).toBe(1);
  }, 120_000);
});
