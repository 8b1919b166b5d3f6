/** What can be asked of the demo on the command line. */
import { join, resolve } from 'node:path';
import type { EngineName } from 'circle-loss';
import { Command, Option } from 'commander';
import { hiddenUnits } from '../network/recipe.ts';
import { countFrom } from '../terminal/counts.ts';
import { engineNames } from '../terminal/engine.ts';

export interface DemoOptions {
  steps: number;
  seed: number;
  hidden: number;
  engine: EngineName;
  out: string;
  classLimit: number | undefined;
}

const quickClasses = 500;
const quickSteps = 100;
const fullSteps = 300;

export function readOptions(args: readonly string[] = process.argv): DemoOptions {
  const command = new Command('demo')
    .description('Trains an embedding of emoji with Circle loss and writes a report.')
    .option('--steps <count>', `training steps (default: ${fullSteps}, with --quick ${quickSteps})`, countFrom(1))
    .option('--seed <number>', 'of the split, the weights and the batches', countFrom(0), 1)
    .option('--hidden <units>', 'of the hidden layer; 0: none, a linear map', countFrom(0), hiddenUnits)
    .addOption(new Option('--engine <name>', 'of the package').choices(engineNames).default('auto'))
    .option('--out <file>', 'the report', join(import.meta.dirname, 'output', 'report.html'))
    .option('--quick', `only ${quickClasses} classes and few steps: to see that it runs`)
    .parse(args);
  const { steps, quick, out, ...rest } = command.opts<{
    steps?: number;
    seed: number;
    hidden: number;
    engine: EngineName;
    out: string;
    quick?: boolean;
  }>();
  return {
    ...rest,
    steps: steps ?? (quick ? quickSteps : fullSteps),
    // npm changes the working directory; INIT_CWD is where the user typed the command.
    out: resolve(process.env.INIT_CWD ?? '.', out),
    classLimit: quick ? quickClasses : undefined,
  };
}
