/** The comparison of the paper's losses: its rules are right, and in its smallest form it runs, resumes and says what it found. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Point } from '../examples/paper/ablation.ts';
import type { Entry } from '../examples/paper/comparison.ts';
import { judge } from '../examples/paper/judge.ts';
import { losses, lossNames, tasks } from '../examples/paper/losses.ts';
import { describeEnds } from '../examples/paper/report.ts';
import { describeRobustness } from '../examples/paper/robustness.ts';
import { pairedDifference, summarize } from '../examples/paper/statistics.ts';
import { loadSubject } from '../examples/paper/subjects.ts';
import { chooseSettings } from '../examples/paper/tuning.ts';
import { judgement, reachVerdicts, sentences } from '../examples/paper/verdicts.ts';

const root = join(import.meta.dirname, '..');

describe('the rules of the comparison', () => {
  it('a difference is paired, with the interval of Student’s t', () => {
    // Differences 0.01, 0.02, 0.03, 0.04, 0.05: mean 0.03, s = √(0.001/4), t(4) at 97.5 % = 2.776445.
    const { mean, low, high } = pairedDifference([0.51, 0.42, 0.63, 0.34, 0.75], [0.5, 0.4, 0.6, 0.3, 0.7]);
    const half = (2.776445 * Math.sqrt(0.001 / 4)) / Math.sqrt(5);
    expect(mean).toBeCloseTo(0.03, 12);
    expect(low).toBeCloseTo(0.03 - half, 7); // of the table's seven digits
    expect(high).toBeCloseTo(0.03 + half, 7);
  });

  it('one seed decides nothing', () => {
    expect(pairedDifference([1], [0])).toEqual({
      mean: 1,
      low: Number.NEGATIVE_INFINITY,
      high: Number.POSITIVE_INFINITY,
    });
  });

  it('the deviation is that of a sample', () => {
    expect(summarize([1, 2, 3, 4]).standardDeviation).toBeCloseTo(Math.sqrt(5 / 3), 12);
  });

  /** Retrieval on emoji with the paper's values; the means decide who is the best rival. */
  const entriesOf = (values: Partial<Record<(typeof lossNames)[number], number[]>>): Entry[] =>
    lossNames.map((loss) => ({
      data: 'emoji',
      task: 'retrieval',
      kind: 'paper',
      loss,
      setting: losses[loss].paper('retrieval'),
      values: { 'Recall@1': values[loss] ?? [0.1, 0.1, 0.1] },
    }));

  it('Circle is above only where the interval is, and meets the best rival of its kind and then of all', () => {
    const entries = entriesOf({
      arcface: [0.5, 0.51, 0.52],
      triplet: [0.4, 0.41, 0.42],
      'circle-class': [0.3, 0.31, 0.33],
      'circle-pair': [0.45, 0.46, 0.48],
    });
    const found = reachVerdicts(entries).map(({ contest, circle, rival, outcome }) => [
      contest,
      circle.loss,
      rival.loss,
      outcome,
    ]);
    expect(found).toEqual([
      ['class', 'circle-class', 'arcface', 'below'],
      ['pair', 'circle-pair', 'triplet', 'above'],
      ['all', 'circle-pair', 'arcface', 'below'],
    ]);
    const undecided = reachVerdicts(entriesOf({ unified: [0.4, 0.4, 0.4], 'circle-pair': [0.3, 0.41, 0.6] }));
    expect(undecided[1]).toMatchObject({ rival: { loss: 'unified' }, outcome: 'undecided' });
  });

  it('what the numbers support follows from the counts, against Circle as well as for it', () => {
    expect(judgement({ above: 8, below: 0, undecided: 0, total: 8 })).toBe('supported');
    expect(judgement({ above: 5, below: 0, undecided: 3, total: 8 })).toBe('mostly supported');
    expect(judgement({ above: 5, below: 1, undecided: 2, total: 8 })).toBe('supported in part');
    expect(judgement({ above: 1, below: 1, undecided: 6, total: 8 })).toBe('not supported');
    expect(judgement({ above: 0, below: 0, undecided: 8, total: 8 })).toBe('not supported');
    expect(judgement({ above: 0, below: 5, undecided: 3, total: 8 })).toBe('contradicted');
    const verdicts = reachVerdicts(entriesOf({ arcface: [0.5, 0.51, 0.52] }));
    expect(sentences(verdicts)[0]).toBe(
      "With the paper's values, class-level Circle against the class-level losses: above the best of them in 0 of 1 comparisons, below in 1, undecided in 0. That Circle is better is contradicted.",
    );
  });

  it('every loss has as many settings to try, none twice, and where it has γ and m the ones of the paper', () => {
    const sizes = lossNames.map((loss) => new Set(losses[loss].grid.map((setting) => JSON.stringify(setting))).size);
    expect(new Set(sizes)).toEqual(new Set([losses['circle-pair'].grid.length]));
    for (const loss of ['normface', 'am-softmax', 'arcface', 'triplet', 'unified'] as const) {
      expect(losses[loss].grid, loss).toContainEqual(losses[loss].paper('retrieval'));
    }
    expect(losses['circle-class'].grid).toContainEqual(losses['circle-class'].paper('verification'));
    expect(losses['circle-pair'].grid).toContainEqual(losses['circle-pair'].paper('retrieval'));
  });

  it('of the settings tried the best is chosen, for each data set and loss', () => {
    const [a, b] = losses.triplet.grid;
    const run = (data: 'emoji' | 'leaves', setting: typeof a, score: number) =>
      ({
        plan: { data, loss: 'triplet', setting },
        result: { scores: { 'MAP@R': score, 'Recall@1': 1 - score } },
      }) as never;
    const tunings = chooseSettings([
      run('emoji', a, 0.1),
      run('leaves', a, 0.3),
      run('emoji', b, 0.2),
      run('leaves', b, 0.2),
    ]);
    expect(tunings.map(({ data, chosen }) => [data, chosen])).toEqual([
      ['emoji', b],
      ['leaves', a],
    ]);
  });
});

