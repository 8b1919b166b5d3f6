/** What `npm pack` makes: nothing for developers, no dead links, and the sizes and systems that docs/installation.md names. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { marked } from 'marked';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project, page, stated, tarball } from './installed.ts';

const isHere = process.platform === 'linux' && process.arch === 'x64';
const project = tarball ? new Project() : undefined!;
afterAll(() => project && rmSync(project.folder, { recursive: true }), 120_000);

/** To a tenth, as the page promises. */
function expectSize(part: string, bytes: number, megabytes: string): void {
  expect(Math.abs(bytes / 1e6 / Number(megabytes) - 1), `${part} has ${bytes / 1e6} MB`).toBeLessThan(0.1);
}

describe.skipIf(!tarball || !isHere)('what is in the package (needs CIRCLE_LOSS_TARBALL, 64-bit x86 Linux)', () => {
  const installed = () => join(project.folder, 'node_modules/circle-loss');
  const prebuilds = () => join(installed(), 'prebuilds/linux-x64');
  const hasCuda = () => existsSync(join(prebuilds(), 'circle_cuda.node'));

  beforeAll(() => project.install(tarball!), 120_000);

  it('no script that npm would run, and nothing that is for developers', () => {
    const manifest = JSON.parse(readFileSync(join(installed(), 'package.json'), 'utf8'));
    expect(Object.keys(manifest)).not.toEqual(expect.arrayContaining(['scripts']));
    for (const field of ['scripts', 'devDependencies', 'workspaces']) expect(manifest).not.toHaveProperty(field);
    expect(existsSync(join(installed(), 'binding.gyp'))).toBe(false);
    const kept = [
      'ARCHITECTURE.md',
      'CHANGELOG.md',
      'CMakeLists.txt',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'bench',
      'cuda',
      'dist',
      'docs',
      'examples',
      'native',
    ];
    expect(readdirSync(installed()).sort()).toEqual([...kept, 'package.json', 'prebuilds', 'scripts']);
    expect(readdirSync(join(installed(), 'scripts')).sort()).toEqual(['build-cuda.mjs', 'build-native.mjs']);
    // Of these two what pages link to.
    expect(readdirSync(join(installed(), 'bench')).sort()).toEqual(['README.md', 'RESULTS.md', 'RESULTS.svg']);
    expect(readdirSync(join(installed(), 'examples'))).toEqual(['README.md']);
  });

  it('no page with a link to what is not in it', () => {
    const pages = readdirSync(installed(), { recursive: true, encoding: 'utf8' }).filter((path) =>
      /\.(md|html)$/.test(path),
    );
    expect(pages.length).toBeGreaterThan(30);
    const links = pages.flatMap((path) => linksOf(join(installed(), path)).map((link) => ({ path, link })));
    expect(links.length).toBeGreaterThan(150);
    const dead = links.filter(({ path, link }) => !existsSync(join(installed(), path, '..', link.split('#')[0])));
    expect(dead.map(({ path, link }) => `${path}: ${link}`)).toEqual([]);
  });

  it('is as large as docs/installation.md says, to a tenth', () => {
    const rows = [...page.matchAll(/^\| (`.+?) \| ([\d.]+) MB \|$/gm)];
    const parts = new Map(rows.map(([, part, megabytes]) => [part, megabytes]));
    const named = [...parts.keys()].flatMap((part) => [...part.matchAll(/`(.+?)`/g)].map(([, name]) => name));
    expect(named.sort()).toEqual([
      'bench',
      'circle-loss.tgz',
      'cuda',
      'dist',
      'docs',
      'examples',
      'native',
      'prebuilds/linux-x64/circle_cpu.node',
      'prebuilds/linux-x64/circle_cuda.node',
    ]);
    for (const [part, megabytes] of parts) {
      const names = [...part.matchAll(/`(.+?)`/g)].map(([, name]) => name);
      if (!hasCuda() && /tgz|circle_cuda/.test(part)) continue; // of the package with both engines
      const sizes = names.map((name) =>
        name === 'circle-loss.tgz' ? sizeOf(tarball!) : sizeOf(join(installed(), name)),
      );
      expectSize(
        part,
        sizes.reduce((sum, size) => sum + size),
        megabytes,
      );
    }
  });

  it('comes with as many packages as docs/installation.md says, and as large ones', () => {
    const { packages, megabytes, zod } = stated(
      /^(?<packages>\d+) packages come with it, (?<megabytes>[\d.]+) MB, of which zod has (?<zod>[\d.]+)\./m,
    );
    const modules = join(project.folder, 'node_modules');
    const lock = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8'));
    const others = Object.keys(lock.packages).filter((path) => path !== 'node_modules/circle-loss');
    expect(others).toHaveLength(Number(packages));
    const sizes = others.map((path) => sizeOf(join(project.folder, path)));
    expectSize(
      'all others',
      sizes.reduce((sum, size) => sum + size),
      megabytes,
    );
    expectSize('zod', sizeOf(join(modules, 'zod')), zod);
  });

  it.each([
    ['circle_cpu.node', /\| Linux x64, glibc ≥ (?<GLIBC>[\d.]+) and/],
    ['circle_cuda.node', /`cuda` where .*, glibc ≥ (?<GLIBC>[\d.]+) \(/],
  ])('%s needs no newer system than docs/installation.md says', (name, system) => {
    const binary = join(prebuilds(), name);
    const floors = { ...stated(system), ...stated(/`GLIBCXX_(?<GLIBCXX>[\d.]+)` and `CXXABI_(?<CXXABI>[\d.]+)`/) };
    if (!existsSync(binary)) return; // packed without CUDA, as the test of its size knows
    const { stdout } = project.run('objdump', ['-T', binary], process.env);
    for (const [library, floor] of Object.entries(floors)) {
      const versions = [...stdout.matchAll(new RegExp(`\\(${library}_([\\d.]+)\\)`, 'g'))].map(
        ([, version]) => version,
      );
      expect(versions).not.toEqual([]);
      const numbers = (version: string) => version.split('.').map(Number);
      const newest = versions.sort((a, b) => compare(numbers(a), numbers(b))).at(-1)!;
      expect(compare(numbers(newest), numbers(floor)), `${library} ${newest}`).toBeLessThanOrEqual(0);
    }
  });
});

/** Of a page's links and pictures, those that lead to files. */
function linksOf(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  const links: string[] = [];
  const read = (html: string) => links.push(...[...html.matchAll(/\b(?:href|src)="([^"]*)"/g)].map(([, link]) => link));
  if (path.endsWith('.html')) read(text);
  else {
    marked.walkTokens(marked.lexer(text), (token) => {
      if (token.type === 'link' || token.type === 'image') links.push(token.href);
      if (token.type === 'html') read(token.raw);
    });
  }
  return links.filter((link) => !/^(?:[a-z]+:|#|$)/.test(link));
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((number, i) => number !== b[i]);
  return at < 0 ? a.length - b.length : a[at] - (b[at] ?? 0);
}

function sizeOf(path: string): number {
  if (statSync(path).isFile()) return readFileSync(path).length;
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((file) => file.isFile())
    .reduce((sum, file) => sum + readFileSync(join(file.parentPath, file.name)).length, 0);
}
