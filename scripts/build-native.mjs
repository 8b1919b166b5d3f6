/**
 * Builds build/Release/circle_cpu.node with node-gyp, in a clone and in an installed package (`circle-loss build`).
 *
 * In a package it builds in a copy of the sources and renames the binary into its place: whenever it is killed, what is left
 * is nothing that npm would compile and no half of a binary, and the next build takes it away.
 *
 * --optional  (the install script) Where it cannot be built, one paragraph says why and what happens without it, and the
 *             installation goes on. Without the flag that is a failure, and node-gyp's own output is shown.
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const isOptional = process.argv.includes('--optional');
const require = createRequire(import.meta.url);
/** A clone has one; a package does without, or npm would compile it at every installation. */
const isClone = existsSync(join(root, 'binding.gyp'));
const binary = join('build', 'Release', 'circle_cpu.node');

const runs = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;

/** What node-gyp would look for, so that its absence is one clear line and not a stack trace. */
function missingTools() {
  const { CXX, PYTHON, NODE_GYP_FORCE_PYTHON, npm_config_python: configured } = process.env;
  const tools = {
    'a C++17 compiler (GCC 12 or later, or Clang)': CXX ? [CXX.split(' ')[0]] : ['g++', 'c++', 'clang++'],
    make: ['make'],
    'Python 3': [NODE_GYP_FORCE_PYTHON, configured, PYTHON, 'python3', 'python'].filter(Boolean),
  };
  return Object.keys(tools).filter((name) => !tools[name].some(runs));
}

/** Its own as a development dependency; npm brings one too, wherever npm is: what runs this says so, or it came with Node. */
function findNodeGyp() {
  const besideNode = join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js');
  for (const from of [import.meta.url, process.env.npm_execpath, besideNode]) {
    try {
      if (from) return createRequire(from).resolve('node-gyp/bin/node-gyp.js');
    } catch {}
  }
  return undefined;
}

function canWrite(folder) {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function resolves(name) {
  try {
    return Boolean(require.resolve(`${name}/package.json`));
  } catch {
    return false;
  }
}

/** Why a build need not be tried, or undefined. */
function obstacle() {
  if (process.platform === 'win32') return 'there is no native engine for Windows yet';
  const missing = missingTools();
  if (missing.length > 0) return `${missing.join(' and ')} cannot be found`;
  if (!findNodeGyp()) return 'node-gyp cannot be found: npm install --save-dev node-gyp';
  if (!resolves('node-addon-api')) return 'node-addon-api, a dependency of this package, is not installed';
  if (!canWrite(root)) return `${root} cannot be written; build as its owner, or in an installation of your own`;
  return undefined;
}

function nodeGyp(folder) {
  // Node's own headers, where they came along: then nothing is downloaded.
  const nodePrefix = resolve(process.execPath, '../..');
  const hasHeaders = existsSync(join(nodePrefix, 'include/node/node_api.h'));
  const args = [findNodeGyp(), 'configure', 'build', '--jobs=max', ...(hasHeaders ? [`--nodedir=${nodePrefix}`] : [])];
  return spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: isOptional ? 'pipe' : 'inherit',
    maxBuffer: 2 ** 26,
  });
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
  } catch ({ code }) {
    return code === 'EPERM';
  }
  // A killed process that nobody has waited for, as in a container without an init, answers to signals, but has no arguments.
  const args = `/proc/${pid}/cmdline`;
  return !existsSync(args) || readFileSync(args, 'utf8') !== '';
}

/** Copies of builds that were killed; those of others that are building now stay. */
function removeLeftCopies() {
  for (const name of readdirSync(join(root, 'build'))) {
    const [, pid] = /^sources-(\d+)$/.exec(name) ?? [];
    if (pid && !isRunning(Number(pid))) rmSync(join(root, 'build', name), { recursive: true, force: true });
  }
}

/** Inside the package, where node-addon-api is found and the binary can be renamed. */
function buildCopy() {
  const copy = join(root, `build/sources-${process.pid}`);
  mkdirSync(join(root, 'build/Release'), { recursive: true });
  removeLeftCopies();
  cpSync(join(root, 'native'), join(copy, 'native'), { recursive: true });
  writeFileSync(join(copy, 'binding.gyp'), '{ "includes": ["native/addon.gypi"] }');
  // An interrupt ends the build, and this process after it: not before the copy is gone.
  process.once('SIGINT', () => {});
  try {
    const result = nodeGyp(copy);
    if (result.status === 0) renameSync(join(copy, binary), join(root, binary));
    return result;
  } finally {
    rmSync(copy, { recursive: true, force: true, maxRetries: 3 }); // a compiler that is being interrupted may still write
  }
}

/** The line that says most about a failed build. */
function firstError({ stdout, stderr, error }) {
  const lines = `${stdout ?? ''}\n${stderr ?? ''}\n${error?.message ?? ''}`.split('\n').filter(Boolean);
  return (lines.find((line) => /\berror\b/i.test(line)) ?? lines.at(-1) ?? 'no output').trim();
}

function fail(reason) {
  const name = 'circle-loss: the native engine was not built';
  const consequence = "Engine 'auto' will use 'reference' (TypeScript: the same results, many times slower).";
  const remedy = "Once that is mended, 'npm run build:native' builds it and shows the whole output.";
  console.error(isOptional ? `${name}: ${reason}. ${consequence} ${remedy}` : `${name}: ${reason}.`);
  process.exit(isOptional ? 0 : 1);
}

function main() {
  const reason = obstacle();
  if (reason) fail(reason);
  const started = new Date();
  const result = isClone ? nodeGyp(root) : buildCopy();
  if (result.status !== 0) fail(isOptional ? `the build failed with "${firstError(result)}"` : 'the build failed');
  // make leaves the addon alone where nothing that it links has changed; now it is up to date with all sources.
  utimesSync(join(root, binary), started, started);
}

main();
