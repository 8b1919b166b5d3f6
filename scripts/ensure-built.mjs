/**
 * Builds what is missing or older than its sources: dist/, and the native engine where this machine can build it.
 * Says nothing, and takes no time to speak of, when there is nothing to do.
 */
import { spawnSync } from 'node:child_process';
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

function isStale(outputs, sources) {
  const changed = Math.max(...sources.map(newest));
  return outputs.some((output) => !(timeOf(output) >= changed));
}

function node(what, ...args) {
  console.error(`circle-loss: building ${what}`);
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (status === 0) return process.stderr.write(args.includes('--optional') ? stderr : '');
  process.stderr.write(stdout + stderr);
  console.error(`circle-loss: building ${what} failed (node ${args.join(' ')}).`);
  process.exit(1);
}

if (isStale(['build/Release/circle_cpu.node'], ['native', 'binding.gyp'])) {
  node('the native engine', 'scripts/build-native.mjs', '--optional');
}
const entries = ['index', 'metrics', 'protocols', 'tfjs'].flatMap((entry) =>
  ['mjs', 'cjs', 'd.mts'].map((ending) => `dist/${entry}.${ending}`),
);
const command = ['dist/circle-loss.mjs', 'dist/report.eta'];
if (isStale([...entries, ...command], ['lib', 'tsdown.config.ts'])) {
  node('dist', 'node_modules/tsdown/dist/run.mjs', '--logLevel', 'warn');
}
