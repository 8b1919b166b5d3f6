/** The paper's figures show what the engines compute: slopes, boundaries, and a training that is on file. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { boundaryAlongRays, quarterTurn } from '../examples/paper/figures/boundary.ts';
import { circleLossOf, drawBoundaries } from '../examples/paper/figures/boundary-figure.ts';
import { compared, margins, points } from '../examples/paper/figures/compared.ts';
import { drawGradientSurfaces, drawGradients, scaleOf } from '../examples/paper/figures/gradient-figures.ts';
import { latticeOf, ringsAbove } from '../examples/paper/figures/lattice.ts';
import { callAt, type PlaneLoss, valueAt } from '../examples/paper/figures/pair-at.ts';
import { readTrainingData } from '../examples/paper/figures/training-data.ts';
import { convergenceOf, drawCurves, drawScatter } from '../examples/paper/figures/training-figures.ts';

const root = join(import.meta.dirname, '..');
const results = join(root, 'docs', 'paper');

/** Of a float32 number, half a unit in its last place, relative. */
const epsilon = 2 ** -24;

/** Pairs whose similarities float32 has exactly, so that nothing but the engine rounds. */
const exactPairs = [0, 0.125, 0.375, 0.625, 0.9375].flatMap((sn) =>
  [-0.25, 0.0625, 0.5, 0.8125, 1].map((sp) => ({ sn, sp })),
);

for (const engine of ['reference', 'auto'] as const) {
  describe(`a pair of similarities, asked of ${engine}`, () => {
    it('moves a candidate along the anchor only, so that its gradient is the slope', () => {
      for (const { pairLoss } of compared) {
        for (const pair of exactPairs) {
          const { candidateGradient, validAnchors } = callAt(pair, pairLoss, engine);
          expect(validAnchors).toBe(1);
          expect(Math.abs(candidateGradient[1]) + Math.abs(candidateGradient[3])).toBe(0);
        }
      }
    });

    it('has slopes of the unified loss and of one with differentiated weights that are those of finite differences', () => {
      const h = 2 ** -10; // added to these similarities without rounding
      const differentiated: PlaneLoss = { type: 'circle', margin: 0.25, gamma: 8, weighting: 'differentiated' };
      for (const pairLoss of [{ type: 'unified', margin: 0.35, gamma: 8 } as const, differentiated]) {
        for (const { sn, sp } of exactPairs) {
          const difference = (n: number, p: number) =>
            (valueAt({ sn: sn + n, sp: sp + p }, pairLoss, 'reference').loss -
              valueAt({ sn: sn - n, sp: sp - p }, pairLoss, 'reference').loss) /
            (2 * h);
          // L = softplus(u), |u'| ≤ 2.5 γ (slopes of 2 γ (s − c), |s − c| ≤ 1.25), |u''| ≤ 2 γ; derivatives of softplus from the
          // second on are at most 1/4 and 1/8: |L'''| ≤ |u'|³/8 + 3 |u'||u''|/4 = 1000 + 240. A central difference is off by h²/6 of it.
          const truncation = (h ** 2 / 6) * 1240;
          // The slope is a sum of few float32 products below 20, and its share and Z are exponentials of logits below 20.
          const rounding = 20 * 20 * 8 * epsilon;
          const { slopeN, slopeP } = valueAt({ sn, sp }, pairLoss, engine);
          expect(Math.abs(slopeN - difference(h, 0))).toBeLessThan(truncation + rounding);
          expect(Math.abs(slopeP - difference(0, h))).toBeLessThan(truncation + rounding);
        }
      }
    });

    it('has slopes of the Circle loss that are Eq. 9 and 10', () => {
      const [margin, gamma] = [0.25, 32];
      for (const { sn, sp } of exactPairs) {
        const { loss, slopeN, slopeP } = valueAt({ sn, sp }, { type: 'circle', margin, gamma }, engine);
        const z = 1 - Math.exp(-loss);
        // z from a loss off by some roundings of logits below 32 · 1.25², in absolute terms; times slopes up to 1.5 γ.
        const bound = 1.5 * gamma * 8 * epsilon * (gamma * 1.5 ** 2);
        expect(Math.abs(slopeN - z * gamma * (sn + margin))).toBeLessThan(bound);
        expect(Math.abs(slopeP - z * gamma * (sp - 1 - margin))).toBeLessThan(bound);
      }
    });
  });

  describe(`decision boundaries of ${engine}`, () => {
    for (const margin of margins) {
      it(`of the Circle loss with margin ${margin} are the circle s_n² + (s_p − 1)² = 2 m²`, () => {
        const found = boundaryAlongRays(circleLossOf(margin), quarterTurn(33), engine);
        expect(found.length).toBe(33);
        const radius = Math.SQRT2 * margin;
        for (const { sn, sp } of found) {
          expect(Math.abs(Math.hypot(sn, sp - 1) - radius)).toBeLessThan(circleBound(radius));
        }
        // The target of the paper is on the way: it is where the ray at 45° meets the boundary.
        const [target] = boundaryAlongRays(circleLossOf(margin), [Math.PI / 4], engine);
        expect(Math.abs(target.sn - margin)).toBeLessThan(circleBound(radius));
        expect(Math.abs(target.sp - (1 - margin))).toBeLessThan(circleBound(radius));
      });
    }

    it('of AM-Softmax and triplet loss are the line s_n − s_p + m = 0', () => {
      for (const { pairLoss } of compared.filter(({ pairLoss }) => pairLoss.type !== 'circle')) {
        const found = boundaryAlongRays(pairLoss, quarterTurn(33), engine);
        expect(found.length).toBe(33);
        for (const { sn, sp } of found) {
          // Two float32 numbers below 1 and a margin, added by the engine with a rounding each (of logits: relative ones, so
          // γ does not matter but in the stored loss), and a bisection that stops at the next float32 pair.
          const gamma = scaleOf(pairLoss);
          expect(Math.abs(sn - sp + pairLoss.margin!)).toBeLessThan(8 * epsilon + (4 * epsilon) / gamma);
        }
      }
    });
  });
}

