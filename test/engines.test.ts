/** Every engine computes what the reference does, in every case of the table; and which engine a call gets. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { computeCircleLoss, computeSimilarity, createPairLoss, engines } from '../lib/index.ts';
import { type Case, cases, randomFrom, randomRows } from './cases.ts';
import { computeInDouble, cpuEngines, cudaEngines, engineList, sessionOn } from './engine-list.ts';
import { distance, largest, sensitivityOf } from './sensitivity.ts';

const exactOf = new Map(
  cases.map((testCase) => {
    const exact = computeInDouble(testCase.embeddings, testCase.labels, testCase.options);
    return [testCase, { exact, moves: sensitivityOf(testCase, exact) }];
  }),
);

/** In one dimension the gradient is 0: what is left is slopes of at most 4γ, rounded, over a norm of at least 2⁻⁸. */
const noise = ({ options }: Case) => (options.dim === 1 ? (4 * 256 * 2 ** -24) / 2 ** -8 : 1e-30);

describe.each(engineList)('$name agrees with the definition', (engine) => {
  it.each(cases)('$name', (testCase) => {
    const { embeddings, labels, options } = testCase;
    const { exact, moves } = exactOf.get(testCase)!;
    using session = sessionOn(engine, options);
    const found = session.compute(embeddings, labels);
    expect(found.validAnchors).toBe(exact.validAnchors);
    const close = (error: number, move: number, size: number) =>
      expect(error).toBeLessThanOrEqual(2 * move + size * 2 ** -22 + noise(testCase));
    close(Math.abs(found.loss - exact.loss), moves.loss, exact.loss);
    close(distance(found.anchorLosses, exact.anchorLosses), moves.anchorLosses, largest(exact.anchorLosses));
    close(distance(found.gradient, exact.gradient), moves.gradient, largest(exact.gradient));
    const other = found.classWeightGradient ?? found.candidateGradient;
    expect(other?.length ?? 0).toBe(exact.candidateGradient.length);
    if (!other) return;
    close(distance(other, exact.candidateGradient), moves.candidateGradient, largest(exact.candidateGradient));
  });

  it('without the gradient the loss has the same bits', () => {
    for (const { embeddings, labels, options } of cases.slice(0, 40)) {
      const { candidateGradient: _, ...rest } = options as typeof options & { candidateGradient?: 'compute' };
      using full = sessionOn(engine, options);
      using brief = sessionOn(engine, { ...rest, gradient: 'skip' } as typeof options);
      const { loss, anchorLosses } = full.compute(embeddings, labels);
      const found = brief.compute(embeddings, labels);
      expect(found).toEqual({ loss, anchorLosses, validAnchors: found.validAnchors, engine: found.engine });
    }
  });
});

describe.each(engineList)('similarities on $name', (engine) => {
  const random = randomFrom(5);
  it.each([
    [1, 1, 1],
    [5, 3, 7],
    [33, 65, 17],
    [70, 130, 64],
  ])('%i × %i rows of %i', (anchorCount, candidateCount, dim) => {
    const anchors = randomRows(anchorCount, dim, random);
    const candidates = randomRows(candidateCount, dim, random);
    for (const normalize of [true, false]) {
      const out = new Float32Array(anchorCount * candidateCount);
      const common = { dim, normalize, checkFinite: 'throw', threads: 2, precision: 'exact' } as const;
      const report = engine.open().similarity({ ...common, anchorCount, candidateCount, anchors, candidates, out });
      expect(report.status).toBe('ok');
      for (let i = 0; i < anchorCount; i++) {
        for (let j = 0; j < candidateCount; j++) {
          const a = anchors.subarray(i * dim, (i + 1) * dim);
          const b = candidates.subarray(j * dim, (j + 1) * dim);
          const lengths = normalize ? Math.hypot(...a) * Math.hypot(...b) : 1;
          const exact = a.reduce((sum, value, k) => sum + value * b[k], 0) / lengths;
          const size = a.reduce((sum, value, k) => sum + Math.abs(value * b[k]), 0) / lengths;
          // The classical bound of a sum of products: one rounding a term and four of the normalisation.
          expect(Math.abs(out[i * candidateCount + j] - exact)).toBeLessThanOrEqual((dim + 4) * 2 ** -24 * size);
        }
      }
    }
  });

  it('are symmetric among the anchors themselves, bit for bit', () => {
    const anchors = randomRows(37, 21, random);
    const out = new Float32Array(37 * 37);
    const common = { dim: 21, normalize: true, checkFinite: 'throw', threads: 2, precision: 'exact' } as const;
    const problem = { ...common, candidates: undefined };
    engine.open().similarity({ ...problem, anchorCount: 37, candidateCount: 37, anchors, out });
    for (let i = 0; i < 37; i++) for (let j = 0; j < i; j++) expect(out[i * 37 + j]).toBe(out[j * 37 + i]);
  });
});

