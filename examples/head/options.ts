/** What can be asked of the example on the command line. */
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { countFrom } from '../terminal/counts.ts';
import { fileOfUser } from '../terminal/files.ts';
import { readTrainingChoice, type TrainingChoice, trainingCommand } from '../terminal/training-command.ts';

export interface HeadOptions extends TrainingChoice {
  /** Past embeddings that a batch is compared with. */
  memory: number;
  /** Of the classes, in a step. */
  sampleRate: number;
  /** Where the head is saved. */
  out: string;
}

const steps = { full: 300, quick: 60 };

export function readOptions(args: readonly string[] = process.argv): HeadOptions {
  const description = 'A training loop by hand: class weights in the engine and a memory of past embeddings.';
  const command = trainingCommand('example:head', description, steps)
    .option('--memory <rows>', 'past embeddings that a batch is compared with', countFrom(1), 1024)
    .option('--sample-rate <share>', 'of the classes, that a step compares with and moves', shareOf, 1)
    .option('--out <file>', 'the head', fileOfUser, join(import.meta.dirname, 'output', 'head.safetensors'));
  return readTrainingChoice(command, steps, args);
}

function shareOf(text: string): number {
  const share = Number(text);
  if (!(share > 0 && share <= 1)) throw new InvalidArgumentError('It must be a number above 0, to 1.');
  return share;
}
