/** The results as Markdown. Every number and every verdict in it comes from the runs. */
import { markdownTable } from 'markdown-table';
import { ablatedData, ablatedLosses, type Point, type SweptName, sweeps } from './ablation.ts';
import { type Entry, type SettingKind, settingKinds } from './comparison.ts';
import { headline, measuresOf, type Scores, tuningMeasure } from './judge.ts';
import { describeSetting, isCircle, losses, lossNames, type Setting, type Task } from './losses.ts';
import { describeRobustness, shownTasks } from './robustness.ts';
import { summarize } from './statistics.ts';
import { type DataName, type Subject, tasksOf } from './subjects.ts';
import type { Tuning } from './tuning.ts';
import { type Contest, contests, kindTitles, sentences, type Verdict } from './verdicts.ts';

export interface ReportContent {
  subjects: readonly Subject[];
  tasks: readonly Task[];
  seeds: readonly number[];
  /** Of the hand-made features, without training. */
  featureScores: Readonly<Partial<Record<DataName, Scores>>>;
  entries: readonly Entry[];
  verdicts: readonly Verdict[];
  tunings: readonly Tuning[];
  points: readonly Point[];
  /** What was run, on what, and for how long. */
  facts: readonly (readonly [name: string, value: string])[];
}

const taskTitles: Readonly<Record<Task, string>> = {
  verification: 'Verification',
  're-identification': 'Re-identification',
  retrieval: 'Retrieval',
};

const taskForms: Readonly<Record<Task, string>> = {
  verification: 'every pair of test pictures, of one class or not; true accept rate (TAR) at a false accept rate',
  're-identification':
    'the drawings of some cameras ask, those of the others answer; the camera is the vendor (Twemoji asks) or the writer (five of twenty ask)',
  retrieval: 'every test picture looks for its like among all others',
};