describe('the choice of an engine', () => {
  const batch = [Float32Array.of(1, 0, 0, 1), [0, 1]] as const;

  it('lists cuda, cpu and reference, and a reason for each that is missing', () => {
    const list = engines();
    expect(list.map(({ name }) => name)).toEqual(['cuda', 'cpu', 'reference']);
    for (const { available, reason } of list) expect(available).toBe(reason === undefined);
    expect(list[2].available).toBe(true);
  });

  it("'auto' takes the first of them that is available, but for a call that is not worth the way to a GPU", () => {
    const best = engines().find(({ name, available }) => available && name !== 'cuda')!.name;
    expect(computeCircleLoss(...batch, { dim: 2 }).engine).toBe(best);
    expect(computeCircleLoss(...batch, { dim: 2, engine: 'auto' }).engine).toBe(best);
  });

  it('a named engine is the one that computes', () => {
    expect(computeCircleLoss(...batch, { dim: 2, engine: 'reference' }).engine).toBe('reference');
    if (cpuEngines.length > 0) expect(computeCircleLoss(...batch, { dim: 2, engine: 'cpu' }).engine).toBe('cpu');
  });

  it.runIf(cudaEngines.length === 0)("'cuda' is refused with the reason and a remedy, where it cannot run", () => {
    const refusal = expect.objectContaining({
      code: 'ERR_CIRCLE_CUDA_UNAVAILABLE',
      message: expect.stringMatching(/^engine 'cuda' must be .*, or use engine 'cpu' or 'auto'\.$/s),
    });
    const options = { dim: 2, engine: 'cuda' } as const;
    expect(() => computeCircleLoss(...batch, options)).toThrow(refusal);
    expect(() => computeSimilarity(batch[0], options)).toThrow(refusal);
    expect(() => createPairLoss({ ...options, pairLoss: { type: 'circle' } })).toThrow(refusal);
  });
});

