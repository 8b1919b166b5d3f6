/** Which engines there are, which computes a call, and why one is missing. */
import { type CallShape, isWorthCuda, shapeOf } from './choice.ts';
import { findCuda, isCapable, requireCuda } from './cuda.ts';
import type { AnyProblem, Engine } from './engine.ts';
import { CircleLossError, namedBinaryLoad, nativeLoad } from './errors.ts';
import { warnOfReference } from './fallback-warning.ts';
import { chooseVariant, type Loaded, loadCpu } from './load-native.ts';
import type { CpuModule, NativeModule } from './native.ts';
import { openCpu, openCuda } from './native-engine.ts';
import type { EngineName } from './options.ts';
import { referenceEngine } from './reference-engine.ts';

/** A GPU that engine 'cuda' can use; its place in the list is its number. */
export interface DeviceInfo {
  name: string;
  /** '9.0' is an H100's. */
  computeCapability: string;
  memoryBytes: number;
}

/** An engine, and whether it works here. */
export interface EngineInfo {
  name: 'cuda' | 'cpu' | 'reference';
  available: boolean;
  /** What would run: of 'cpu' the instruction set, 'baseline', 'avx2', 'avx512' or 'neon'; of 'cuda' 'tensor' or 'ffma'. */
  variant?: string;
  /** All that this machine can run, best first. */
  variants?: readonly string[];
  /** Of 'cuda': `options.device` is an index into it. */
  devices?: readonly DeviceInfo[];
  /** Why it does not work. */
  reason?: string;
}

const cpuVariant = 'CIRCLE_LOSS_CPU_VARIANT';
const cudaVariant = 'CIRCLE_LOSS_CUDA_VARIANT';

/**
 * All engines, best first. Never throws: an environment variable that asks for what this machine lacks is the reason of
 * an engine that is not available. Loads the binary of engine 'cuda' and asks the driver, where no call has done so yet.
 */
export function engines(): EngineInfo[] {
  return [describeCuda(), describeCpu(), { name: 'reference', available: true }];
}

function describeCpu(): EngineInfo {
  const loaded = loadCpu();
  if (loaded.module === undefined) return { name: 'cpu', available: false, reason: loadFailure(loaded).message };
  return describeVariants('cpu', loaded.module, cpuVariant);
}

function describeCuda(): EngineInfo {
  const cuda = findCuda();
  if (cuda.module === undefined) return { name: 'cuda', available: false, reason: cuda.error().message };
  const devices = cuda.devices.map(({ name, computeMajor, computeMinor, memoryBytes }) => ({
    name,
    computeCapability: `${computeMajor}.${computeMinor}`,
    memoryBytes,
  }));
  return { ...describeVariants('cuda', cuda.module, cudaVariant), devices };
}

function describeVariants(name: 'cpu' | 'cuda', module: NativeModule, variable: string): EngineInfo {
  const { variants } = module;
  try {
    return { name, available: true, variant: chooseVariant(module, variable), variants };
  } catch (error) {
    if (!(error instanceof CircleLossError)) throw error;
    return { name, available: false, variants, reason: error.message };
  }
}

function loadFailure({ attempts, namedBy }: Loaded<CpuModule>): CircleLossError {
  return namedBy ? namedBinaryLoad(namedBy, attempts[0]) : nativeLoad(attempts);
}

/** Decides which engine computes a call, and keeps what it has opened for the next. */
export interface EngineChoice {
  engineFor(problem: AnyProblem): Engine;
  /** Frees all workspaces; a later call grows new ones. */
  release(): void;
}

/** The choice where there is none. */
export function always(engine: Engine): EngineChoice {
  return { engineFor: () => engine, release: () => engine.release() };
}

/** A new choice, of engines with workspaces of their own. Throws where a named engine, or a named binary, cannot run. */
export function chooseEngine(name: EngineName, device: number): EngineChoice {
  if (name === 'auto') return new AutoEngine(device);
  if (name === 'reference') return always(referenceEngine);
  return always(name === 'cuda' ? openCudaOn(device) : openOnCpu(name));
}

function openCudaOn(device: number): Engine {
  const { module } = requireCuda(device);
  return openCuda(module, chooseVariant(module, cudaVariant), device);
}

