/** Every engine that this machine can run, each variant of it by itself, and how tests call one. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findCuda } from '../lib/cuda.ts';
import type { Engine } from '../lib/engine.ts';
import { always } from '../lib/engines.ts';
import { loadCpu } from '../lib/load-native.ts';
import { openCpu, openCuda } from '../lib/native-engine.ts';
import type { Labels, PairLossOptions } from '../lib/options.ts';
import { createProblem, createSettings, type Settings } from '../lib/problem.ts';
import { referenceEngine } from '../lib/reference-engine.ts';
import { parse, schemas } from '../lib/schemas.ts';
import { openSession, type PairLossSession } from '../lib/session.ts';

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

export function settingsOf(options: PairLossOptions): Settings {
  const parsed = parse(schemas.pairLoss, options);
  return createSettings(parsed, parsed.pairLoss);
}

export function sessionOn(engine: ListedEngine, options: PairLossOptions): PairLossSession {
  return openSession(settingsOf(options), always(engine.open()));
}

export interface DoubleResult {
  loss: number;
  validAnchors: number;
  anchorLosses: Float64Array;
  gradient: Float64Array;
  candidateGradient: Float64Array;
}

/** The reference engine's own numbers, before they are rounded to float32: it writes to whatever array it is given. */
export function computeInDouble(embeddings: Float32Array, labels: Labels, options: PairLossOptions): DoubleResult {
  return computeSettingsInDouble(embeddings, labels, settingsOf(options));
}

/** With settings that no options give, such as angles of rows that are not quite unit rows. */
export function computeSettingsInDouble(embeddings: Float32Array, labels: Labels, settings: Settings): DoubleResult {
  const problem = createProblem(settings, settings.arrays, embeddings, labels);
  const doubles = (array: Float32Array | undefined) => new Float64Array(array?.length ?? 0);
  const anchorLosses = doubles(problem.anchorLosses);
  const gradient = doubles(problem.gradient);
  const candidateGradient = doubles(problem.candidateGradient);
  const as32 = (array: Float64Array) => (array.length === 0 ? undefined : (array as unknown as Float32Array));
  const report = referenceEngine.compute({
    ...problem,
    anchorLosses: as32(anchorLosses)!,
    gradient: as32(gradient),
    candidateGradient: as32(candidateGradient),
  });
  if (report.status !== 'ok') throw new Error(report.status);
  return { loss: report.loss, validAnchors: report.validAnchors, anchorLosses, gradient, candidateGradient };
}