describe('what is said beside the verdicts', () => {
  it('how far the curves of a sweep move, and the margins at which Circle is above the best of another loss', () => {
    const point = (swept: Point['swept'], loss: Point['loss'], value: number, a: number, b: number): Point => {
      const values = { 'TAR@FAR=1e-3': [a, b], 'Recall@1': [a, b] };
      return { swept, loss, value, values };
    };
    const points = [
      point('gamma', 'circle-class', 32, 0.5, 0.7), // means .6 and .62: .02 apart
      point('gamma', 'circle-class', 64, 0.6, 0.64),
      point('gamma', 'am-softmax', 32, 0.5, 0.5),
      point('gamma', 'am-softmax', 64, 0.4, 0.4),
      point('gamma', 'arcface', 32, 0.3, 0.3),
      point('gamma', 'arcface', 64, 0.35, 0.35),
      point('margin', 'circle-class', -0.2, 0.4, 0.5),
      point('margin', 'circle-class', 0.1, 0.6, 0.7),
      point('margin', 'am-softmax', -0.2, 0.3, 0.3),
      point('margin', 'am-softmax', 0.1, 0.44, 0.44), // Circle's means are .45 and .65
      point('margin', 'arcface', 0.1, 0.5, 0.5),
    ];
    const [gamma, margin, above] = describeRobustness(points);
    expect(gamma).toBe(
      'TAR@FAR=1e-3 over γ from 32 to 64: best less worst mean is Circle, class-level 0.020, AM-Softmax 0.100, ArcFace 0.050; the flattest is Circle, class-level.',
    );
    expect(margin).toContain('over m from −0.2 to 0.1 (ArcFace from 0 on)');
    expect(above).toBe(
      "TAR@FAR=1e-3 over m: of 2 margins, Circle's mean is above AM-Softmax's best (0.440) at −0.2, 0.1, and above ArcFace's best (0.500) at 0.1.",
    );
  });

  it('which chosen values are at an end of three or more', () => {
    const tuningOf = (gamma: number, margin: number) => {
      const { grid } = losses['circle-pair']; // three γ, two m
      const chosen = grid.find((setting) => setting.gamma === gamma && setting.margin === margin)!;
      const trials = grid.map((setting) => ({ setting, score: 0 }));
      return { data: 'emoji', loss: 'circle-pair', trials, chosen } as const;
    };
    expect(describeEnds([tuningOf(80, 0.4)])).toBe('No chosen value is at an end of what was tried.');
    expect(describeEnds([tuningOf(80, 0.4), tuningOf(32, 0.25)])).toContain(': Circle, pair-wise (γ 32).');
  });
});

