/**
 * Puts the binaries that a published package brings into prebuilds/<platform>-<arch>: circle_cpu.node by node-gyp and
 * circle_cuda.node by cmake-js, without symbols. What is up to date is not built again.
 *
 * CIRCLE_LOSS_PREBUILDS=cpu leaves CUDA out, for machines without its compiler; packing then wants to be told so too.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binaries, isStale } from './stale.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

function run(command, ...args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (status === 0) return;
  console.error(`prebuild: ${command} ${args.join(' ')} failed.`);
  process.exit(1);
}

const folder = join(root, 'prebuilds', `${process.platform}-${process.arch}`);
rmSync(join(root, 'prebuilds'), { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const { script, built, sources } of binaries()) {
  if (isStale([built], sources)) run(process.execPath, script);
  const target = join(folder, built.split('/').at(-1));
  copyFileSync(join(root, built), target);
  run('strip', '--strip-unneeded', target);
  // As old as the build, not as the copy: sources that changed meanwhile are newer.
  const { mtime } = statSync(join(root, built));
  utimesSync(target, mtime, mtime);
  console.log(`${target}: ${statSync(target).size} bytes`);
}
