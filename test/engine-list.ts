/** Every engine that this machine can run, each variant of it by itself, and how tests call one. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findCuda } from '../lib/cuda.ts';
import type { Engine } from '../lib/engine.ts';
import { always } from '../lib/engines.ts';
import { loadCpu } from '../lib/load-native.ts';
import { openCpu, openCuda } from '../lib/native-engine.ts';
import type { PairLossOptions } from '../lib/options.ts';
import { referenceEngine } from '../lib/reference-engine.ts';
import { openSession, type PairLossSession } from '../lib/session.ts';
import { settingsOf } from './in-double.ts';

export { computeInDouble, computeSettingsInDouble, type DoubleResult, settingsOf } from './in-double.ts';

/** The CUDA engine on a GPU that the CPU plays: `node scripts/emulator-build.mjs`. */
export const emulatedAddon = fileURLToPath(new URL('../build/emulator/circle_cuda.node', import.meta.url));

// Every test file imports this one before it asks for engine 'cuda': the addon is then the emulated one, where there is no other.
if (!process.env.CIRCLE_LOSS_CUDA_ADDON && existsSync(emulatedAddon)) {
  process.env.CIRCLE_LOSS_CUDA_ADDON = emulatedAddon;
}

export interface ListedEngine {
  name: string;
  /** A new engine; of `cpu` and `cuda` with a workspace of its own. */
  open(): Engine;
}

const { module } = loadCpu();

export const cpuEngines: ListedEngine[] = (module?.variants ?? []).map((variant) => ({
  name: `cpu ${variant}`,
  open: () => openCpu(module!, variant),
}));

const cuda = findCuda();
// An addon that is there but does not load would skip every test of it.
if (cuda.module === undefined && cuda.isMistake) throw cuda.error();

/** Empty where CUDA cannot run. 'fast' has bounds of its own: test/cuda-fast.test.ts. */
export const cudaEngines: ListedEngine[] = [
  { name: 'cuda exact', variant: 'tensor' },
  { name: 'cuda ffma', variant: 'ffma' },
].flatMap(({ name, variant }) => (cuda.module ? [{ name, open: () => openCuda(cuda.module, variant, 0) }] : []));

export const nativeEngines: ListedEngine[] = [...cpuEngines, ...cudaEngines];

export const engineList: ListedEngine[] = [{ name: 'reference', open: () => referenceEngine }, ...nativeEngines];

export function sessionOn(engine: ListedEngine, options: PairLossOptions): PairLossSession {
  return openSession(settingsOf(options), always(engine.open()));
}
