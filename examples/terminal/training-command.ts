/** The options that every example has: how long to train, from which seed, on which engine; and `--quick`. */
import type { EngineName } from 'circle-loss';
import { Command, Option } from 'commander';
import { countFrom } from './counts.ts';
import { engineNames } from './engine.ts';

export interface TrainingChoice {
  steps: number;
  seed: number;
  engine: EngineName;
  /** undefined: all classes. */
  classLimit: number | undefined;
}

/** Training steps when none are asked for. */
export interface StepCounts {
  full: number;
  quick: number;
}

const quickClasses = 500;

/** A command with these options, to which an example adds its own before `readTrainingChoice` parses. */
export function trainingCommand(name: string, description: string, { full, quick }: StepCounts): Command {
  return new Command(name)
    .description(description)
    .option('--steps <count>', `training steps (default: ${full}, with --quick ${quick})`, countFrom(1))
    .option('--seed <number>', 'of the split, the weights and the batches', countFrom(0), 1)
    .addOption(new Option('--engine <name>', 'of the package').choices(engineNames).default('auto'))
    .option('--quick', `only ${quickClasses} classes and few steps: to see that it runs`);
}

/** What was asked for; `Own` are the options that the example added. */
export function readTrainingChoice<Own extends object>(
  command: Command,
  { full, quick: quickSteps }: StepCounts,
  args: readonly string[],
): TrainingChoice & Own {
  const { quick, steps, ...rest } = command.parse(args).opts();
  const choice: Pick<TrainingChoice, 'steps' | 'classLimit'> = {
    steps: steps ?? (quick ? quickSteps : full),
    classLimit: quick ? quickClasses : undefined,
  };
  return { ...rest, ...choice } as TrainingChoice & Own;
}
