/** What can be asked of the example on the command line. */
import { countFrom } from '../terminal/counts.ts';
import { readTrainingChoice, type TrainingChoice, trainingCommand } from '../terminal/training-command.ts';

export interface WorkerOptions extends TrainingChoice {
  /** Training ends after this long at the latest. */
  seconds: number | undefined;
  /** 0: any that is free. */
  port: number;
}

const steps = { full: 300, quick: 60 };

export function readOptions(args: readonly string[] = process.argv): WorkerOptions {
  const description = 'Trains an embedding of emoji in a worker thread, and serves what it knows meanwhile.';
  const command = trainingCommand('example:worker', description, steps)
    .option('--seconds <limit>', 'end training after this long, steps left or not', countFrom(1))
    .option('--port <number>', 'of the server, on this machine only; 0: any that is free', countFrom(0), 0);
  return readTrainingChoice(command, steps, args);
}
