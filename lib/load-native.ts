/** Finds and loads `circle_cpu.node`: the one that the environment names, or else a local build or the prebuilt one. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalidArgument, type LoadAttempt } from './errors.ts';
import { type NativeModule, reportFields, requestFields } from './native.ts';

/** The Node-API version that the binary is built for; an older Node would crash in it instead of refusing. */
const requiredNodeApi = 9;

export interface Loaded {
  module: NativeModule | undefined;
  /** Places that did not serve, in order. */
  attempts: readonly LoadAttempt[];
  /** Whether the environment names the binary. It is then the only place: if it fails, somebody should hear of it. */
  isNamed: boolean;
}

const require = createRequire(import.meta.url);

/** The same from `lib/` and from `dist/`. */
const packageRoot = fileURLToPath(new URL('..', import.meta.url));

const folders = ['build/Release', 'build/cmake/Release', `prebuilds/${process.platform}-${process.arch}`];

let loaded: Loaded | undefined;

/** Loads at the first call. */
export function loadCpu(): Loaded {
  loaded ??= load();
  return loaded;
}

function load(): Loaded {
  const named = process.env.CIRCLE_LOSS_CPU_ADDON;
  const isNamed = Boolean(named);
  const paths = named ? [resolve(named)] : folders.map((folder) => `${packageRoot}${folder}/circle_cpu.node`);
  const attempts: LoadAttempt[] = [];
  for (const path of paths) {
    try {
      return { module: open(path), attempts, isNamed };
    } catch (error) {
      attempts.push({ path, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { module: undefined, attempts, isNamed };
}

function open(path: string): NativeModule {
  if (!existsSync(path)) throw new Error('no such file');
  const nodeApi = Number(process.versions.napi);
  if (nodeApi < requiredNodeApi) throw new Error(`needs Node-API ${requiredNodeApi}, this Node has ${nodeApi}`);
  const module: NativeModule = require(path);
  for (const [ours, theirs] of [
    [requestFields, module.requestFields],
    [reportFields, module.reportFields],
  ]) {
    if (ours.join() !== theirs.join()) throw new Error('built from other sources than this package; build it again');
  }
  return module;
}

/** The best instruction set of this machine, or the one that the environment asks for. */
export function chooseVariant({ variants }: NativeModule): string {
  const asked = process.env.CIRCLE_LOSS_CPU_VARIANT;
  if (!asked) return variants[0];
  if (variants.includes(asked)) return asked;
  throw invalidArgument('CIRCLE_LOSS_CPU_VARIANT', `one of ${variants.join(', ')} on this machine`, asked);
}
