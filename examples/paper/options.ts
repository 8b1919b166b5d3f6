/** What can be asked on the command line. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { EngineName } from 'circle-loss';
import { Command, Option } from 'commander';
import { countFrom } from '../terminal/counts.ts';
import { engineNames } from '../terminal/engine.ts';
import { fileOfUser } from '../terminal/files.ts';
import { fullSweeps, quickSweeps, type SweptValues } from './ablation.ts';
import { type Task, tasks } from './losses.ts';
import { type DataName, dataFolder, dataNames } from './subjects.ts';

export interface PaperOptions {
  steps: number;
  /** 1, 2, … */
  seeds: readonly number[];
  data: readonly DataName[];
  tasks: readonly Task[];
  engine: EngineName;
  workers: number;
  /** Of runs and results. */
  out: string;
  /** Where the results go to as well. */
  published: string | undefined;
  /** undefined: all classes. */
  classLimit: number | undefined;
  /** Settings that are tried a loss. */
  trialLimit: number;
  sweeps: SweptValues;
  /** Of the seeds, so many sweep. */
  sweepSeeds: number;
}

const full = {
  steps: 300,
  seeds: 5,
  classLimit: undefined,
  trialLimit: Number.POSITIVE_INFINITY,
  sweeps: fullSweeps,
  sweepSeeds: 3,
};
const quick = { steps: 30, seeds: 2, classLimit: 150, trialLimit: 2, sweeps: quickSweeps, sweepSeeds: 2 };

const publishedFolder = join(import.meta.dirname, '..', '..', 'docs', 'paper');

/** As commander has it. */
type Parsed = Pick<PaperOptions, 'tasks' | 'engine' | 'workers' | 'out'> & {
  steps?: number;
  seeds?: number;
  data?: DataName[];
  publish?: true;
  quick?: true;
};

export function readOptions(args: readonly string[] = process.argv): PaperOptions {
  const command = new Command('paper')
    .description('Runs the comparison of the Circle loss paper again, on data that everybody can install.')
    .option('--steps <count>', `of each training (default: ${full.steps}, with --quick ${quick.steps})`, countFrom(1))
    .option('--seeds <count>', `of each loss (default: ${full.seeds}, with --quick ${quick.seeds})`, countFrom(1))
    .addOption(new Option('--data <names...>', 'of the data sets; default: all that are there').choices(dataNames))
    .addOption(new Option('--tasks <names...>', 'of the paper').choices(tasks).default([...tasks], 'all'))
    .addOption(new Option('--engine <name>', 'of the package').choices(engineNames).default('auto'))
    .option('--workers <count>', 'threads that each compute a run of their own', countFrom(1), availableParallelism())
    .option('--out <folder>', 'of runs and results', fileOfUser, join(import.meta.dirname, 'output'))
    .option('--publish', 'copies the results to docs/paper')
    .option('--quick', 'few classes, steps, seeds and trials: to see that it runs');
  const { steps, seeds, data, publish, quick: isQuick, ...rest } = command.parse(args).opts<Parsed>();
  const scale = isQuick ? quick : full;
  const chosen = data ?? dataNames;
  const missing = dataFolder() === undefined ? chosen.filter((name: DataName) => name !== 'emoji') : [];
  if (data && missing.length > 0) {
    command.error(`error: ${missing.join(' and ')} must be in a folder that CIRCLE_LOSS_DATA names; it is not set.`);
  }
  if (rest.tasks.every((task) => task === 're-identification') && chosen.every((name) => name === 'leaves')) {
    command.error('error: nobody knows who drew the leaves, so there is no re-identification of them.');
  }
  if (isQuick && publish) command.error('error: what --quick finds is too little to be published.');
  for (const name of missing) console.log(`Skipped: ${name}, which is in no folder, since CIRCLE_LOSS_DATA is not set`);
  return {
    ...rest,
    ...scale,
    steps: steps ?? scale.steps,
    seeds: Array.from({ length: seeds ?? scale.seeds }, (_, i) => i + 1),
    data: chosen.filter((name: DataName) => !missing.includes(name)),
    published: publish ? publishedFolder : undefined,
  };
}
