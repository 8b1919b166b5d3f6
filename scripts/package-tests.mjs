/**
 * Packs as for publishing, and tries the tarball: publint, Are the Types Wrong, the API reports and test/package*.test.ts.
 * CIRCLE_LOSS_PREBUILDS=cpu does it without engine 'cuda', where there is no CUDA compiler.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'circle-loss-package-'));

function run(command, ...args) {
  const env = { ...process.env, CIRCLE_LOSS_TARBALL: tarball() };
  return spawnSync(command, args, { cwd: root, env, stdio: 'inherit' }).status === 0;
}

function tarball() {
  const [name] = readdirSync(folder);
  return name && join(folder, name);
}

const passed =
  run('npm', 'run', 'prebuild') &&
  run('npm', 'pack', '--silent', '--pack-destination', folder) &&
  run('npx', 'publint', 'run', '--strict', tarball()) &&
  run('npx', 'attw', '--no-definitely-typed', tarball()) &&
  run(process.execPath, 'scripts/api-report.mjs', '--check') &&
  run('npx', 'vitest', 'run', 'test/package.test.ts', 'test/package-contents.test.ts');
rmSync(folder, { recursive: true });
process.exit(passed ? 0 : 1);
