/** What can be asked of the figures on the command line. */
import { join } from 'node:path';
import { Option } from 'commander';
import { fileOfUser } from '../../terminal/files.ts';
import { readTrainingChoice, type TrainingChoice, trainingCommand } from '../../terminal/training-command.ts';

export interface FigureOptions extends TrainingChoice {
  /** Whether to train first, and write what the figures of a training are drawn from. */
  train?: true;
  /** A folder with the files of a comparison, to take the data of a training from, of `data`. */
  comparison?: string;
  data: string;
  /** Where results go: the explorer, and figures in a folder of theirs, with the data of a training. */
  out: string;
}

const steps = { full: 300, quick: 60 };

export function readOptions(args: readonly string[] = process.argv): FigureOptions {
  const description = 'The figures of the paper, from what the engines compute.';
  const command = trainingCommand('figures', description, steps)
    .option('--train', 'train first, with each of the losses, and write curves.json and scatter.json')
    .addOption(
      new Option('--comparison <folder>', 'take a training from the files of a comparison of losses')
        .argParser(fileOfUser)
        .conflicts('train'),
    )
    .option('--data <name>', 'of the data sets of the comparison', 'emoji')
    .option('--out <folder>', 'of results', fileOfUser, join(import.meta.dirname, '../../../docs/paper'));
  return readTrainingChoice(command, steps, args);
}
