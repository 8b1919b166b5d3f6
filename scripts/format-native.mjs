/** Formats C++ and CUDA sources with clang-format; with --check only says which are not formatted. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

function sourcesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(h|cpp|cu|cuh)$/.test(path))
    .map((path) => join(folder, path));
}

if (spawnSync('clang-format', ['--version'], { stdio: 'ignore' }).status !== 0) {
  console.error('format-native: clang-format is not installed; C++ sources were not looked at.');
  process.exit(process.env.CI === 'true' ? 1 : 0);
}

const mode = process.argv.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];
const sources = ['native', 'cuda', 'test/native', 'test/cuda', 'test/emulator', 'test/fuzz', 'test/programs'].flatMap(
  sourcesIn,
);
const { status } = spawnSync('clang-format', [...mode, ...sources], { stdio: 'inherit' });
process.exit(status ?? 1);
