/** Finds and loads a native addon: the one that the environment names, or else a local build or the prebuilt one. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { flawOf, lacksGlibc } from './binary-file.ts';
import { invalidArgument, type LoadAttempt } from './errors.ts';
import { type CpuModule, type CudaModule, type NativeModule, reportFields, requestFields } from './native.ts';

/** The Node-API version that the binaries are built for; an older Node would crash in them instead of refusing. */
const requiredNodeApi = 9;

export interface Loaded<Module extends NativeModule> {
  module: Module | undefined;
  /** Places that did not serve, in order. */
  attempts: readonly LoadAttempt[];
  /**
   * The environment variable that names the binary, if one does. It is then the only place: if it fails, somebody should
   * hear of it.
   */
  namedBy: string | undefined;
}

interface Addon {
  file: string;
  /** From the package's root. */
  folders: readonly string[];
  /** The environment variable that names the binary. */
  variable: string;
}

/** Of this module. A bundler that makes CommonJS of it leaves no `import.meta.url`. */
const address = import.meta.url ?? pathToFileURL(__filename).href;
const require = createRequire(address);

/** The same from `lib/` and from `dist/`. */
const packageRoot = fileURLToPath(new URL('..', address));

/** A bundle takes this module out of its package; the binary then lies beside it. */
const besideThis = dirname(fileURLToPath(address));

const prebuilds = `prebuilds/${process.platform}-${process.arch}`;

const cpu: Addon = {
  file: 'circle_cpu.node',
  folders: ['build/Release', prebuilds],
  variable: 'CIRCLE_LOSS_CPU_ADDON',
};

const cuda: Addon = {
  file: 'circle_cuda.node',
  folders: ['build/cuda/Release', prebuilds],
  variable: 'CIRCLE_LOSS_CUDA_ADDON',
};

let loadedCpu: Loaded<CpuModule> | undefined;
let loadedCuda: Loaded<CudaModule> | undefined;

/** Loads at the first call. */
export function loadCpu(): Loaded<CpuModule> {
  loadedCpu ??= load(cpu);
  return loadedCpu;
}

/** Loads at the first call. Whether a driver and a device are there is another question: `findCuda`. */
export function loadCuda(): Loaded<CudaModule> {
  loadedCuda ??= load(cuda);
  return loadedCuda;
}

function load<Module extends NativeModule>({ file, folders, variable }: Addon): Loaded<Module> {
  const named = process.env[variable];
  const namedBy = named ? variable : undefined;
  const usual = [...folders.map((folder) => `${packageRoot}${folder}/${file}`), resolve(besideThis, file)];
  const paths = named ? [resolve(named)] : usual;
  const attempts: LoadAttempt[] = [];
  for (const path of paths) {
    try {
      return { module: open(path), attempts, namedBy };
    } catch (error) {
      attempts.push({ path, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { module: undefined, attempts, namedBy };
}

function open<Module extends NativeModule>(path: string): Module {
  if (!existsSync(path)) throw new Error('no such file');
  const nodeApi = Number(process.versions.napi);
  if (nodeApi < requiredNodeApi) throw new Error(`needs Node-API ${requiredNodeApi}, this Node has ${nodeApi}`);
  const flaw = flawOf(path);
  if (flaw) throw new Error(flaw);
  const module = link<Module>(path);
  for (const [ours, theirs] of [
    [requestFields, module.requestFields],
    [reportFields, module.reportFields],
  ]) {
    if (ours.join() !== theirs?.join()) throw new Error('built from other sources than this package; build it again');
  }
  return module;
}

function link<Module>(path: string): Module {
  try {
    return require(path);
  } catch (error) {
    if (path.includes(prebuilds) && lacksGlibc()) {
      throw new Error('built for glibc, where this system has another C library (musl?)', { cause: error });
    }
    throw error;
  }
}

/** The best variant of this machine, or the one that the environment asks for. */
export function chooseVariant({ variants }: NativeModule, variable: string): string {
  const asked = process.env[variable];
  if (!asked) return variants[0];
  if (variants.includes(asked)) return asked;
  throw invalidArgument(variable, `one of ${variants.join(', ')} on this machine`, asked);
}
