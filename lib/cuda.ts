/** The CUDA addon where it can run, or why it cannot. */
import {
  brokenCuda,
  type CircleLossError,
  deviceTooOld,
  driverTooOld,
  invalidArgument,
  namedBinaryLoad,
  noCudaBinary,
  noDevice,
  noDriver,
} from './errors.ts';
import { loadCuda } from './load-native.ts';
import { type CudaModule, cudaState, type NativeDevice } from './native.ts';

export interface Cuda {
  readonly module: CudaModule;
  readonly devices: readonly NativeDevice[];
}

/** An error a call: each has a stack of its own. */
interface Missing {
  readonly module: undefined;
  readonly error: () => CircleLossError;
  /** Whether the environment names a binary that does not load: not even 'auto' passes over that. */
  readonly isMistake: boolean;
}

let found: Cuda | Missing | undefined;

/** Loads the addon and asks the driver at the first call; the answer holds for the life of the process. */
export function findCuda(): Cuda | Missing {
  found ??= look();
  return found;
}

function look(): Cuda | Missing {
  const { module, attempts, namedBy } = loadCuda();
  if (module !== undefined) {
    const error = obstacle(module);
    return error ? { module: undefined, error, isMistake: false } : { module, devices: module.devices() };
  }
  if (namedBy === undefined) return { module, error: () => noCudaBinary(attempts), isMistake: false };
  return { module, error: () => namedBinaryLoad(namedBy, attempts[0]), isMistake: true };
}

function obstacle(module: CudaModule): (() => CircleLossError) | undefined {
  const { state, driverVersion, runtimeVersion, error } = module.availability();
  switch (state) {
    case cudaState.ready:
      return undefined;
    case cudaState.noDriver:
      return noDriver;
    case cudaState.driverTooOld:
      return () => driverTooOld(driverVersion, runtimeVersion);
    case cudaState.noDevice:
      return noDevice;
    default:
      return () => brokenCuda(module.describeError(error));
  }
}

/** Throws where CUDA cannot run, and where there is no such device. */
export function requireCuda(device: number): Cuda {
  const cuda = findCuda();
  if (cuda.module === undefined) throw cuda.error();
  const count = cuda.devices.length;
  if (device >= count) {
    throw invalidArgument('options.device', `a device of this machine, from 0 to ${count - 1}`, device);
  }
  const chosen = cuda.devices[device];
  if (!isCapable(chosen)) throw deviceTooOld(chosen.name, `${chosen.computeMajor}.${chosen.computeMinor}`);
  return cuda;
}

/** Turing and later: the binary has code for them, or what their driver makes code of. */
export function isCapable({ computeMajor, computeMinor }: NativeDevice): boolean {
  return computeMajor > 7 || (computeMajor === 7 && computeMinor >= 5);
}