describe('the data', () => {
  it('the validation part and what is trained on with it are other classes, all of the training part', async () => {
    const { training, tuning, test } = await loadSubject('emoji', 20);
    expect(training.classCount + test.classCount).toBe(20);
    expect(tuning.training.classCount + tuning.validation.classCount).toBe(training.classCount);
    expect(tuning.validation.classCount).toBe(4); // 30 % of 12
    const rowsOf = ({ inputs }: typeof training, labels: Int32Array) =>
      [...labels.keys()].map((row) => inputs.values.slice(row * inputs.dim, (row + 1) * inputs.dim).join());
    const classOf = new Map(rowsOf(training, training.labels).map((row, i) => [row, training.labels[i]]));
    const classesOf = (side: typeof training) => new Set(rowsOf(side, side.labels).map((row) => classOf.get(row)));
    const shared = [...classesOf(tuning.training)].filter((label) => classesOf(tuning.validation).has(label));
    expect(shared).toEqual([]);
    expect(tuning.training.labels.length + tuning.validation.labels.length).toBe(training.labels.length);
    expect(rowsOf(test, test.labels).some((row) => classOf.has(row))).toBe(false);
  });

  it('is judged in the three forms: every pair once, asking cameras against the others, leave one out', () => {
    // On a circle, by degrees: the classes are 0, 0, 1, 1, 2, 2; only the second picture of class 1 is far from its like.
    const degrees = [0, 10, 40, 190, 100, 105];
    const values = Float32Array.from(
      degrees.flatMap((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]),
    );
    const side = {
      inputs: { values, dim: 2 },
      labels: Int32Array.from([0, 0, 1, 1, 2, 2]),
      classCount: 3,
      cameras: Uint8Array.from([0, 1, 0, 1, 0, 1]),
    };
    const scores = judge({ values, dim: 2 }, side, [0], { engine: 'reference', threads: 1 });
    // 3 genuine pairs, 10°, 150° and 5° apart; 12 others, of which the closest are 30°: FAR 1e-2 accepts none of them.
    expect(scores['TAR@FAR=1e-2']).toBeCloseTo(2 / 3, 12);
    // Camera 0 asks, at 0, 40 and 100°; camera 1 answers, from 10, 190 and 105°. The one at 40° finds its own, at 190°,
    // after both others.
    expect(scores['rank-1']).toBeCloseTo(2 / 3, 12);
    expect(scores.mAP).toBeCloseTo((1 + 1 / 3 + 1) / 3, 12);
    expect(scores['Recall@1']).toBeCloseTo(4 / 6, 12);
  });

  it.skipIf(!process.env.CIRCLE_LOSS_DATA)(
    'of CIRCLE_LOSS_DATA: Omniglot and leaves, parts apart',
    async () => {
      const omniglot = await loadSubject('omniglot');
      expect([omniglot.training.classCount, omniglot.test.classCount]).toEqual([159, 83]);
      expect(omniglot.test.labels.length).toBe(1660);
      expect(new Set(omniglot.test.cameras).size).toBe(20);
      const leaves = await loadSubject('leaves');
      expect([leaves.training.classCount, leaves.test.classCount, leaves.test.cameras]).toEqual([50, 49, undefined]);
    },
    120_000,
  );
});

const paper = ['--import', 'tsx', join(root, 'examples', 'paper', 'paper.ts')];
/** Without other data, whatever this machine has. */
const { CIRCLE_LOSS_DATA: _, ...environment } = process.env;

function runPaper(...options: string[]) {
  return spawnSync(process.execPath, [...paper, ...options], { cwd: root, encoding: 'utf8', env: environment });
}

