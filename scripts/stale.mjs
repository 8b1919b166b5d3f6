/** Which files are older than what they are made from. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const timeOf = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs;

/** The time of the last change of a file, or of anything in a folder. */
function newest(path) {
  const stat = statSync(join(root, path), { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0;
  return Math.max(stat.mtimeMs, ...readdirSync(join(root, path)).map((name) => newest(join(path, name))));
}

/** Paths from the root: whether an output is missing or older than a source, or than anything in a folder of sources. */
export function isStale(outputs, sources) {
  const changed = Math.max(...sources.map(newest));
  return outputs.some((output) => !(timeOf(output) >= changed));
}

export const cpuBinary = {
  script: 'scripts/build-native.mjs',
  built: 'build/Release/circle_cpu.node',
  sources: ['native', 'binding.gyp'],
};
export const cudaBinary = {
  script: 'scripts/build-cuda.mjs',
  built: 'build/cuda/Release/circle_cuda.node',
  sources: ['native', 'cuda', 'CMakeLists.txt'],
};

/** The binaries that a package brings: both, or what CIRCLE_LOSS_PREBUILDS=cpu leaves. */
export function binaries() {
  return process.env.CIRCLE_LOSS_PREBUILDS === 'cpu' ? [cpuBinary] : [cpuBinary, cudaBinary];
}

const entries = ['index', 'metrics', 'protocols', 'tfjs'].flatMap((entry) =>
  ['mjs', 'cjs', 'd.mts'].map((ending) => `dist/${entry}.${ending}`),
);

export const dist = {
  outputs: [...entries, 'dist/circle-loss.mjs', 'dist/report.eta'],
  sources: ['lib', 'tsdown.config.ts'],
};
