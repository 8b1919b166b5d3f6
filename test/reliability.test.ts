/** docs/reliability.md and docs/accuracy.md promise nothing that no test has: each row names tests that exist. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Row {
  promise: string;
  tests: { file: string; name: string }[];
  result: string;
}

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const script: { rowsOf(markdown: string): Row[] } = await import(at('scripts/reliability.mjs'));
const rows = script.rowsOf(readFileSync(at('docs/reliability.md'), 'utf8'));

function expectTests(tests: Row['tests']): void {
  expect(tests, 'no `test/file`: "name" in the second column').not.toEqual([]);
  for (const { file, name } of tests) {
    expect(existsSync(at(file)), `${file} is not there`).toBe(true);
    expect(readFileSync(at(file), 'utf8'), `${file} has no such test`).toContain(name);
  }
}

describe('docs/reliability.md', () => {
  it('has rows', () => {
    expect(rows.length).toBeGreaterThan(20);
  });

  it.each(rows)('$promise', ({ tests, result }) => {
    expectTests(tests);
    expect(result).not.toBe('');
  });
});

/** The rows of the section's table, which has no last results; a file may be followed by several names. */
function determinismRows(): Pick<Row, 'promise' | 'tests'>[] {
  const [, section] = readFileSync(at('docs/accuracy.md'), 'utf8').split('\n## Determinism\n');
  const [, , ...lines] = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.map((line) => {
    const [, promise, cell] = line.split('|').map((text) => text.trim());
    const tests = [...cell.matchAll(/`([^`]+)`: ((?:"[^"]+"(?:, )?)+)/g)].flatMap(([, file, names]) =>
      [...names.matchAll(/"([^"]+)"/g)].map(([, name]) => ({ file, name })),
    );
    return { promise, tests };
  });
}

describe('docs/accuracy.md, determinism', () => {
  const promises = determinismRows();

  it('has rows', () => {
    expect(promises.length).toBeGreaterThan(7);
  });

  it.each(promises)('$promise', ({ tests }) => expectTests(tests));
});
