/** The paper's figure of robustness: one of γ and m moves, the other stays at the paper's value. */
import { everyMeasure } from './judge.ts';
import { type LossName, losses } from './losses.ts';
import type { RunPlan } from './run.ts';
import type { FinishedRun } from './run-pool.ts';
import type { DataName } from './subjects.ts';

export const ablatedLosses = ['circle-class', 'am-softmax', 'arcface'] as const satisfies readonly LossName[];
export type AblatedLoss = (typeof ablatedLosses)[number];

/** On what everybody has. */
export const ablatedData: DataName = 'emoji';

export const sweeps = { gamma: 'γ', margin: 'm' } as const;
export type SweptName = keyof typeof sweeps;

export type SweptValues = Readonly<Record<SweptName, readonly number[]>>;

/** As in the paper. */
export const fullSweeps: SweptValues = {
  gamma: [32, 64, 128, 256, 512, 1024],
  margin: [-0.2, -0.15, -0.1, -0.05, 0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3],
};

export const quickSweeps: SweptValues = { gamma: [32, 1024], margin: [-0.2, 0.3] };

/** One point of a curve. */
export interface Point {
  swept: SweptName;
  loss: AblatedLoss;
  value: number;
  /** A value a seed of each measure. */
  values: Record<string, number[]>;
}

interface PlannedPoint {
  point: Point;
  plans: RunPlan[];
}

export function planAblation(values: SweptValues, seeds: readonly number[], steps: number): PlannedPoint[] {
  return (Object.keys(sweeps) as SweptName[]).flatMap((swept) =>
    ablatedLosses.flatMap((loss) =>
      values[swept]
        // ArcFace's margin is an angle from 0 on.
        .filter((value) => loss !== 'arcface' || swept !== 'margin' || value >= 0)
        .map((value): PlannedPoint => {
          const setting = { ...losses[loss].paper('verification'), [swept]: value };
          const plans = seeds.map(
            (seed): RunPlan => ({ data: ablatedData, judgedOn: 'test', loss, setting, steps, seed }),
          );
          return { point: { swept, loss, value, values: {} }, plans };
        }),
    ),
  );
}

/** `runs` are those of `planned`, in the same order. */
export function collectPoints(planned: readonly PlannedPoint[], runs: readonly FinishedRun[]): Point[] {
  let next = 0;
  return planned.map(({ point, plans }) => {
    const results = plans.map(() => runs[next++].result);
    const values = everyMeasure.map((measure) => [measure, results.map(({ scores }) => scores[measure])]);
    return { ...point, values: Object.fromEntries(values) };
  });
}
