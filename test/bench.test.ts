/** The benchmark runs, its judge is right, and it does not time wrong answers. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareWithTruth, tolerances } from '../bench/agreement.ts';
import { computeTruth } from '../bench/truth.ts';
import { makeData, quickWorkloads, type Workload, type WorkloadData } from '../bench/workloads.ts';
import { computeCircleLoss } from '../lib/index.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'circle-loss-bench-test-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Line {
  contender: string;
  status: string;
  reason?: string;
  lossError?: number;
  gradientError?: number;
}

describe('npm run bench -- --quick', () => {
  let status: number | null;
  let complaints: string;
  let lines: Line[];
  let workload: Workload;

  beforeAll(() => {
    const script = join(import.meta.dirname, '..', 'bench', 'run.ts');
    const args = ['--import', 'tsx', script, '--quick', '--json', '--filter', 'class-level', '--out', folder];
    const run = spawnSync(process.execPath, args, { encoding: 'utf8' });
    ({ status, stderr: complaints } = run);
    [{ workload, lines }] = JSON.parse(run.stdout).summaries;
  }, 180_000);

  it('ends well', () => expect(status, complaints).toBe(0));

  it('times what needs nothing but npm, and names the reason for whoever is missing', () => {
    const timed = lines.filter((line) => line.status === 'timed').map(({ contender }) => contender);
    const tensorFlow = ['wasm', 'cpu'].flatMap((name) => [`tfjs ${name} custom-gradient`, `tfjs ${name} autodiff`]);
    expect(timed).toEqual(expect.arrayContaining(['circle-loss reference 1t', 'plain JavaScript', ...tensorFlow]));
    for (const line of lines) if (line.status !== 'timed') expect(line.reason, line.contender).toBeTruthy();
    for (const family of [/^circle-loss/, /^OpenBLAS/, /^PyTorch/, /^tfjs node/, /^tfjs webgpu/]) {
      expect(lines.some(({ contender }) => family.test(contender))).toBe(true);
    }
  });

  it('finds that everyone agrees', () => {
    const tolerance = tolerances(workload);
    for (const { contender, status, lossError, gradientError } of lines) {
      if (status !== 'timed' || contender.startsWith('OpenBLAS')) continue;
      expect(lossError, contender).toBeLessThanOrEqual(tolerance.loss);
      expect(gradientError, contender).toBeLessThanOrEqual(tolerance.gradient);
    }
  });

  it('leaves a table, a chart and the numbers', () => {
    expect(readFileSync(join(folder, 'results.md'), 'utf8')).toContain('| plain JavaScript ');
    expect(readFileSync(join(folder, 'results.svg'), 'utf8')).toMatch(/^<svg.*class-level 24x103x67.*<\/svg>$/s);
    expect(JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')).machine.node).toBe(process.version);
  });
});

describe('the truth of the benchmark', () => {
  it.each(quickWorkloads)('is the reference engine’s answer: $name', (workload) => {
    const data = makeData(workload);
    const truth = computeTruth(workload, data);
    const answer = reference(workload, data);
    // Both compute in double precision; gradients come out in float32: 2⁻²⁴ of the largest element.
    expect(answer.loss).toBeCloseTo(truth.loss, 10);
    expectRows(truth.gradient, answer.gradient, workload.anchors);
    if (workload.kind !== 'class-level') return expect(truth.candidateGradient).toBeUndefined();
    expectRows(truth.candidateGradient!, answer.classWeightGradient!, workload.candidates);
  });

  it.each([
    ['gradient', 1],
    ['gradient', Number.NaN],
    ['candidateGradient', 1],
  ] as const)('rejects a wrong %s', (file, wrong) => {
    const workload = quickWorkloads.find(({ kind }) => kind === 'class-level')!;
    const data = makeData(workload);
    const truth = computeTruth(workload, data);
    const { loss, gradient, classWeightGradient } = reference(workload, data);
    const judge = (changed: { gradient: Float32Array; candidateGradient: Float32Array }, claimedLoss = loss) => {
      for (const [name, values] of Object.entries(changed)) writeFileSync(join(folder, name), values);
      return compareWithTruth(workload, truth, claimedLoss, folder).agrees;
    };
    const answer = { gradient, candidateGradient: classWeightGradient! };
    expect(judge(answer)).toBe(true);
    expect(judge(answer, loss * (1 + 2 * tolerances(workload).loss))).toBe(false);
    const values = answer[file].slice();
    values[values.length - 1] = wrong;
    expect(judge({ ...answer, [file]: values })).toBe(false);
    expect(judge({ ...answer, [file]: answer[file].subarray(1) })).toBe(false);
  });
});

function reference({ kind, dim, margin, gamma }: Workload, data: WorkloadData) {
  const options = { dim, margin, gamma, engine: 'reference' as const };
  const { embeddings, labels, candidates, candidateLabels } = data;
  if (kind === 'class-level') return computeCircleLoss(embeddings, labels, { ...options, classWeights: candidates! });
  const others = kind === 'memory' ? { candidates: candidates!, candidateLabels: candidateLabels! } : {};
  return { classWeightGradient: undefined, ...computeCircleLoss(embeddings, labels, { ...options, ...others }) };
}

function expectRows(truth: ReadonlyMap<number, Float64Array>, values: Float32Array, rowCount: number): void {
  expect(truth.size).toBe(rowCount);
  const largest = values.reduce((sofar, value) => Math.max(sofar, Math.abs(value)), 0);
  let error = 0;
  for (const [row, exact] of truth) {
    exact.forEach((value, k) => {
      error = Math.max(error, Math.abs(value - values[row * exact.length + k]));
    });
  }
  expect(error).toBeLessThanOrEqual(largest * 2 ** -24);
}
