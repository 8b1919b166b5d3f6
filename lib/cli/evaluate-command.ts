/** `circle-loss evaluate`: a judgement of embeddings, by labels or by the lists of a data set. */
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { rawTypes } from './embeddings-file.ts';
import { type CommandLine, type EvaluateOptions, evaluate, protocolNames } from './evaluate.ts';
import { evaluateHelp } from './evaluate-help.ts';
import { addEngineOptions, columnNames, countFrom, jsonOption, listOf, rate, refusalOf } from './options.ts';
import { print, printJson, tableOf } from './output.ts';
import { terminalProgress } from './progress.ts';

export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('Judge embeddings: retrieval, re-identification, verification, identification, data sets.')
    .argument('<embeddings>', 'of the queries, or of all rows: .npy, .csv, or raw numbers with --dim')
    .addOption(new Option('--protocol <name>', 'what is measured').choices(protocolNames).default('retrieval'));
  addRowOptions(command);
  addProtocolOptions(command);
  addEngineOptions(command)
    .addOption(jsonOption())
    .option('--html <file>', "write a report with plots; needs the package 'echarts'")
    .addHelpText('after', evaluateHelp)
    .action(async (path: string, options: EvaluateOptions) => {
      const { judgement, facts } = await evaluate(path, options, terminalProgress(), lineOf(command));
      if (options.html !== undefined) {
        const { writeReport } = await import('./report.ts');
        await writeReport(options.html, `${options.protocol}: ${basename(path)}`, judgement, facts);
      }
      const { metrics, rows, warnings = [] } = judgement;
      for (const warning of warnings) process.stderr.write(`circle-loss: ${warning}\n`);
      if (options.json) return printJson({ protocol: options.protocol, ...metrics, warnings });
      print(tableOf([options.protocol, ''], rows));
    });
}

function lineOf(command: Command): CommandLine {
  const isGiven = (name: string) => command.getOptionValueSource(name) === 'cli';
  const named = command.options.map((option) => ({ name: option.attributeName(), flag: option.long ?? option.short! }));
  return { refuse: refusalOf(command), given: named.filter(({ name }) => isGiven(name)) };
}

function addRowOptions(command: Command): void {
  command
    .option('--dim <count>', 'numbers in a row of raw files', countFrom(1))
    .option('--leave-out <columns>', 'of CSV files: columns that are no coordinates', columnNames)
    .addOption(new Option('--type <name>', 'of raw embeddings').choices(rawTypes).default('float32'))
    .option('--labels <source>', 'a label for each row')
    .option('--cameras <source>', 'a camera for each row: of reid')
    .option('--split <source>', 'of each row: 0 train, 1 query, 2 gallery, 3 query and gallery')
    .option('--gallery <file>', 'the rows that are searched, where they are in a file of their own')
    .option('--gallery-labels <source>', 'a label for each row of the gallery')
    .option('--gallery-cameras <source>', 'a camera for each row of the gallery');
}

function addProtocolOptions(command: Command): void {
  const names = (values: readonly string[], flags: string, said: string) => new Option(flags, said).choices(values);
  command
    .option('--root <folder>', 'of a data set: where it is')
    .option('--paths <file>', 'of a data set: the image of each row, one a line, relative to its folder')
    .option('--list <file>', 'of lfw, ytf and megaface: the list of pairs or images, where it is elsewhere', fromHere)
    .addOption(
      names(
        ['check', 'ignore'],
        '--images <name>',
        'of a data set: whether images that lists name are looked for',
      ).default('ignore'),
    )
    .option('--detector-scores', 'of ijb-b and ijb-c: weigh images by them')
    .option('--noises <file>', 'of megaface: images to leave out')
    .option('--seed <number>', 'of viper: which half of the persons is for testing (default: 0)', countFrom(0))
    .option('--recall-at <list>', 'of retrieval: the K of Recall@K (default: 1,2,4,8)', listOf(countFrom(1)))
    .option('--ranks <count>', 'how many ranks of CMC curves (default: 50)', countFrom(1))
    .option('--junk-label <label>', 'of reid: gallery rows that are as if not there (default: -1)')
    .option('--far <list>', 'false accept rates, or false positive identification rates', listOf(rate))
    .addOption(
      names(
        ['strict', 'nearest'],
        '--rule <name>',
        'how a threshold is set for a rate (default: strict; of ijb-b and ijb-c nearest)',
      ),
    )
    .addOption(
      names(
        ['midpoints', 'grid'],
        '--thresholds <name>',
        'what the threshold of a fold is chosen from (default: midpoints)',
      ),
    )
    .option('--distractor-counts <list>', 'how many distractors (default: 10, 100, … and all)', listOf(countFrom(1)));
}

/** What is relative to where the command was typed, and not to a data set's folder. */
const fromHere = (path: string) => resolve(path);
