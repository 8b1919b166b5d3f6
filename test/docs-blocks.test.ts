/** TypeScript in the documentation compiles against the built package, runs, and prints what it says. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pages, root } from './docs/blocks.ts';
import { modulesOf } from './docs/modules.ts';
import type { Outcome } from './docs/run-modules.ts';

/** Below the package, so that `circle-loss` means its dist; above everything that tests and tools of it look at. */
const folder = join(root, 'build', 'docs-blocks');
const modules = pages.flatMap(modulesOf);

/** A user's project: strict, with ES modules, and no options of ours. */
const project = {
  compilerOptions: {
    target: 'es2022',
    lib: ['es2023'],
    module: 'nodenext',
    types: ['node'],
    strict: true,
    skipLibCheck: true, // TensorFlow.js's own do not pass; ours have a test of the package
    noEmit: true,
  },
  include: ['checked/*.ts'],
};

rmSync(folder, { recursive: true, force: true });
for (const part of ['checked', 'run', 'work']) mkdirSync(join(folder, part), { recursive: true });
writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project));
for (const { name, checked, run } of modules) {
  writeFileSync(join(folder, 'checked', name), checked);
  writeFileSync(join(folder, 'run', name), run);
}

function node(cwd: string, ...args: string[]) {
  return spawnSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 120_000, maxBuffer: 2 ** 26 });
}

describe('TypeScript in the documentation', () => {
  it('is there', () => {
    expect(new Set(modules.map(({ page }) => page)).size).toBeGreaterThanOrEqual(9);
  });

  it('runs but for a few blocks, which say why', () => {
    expect(modules.flatMap(({ page, reasons }) => reasons.map((reason) => `${page}: ${reason}`))).toEqual([
      'docs/protocols.md: reads Market-1501, which is not ours to hand on',
      'docs/swap-it-in.md: reads a saved model, with @tensorflow/tfjs-node',
    ]);
  });

  it('compiles', { timeout: 120_000 }, () => {
    const { stdout, stderr } = node(root, 'node_modules/typescript/bin/tsc', '-p', folder);
    expect(stdout + stderr).toBe('');
  });

  it('runs, and prints numbers that are finite, and what it says', { timeout: 120_000 }, () => {
    const files = modules.map(({ name }) => join(folder, 'run', name));
    const loader = ['--import', join(root, 'node_modules/tsx/dist/esm/index.mjs')];
    const { stdout, stderr } = node(join(folder, 'work'), ...loader, join(root, 'test/docs/run-modules.ts'), ...files);
    expect(stdout, stderr).not.toBe('');
    const outcomes: Outcome[] = JSON.parse(stdout);
    const wrong = modules.flatMap(({ name, prints }, i) =>
      problemsOf(outcomes[i], prints).map((it) => `${name}: ${it}`),
    );
    expect(wrong).toEqual([]);
  });
});

function problemsOf({ lines, notFinite, error }: Outcome, prints: readonly string[]): string[] {
  const problems = notFinite.map((line) => `prints ${line}`);
  let at = -1;
  for (const printed of prints) {
    at = lines.indexOf(printed, at + 1);
    if (at < 0) {
      problems.push(`must print ${printed}; printed ${lines.join(' | ')}`);
      break;
    }
  }
  return error ? [...problems, error] : problems;
}