function openOnCpu(name: 'cpu' | 'auto'): Engine {
  const loaded = loadCpu();
  if (loaded.module !== undefined) return openCpu(loaded.module, chooseVariant(loaded.module, cpuVariant));
  const failure = loadFailure(loaded);
  if (name === 'cpu' || loaded.namedBy) throw failure;
  warnOfReference(failure);
  return referenceEngine;
}

/** Anchors of the batch by which 'auto' decides where rows shall live. */
const typicalBatch = 128;

/**
 * The engine in whose memory `rows` rows shall live: the one named, or of 'auto' a GPU where a typical batch would be
 * worth it.
 */
export function residentEngine(
  name: EngineName,
  device: number,
  rows: number,
  dim: number,
): { name: Engine['name']; choice: EngineChoice } {
  if (name === 'auto') checkDevice(device);
  const shape = { anchorCount: typicalBatch, candidateCount: rows, dim, results: typicalBatch * dim };
  const wantsCuda = name === 'cuda' || (name === 'auto' && isWorthCuda({ ...shape, candidates: 'anchors' }));
  if (wantsCuda && (name === 'cuda' || hasCuda(device))) return { name: 'cuda', choice: always(openCudaOn(device)) };
  const engine = name === 'reference' ? referenceEngine : openOnCpu(name === 'auto' ? 'auto' : 'cpu');
  return { name: engine.name, choice: always(engine) };
}

/**
 * The engine of an evaluation in several calls, whose similarities have to agree to the last bit: the one named, or the one
 * that 'auto' would take for all of it at once.
 */
export function engineOfAll(name: EngineName, device: number, shape: CallShape): Engine['name'] {
  if (name !== 'auto') return name;
  checkDevice(device);
  return isWorthCuda(shape) && hasCuda(device) ? 'cuda' : openOnCpu('auto').name;
}

/** Now, not when a call is large enough to need it. Number 0 says nothing, and loads nothing. */
function checkDevice(device: number): void {
  if (device > 0 && findCuda().module) requireCuda(device);
}

function hasCuda(device: number): boolean {
  const cuda = findCuda();
  if (cuda.module === undefined && cuda.isMistake) throw cuda.error();
  return cuda.module !== undefined && isCapable(cuda.devices[device]);
}

/** A GPU for the calls that are worth it, opened at the first of them; the CPU for the others. */
class AutoEngine implements EngineChoice {
  readonly #device: number;
  readonly #cpu = openOnCpu('auto');
  #cuda: Engine | undefined;

  constructor(device: number) {
    this.#device = device;
    checkDevice(device);
  }

  engineFor(problem: AnyProblem): Engine {
    if (!isWorthCuda(shapeOf(problem)) || !hasCuda(this.#device)) return this.#cpu;
    this.#cuda ??= openCudaOn(this.#device);
    return this.#cuda;
  }

  release(): void {
    this.#cpu.release();
    this.#cuda?.release();
  }
}

const shared = new Map<string, EngineChoice>();

/** The engines of the one-shot functions, opened at the first call. */
export function sharedEngine(name: EngineName, device: number, problem: AnyProblem): Engine {
  // The other engines have no devices.
  const key = name === 'cuda' || name === 'auto' ? `${name} ${device}` : name;
  let choice = shared.get(key);
  if (choice === undefined) {
    choice = chooseEngine(name, device);
    shared.set(key, choice);
  }
  return choice.engineFor(problem);
}

/** The same as a choice. */
export function sharedChoice(name: EngineName, device: number): Pick<EngineChoice, 'engineFor'> {
  return { engineFor: (problem) => sharedEngine(name, device, problem) };
}

/**
 * A workspace that a one-shot call may leave behind for the next one: a batch of 4096 × 512 needs 65 MiB. A GPU's panels
 * alone are 64 MiB by default.
 */
const keptWorkspace = { cpu: 128 * 2 ** 20, reference: 0, cuda: 256 * 2 ** 20 };

export function trim(engine: Engine): void {
  if (engine.workspaceBytes() > keptWorkspace[engine.name]) engine.release();
}