export function writeMarkdown(content: ReportContent): string {
  const { subjects, tasks, seeds, facts, verdicts, points } = content;
  const lines = [
    '# The comparison of the Circle loss paper, run again',
    '',
    'Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", CVPR 2020, arXiv:2002.10857, claims that Circle loss is better than the losses',
    'before it in verification, re-identification and fine-grained retrieval, and that γ and m hardly matter. This is that comparison on small data, with a small network. `npm run paper`',
    'wrote this file; `results.json` has every number of it.',
    '',
    '## What the numbers support',
    '',
    ...sentences(verdicts).map((sentence) => `- ${sentence}`),
    ...(points.length > 0 ? [...describeRobustness(points).map((sentence) => `- ${sentence}`), ''] : []),
    verdictRule(seeds.length),
    '',
    ...settingKinds.flatMap((kind) => [`With ${kindTitles[kind]}:`, '', verdictTable(verdicts, kind), '']),
    '## How it was run',
    '',
    compactTable([['', ''], ...facts.map(([name, value]) => [name, value])]),
    '',
    ...tasks.map((task) => `- ${taskTitles[task]}: ${taskForms[task]}.`),
    '',
    ...subjects.flatMap((subject) => subjectSection(content, subject)),
    ...tuningSection(content),
    ...(points.length > 0 ? ablationSection(points) : []),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

/** Of long texts, which padding would make longer. */
function compactTable(rows: readonly (readonly string[])[]): string {
  return markdownTable(rows, { alignDelimiters: false });
}

function verdictRule(seeds: number): string {
  return `A difference is Circle's mean less its best rival's, with the 95 % interval of the paired differences over ${seeds} seeds (Student's t). Above or below is said only where the interval
leaves out 0. Seeds change the first weights and the batches, never the test: an interval speaks of repetitions on these data, not of other data. The rival is the best by its mean, and the
better form of Circle is, too; of as many comparisons as these one in twenty may be wrong by chance.`;
}

function verdictTable(verdicts: readonly Verdict[], kind: SettingKind): string {
  const rows = new Map<string, string[]>();
  for (const verdict of verdicts.filter((each) => each.kind === kind)) {
    const key = `${verdict.data}, ${headline[verdict.task]}`;
    rows.set(key, [...(rows.get(key) ?? [key]), describeVerdict(verdict)]);
  }
  return markdownTable([
    ['', ...(Object.keys(contests) as Contest[]).map((contest) => contests[contest])],
    ...rows.values(),
  ]);
}

function describeVerdict({ contest, circle, rival, difference: { mean, low, high }, outcome }: Verdict): string {
  const form = contest === 'all' ? `${losses[circle.loss].title} ` : '';
  const interval = Number.isFinite(low) ? ` [${signed(low)}, ${signed(high)}]` : '';
  return `${form}${signed(mean)}${interval} ${losses[rival.loss].title}: ${outcome}`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
}

function subjectSection(content: ReportContent, subject: Subject): string[] {
  const { name, title, about } = subject;
  const shown = tasksOf(subject).filter((task) => content.tasks.includes(task));
  return [
    `## ${title}`,
    '',
    `${about}. Mean ± standard deviation over ${content.seeds.length} seeds; the best mean of each column is bold.`,
    '',
    ...shown.flatMap((task) =>
      settingKinds.flatMap((kind) => {
        const entries = content.entries.filter((e) => e.data === name && e.task === task && e.kind === kind);
        return [
          `### ${title}: ${task}, ${kindTitles[kind]}`,
          '',
          scoreTable(entries, task, content.featureScores[name]!),
          '',
        ];
      }),
    ),
  ];
}

function scoreTable(entries: readonly Entry[], task: Task, featureScores: Scores): string {
  const measures = measuresOf[task];
  const bestOf = measures.map((measure) => {
    const means = entries.map(({ values }) => summarize(values[measure]).mean);
    return measure === 'EER' ? Math.min(...means) : Math.max(...means);
  });
  const rows = entries.map(({ loss, setting, values }) => [
    losses[loss].title,
    ...measures.map((measure, i) => {
      const { mean, standardDeviation } = summarize(values[measure]);
      const text = `${mean.toFixed(3)} ± ${standardDeviation.toFixed(3)}`;
      return mean === bestOf[i] ? `**${text}**` : text;
    }),
    describeSetting(setting),
  ]);
  const untrained = ['Features, no training', ...measures.map((measure) => featureScores[measure].toFixed(3)), ''];
  return markdownTable([['loss', ...measures, 'setting'], ...rows, untrained], {
    align: ['l', ...measures.map(() => 'r'), 'l'],
  });
}

function tuningSection({ subjects, tunings }: ReportContent): string[] {
  const count = tunings[0].trials.length;
  return [
    '## What was tuned, and how',
    '',
    `${count} settings of each loss, by ${tuningMeasure} on 30 % of the training classes after training on the other 70 % from one seed; no test class had a part in it. Two-parameter losses try γ, m and the`,
    "learning rate, the others what they have: NormFace more γ, the triplet loss more m, softmax the speed of its class weights. The best is bold, and was then run from every seed on all training classes. The paper's",
    'values run at one learning rate for all.',
    '',
    ...subjects.flatMap(({ name, title }) => [
      `### Tried on ${title}`,
      '',
      compactTable([
        ['loss', `${tuningMeasure} of each setting`],
        ...tunings
          .filter(({ data }) => data === name)
          .map(({ loss, trials, chosen }) => [
            losses[loss].title,
            trials
              .map(({ setting, score }) => {
                const text = `${describeSetting(withoutUsualFactor(setting))}: ${score.toFixed(3)}`;
                return setting === chosen ? `**${text}**` : text;
              })
              .join('; '),
          ]),
      ]),
      '',
      describeEnds(tunings.filter(({ data }) => data === name)),
      '',
    ]),
  ];
}

/** What all class-level settings but softmax's have in common needs not be said of each. */
function withoutUsualFactor(setting: Setting): Setting {
  return setting.gamma === undefined ? setting : { ...setting, classRateFactor: undefined };
}

const named = { gamma: 'γ', margin: 'm', classRateFactor: 'speed of class weights' } as const;

/** Losses whose chosen value is the least or the greatest of three or more: what lies beyond was not tried. */
export function describeEnds(tunings: readonly Tuning[]): string {
  const ends = tunings.flatMap(({ loss, trials, chosen }) =>
    (Object.keys(named) as (keyof typeof named)[]).flatMap((name) => {
      const tried = [...new Set(trials.map(({ setting }) => setting[name]!))];
      const isEnd = chosen[name] === Math.min(...tried) || chosen[name] === Math.max(...tried);
      return tried.length > 2 && isEnd ? [`${losses[loss].title} (${named[name]} ${chosen[name]})`] : [];
    }),
  );
  return ends.length === 0
    ? 'No chosen value is at an end of what was tried.'
    : `Chosen at an end of what was tried, so that better ones may lie beyond: ${ends.join(', ')}.`;
}

function ablationSection(points: readonly Point[]): string[] {
  const fixed = ablatedLosses.map(
    (loss) => `${losses[loss].title} ${describeSetting(losses[loss].paper('verification'))}`,
  );
  return [
    '## Robustness',
    '',
    `On ${ablatedData}, class-level losses, test classes, mean ± standard deviation over ${Object.values(points[0].values)[0].length} seeds. One of γ and m moves, the other stays at the paper's value: ${fixed.join('; ')}. ArcFace's margin is an angle from 0 on.`,
    '',
    ...(Object.keys(sweeps) as SweptName[]).flatMap((swept) => [
      `![${shownTasks.map((task) => headline[task]).join(' and ')} over ${sweeps[swept]}](${swept}.svg)`,
      '',
      ...shownTasks.flatMap((task) => [sweepTable(points, swept, task), '']),
    ]),
  ];
}

function sweepTable(points: readonly Point[], swept: SweptName, task: Task): string {
  const shown = points.filter((point) => point.swept === swept);
  const range = [...new Set(shown.map(({ value }) => value))];
  const cell = (loss: string, value: number) => {
    const point = shown.find((each) => each.loss === loss && each.value === value);
    if (!point) return '–';
    const { mean, standardDeviation } = summarize(point.values[headline[task]]);
    return `${mean.toFixed(3)} ± ${standardDeviation.toFixed(3)}`;
  };
  return markdownTable(
    [
      [`${headline[task]}, ${sweeps[swept]} =`, ...range.map(String)],
      ...ablatedLosses.map((loss) => [losses[loss].title, ...range.map((value) => cell(loss, value))]),
    ],
    { align: ['l', ...range.map(() => 'r')] },
  );
}

/** For the terminal: the headline of each task. */
export function summaryTable({ entries, subjects, tasks }: ReportContent, kind: SettingKind): string {
  const columns = subjects.flatMap((subject) =>
    tasksOf(subject)
      .filter((task) => tasks.includes(task))
      .map((task) => ({ data: subject.name, task })),
  );
  const rows = lossNames.map((loss) => [
    `${losses[loss].title}${isCircle(loss) ? ' *' : ''}`,
    ...columns.map(({ data, task }) => {
      const entry = entries.find((e) => e.data === data && e.task === task && e.kind === kind && e.loss === loss)!;
      const { mean, standardDeviation } = summarize(entry.values[headline[task]]);
      return `${mean.toFixed(3)} ± ${standardDeviation.toFixed(3)}`;
    }),
  ]);
  return markdownTable([[kindTitles[kind], ...columns.map(({ data, task }) => `${data} ${headline[task]}`)], ...rows]);
}
