/** Engine `reference` before its numbers are rounded to float32: what other engines are judged by. */
import type { Labels, PairLossOptions } from '../lib/options.ts';
import { createProblem, createSettings, type Settings } from '../lib/problem.ts';
import { referenceEngine } from '../lib/reference-engine.ts';
import { parse, schemas } from '../lib/schemas.ts';

export interface DoubleResult {
  loss: number;
  validAnchors: number;
  anchorLosses: Float64Array;
  gradient: Float64Array;
  candidateGradient: Float64Array;
}

export function settingsOf(options: PairLossOptions): Settings {
  const parsed = parse(schemas.pairLoss, options);
  return createSettings(parsed, parsed.pairLoss);
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
