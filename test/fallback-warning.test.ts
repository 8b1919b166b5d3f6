/** What `'auto'` says where no native binary loads: to a process once, and only to who left the choice to it. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from './command.ts';

/** The built package without any binary. */
const folder = mkdtempSync(join(tmpdir(), 'circle-loss-warning-'));
afterAll(() => rmSync(folder, { recursive: true }));
cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));

const batch = '[Float32Array.of(1, 0, 0, 1), [0, 1]]';
writeFileSync(
  join(folder, 'worker.mjs'),
  `import { computeCircleLoss } from './dist/index.mjs';
   computeCircleLoss(...${batch}, { dim: 2 });`,
);

/** What a program says on stderr, and what it heard of warnings. */
function run(text: string, ...flags: string[]) {
  const program = `
    import { createRequire } from 'node:module';
    import { Worker } from 'node:worker_threads';
    import { computeCircleLoss, computeSimilarity, createPairLoss, engines } from './dist/index.mjs';
    const batch = ${batch};
    const heard = [];
    process.on('warning', ({ name, code, message, detail }) => heard.push({ name, code, message, detail }));
    ${text}
    setImmediate(() => console.log(JSON.stringify(heard)));`;
  writeFileSync(join(folder, 'program.mjs'), program);
  const { CIRCLE_LOSS_CPU_ADDON: _cpu, NODE_OPTIONS: _options, ...env } = process.env;
  const found = spawnSync(process.execPath, [...flags, 'program.mjs'], { cwd: folder, env, encoding: 'utf8' });
  expect(found.status, found.stderr).toBe(0);
  return { heard: JSON.parse(found.stdout), stderr: found.stderr };
}

const timesIn = (stderr: string) => stderr.match(/\[CIRCLE_LOSS_REFERENCE\] CircleLossWarning/g)?.length ?? 0;
const onAuto = 'computeCircleLoss(...batch, { dim: 2 });';
const silent = { heard: [], stderr: '' };

describe.skipIf(process.platform === 'win32')('the warning that there is no native engine', () => {
  it('comes once, with each place’s reason and what helps', () => {
    const { heard, stderr } = run(`${onAuto} computeSimilarity(batch[0], { dim: 2 });
      createPairLoss({ dim: 2, pairLoss: { type: 'circle' } }).dispose(); ${onAuto}
      createRequire(import.meta.url)('./dist/index.cjs').${onAuto}`);
    expect(heard).toEqual([
      {
        name: 'CircleLossWarning',
        code: 'CIRCLE_LOSS_REFERENCE',
        message: "engine 'auto' goes on with 'reference', which is some hundred to a thousand times as slow as 'cpu'.",
        detail: expect.stringMatching(
          /^engine 'cpu' must .*\/circle_cpu\.node: no such file\.\nBuild it with `npx circle-loss build`, .*$/s,
        ),
      },
    ]);
    expect(timesIn(stderr)).toBe(1);
    expect(stderr).toContain(heard[0].detail);
    expect(readFileSync(join(root, 'docs/installation.md'), 'utf8')).toContain(
      `[CIRCLE_LOSS_REFERENCE] CircleLossWarning: ${heard[0].message}`,
    );
  });

  it('is not repeated by workers that start after it', () => {
    const workers = `for (let i = 0; i < 2; i++) {
      const worker = new Worker('./worker.mjs');
      await new Promise((resolve, reject) => worker.on('error', reject).on('exit', resolve));
    }`;
    expect(timesIn(run(`${onAuto} ${workers}`).stderr)).toBe(1);
    // Each, where nobody said it before them.
    expect(timesIn(run(workers).stderr)).toBe(2);
  });

  it('does not come to who named an engine, or asked which there are', () => {
    const cpu = "try { computeCircleLoss(...batch, { dim: 2, engine: 'cpu' }); } catch {}";
    const reference = "computeCircleLoss(...batch, { dim: 2, engine: 'reference' });";
    expect(run(`${reference} ${cpu} engines();`)).toEqual(silent);
  });

  it('can be turned off, and is left out where a process cannot warn', () => {
    expect(run(onAuto, '--disable-warning=CIRCLE_LOSS_REFERENCE').stderr).toBe('');
    expect(run(`process.emitWarning = undefined; ${onAuto}`)).toEqual(silent);
  });
});
