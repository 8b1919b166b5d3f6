/** The other commands, help and versions, Ctrl-C, bars, and that the library knows nothing of any of it. */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { engines } from 'circle-loss';
import { describe, expect, it } from 'vitest';
import { command, four, jsonOf, npyBytes, outputOf, put, rawBytes, root, run, temporaryFolder } from './command.ts';

const folder = temporaryFolder();
put(folder, 'four.npy', npyBytes('<f4', [4, 2], four.values));
put(folder, 'four.bin', rawBytes('<f4', four.values));
put(folder, 'names.txt', 'ant\nbee\ncat\ndog\n');

describe('engines', () => {
  it('are those of the library, with reasons', () => {
    expect(jsonOf(folder, 'engines')).toEqual(JSON.parse(JSON.stringify(engines())));
    const text = outputOf(folder, 'engines');
    for (const { name, reason } of engines()) {
      expect(text).toContain(`| ${name}`);
      if (reason) expect(text).toContain(`${name}: ${reason}`);
    }
  });
});

describe('similar', () => {
  const similar = (...args: string[]) => jsonOf(folder, 'similar', ...args).answers;

  it('finds other rows, best first', () => {
    const [first, second] = similar('four.npy', '--rows', '0,3', '-k', '2');
    expect(first).toMatchObject({ query: 0, neighbours: [{ row: 1 }, { row: 3 }] });
    expect(first.neighbours[0].similarity).toBeCloseTo(0.8, 6); // float32: 2⁻²⁴ of each of two products and their sum
    expect(second).toMatchObject({ query: 3, neighbours: [{ row: 1 }, { row: 2 }] });
  });

  it('never finds the row itself, also where others are the same', () => {
    put(folder, 'same.npy', npyBytes('<f4', [4, 2], [1, 0, 1, 0, 1, 0, 0, 1]));
    const [{ neighbours }] = similar('same.npy', '--rows', '2', '-k', '3');
    expect(neighbours.map(({ row }: { row: number }) => row)).toEqual([0, 1, 3]);
  });

  it('finds rows of another file, all of them or some, and then a row may be its own', () => {
    put(folder, 'asking.bin', rawBytes('<f4', [0, 1, 1, 0]));
    const itself = similar('four.bin', '--dim', '2', '--queries', 'four.bin', '-k', '1');
    expect(itself.map(({ neighbours: [{ row }] }: { neighbours: { row: number }[] }) => row)).toEqual([0, 1, 2, 3]);
    const args = ['four.bin', '--dim', '2', '--queries', 'asking.bin', '-k', '1'];
    const all = similar(...args).map(({ neighbours: [{ row }] }: { neighbours: { row: number }[] }) => row);
    expect(all).toEqual([2, 0]);
    expect(similar(...args, '--rows', '1')).toMatchObject([{ query: 1, neighbours: [{ row: 0, similarity: 1 }] }]);
  });

  it('has names, in tables too', () => {
    const [answer] = similar('four.npy', '--rows', '0', '-k', '1', '--names', 'names.txt');
    expect(answer).toMatchObject({ name: 'ant', neighbours: [{ row: 1, name: 'bee' }] });
    const text = outputOf(folder, 'similar', 'four.npy', '--rows', '0', '-k', '1', '--names', 'names.txt');
    expect(text).toMatch(/\| +0 \| +1 \| +1 \| bee +\| +0\.8000 \|/);
  });

  it.each([
    [['four.npy'], 2, 'name the rows that ask'],
    [['four.npy', '--rows', '-1'], 2, 'It must be an integer from 0.'],
    [['four.npy', '--rows', '0', '-k', '0'], 2, 'It must be an integer from 1.'],
    [['four.npy', '--rows', '4', '-k', '1'], 1, '--rows must be rows of four.npy, from 0 to 3; received 4.'],
    [['four.npy', '--rows', '0', '-k', '4'], 1, '-k must be at most 3'],
    [['four.npy', '--rows', '0', '-k', '1', '--names', 'nowhere.txt'], 1, 'ERR_CIRCLE_FILE: nowhere.txt'],
  ])('refuses %j with exit code %d', (args, status, said) => {
    const found = run(folder, 'similar', ...args);
    expect(found.status).toBe(status);
    expect(found.stderr).toContain(said);
  });
});

