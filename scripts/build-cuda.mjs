/**
 * Builds build/cuda/Release/circle_cuda.node with cmake-js: engine 'cuda'. Needs CMake, a C++ compiler and the CUDA toolkit,
 * but no GPU. Arguments go to cmake-js: `npm run build:cuda -- --CDCMAKE_CUDA_ARCHITECTURES=90-real` builds for one GPU only.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const runs = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;

function findCmakeJs() {
  try {
    return createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js');
  } catch {
    return undefined;
  }
}

/** Why a build need not be tried, or undefined. */
function obstacle() {
  if (!findCmakeJs()) return 'cmake-js is not installed: npm install --save-dev cmake-js@8';
  if (!runs('cmake')) return 'CMake (3.24 or later) cannot be found';
  const compiler = process.env.CUDACXX || 'nvcc';
  if (runs(compiler)) return undefined;
  return `${compiler} cannot be found. It comes with the CUDA toolkit (13.0 or later); put its bin folder into PATH, or its path into CUDACXX`;
}

function fail(reason) {
  console.error(`circle-loss: the CUDA engine was not built: ${reason}.`);
  process.exit(1);
}

const reason = obstacle();
if (reason) fail(reason);
const options = ['--out', 'build/cuda', '--CDCIRCLE_CUDA=ON', '--CDCIRCLE_NATIVE_TESTS=OFF', ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, [findCmakeJs(), 'compile', ...options], { stdio: 'inherit' });
if (status !== 0) fail('the build failed');
