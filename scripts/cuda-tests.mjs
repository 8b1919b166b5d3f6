/** Runs the tests of engine 'cuda' on a real GPU: all that name it, with the addon of `npm run build:cuda`. Skipped by name elsewhere. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tsImport } from 'tsx/esm/api';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const { engines } = await tsImport('../lib/index.ts', import.meta.url);
const [cuda] = engines();
if (!cuda.available) {
  console.log(`test:cuda is skipped: ${cuda.reason}`);
} else {
  console.log(cuda.devices);
  // The addon that was found, not the emulated one that tests take where there is no other.
  const env = {
    ...process.env,
    CIRCLE_LOSS_CUDA_ADDON: resolve(process.env.CIRCLE_LOSS_CUDA_ADDON || 'build/cuda/Release/circle_cuda.node'),
  };
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--testNamePattern', 'cuda|CUDA', ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit', env }).status ?? 1;
}
