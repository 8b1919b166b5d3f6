/**
 * Builds build/emulator/circle_cuda.node: engine 'cuda' on a GPU that the CPU plays (cuda/README.md), for tests. Needs no
 * CUDA. What the machine lacks is named, and nothing is built then; with CI=true that is a failure.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const require = createRequire(import.meta.url);
const folder = 'build/emulator';

const runs = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;

/** Node's own headers where they came along, or those that cmake-js brings. */
function headers() {
  const own = join(resolve(process.execPath, '../..'), 'include/node');
  const node = existsSync(join(own, 'node_api.h')) ? own : require('node-api-headers').include_dir;
  return [require('node-addon-api').include_dir, node].map((path) => resolve(path)).join(';');
}

function run(command, ...args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status === 0) return;
  console.error('circle-loss: building the emulated CUDA engine failed.');
  process.exit(1);
}

if (!runs('cmake')) {
  console.error('emulator-build: skipped: no cmake.');
  process.exit(process.env.CI === 'true' ? 1 : 0);
}
const generator = runs('ninja') && !existsSync(join(folder, 'CMakeCache.txt')) ? ['-G', 'Ninja'] : [];
const options = ['-DCMAKE_BUILD_TYPE=Release', '-DCIRCLE_EMULATOR=ON', '-DCIRCLE_NATIVE_TESTS=OFF'];
run('cmake', '-S', '.', '-B', folder, ...generator, ...options, `-DCMAKE_JS_INC=${headers()}`);
run('cmake', '--build', folder, '--target', 'circle_cuda_emulated', '--parallel', String(availableParallelism()));