describe('npm run paper -- --quick', () => {
  const folder = mkdtempSync(join(tmpdir(), 'circle-loss-paper-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const tiny = ['--quick', '--steps', '3', '--out', folder];
  const runs = join(folder, 'runs');
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const countsOf = (out: string) =>
    out
      .match(/Runs +(\d+) computed, (\d+) found/)!
      .slice(1)
      .map(Number);
  let first: ReturnType<typeof runPaper>;
  beforeAll(() => {
    first = runPaper(...tiny);
    expect(first.status, first.stderr).toBe(0);
  }, 240_000);

  it('has every loss in every task, with the mean and deviation of its seeds', () => {
    expect(first.stdout).toContain('Skipped: omniglot');
    const { entries, verdicts, seeds, tunings } = JSON.parse(read('results.json'));
    const report = read('results.md');
    expect(seeds).toEqual([1, 2]);
    expect(entries.length).toBe(tasks.length * 2 * lossNames.length);
    expect(verdicts.length).toBe(tasks.length * 2 * 3);
    expect(tunings.length).toBe(lossNames.length);
    for (const task of tasks) {
      for (const kind of ["the paper's values", 'tuned values']) {
        const section = report.split(`### Emoji: ${task}, ${kind}\n`)[1].split('\n#')[0];
        for (const loss of lossNames) {
          const { values } = entries.find(
            (e: Entry) =>
              e.task === task && e.loss === loss && e.kind === (kind === 'tuned values' ? 'tuned' : 'paper'),
          );
          const line = section.split('\n').find((each) => each.startsWith(`| ${losses[loss].title} `))!;
          for (const [a, b] of Object.values<number[]>(values)) {
            const mean = ((a + b) / 2).toFixed(3);
            const deviation = (Math.abs(a - b) / Math.SQRT2).toFixed(3);
            expect(line).toContain(`${mean} ± ${deviation}`);
          }
        }
      }
    }
    for (const sentence of JSON.parse(read('results.json')).sentences) expect(report).toContain(sentence);
  });

  it('leaves charts, curves and similarities to draw from', () => {
    for (const name of ['gamma.svg', 'margin.svg']) expect(read(name)).toMatch(/^<svg[\s\S]*Circle, class-level/);
    const curves = JSON.parse(read('curves.json')).emoji;
    const similarities = JSON.parse(read('similarities.json')).emoji;
    for (const loss of lossNames) expect(curves[loss].losses.length, loss).toBe(3);
    for (const name of ['before', ...lossNames]) {
      for (const part of ['training', 'unseen']) {
        const found = similarities[name][part];
        expect(found.meanPositive.length, name).toBe(32 * 4);
        found.meanPositive.forEach((mean: number, anchor: number) => {
          expect(mean).toBeGreaterThanOrEqual(found.hardestPositive[anchor]);
          expect(found.meanNegative[anchor]).toBeLessThanOrEqual(found.hardestNegative[anchor]);
        });
      }
    }
  });

  it('finds what it computed before, and computes what is missing to the same bits', () => {
    const [computed, found] = countsOf(first.stdout);
    expect(found).toBe(0);
    expect(readdirSync(runs).length).toBe(computed);
    const numbers = JSON.parse(read('results.json'));
    const lost = readdirSync(runs).filter((name) => /emoji-(circle-class|triplet|softmax)-test-seed2/.test(name));
    expect(lost.length).toBeGreaterThan(3);
    const scoresOf = (name: string) => {
      const { scores, lossCurve, similarities } = JSON.parse(readFileSync(join(runs, name), 'utf8')).result;
      return { scores, lossCurve, similarities };
    };
    const before = lost.map(scoresOf);
    for (const name of lost) rmSync(join(runs, name));

    const second = runPaper(...tiny, '--workers', '1');
    expect(second.status, second.stderr).toBe(0);
    expect(countsOf(second.stdout)).toEqual([lost.length, computed - lost.length]);
    expect(lost.map(scoresOf)).toEqual(before);
    const again = JSON.parse(read('results.json'));
    expect({ ...again, facts: 0 }).toEqual({ ...numbers, facts: 0 });
  }, 240_000);

  it('another number of steps is another run', () => {
    const other = runPaper('--quick', '--steps', '2', '--tasks', 'retrieval', '--seeds', '1', '--out', folder);
    expect(other.status, other.stderr).toBe(0);
    expect(countsOf(other.stdout)[1]).toBe(0);
    expect(JSON.parse(read('results.json')).entries.every(({ task }: Entry) => task === 'retrieval')).toBe(true);
  }, 240_000);

  it('keeps every finished run when it is interrupted, and goes on from there', async () => {
    const out = join(folder, 'interrupted');
    const options = ['--quick', '--steps', '3', '--seeds', '1', '--tasks', 'verification', '--out', out];
    const child = spawn(process.execPath, [...paper, ...options], { cwd: root, env: environment, stdio: 'ignore' });
    const exit = once(child, 'exit');
    const kept = () => (existsSync(join(out, 'runs')) ? readdirSync(join(out, 'runs')) : []);
    while (kept().length < 4) {
      expect(child.exitCode).toBe(null);
      await setTimeout(20);
    }
    child.kill('SIGINT');
    expect(await exit).toEqual([130, null]);
    const finished = kept().filter((name) => name.endsWith('.json'));
    for (const name of finished)
      expect(JSON.parse(readFileSync(join(out, 'runs', name), 'utf8'))).toHaveProperty('result');
    expect(existsSync(join(out, 'results.md'))).toBe(false);

    const resumed = runPaper(...options);
    expect(resumed.status, resumed.stderr).toBe(0);
    const [computed, found] = countsOf(resumed.stdout);
    expect(found).toBe(finished.length);
    expect(computed).toBeGreaterThan(0);
  }, 240_000);

  it('names an option that is wrong', () => {
    for (const [options, message] of [
      [['--seeds', '0'], "option '--seeds <count>' argument '0' is invalid. It must be an integer from 1."],
      [['--data', 'cars'], "argument 'cars' is invalid. Allowed choices are emoji, omniglot, leaves."],
      [['--tasks', 'clustering'], "argument 'clustering' is invalid."],
      [['--data', 'leaves'], 'leaves must be in a folder that CIRCLE_LOSS_DATA names; it is not set.'],
      [['--quick', '--publish'], 'what --quick finds is too little to be published'],
    ] as const) {
      const run = runPaper(...options, '--out', folder);
      expect(run.status, options.join(' ')).not.toBe(0);
      expect(run.stderr).toContain(message);
    }
  }, 240_000);
});