/**
 * How far from the circle an engine's boundary may be, to first order in ε = 2⁻²⁴. Along a ray u = γ (ρ² − r²), with r = √2 m
 * below 0.6 and γ = 64, so that an error of u is one of ρ after division by 2 γ r.
 * - With numbers up to 1.4 in float32, optima and targets are off by ε, their middles and half distances too, and q = |s − c|
 *   by another ε: in u = γ (q_n² − r_n² + q_p² − r_p²) each q and r is off by 2 ε at most. As q_n + q_p ≤ √2 r and
 *   r_n = r_p = m, u is off by γ · 2 · 2 ε (√2 r + 2 m) = γ · 8 √2 ε r, and ρ by 4 √2 ε.
 * - Squares and sums of terms up to γ r², four roundings of them: of ρ 2 ε r.
 * - The loss near log 2 is stored with an error of ε / 2, and dL/du is ½: u is off by ε, and ρ by ε / (2 γ r).
 * - The bisection stops at neighbouring pairs of float32 numbers up to 1: 2 ε in either direction, of ρ 2 √2 ε.
 */
function circleBound(radius: number): number {
  return (6 * Math.SQRT2 + 2 * radius) * epsilon + epsilon / (2 * 64 * radius);
}

it('rings around what is above a level cut the lattice where the slope crosses it', () => {
  const gamma = 32;
  const lattice = latticeOf({ type: 'circle', margin: 0.25, gamma }, 50, 'reference');
  const [rings] = ringsAbove(
    lattice,
    lattice.values.map(({ slopeN }) => slopeN / gamma),
    [0.75],
  );
  // Where s_p < ½ the pair is far outside, Z = 1 to 1e-3, and the slope over γ is s_n + m: linear, as d3 interpolates.
  const crossing = rings.flat().filter(([sn, sp]) => sp < 0.5 && sp > 0.02 && sn < 0.9);
  expect(crossing.length).toBeGreaterThan(20);
  for (const [sn] of crossing) expect(Math.abs(sn - 0.5)).toBeLessThan(2e-3);
});

it('a place of convergence is mean and standard deviation', () => {
  const { meanSn, meanSp, spreadSn, spreadSp } = convergenceOf([
    [0.1, 0.5],
    [0.3, 0.9],
    [0.2, 0.7],
    [0.2, 0.7],
  ]);
  expect([meanSn, meanSp]).toEqual([expect.closeTo(0.2, 12), expect.closeTo(0.7, 12)]);
  expect(spreadSn).toBeCloseTo(Math.sqrt(0.02 / 4), 12);
  expect(spreadSp).toBeCloseTo(Math.sqrt(0.08 / 4), 12);
});

/**
 * A picture in words and numbers. Names of style classes count the pictures that the process has drawn, and go. Numbers of an
 * engine differ by less than 1e-5 from another's, in pixels by less than 0.004: after rounding to 0.01, by one unit.
 */
function parts(svg: string): { words: string; numbers: number[] } {
  const plain = svg.replaceAll(/zr\d+-c(ls-)?\d+/g, 'zr');
  const number = /-?\d+\.?\d*(e-?\d+)?/g;
  return { words: plain.replaceAll(number, '#'), numbers: (plain.match(number) ?? []).map(Number) };
}

function expectSamePicture(drawn: string, committed: string): void {
  const [a, b] = [parts(drawn), parts(committed)];
  expect(a.words).toBe(b.words);
  const unit = 0.01 + 1e-9;
  for (const [k, value] of a.numbers.entries()) expect(Math.abs(value - b.numbers[k])).toBeLessThanOrEqual(unit);
}

