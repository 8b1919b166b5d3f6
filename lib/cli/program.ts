/** The commands and what they have in common. */
import { createRequire } from 'node:module';
import { Command } from 'commander';
import { addBench } from './bench-command.ts';
import { addBuild } from './build-command.ts';
import { addEngines } from './engines-command.ts';
import { addEvaluate } from './evaluate-command.ts';
import { exitCodes } from './exit-codes.ts';
import { addSimilar } from './similar-command.ts';

export function createProgram(): Command {
  // By its own name: the same from the sources and from dist.
  const { version } = createRequire(import.meta.url)('circle-loss/package.json') as { version: string };
  const program = new Command('circle-loss')
    .description('Metric learning from the command line: judge embeddings, search them, see what computes here.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .showHelpAfterError('Add --help to see how it is used.')
    .exitOverride()
    .addHelpText('after', exitCodes);
  addEngines(program);
  addEvaluate(program);
  addSimilar(program);
  addBench(program);
  addBuild(program);
  return program;
}
