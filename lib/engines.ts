/** Which engines there are, which is best, and why one is missing. */
import { openCpu } from './cpu-engine.ts';
import type { Engine } from './engine.ts';
import { CircleLossError, cudaUnavailable, namedBinaryLoad, nativeLoad } from './errors.ts';
import { chooseVariant, type Loaded, loadCpu } from './load-native.ts';
import type { EngineName } from './options.ts';
import { referenceEngine } from './reference-engine.ts';

/** An engine, and whether it works here. */
export interface EngineInfo {
  name: 'cuda' | 'cpu' | 'reference';
  available: boolean;
  /** The instruction set that would run: 'baseline', 'avx2', 'avx512' or 'neon'. */
  variant?: string;
  /** All that this machine can run, best first. */
  variants?: readonly string[];
  /** Why it does not work. */
  reason?: string;
}

const noCuda = 'this build has no circle_cuda.node';

/**
 * All engines, best first; 'auto' takes the first that is available. Never throws: an environment variable that asks for
 * what this machine lacks is the reason of an engine that is not available.
 */
export function engines(): EngineInfo[] {
  return [{ name: 'cuda', available: false, reason: noCuda }, describeCpu(), { name: 'reference', available: true }];
}

function describeCpu(): EngineInfo {
  const loaded = loadCpu();
  if (loaded.module === undefined) return { name: 'cpu', available: false, reason: loadFailure(loaded).message };
  const { variants } = loaded.module;
  try {
    return { name: 'cpu', available: true, variant: chooseVariant(loaded.module), variants };
  } catch (error) {
    if (!(error instanceof CircleLossError)) throw error;
    return { name: 'cpu', available: false, variants, reason: error.message };
  }
}

function loadFailure({ attempts, isNamed }: Loaded): CircleLossError {
  return isNamed ? namedBinaryLoad(attempts[0]) : nativeLoad(attempts);
}

/** A new engine with a workspace of its own. Throws where a named engine, or a named binary, cannot run. */
export function openEngine(name: EngineName): Engine {
  if (name === 'cuda') throw cudaUnavailable(noCuda);
  if (name === 'reference') return referenceEngine;
  const loaded = loadCpu();
  if (loaded.module !== undefined) return openCpu(loaded.module, chooseVariant(loaded.module));
  if (name === 'cpu' || loaded.isNamed) throw loadFailure(loaded);
  return referenceEngine;
}

const shared = new Map<EngineName, Engine>();

/** The engine of the one-shot functions, opened at the first call. */
export function sharedEngine(name: EngineName): Engine {
  let engine = shared.get(name);
  if (engine === undefined) {
    engine = openEngine(name);
    shared.set(name, engine);
  }
  return engine;
}

/** A workspace that a one-shot call may leave behind for the next one. */
const keptWorkspace = 64 * 2 ** 20;

export function trim(engine: Engine): void {
  if (engine.workspaceBytes() > keptWorkspace) engine.release();
}
