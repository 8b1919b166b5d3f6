/**
 * The comparison of the Circle loss paper on small data: every loss tuned, then run from every seed, then γ and m swept.
 * `main` is the walk through it.
 */
import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import type { EngineName } from 'circle-loss';
import { chooseEngine, variantOf } from '../terminal/engine.ts';
import { startProgress } from '../terminal/progress.ts';
import { ablatedData, collectPoints, planAblation } from './ablation.ts';
import { collectEntries, planComparison, settingKinds } from './comparison.ts';
import { judge, type Scores } from './judge.ts';
import { type PaperOptions, readOptions } from './options.ts';
import { copyResults, writeResults } from './publish.ts';
import { batchShape, classRateFactor, embeddingDim, hiddenUnits, learningRate } from './recipe.ts';
import { type ReportContent, summaryTable } from './report.ts';
import { describeRobustness } from './robustness.ts';
import { type FinishedRun, RunPool } from './run-pool.ts';
import { loadSubject, type Subject } from './subjects.ts';
import { chooseSettings, planTuning } from './tuning.ts';
import { reachVerdicts, sentences } from './verdicts.ts';

await main(readOptions());

async function main(options: PaperOptions): Promise<void> {
  const started = performance.now();
  endOnInterrupt(options);
  const engine = chooseEngine(options.engine);
  const subjects = await loadSubjects(options);
  const threads = Math.max(1, Math.floor(availableParallelism() / options.workers));
  const pool = new RunPool({ ...options, subjects, engine, threads, folder: join(options.out, 'runs') });
  const { seeds, steps, tasks, out, published } = options;

  const tuningRuns = await pool.run('Tuning', planTuning(options.data, steps, options.trialLimit));
  const tunings = chooseSettings(tuningRuns);

  const cells = planComparison({ subjects, tasks, seeds, steps, tunings });
  const runs = await pool.run(
    'Comparison',
    cells.flatMap(({ plans }) => plans),
  );
  const entries = collectEntries(cells, runs);

  const planned = options.data.includes(ablatedData)
    ? planAblation(options.sweeps, seeds.slice(0, options.sweepSeeds), steps)
    : [];
  const ablationRuns = await pool.run(
    'Robustness',
    planned.flatMap(({ plans }) => plans),
  );
  const points = collectPoints(planned, ablationRuns);
  await pool.close();

  const facts = describe(options, engine, subjects, [...tuningRuns, ...runs, ...ablationRuns]);
  const featureScores = Object.fromEntries(
    subjects.map(({ name, testFeatures, test, askingCameras }): [string, Scores] => [
      name,
      judge(testFeatures, test, askingCameras, { engine, threads }),
    ]),
  );
  const verdicts = reachVerdicts(entries);
  const content: ReportContent = { subjects, tasks, seeds, featureScores, entries, verdicts, tunings, points, facts };
  const names = await writeResults(out, content, runs);
  if (published) await copyResults(out, published, names);

  for (const kind of settingKinds) console.log(`\n${summaryTable(content, kind)}`);
  console.log(`\n${[...sentences(verdicts), ...describeRobustness(points)].join('\n')}`);
  const elapsed = (performance.now() - started) / 1000;
  console.log(`Runs            ${pool.computed} computed, ${pool.found} found, in ${minutes(elapsed)} minutes`);
  console.log(
    `Results         ${[out, ...(published ? [published] : [])].map((f) => join(f, 'results.md')).join(', ')}`,
  );
}

async function loadSubjects({ data, classLimit }: PaperOptions): Promise<Subject[]> {
  const progress = startProgress('Data', data.length);
  const subjects: Subject[] = [];
  for (const name of data) {
    subjects.push(await loadSubject(name, classLimit));
    progress.advance(name);
  }
  progress.stop();
  return subjects;
}

/** Ctrl-C: finished runs are files already, and the progress bar would take the signal for itself. */
function endOnInterrupt({ out }: PaperOptions): void {
  process.once('SIGINT', () => {
    console.log(`\nInterrupted. Finished runs are in ${out}: the same command goes on from there.`);
    process.exit(130);
  });
}

function describe(
  { seeds, steps, workers }: PaperOptions,
  engine: EngineName,
  subjects: readonly Subject[],
  runs: readonly FinishedRun[],
): ReportContent['facts'] {
  const { classes, picturesPerClass } = batchShape;
  const processors = cpus();
  const distinct = [...new Set(runs.map(({ result }) => result))];
  const secondsOf = (kind: 'training' | 'judging') => distinct.reduce((sum, { seconds }) => sum + seconds[kind], 0);
  const [training, judging] = [secondsOf('training'), secondsOf('judging')];
  return [
    ['Data', subjects.map(({ title, about }) => `${title}: ${about}`).join('; ')],
    [
      'Network',
      `${subjects[0].testFeatures.dim} → ${hiddenUnits} → ${embeddingDim}, ReLU between; reads hand-made features (examples/data/features.ts)`,
    ],
    [
      'Training',
      `${steps} steps of ${classes} classes × ${picturesPerClass} pictures (\`pkSampler\`, the same batches for all losses of a seed), Adam at ${learningRate} unless tuned, falling to 0; class weights ${classRateFactor} times as fast`,
    ],
    ['Seeds', seeds.join(', ')],
    [
      'Runs',
      `${distinct.length}, ${workers} at a time: ${minutes(training)} minutes of training and ${minutes(judging)} of judging, added up, as measured with whatever else the machine did`,
    ],
    ['Versions', `circle-loss ${packageVersion()}, engine ${engine}${variantOf(engine)}, Node ${process.version}`],
    ['Machine', `${processors[0]?.model.trim()}, ${processors.length} logical processors`],
  ];
}

function minutes(seconds: number): string {
  return (seconds / 60).toFixed(1);
}

function packageVersion(): string {
  return createRequire(import.meta.url)('circle-loss/package.json').version;
}