describe('the loader', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const binary = join(root, 'build/Release/circle_cpu.node');
  const folder = mkdtempSync(join(tmpdir(), 'circle-loss-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  cpSync(join(root, 'lib'), join(folder, 'lib'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'broken.node'), 'no binary');
  writeFileSync(
    join(folder, 'call.ts'),
    `import { computeCircleLoss, engines } from './lib/index.ts';
     const [engine] = process.argv.slice(2);
     try {
       if (engine === 'list') {
         console.log(JSON.stringify(engines()[1]));
       } else if (engine === 'list cuda') {
         console.log(JSON.stringify(engines()[0]));
       } else {
         const result = computeCircleLoss(Float32Array.of(1, 0, 0, 1), [0, 1], { dim: 2, engine });
         console.log(JSON.stringify({ engine: result.engine, variant: engines()[1].variant }));
       }
     } catch ({ code, message }) {
       console.log(JSON.stringify({ code, message }));
     }`,
  );

  const unnamed = { CIRCLE_LOSS_CPU_ADDON: '', CIRCLE_LOSS_CPU_VARIANT: '', CIRCLE_LOSS_CUDA_ADDON: '' };

  /** A call from a copy of lib/ in a folder without any binary. */
  function call(
    engine: 'auto' | 'cpu' | 'cuda' | 'list' | 'list cuda',
    env: Record<string, string> = {},
  ): Record<string, string> {
    const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'call.ts', engine], {
      cwd: folder,
      env: { ...process.env, ...unnamed, ...env },
      encoding: 'utf8',
    });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  }

  it('names every place, the reason of each, and the command that helps', () => {
    const { code, message } = call('cpu');
    expect(code).toBe('ERR_CIRCLE_NATIVE_LOAD');
    const lines = message.split('\n');
    expect(lines[1]).toContain('build/Release/circle_cpu.node: no such file');
    expect(lines[2]).toContain(`prebuilds/${process.platform}-${process.arch}/circle_cpu.node: no such file`);
    expect(lines[3]).toContain('lib/circle_cpu.node: no such file');
    expect(lines[4]).toContain('npm run build:native');
    expect(call('list')).toEqual({ name: 'cpu', available: false, reason: message });
  });

  it("names every place of engine 'cuda' too", () => {
    const { code, message } = call('cuda');
    expect(code).toBe('ERR_CIRCLE_CUDA_UNAVAILABLE');
    expect(message.split('\n')).toEqual([
      "engine 'cuda' must be backed by a native binary; received none that loads from",
      expect.stringMatching(/build\/cuda\/Release\/circle_cuda\.node: no such file$/),
      expect.stringMatching(/prebuilds\/.*\/circle_cuda\.node: no such file$/),
      expect.stringMatching(/lib\/circle_cuda\.node: no such file\.$/),
      "Build it with `npx circle-loss build --cuda`, in a clone with `npm run build:cuda`, or use engine 'cpu' or 'auto'.",
    ]);
    expect(call('list cuda')).toEqual({ name: 'cuda', available: false, reason: message });
    const env = { CIRCLE_LOSS_CUDA_ADDON: join(folder, 'broken.node') };
    const named = call('cuda', env);
    expect(named.code).toBe('ERR_CIRCLE_NATIVE_LOAD');
    expect(named.message).toMatch(/^CIRCLE_LOSS_CUDA_ADDON must be the path .*broken\.node: .*, or unset it\.$/s);
    expect(call('list cuda', env)).toEqual({ name: 'cuda', available: false, reason: named.message });
    // No call that is not worth a GPU asks for it.
    expect(call('auto', env)).toEqual({ engine: 'reference' });
  });

  it('a binary that the environment names is the only place, and never passed over', () => {
    const places = join(folder, 'build/Release');
    mkdirSync(places, { recursive: true });
    onTestFinished(() => rmSync(join(folder, 'build'), { recursive: true }));
    if (existsSync(binary)) copyFileSync(binary, join(places, 'circle_cpu.node'));
    for (const [name, reason] of [
      ['broken.node', /broken\.node: (?!no such file).+/],
      ['missing.node', /missing\.node: no such file/],
    ] as const) {
      const env = { CIRCLE_LOSS_CPU_ADDON: join(folder, name) };
      const { code, message } = call('cpu', env);
      expect(code).toBe('ERR_CIRCLE_NATIVE_LOAD');
      expect(message).toMatch(/^CIRCLE_LOSS_CPU_ADDON must be the path of a native binary that loads; received /);
      expect(message).toMatch(reason);
      expect(message).toMatch(/\. Name another, or unset it\.$/);
      expect(call('auto', env)).toEqual({ code, message });
      expect(call('list', env)).toEqual({ name: 'cpu', available: false, reason: message });
    }
  });

  it("without a binary 'auto' uses the reference engine", () => {
    expect(call('auto')).toEqual({ engine: 'reference' });
  });

  it.runIf(cpuEngines.length > 0)('the environment names a binary and an instruction set', () => {
    const variant = cpuEngines.at(-1)!.name.slice('cpu '.length);
    const env = { CIRCLE_LOSS_CPU_ADDON: binary, CIRCLE_LOSS_CPU_VARIANT: variant };
    expect(call('auto', env)).toEqual({ engine: 'cpu', variant });
  });

  it.runIf(cpuEngines.length > 0)('an instruction set that this machine lacks is refused', () => {
    const env = { CIRCLE_LOSS_CPU_ADDON: binary, CIRCLE_LOSS_CPU_VARIANT: 'sse9' };
    const { code, message } = call('auto', env);
    expect(code).toBe('ERR_CIRCLE_INVALID_ARGUMENT');
    expect(message).toMatch(/^CIRCLE_LOSS_CPU_VARIANT must be one of .*; received 'sse9'\.$/);
    const variants = cpuEngines.map(({ name }) => name.slice('cpu '.length));
    expect(call('list', env)).toEqual({ name: 'cpu', available: false, variants, reason: message });
  });
});
