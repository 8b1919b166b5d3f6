/**
 * Runs the tests that docs/reliability.md names and writes what came of each into its column "last result":
 *
 *   npm run reliability
 *
 * A row names its tests as `test/file`: "name", as the source has the name; a name of a describe block means all tests in
 * it. Files *.test.ts run in vitest; those of test/native and test/cuda in each flavour that `npm run test:native` has
 * built here before, brought up to date. A row without such a file, of a fuzzer or a bench, keeps what it says.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = 'docs/reliability.md';
const flavours = ['plain', 'address', 'thread', 'cuda'];

/** The rows of all tables, with their tests and the number of their line. */
export function rowsOf(markdown) {
  return markdown.split('\n').flatMap((line, number) => {
    const cells = line.split('|').map((cell) => cell.trim());
    if (cells.length !== 5 || !line.startsWith('|') || /^(:?-+:?|test)$/.test(cells[2])) return [];
    const tests = [...cells[2].matchAll(/`([^`]+)`: "([^"]+)"/g)].map(([, file, name]) => ({ file, name }));
    return [{ number, promise: cells[1], tests, result: cells[3] }];
  });
}

/** What `it.each` makes of a name: its place holders stand for anything. */
function patternOf(name) {
  const parts = name.split(/%[sdifjoO#]|\$\w+/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}

function inFolder(run) {
  const folder = mkdtempSync(join(tmpdir(), 'circle-loss-reliability-'));
  try {
    return run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Of vitest: each test with its file, the names of the blocks around it and its own, and 'passed', 'failed' or 'skipped'. */
function vitestResults(files) {
  if (files.length === 0) return [];
  return inFolder((folder) => {
    const out = join(folder, 'results.json');
    const args = ['node_modules/vitest/vitest.mjs', 'run', ...files, '--reporter=json', `--outputFile=${out}`];
    spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
    return JSON.parse(readFileSync(out, 'utf8')).testResults.flatMap(({ name: path, assertionResults }) =>
      assertionResults.map(({ ancestorTitles, title, status }) => ({
        file: path.slice(root.length),
        names: [...ancestorTitles, title],
        status: status === 'passed' || status === 'failed' ? status : 'skipped',
      })),
    );
  });
}

/** Of CTest, which knows names and no files. */
function nativeResults() {
  return flavours
    .filter((flavour) => existsSync(join(root, 'build/tests', flavour, 'CTestTestfile.cmake')))
    .flatMap((flavour) =>
      inFolder((folder) => {
        const out = join(folder, 'results.xml');
        const built = spawnSync('cmake', ['--build', `build/tests/${flavour}`], { cwd: root, stdio: 'inherit' });
        if (built.status !== 0) throw new Error(`build/tests/${flavour} must build; it does not.`);
        spawnSync('ctest', ['--test-dir', `build/tests/${flavour}`, '--output-junit', out], {
          cwd: root,
          stdio: 'inherit',
        });
        if (!existsSync(out)) return [];
        return [...readFileSync(out, 'utf8').matchAll(/<testcase name="([^"]*)"[^>]* status="(\w+)"/g)].map(
          (match) => ({
            flavour,
            names: [unescaped(match[1])],
            status: { run: 'passed', fail: 'failed' }[match[2]] ?? 'skipped',
          }),
        );
      }),
    );
}

const entities = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'", '&amp;': '&' };
const unescaped = (text) => text.replaceAll(/&\w+;/g, (entity) => entities[entity] ?? entity);

const isNative = (file) => /^test\/(native|cuda)\//.test(file);
const isVitest = (file) => file.endsWith('.test.ts');

/** The worst of what its tests came to; undefined where none of them runs here. */
function resultOf({ tests }, vitest, native) {
  const found = tests
    .filter(({ file }) => isVitest(file) || isNative(file))
    .map(({ file, name }) => {
      const pattern = patternOf(name);
      const own = isNative(file) ? native : vitest.filter((result) => result.file === file);
      return own.filter(({ names }) => names.some((each) => pattern.test(each)));
    });
  if (found.length === 0) return undefined;
  const all = found.flat();
  const kinds = [...new Set(all.flatMap(({ flavour }) => flavour ?? []))];
  const words = kinds.length > 0 ? `, ${kinds.join(' and ')}` : '';
  if (all.some(({ status }) => status === 'failed')) return `failed${words}`;
  if (found.some((results) => results.every(({ status }) => status === 'skipped'))) return `skipped${words}`;
  return `passed${words}`;
}

function main() {
  const path = join(root, page);
  const markdown = readFileSync(path, 'utf8');
  const rows = rowsOf(markdown);
  const files = [...new Set(rows.flatMap(({ tests }) => tests.map(({ file }) => file)))];
  const vitest = vitestResults(files.filter(isVitest));
  const native = files.some(isNative) ? nativeResults() : [];
  const lines = markdown.split('\n');
  const [major, minor] = process.versions.node.split('.');
  const where = `${new Date().toISOString().slice(0, 10)}, ${process.platform}-${process.arch}, Node ${major}.${minor}`;
  let failed = 0;
  for (const row of rows) {
    const result = resultOf(row, vitest, native);
    if (result === undefined) continue;
    if (result.startsWith('failed')) failed++;
    const [before, promise, tests] = lines[row.number].split('|');
    lines[row.number] = [before, promise, tests, ` ${result}, ${where} `, ''].join('|');
  }
  writeFileSync(path, lines.join('\n'));
  console.log(`${page}: ${rows.length} rows, ${failed} failed.`);
  process.exitCode = failed > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
