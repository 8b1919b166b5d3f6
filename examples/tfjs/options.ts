/** What can be asked of the two examples on the command line. */
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { fileOfUser } from '../terminal/files.ts';
import { readTrainingChoice, type TrainingChoice, trainingCommand } from '../terminal/training-command.ts';
import { type BackendName, backendNames } from './backend.ts';

export interface TensorFlowOptions extends TrainingChoice {
  backend: BackendName;
}

export interface SavedModelOptions extends TensorFlowOptions {
  /** The folder that the model is saved to. */
  out: string;
}

const steps = { full: 300, quick: 60 };

export function readPairOptions(args: readonly string[] = process.argv): TensorFlowOptions {
  const description = 'A model of TensorFlow.js that fit trains with Circle loss between the pictures of a batch.';
  return readTrainingChoice(withBackend(trainingCommand('example:tfjs', description, steps)), steps, args);
}

export function readClassOptions(args: readonly string[] = process.argv): SavedModelOptions {
  const description = 'A model of TensorFlow.js that fit trains with Circle loss against class weights, a layer of it.';
  const command = withBackend(trainingCommand('example:tfjs-classes', description, steps)).option(
    '--out <folder>',
    'the model',
    fileOfUser,
    join(import.meta.dirname, 'output', 'model'),
  );
  return readTrainingChoice(command, steps, args);
}

function withBackend(command: Command): Command {
  const option = new Option('--backend <name>', 'of TensorFlow.js; cpu takes the place of a wasm that does not start');
  return command.addOption(option.choices(backendNames).default('wasm'));
}
