/** Commands in the documentation name scripts, files and options that exist; the quick one of them runs. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksOf, pages, root } from './docs/blocks.ts';
import { commandsOf, problemOf } from './docs/commands.ts';

const commands = pages.flatMap((page) => commandsOf(page).map((command) => ({ page, command })));

describe('commands in the documentation', () => {
  it('are many', () => expect(commands.length).toBeGreaterThan(60));

  it('name what there is', () => {
    expect(
      commands.flatMap(({ page, command }) => problemOf(command)?.replace(/^/, `${page}: ${command}: `) ?? []),
    ).toEqual([]);
  });

  it.each([
    ['npm run demos', 'no script demos'],
    ['npm run --workspace bench nothing', 'no script nothing'],
    ['npm run bench -- --fast', 'takes --fast'],
    ['npm run build:cuda -- --CDCIRCLE_NOTHING=ON', 'no CIRCLE_NOTHING'],
    ['cmake -S . -B build/x -DCIRCLE_NOTHING=ON', 'no CIRCLE_NOTHING'],
    ['npx circle-loss judge x', 'no command judge'],
    ['circle-loss evaluate x --label y', 'no option --label'],
    ['node scripts/nothing.mjs', 'no file'],
    ['CIRCLE_LOSS_NOTHING=1 npm test', 'read nowhere'],
    ['make', 'nobody knows make'],
  ])('would be found wrong: %s', (command, problem) => {
    expect(problemOf(command)).toContain(problem);
  });

  it('run where that is quick', () => {
    // What npx would run. It takes seconds itself, and in a clone npm has linked nothing: dist was not built yet.
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const args = [join(root, bin['circle-loss']), 'engines'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    expect(stdout).toContain('reference');
  });

  it('and all other code are in languages that are looked at, or are no code', () => {
    const languages = new Set(pages.flatMap((page) => blocksOf(page).map(({ language }) => language)));
    // C++ is an excerpt; CSV and the command's answers belong to test/cli.test.ts; '' is a tree or what a program prints.
    const seen = ['js', 'ts', 'diff', 'given', 'sh', 'console', 'csv', 'cpp', 'math', ''];
    expect([...languages].filter((language) => !seen.includes(language))).toEqual([]);
  });
});
