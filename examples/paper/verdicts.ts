/**
 * What the numbers support, by a rule that knows no names but Circle's.
 *
 * In each task and data set a form of Circle loss stands against the best of its rivals, best by its mean over seeds. It
 * is 'above' where the 95 % interval of the paired differences over seeds lies above 0, 'below' where it lies below, else
 * 'undecided'.
 */
import { type Entry, headlineValues, type SettingKind, settingKinds } from './comparison.ts';
import { isCircle, losses, type Task } from './losses.ts';
import { type Interval, pairedDifference, summarize } from './statistics.ts';
import type { DataName } from './subjects.ts';

/** Who meets whom: as the paper has it, each form among its kind, and then the better form among all. */
export const contests = {
  class: 'class-level Circle against the class-level losses',
  pair: 'pair-wise Circle against the pair-wise losses',
  all: 'the better form of Circle against all losses',
} as const;
export type Contest = keyof typeof contests;

export interface Verdict {
  data: DataName;
  task: Task;
  kind: SettingKind;
  contest: Contest;
  circle: Entry;
  rival: Entry;
  difference: Interval;
  outcome: 'above' | 'below' | 'undecided';
}

export function reachVerdicts(entries: readonly Entry[]): Verdict[] {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = `${entry.kind} ${entry.data} ${entry.task}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()].flatMap((group) =>
    (Object.keys(contests) as Contest[]).map((c) => reachVerdict(group, c)),
  );
}

/** `entries`: one task of one data set, with one kind of setting. */
function reachVerdict(entries: readonly Entry[], contest: Contest): Verdict {
  const taking = entries.filter(({ loss }) => contest === 'all' || losses[loss].level === contest);
  const circle = best(taking.filter(({ loss }) => isCircle(loss)));
  const rival = best(taking.filter(({ loss }) => !isCircle(loss)));
  const difference = pairedDifference(headlineValues(circle), headlineValues(rival));
  const outcome = difference.low > 0 ? 'above' : difference.high < 0 ? 'below' : 'undecided';
  const { data, task, kind } = circle;
  return { data, task, kind, contest, circle, rival, difference, outcome };
}

function best(entries: readonly Entry[]): Entry {
  const meanOf = (entry: Entry) => summarize(headlineValues(entry)).mean;
  return entries.reduce((first, entry) => (meanOf(entry) > meanOf(first) ? entry : first));
}

/** How one contest went over all tasks and data sets. */
export interface Tally {
  above: number;
  below: number;
  undecided: number;
  total: number;
}

export function tally(verdicts: readonly Verdict[]): Tally {
  const count = (outcome: Verdict['outcome']) => verdicts.filter((verdict) => verdict.outcome === outcome).length;
  return {
    above: count('above'),
    below: count('below'),
    undecided: count('undecided'),
    total: verdicts.length,
  };
}

/** What is claimed of a contest is that Circle is above in it. */
export function judgement({ above, below, total }: Tally): string {
  if (above === total) return 'supported';
  if (above > total / 2 && below === 0) return 'mostly supported';
  if (below > total / 2 && above === 0) return 'contradicted';
  if (above > below) return 'supported in part';
  return 'not supported';
}

export const kindTitles: Readonly<Record<SettingKind, string>> = { paper: "the paper's values", tuned: 'tuned values' };

/** What the results support: a sentence for each kind of setting and contest. */
export function sentences(verdicts: readonly Verdict[]): string[] {
  return settingKinds.flatMap((kind) =>
    (Object.keys(contests) as Contest[]).map((contest) => {
      const found = tally(verdicts.filter((verdict) => verdict.kind === kind && verdict.contest === contest));
      const { above, below, undecided, total } = found;
      return `With ${kindTitles[kind]}, ${contests[contest]}: above the best of them in ${above} of ${total} comparisons, below in ${below}, undecided in ${undecided}. That Circle is better is ${judgement(found)}.`;
    }),
  );
}
