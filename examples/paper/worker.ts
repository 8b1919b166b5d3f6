/** The side of a worker thread: it got all subjects when it started, and computes run after run. */
import Tinypool from 'tinypool';
import type { Place } from './learn.ts';
import { computeRun, type RunPlan, type RunResult } from './run.ts';
import type { Subject } from './subjects.ts';

export interface WorkerData {
  subjects: readonly Subject[];
  place: Place;
}

const { subjects, place }: WorkerData = Tinypool.workerData;

export default function run(plan: RunPlan): RunResult {
  return computeRun(plan, subjects.find(({ name }) => name === plan.data)!, place);
}
