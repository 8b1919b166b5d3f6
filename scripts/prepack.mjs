/** Runs before `npm pack`: a package without its binaries, or with those of other sources, is not made. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { binaries, isStale } from './stale.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const { status } = spawnSync(process.execPath, ['scripts/ensure-built.mjs'], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
const platform = `${process.platform}-${process.arch}`;
const stale = binaries()
  .map(({ built, sources }) => ({ path: `prebuilds/${platform}/${built.split('/').at(-1)}`, sources }))
  .filter(({ path, sources }) => isStale([path], sources));
if (stale.length > 0) {
  console.error(`prepack: ${stale.map(({ path }) => path).join(' and ')} must be newer than its sources. npm run prebuild makes it.
prepack: where there is no CUDA compiler, CIRCLE_LOSS_PREBUILDS=cpu makes a package without engine 'cuda'.`);
  process.exit(1);
}
