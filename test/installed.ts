/** The tarball that CIRCLE_LOSS_TARBALL names, installed as a stranger would, and programs that run there. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';

export const tarball = process.env.CIRCLE_LOSS_TARBALL;

export const page = readFileSync(new URL('../docs/installation.md', import.meta.url), 'utf8');

/** What docs/installation.md says, by the names in a pattern. */
export function stated(pattern: RegExp): Record<string, string> {
  const found = page.match(pattern)?.groups;
  if (found === undefined) throw new Error(`docs/installation.md says nothing like ${pattern}`);
  return found;
}

export const npm =
  process.env.npm_execpath ?? join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js');

/** What a child gets of this process's environment: no compiler, no Python, no make on its PATH, and no binary by name. */
function bareEnvironment(folder: string): Record<string, string | undefined> {
  const path = join(folder, 'bin');
  mkdirSync(path, { recursive: true });
  symlinkSync(process.execPath, join(path, 'node'));
  const { CIRCLE_LOSS_CPU_ADDON: _cpu, CIRCLE_LOSS_CUDA_ADDON: _cuda, NODE_OPTIONS: _options, ...env } = process.env;
  return { ...env, PATH: path };
}

export interface Run {
  status: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** A folder with a package.json, in which a package is installed and programs are run. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'circle-loss-installed-'));
  readonly bare = bareEnvironment(this.folder);

  constructor() {
    this.write('package.json', '{ "private": true }\n');
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  install(...packages: string[]): void {
    const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--no-save'];
    const found = this.run(process.execPath, [npm, 'install', ...flags, ...packages]);
    expect(found, found.stderr).toMatchObject({ status: 0 });
  }

  run(command: string, args: readonly string[], env = this.bare): Run {
    const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
      cwd: this.folder,
      env: env as NodeJS.ProcessEnv,
      encoding: 'utf8',
      timeout: 300_000,
    });
    if (error) throw error;
    return { status, signal, stdout, stderr };
  }

  /** What a program says, as JSON, in one line. */
  answer(args: readonly string[], { env = this.bare, node = process.execPath } = {}): unknown {
    const found = this.run(node, args, env);
    expect(found, found.stderr).toMatchObject({ status: 0, signal: null });
    return JSON.parse(found.stdout);
  }
}
