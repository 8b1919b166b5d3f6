/** What can be asked of the example on the command line. */
import type { EngineName } from 'circle-loss';
import { Command, Option } from 'commander';
import { countFrom } from '../terminal/counts.ts';
import { engineNames } from '../terminal/engine.ts';

export interface WorkerOptions {
  steps: number;
  /** Training ends after this long at the latest. */
  seconds: number | undefined;
  seed: number;
  /** 0: any that is free. */
  port: number;
  engine: EngineName;
  classLimit: number | undefined;
}

const quickClasses = 500;
const quickSteps = 60;
const fullSteps = 300;

export function readOptions(args: readonly string[] = process.argv): WorkerOptions {
  const command = new Command('example:worker')
    .description('Trains an embedding of emoji in a worker thread, and serves what it knows meanwhile.')
    .option('--steps <count>', `training steps (default: ${fullSteps}, with --quick ${quickSteps})`, countFrom(1))
    .option('--seconds <limit>', 'end training after this long, steps left or not', countFrom(1))
    .option('--seed <number>', 'of the split, the weights and the batches', countFrom(0), 1)
    .option('--port <number>', 'of the server, on this machine only; 0: any that is free', countFrom(0), 0)
    .addOption(new Option('--engine <name>', 'of the package').choices(engineNames).default('auto'))
    .option('--quick', `only ${quickClasses} classes and few steps: to see that it runs`)
    .parse(args);
  const { steps, seconds, quick, ...rest } = command.opts<{
    steps?: number;
    seconds?: number;
    seed: number;
    port: number;
    engine: EngineName;
    quick?: boolean;
  }>();
  return {
    ...rest,
    seconds,
    steps: steps ?? (quick ? quickSteps : fullSteps),
    classLimit: quick ? quickClasses : undefined,
  };
}
