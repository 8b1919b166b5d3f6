/**
 * Builds what is missing or older than its sources: dist/, and the native engine where this machine can build it.
 * Says nothing, and takes no time to speak of, when there is nothing to do.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cpuBinary, dist, isStale } from './stale.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

function node(what, ...args) {
  console.error(`circle-loss: building ${what}`);
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (status === 0) return process.stderr.write(args.includes('--optional') ? stderr : '');
  process.stderr.write(stdout + stderr);
  console.error(`circle-loss: building ${what} failed (node ${args.join(' ')}).`);
  process.exit(1);
}

if (isStale([cpuBinary.built], cpuBinary.sources)) node('the native engine', cpuBinary.script, '--optional');
if (isStale(dist.outputs, dist.sources)) node('dist', 'node_modules/tsdown/dist/run.mjs', '--logLevel', 'warn');
