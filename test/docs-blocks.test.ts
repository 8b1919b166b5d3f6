/** JavaScript and TypeScript in the documentation compile against the built package, run, and print what they say. */
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
    allowJs: true,
    checkJs: true,
    skipLibCheck: true, // TensorFlow.js's own do not pass; ours have a test of the package
    noEmit: true,
  },
  include: ['checked/*'],
};

/** "… implicitly has an 'any' type", in JavaScript: there parameters have no types. */
const untyped = /^.*\.mjs\(\d+,\d+\): error TS70(?:06|31): .*\n/gm;

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

describe('code in the documentation', () => {
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
    expect((stdout + stderr).replace(untyped, '')).toBe('');
  });

  it('runs, and prints numbers that are finite, and what it says', { timeout: 120_000 }, () => {
    const outcomes = new Map([...outcomesOfTypeScript(), ...outcomesOfJavaScript()]);
    const wrong = modules.flatMap(({ name, prints }) =>
      problemsOf(outcomes.get(name)!, prints).map((it) => `${name}: ${it}`),
    );
    expect(outcomes.size).toBe(modules.length);
    expect(wrong).toEqual([]);
  });
});

const namesOf = (ending: string) => modules.map(({ name }) => name).filter((name) => name.endsWith(ending));

/** All in one process: tsx takes a second to begin. */
function outcomesOfTypeScript(): [string, Outcome][] {
  const names = namesOf('.ts');
  const files = names.map((name) => join(folder, 'run', name));
  const loader = ['--import', join(root, 'node_modules/tsx/dist/esm/index.mjs')];
  const { stdout, stderr } = node(join(folder, 'work'), ...loader, join(root, 'test/docs/run-modules.ts'), ...files);
  expect(stdout, stderr).not.toBe('');
  const outcomes: Outcome[] = JSON.parse(stdout);
  return names.map((name, i) => [name, outcomes[i]]);
}

/** Each as a reader runs it. tsx would make what is no JavaScript of this Node, such as `using`, run as well. */
function outcomesOfJavaScript(): [string, Outcome][] {
  return namesOf('.mjs').map((name) => {
    const { status, stdout, stderr } = node(join(folder, 'work'), join(folder, 'run', name));
    const lines = stdout.trimEnd().split('\n');
    const notFinite = lines.filter((line) => /\b(?:NaN|Infinity)\b/.test(line));
    return [name, { lines, notFinite, error: status === 0 ? undefined : stderr }];
  });
}

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