describe('the figures on file', () => {
  const committed = (name: string) => readFileSync(join(results, 'figures', `${name}.svg`), 'utf8');

  it.each(['reference', 'auto'] as const)('are what engine %s gives now', (engine) => {
    expectSamePicture(drawGradients(engine), committed('gradients'));
    expectSamePicture(drawGradientSurfaces(engine), committed('gradient-surfaces'));
    expectSamePicture(drawBoundaries(engine), committed('boundaries'));
  });

  it('are those of the data on file', async () => {
    const { curves, scatter } = await readTrainingData(join(results, 'figures'));
    expectSamePicture(drawScatter(scatter, 'auto'), committed('scatter'));
    expectSamePicture(drawCurves(curves), committed('curves'));
  });

  it('have the slopes at A, B and C in print', () => {
    const svg = committed('gradients');
    for (const { pairLoss } of compared) {
      for (const point of points) {
        const { slopeN, slopeP } = valueAt(point, pairLoss, 'reference');
        const text = `∂L/∂sₙ = ${slopeN.toFixed(2)},  ∂L/∂sₚ = ${slopeP.toFixed(2).replace('-', '−')}`;
        expect(svg.replaceAll('&nbsp;', ' ')).toContain(text);
      }
    }
  });

  it('are small, say what they show, and load nothing', () => {
    const names = readdirSync(join(results, 'figures')).filter((name) => name.endsWith('.svg'));
    expect(names.sort()).toEqual(
      ['boundaries', 'curves', 'gradient-surfaces', 'gradients', 'scatter'].map((name) => `${name}.svg`),
    );
    for (const name of names) {
      const svg = readFileSync(join(results, 'figures', name), 'utf8');
      expect(Buffer.byteLength(svg)).toBeLessThan(200_000);
      expect(svg).toMatch(/^<svg role="img" aria-label="[^"]{60,}"/);
      expect(svg).not.toMatch(/NaN|undefined|<script|<image|href=/);
    }
  });
});

describe('npm run figures', () => {
  const folder = mkdtempSync(join(tmpdir(), 'circle-loss-figures-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const figures = (...args: string[]) => {
    const command = join(root, 'examples', 'paper', 'figures', 'figures.ts');
    const all = ['--import', 'tsx', command, '--out', folder, ...args];
    return spawnSync(process.execPath, all, { cwd: root, encoding: 'utf8' });
  };

  it('draws without a training what needs none, and says so', () => {
    const run = figures();
    expect(run.status, run.stderr).toBe(0);
    expect(run.stdout).toContain('--train makes them');
    expect(readdirSync(folder).sort()).toEqual(['explorer.html', 'figures']);
  }, 120_000);

  it('takes a training from the files of a comparison, of the losses between pairs', async () => {
    const similarities = (start: number) => ({
      training: {
        hardestNegative: [start, start + 0.1],
        hardestPositive: [0.5, 0.6],
        meanNegative: [],
        meanPositive: [],
      },
    });
    const setting = { margin: 0.3, gamma: 40 };
    const files = {
      'curves.json': { leaves: { softmax: { setting, losses: [9] }, 'circle-pair': { setting, losses: [5, 4, 3] } } },
      'similarities.json': {
        leaves: {
          before: similarities(0.7),
          softmax: similarities(0.1),
          'circle-pair': { setting, ...similarities(0.2) },
        },
      },
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content));
    const run = figures('--comparison', folder, '--data', 'leaves', '--seed', '7');
    expect(run.status, run.stderr).toBe(0);
    const { curves, scatter } = await readTrainingData(join(folder, 'figures'));
    expect(curves.losses).toEqual([{ name: 'Circle loss', seed: 7, steps: [1, 2, 3], loss: [5, 4, 3] }]);
    expect(scatter.losses).toEqual([
      {
        name: 'Circle loss',
        pairLoss: { type: 'circle', ...setting },
        before: [
          [0.7, 0.5],
          [expect.closeTo(0.8, 12), 0.6],
        ],
        after: [
          [0.2, 0.5],
          [expect.closeTo(0.3, 12), 0.6],
        ],
      },
    ]);
    const unknown = figures('--comparison', folder);
    expect(unknown.stderr).toContain('must have data set emoji; it has leaves.');
  }, 120_000);

  it('trains with each loss, and pairs come nearer to where they should be', async () => {
    const run = figures('--train', '--quick', '--steps', '40');
    expect(run.status, run.stderr).toBe(0);
    const { curves, scatter } = await readTrainingData(join(folder, 'figures'));
    expect(curves.losses.map(({ name }) => name)).toEqual(scatter.losses.map(({ name }) => name));
    for (const { steps, loss } of curves.losses) {
      expect(steps).toEqual(Array.from({ length: 40 }, (_, k) => k + 1));
      expect(loss.length).toBe(40);
      expect(loss.at(-1)!).toBeLessThan(loss[0]);
    }
    const circle = scatter.losses.at(-1)!;
    const gap = ({ meanSn, meanSp }: ReturnType<typeof convergenceOf>) => meanSp - meanSn;
    expect(gap(convergenceOf(circle.after))).toBeGreaterThan(gap(convergenceOf(circle.before)));
    for (const { before } of scatter.losses) expect(before).toEqual(circle.before); // all began with the same weights
    expect(readdirSync(join(folder, 'figures')).length).toBe(5 + 2);
  }, 240_000);
});
