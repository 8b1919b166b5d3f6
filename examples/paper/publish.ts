/** The files of the results: the report with its pictures, all numbers, and what figures of single runs are drawn from. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type SweptName, sweeps } from './ablation.ts';
import { drawSweep } from './charts.ts';
import type { Entry } from './comparison.ts';
import type { LossName, Setting } from './losses.ts';
import { type ReportContent, writeMarkdown } from './report.ts';
import { describeRobustness } from './robustness.ts';
import type { RunResult } from './run.ts';
import type { FinishedRun } from './run-pool.ts';
import type { DataName } from './subjects.ts';
import { sentences } from './verdicts.ts';

/** Writes the files into `folder`; gives their names. */
export async function writeResults(
  folder: string,
  content: ReportContent,
  runs: readonly FinishedRun[],
): Promise<string[]> {
  const shown = chooseRuns(content, runs);
  const files: [name: string, text: string][] = [
    ['results.md', writeMarkdown(content)],
    ['results.json', toJson(numbersOf(content))],
    ['curves.json', toJson(curvesOf(shown))],
    ['similarities.json', toJson(similaritiesOf(shown))],
  ];
  if (content.points.length > 0) {
    for (const swept of Object.keys(sweeps) as SweptName[]) {
      files.push([`${swept}.svg`, drawSweep(content.points, swept)]);
    }
  }
  await mkdir(folder, { recursive: true });
  await Promise.all(files.map(([name, text]) => writeFile(join(folder, name), text)));
  return files.map(([name]) => name);
}

export async function copyResults(from: string, to: string, names: readonly string[]): Promise<void> {
  await mkdir(to, { recursive: true });
  await Promise.all(names.map((name) => copyFile(join(from, name), join(to, name))));
}

/** With six digits: the next ones are another machine's rounding. */
function toJson(value: unknown): string {
  const round = (_: string, field: unknown) => (typeof field === 'number' ? Number(field.toPrecision(6)) : field);
  return `${JSON.stringify(value, round)}\n`;
}

function numbersOf({ subjects, seeds, featureScores, entries, verdicts, tunings, points, facts }: ReportContent) {
  const named = ({ loss, setting }: Entry) => ({ loss, setting });
  return {
    facts: Object.fromEntries(facts),
    sentences: sentences(verdicts),
    robustness: points.length > 0 ? describeRobustness(points) : [],
    data: subjects.map(({ name, title, about, fingerprint }) => ({ name, title, about, fingerprint })),
    seeds,
    featureScores,
    entries,
    verdicts: verdicts.map(({ circle, rival, ...rest }) => ({ ...rest, circle: named(circle), rival: named(rival) })),
    tunings,
    ablation: points,
  };
}

interface ShownRun {
  data: DataName;
  loss: LossName;
  setting: Setting;
  result: RunResult;
}

/** Of the first seed and the paper's values, the run of each loss. Circle's values differ between tasks: of the last. */
function chooseRuns({ entries, seeds }: ReportContent, runs: readonly FinishedRun[]): ShownRun[] {
  const lastTasks = new Map(entries.map(({ data, task }) => [data, task]));
  return entries
    .filter(({ data, task, kind }) => kind === 'paper' && task === lastTasks.get(data))
    .map(({ data, loss, setting }) => {
      const isOf = ({ plan }: FinishedRun) =>
        plan.data === data && plan.loss === loss && plan.setting === setting && plan.seed === seeds[0];
      return { data, loss, setting, result: runs.find(isOf)!.result };
    });
}

/** data → loss → the loss of each step's batch. */
function curvesOf(runs: readonly ShownRun[]) {
  const curves: NestedResults<{ setting: Setting; losses: number[] }> = {};
  for (const { data, loss, setting, result } of runs) {
    curves[data] = { ...curves[data], [loss]: { setting, losses: result.lossCurve } };
  }
  return curves;
}

/** data → loss → the similarities of each anchor of a batch, and of 'before', which is the same for all losses. */
function similaritiesOf(runs: readonly ShownRun[]) {
  const found: NestedResults<RunResult['similarities']['after'] & { setting?: Setting }> = {};
  for (const { data, loss, setting, result } of runs) {
    const { before, after } = result.similarities;
    found[data] = { before, ...found[data], [loss]: { setting, ...after } };
  }
  return found;
}

type NestedResults<T> = Partial<Record<DataName, Partial<Record<LossName | 'before', T>>>>;
