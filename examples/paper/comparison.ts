/** The comparison itself: every loss on every data set from every seed, with the paper's values and with tuned ones. */
import { headline, measuresOf } from './judge.ts';
import { type LossName, losses, lossNames, type Setting, type Task } from './losses.ts';
import type { RunPlan } from './run.ts';
import type { FinishedRun } from './run-pool.ts';
import { type DataName, type Subject, tasksOf } from './subjects.ts';
import type { Tuning } from './tuning.ts';

export const settingKinds = ['paper', 'tuned'] as const;
export type SettingKind = (typeof settingKinds)[number];

/** What one loss came to in one task: a value a seed of each measure, in the order of the seeds. */
export interface Entry {
  data: DataName;
  task: Task;
  kind: SettingKind;
  loss: LossName;
  setting: Setting;
  values: Record<string, number[]>;
}

interface Cell {
  entry: Entry;
  plans: RunPlan[];
}

export interface ComparisonOptions {
  subjects: readonly Subject[];
  tasks: readonly Task[];
  seeds: readonly number[];
  steps: number;
  tunings: readonly Tuning[];
}

/** One run may serve several tasks. */
export function planComparison({ subjects, tasks, seeds, steps, tunings }: ComparisonOptions): Cell[] {
  return subjects.flatMap((subject) =>
    tasksOf(subject)
      .filter((task) => tasks.includes(task))
      .flatMap((task) =>
        settingKinds.flatMap((kind) =>
          lossNames.map((loss): Cell => {
            const data = subject.name;
            const tuned = tunings.find((tuning) => tuning.data === data && tuning.loss === loss)!.chosen;
            const setting = kind === 'paper' ? losses[loss].paper(task) : tuned;
            const plans = seeds.map((seed): RunPlan => ({ data, judgedOn: 'test', loss, setting, steps, seed }));
            return { entry: { data, task, kind, loss, setting, values: {} }, plans };
          }),
        ),
      ),
  );
}

/** `runs` are those of `cells`, in the same order. */
export function collectEntries(cells: readonly Cell[], runs: readonly FinishedRun[]): Entry[] {
  let next = 0;
  return cells.map(({ entry, plans }) => {
    const results = plans.map(() => runs[next++].result);
    const values = measuresOf[entry.task].map((measure) => [measure, results.map(({ scores }) => scores[measure])]);
    return { ...entry, values: Object.fromEntries(values) };
  });
}

/** The values that decide about the task. */
export function headlineValues({ task, values }: Entry): number[] {
  return values[headline[task]];
}
