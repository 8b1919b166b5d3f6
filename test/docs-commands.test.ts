/** Commands in the documentation name scripts, files and options that exist; those of `circle-loss` run, on files as they name them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { four, npyBytes, outputOf, put, temporaryFolder } from './command.ts';
import { blocksOf, pages } from './docs/blocks.ts';
import { commandsOf, problemOf } from './docs/commands.ts';

const commands = pages.flatMap((page) => commandsOf(page).map((command) => ({ page, command })));

const folder = temporaryFolder();
const rows = npyBytes('<f4', [4, 2], four.values);
const market = ['query/0001_c1s1_000001_00.jpg', 'query/0002_c2s1_000001_00.jpg'].concat(
  ['0001_c2s1_000001_01', '0002_c1s1_000001_01'].map((name) => `bounding_box_test/${name}.jpg`),
);
put(folder, 'faces.npy', rows);
put(folder, 'faces.txt', four.labels.join('\n'));
put(folder, 'market.npy', rows);
put(folder, 'market.txt', market.join('\n'));
for (const image of [...market, 'bounding_box_train/0007_c2s3_070952_01.jpg']) {
  put(folder, join('Market-1501-v15.09.15', image), '');
}

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

  // Those of insects.csv, test/cli.test.ts compares with what they print; `bench` and `build` it and the package's tests run.
  const quick = commands
    .map(({ command }) => command.replace(/^npx /, ''))
    .filter((command) => /^circle-loss (?:engines|evaluate|similar)\b(?!.*(?:<|insects\.csv))/.test(command));

  it.each([...new Set(quick)])('runs: %s', (line) => {
    expect(outputOf(folder, ...line.split(' ').slice(1))).toMatch(line.includes('engines') ? /reference/ : /^\| \S/);
    const [, report] = /--html (\S+)/.exec(line) ?? [];
    if (report) expect(readFileSync(join(folder, report), 'utf8')).toContain('</html>');
  });

  it('of which some run here', () => expect(new Set(quick).size).toBeGreaterThanOrEqual(3));

  it('and all other code are in languages that are looked at, or are no code', () => {
    const languages = new Set(pages.flatMap((page) => blocksOf(page).map(({ language }) => language)));
    // C++ is an excerpt; CSV and the command's answers belong to test/cli.test.ts; '' is a tree or what a program prints.
    const seen = ['js', 'ts', 'diff', 'given', 'sh', 'console', 'csv', 'cpp', 'math', ''];
    expect([...languages].filter((language) => !seen.includes(language))).toEqual([]);
  });
});
