/** What can be asked of the demo on the command line. */
import { join } from 'node:path';
import { hiddenUnits } from '../network/recipe.ts';
import { countFrom } from '../terminal/counts.ts';
import { fileOfUser } from '../terminal/files.ts';
import { readTrainingChoice, type TrainingChoice, trainingCommand } from '../terminal/training-command.ts';

export interface DemoOptions extends TrainingChoice {
  hidden: number;
  out: string;
}

const steps = { full: 300, quick: 100 };

export function readOptions(args: readonly string[] = process.argv): DemoOptions {
  const command = trainingCommand('demo', 'Trains an embedding of emoji with Circle loss and writes a report.', steps)
    .option('--hidden <units>', 'of the hidden layer; 0: none, a linear map', countFrom(0), hiddenUnits)
    .option('--out <file>', 'the report', fileOfUser, join(import.meta.dirname, 'output', 'report.html'));
  return readTrainingChoice(command, steps, args);
}
