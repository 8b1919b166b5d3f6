/** docs/reliability.md promises nothing that no test has: each row names tests that exist. */
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

describe('docs/reliability.md', () => {
  it('has rows', () => {
    expect(rows.length).toBeGreaterThan(20);
  });

  it.each(rows)('$promise', ({ tests, result }) => {
    expect(tests, 'no `test/file`: "name" in the second column').not.toEqual([]);
    for (const { file, name } of tests) {
      expect(existsSync(at(file)), `${file} is not there`).toBe(true);
      expect(readFileSync(at(file), 'utf8'), `${file} has no such test`).toContain(name);
    }
    expect(result).not.toBe('');
  });
});