it('bench times what works here: steps, spread, pairs and operations', () => {
  const { timings, machine } = jsonOf(folder, 'bench', '--engine', 'reference');
  expect(machine).toContain('Node');
  expect(timings).toHaveLength(1);
  const [{ engine, rows, dim, steps, medianMs, pairsPerSecond, gflopPerSecond }] = timings;
  expect(engine).toBe('reference');
  expect(steps).toBeGreaterThanOrEqual(3);
  expect(pairsPerSecond).toBeCloseTo((1000 * rows ** 2) / medianMs, 3);
  expect(gflopPerSecond).toBeCloseTo((1e-6 * 4 * rows ** 2 * dim) / medianMs, 6);
  expect(run(folder, 'bench', '--engine', 'reference', '--threads', '1').status).toBe(2);
});

describe('help', () => {
  it.each([
    [['--help']],
    [['engines', '--help']],
    [['evaluate', '--help']],
    [['similar', '--help']],
    [['bench', '--help']],
  ])('%j says exit codes, and of a command examples', (args) => {
    const text = outputOf(folder, ...args);
    expect(text).toContain('Exit codes:');
    if (args.length > 1) expect(text).toContain(`$ circle-loss ${args[0]}`);
  });

  it('is what somebody gets who says nothing, or something unknown, with exit code 2', () => {
    expect(run(folder)).toMatchObject({ status: 2, stdout: '' });
    expect(run(folder).stderr).toContain('Usage: circle-loss');
    expect(run(folder, 'judge')).toMatchObject({ status: 2, stdout: '' });
  });

  it('has the version of the package', () => {
    const { version, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(outputOf(folder, '--version')).toBe(`${version}\n`);
    expect(join(root, bin['circle-loss'])).toBe(command);
    expect(readFileSync(command, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(statSync(command).mode & 0o111).not.toBe(0);
  });
});

/** What docs/cli.md shows is what the command says. */
describe('the examples of the documentation', () => {
  const text = readFileSync(join(root, 'docs', 'cli.md'), 'utf8');
  const [, rows] = text.match(/`insects\.csv`.*?```csv\n(.*?)```/s)!;
  const examples = [...text.matchAll(/```console\n(.*?)```/gs)].flatMap(([, block]) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((example) => example.trimEnd()),
  );
  put(folder, 'insects.csv', rows);

  it('are some', () => expect(examples.length).toBeGreaterThanOrEqual(6));

  it.each(examples.map((example) => [example.split('\n')[0], example]))('%s', (line, example) => {
    const { stdout, stderr } = run(folder, ...line.split(' ').slice(1));
    expect(`${line}\n${stdout}${stderr}`.trimEnd()).toBe(example);
  });
});

describe('Ctrl-C', () => {
  it('ends the computation at once, and leaves no file', async () => {
    const rows = 20_000; // on the reference engine minutes
    put(folder, 'large.bin', new Uint8Array(new Float32Array(rows * 8).fill(1).buffer));
    put(folder, 'large.txt', Array.from({ length: rows }, (_, row) => row % 9).join('\n'));
    const args = ['large.bin', '--dim', '8', '--labels', 'large.txt', '--engine', 'reference', '--html', 'never.html'];
    const before = readdirSync(folder);
    const child = spawn(process.execPath, [command, 'evaluate', ...args], { cwd: folder, stdio: 'ignore' });
    setTimeout(() => child.kill('SIGINT'), 1500);
    const start = performance.now();
    const ended = await new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
    // The signal itself: a shell says 130.
    expect(ended).toEqual({ code: null, signal: 'SIGINT' });
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(readdirSync(folder)).toEqual(before);
  });

  it('while a file is written waits until it is whole, then ends with 130', async () => {
    const length = 400_000_000;
    const program = `import { writeNewFile } from '${join(root, 'lib/cli/new-file.ts')}';
      import { writeSync } from 'node:fs';
      const text = 'x'.repeat(${length});
      writeSync(1, 'now');
      await writeNewFile('whole.txt', text);
      console.log('not reached');`;
    const child = spawn(
      process.execPath,
      ['--import', join(root, 'node_modules/tsx/dist/loader.mjs'), '--input-type=module', '-e', program],
      { cwd: folder },
    );
    let said = '';
    child.stdout.on('data', (data) => {
      said += data;
      // The call follows upon the word at once, and writes for longer than this.
      setTimeout(() => child.kill('SIGINT'), 30);
    });
    const ended = await new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
    expect({ ended, said }).toEqual({ ended: { code: 130, signal: null }, said: 'now' });
    expect(readdirSync(folder).filter((name) => name.includes('.tmp'))).toEqual([]);
    expect(statSync(join(folder, 'whole.txt')).size).toBe(length);
  });
});

it('a reader that has seen enough is no error', () => {
  const line = `set -o pipefail; "${process.execPath}" "${command}" engines | true`;
  const { status, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

describe('bars', () => {
  const args = ['similar', 'four.npy', '--rows', '0', '-k', '1'];

  it('stay away where stderr is no terminal', () => {
    expect(run(folder, ...args).stderr).toBe('');
  });

  it.skipIf(spawnSync('script', ['--version']).status !== 0)('are there where it is one (needs script)', () => {
    const line = [process.execPath, command, ...args].map((word) => `'${word}'`).join(' ');
    const { status, stdout } = spawnSync('script', ['-qec', line, '/dev/null'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(status).toBe(0);
    expect(stdout).toContain('reading four.npy');
    expect(stdout).toContain('comparing 1 rows with 4');
    expect(stdout).not.toContain('\x1b[?7l'); // lines stay wrapped
  });

  it.skipIf(spawnSync('script', ['--version']).status !== 0)('end before an error is said (needs script)', () => {
    const line = [process.execPath, command, ...args, '--queries', 'bad.csv'].map((word) => `'${word}'`).join(' ');
    put(folder, 'bad.csv', '1,2\n3,x\n');
    const { status, stdout } = spawnSync('script', ['-qec', line, '/dev/null'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(status).toBe(1);
    expect(stdout.slice(stdout.lastIndexOf('\x1b'))).toContain('ERR_CIRCLE_FILE');
  });
});

describe("the library's own modules", () => {
  /** All that a built file imports, and its imports in turn: packages by name. */
  function packagesOf(file: string, seen = new Set<string>()): Set<string> {
    const packages = new Set<string>();
    if (seen.has(file)) return packages;
    seen.add(file);
    const text = readFileSync(join(root, 'dist', file), 'utf8');
    for (const [, name] of text.matchAll(/(?:from |import |import\(|require\()["']([^"']+)["']/g)) {
      if (!name.startsWith('.')) packages.add(name);
      else if (!name.endsWith('.node')) for (const inner of packagesOf(name.slice(2), seen)) packages.add(inner);
    }
    return packages;
  }

  const ofCommand = [
    'commander',
    'cli-progress',
    'markdown-table',
    'npyjs',
    'eta',
    'echarts/core',
    'simple-statistics',
  ];

  it('are apart from those of the command', () => {
    expect([...packagesOf('circle-loss.mjs')]).toEqual(expect.arrayContaining([...ofCommand, 'zod']));
    for (const file of [
      'index.mjs',
      'index.cjs',
      'metrics.mjs',
      'metrics.cjs',
      'protocols.mjs',
      'protocols.cjs',
      'tfjs.mjs',
      'tfjs.cjs',
    ]) {
      const packages = packagesOf(file);
      expect(packages.size, file).toBeGreaterThan(0);
      expect(
        ofCommand.filter((name) => packages.has(name)),
        file,
      ).toEqual([]);
    }
  });
});
