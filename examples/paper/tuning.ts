/** One setting a loss and data set, chosen on classes of the training part that the training of these runs left out. */
import { tuningMeasure } from './judge.ts';
import { type LossName, losses, lossNames, type Setting } from './losses.ts';
import { splitSeed } from './recipe.ts';
import type { RunPlan } from './run.ts';
import type { FinishedRun } from './run-pool.ts';
import type { DataName } from './subjects.ts';

export interface Trial {
  setting: Setting;
  /** Of the validation part, by `tuningMeasure`. */
  score: number;
}

/** All that was tried, and which was the best: of equals the first. */
export interface Tuning {
  data: DataName;
  loss: LossName;
  trials: Trial[];
  chosen: Setting;
}

/** `trialLimit`: of each loss, evenly from its grid. */
export function planTuning(data: readonly DataName[], steps: number, trialLimit: number): RunPlan[] {
  return data.flatMap((name) =>
    lossNames.flatMap((loss) =>
      evenly(losses[loss].grid, trialLimit).map(
        (setting): RunPlan => ({ data: name, judgedOn: 'validation', loss, setting, steps, seed: splitSeed }),
      ),
    ),
  );
}

export function chooseSettings(runs: readonly FinishedRun[]): Tuning[] {
  const tunings = new Map<string, Tuning>();
  for (const { plan, result } of runs) {
    const { data, loss, setting } = plan;
    const key = `${data} ${loss}`;
    const tuning = tunings.get(key) ?? { data, loss, trials: [], chosen: setting };
    tuning.trials.push({ setting, score: result.scores[tuningMeasure] });
    tunings.set(key, tuning);
  }
  for (const tuning of tunings.values()) {
    tuning.chosen = tuning.trials.reduce((best, trial) => (trial.score > best.score ? trial : best)).setting;
  }
  return [...tunings.values()];
}

function evenly<T>(values: readonly T[], limit: number): T[] {
  const count = Math.min(limit, values.length);
  return Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]);
}
