/** `circle-loss similar`: the nearest rows of given ones. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { invalidArgument } from '../errors.ts';
import { findNearestAsync } from '../index.ts';
import { type Embeddings, type RawType, rawTypes, readEmbeddings } from './embeddings-file.ts';
import { exitCodes } from './exit-codes.ts';
import {
  addEngineOptions,
  columnNames,
  countFrom,
  type EngineChoice,
  engineOptions,
  jsonOption,
  listOf,
  type Refuse,
  refusalOf,
} from './options.ts';
import { print, printJson, share, tableOf } from './output.ts';
import { type Progress, terminalProgress } from './progress.ts';
import { readRowValues } from './row-values.ts';

interface SimilarOptions extends EngineChoice {
  rows?: number[];
  queries?: string;
  k: number;
  names?: string;
  dim?: number;
  leaveOut?: string[];
  type: RawType;
  json?: boolean;
}

interface Neighbour {
  row: number;
  name?: string;
  similarity: number;
}

interface Answer {
  query: number;
  name?: string;
  neighbours: Neighbour[];
}

export function addSimilar(program: Command): void {
  const command = program
    .command('similar')
    .description('Find the rows most similar to given ones. Rows are counted from 0.')
    .argument('<embeddings>', 'the rows to find: .npy, .csv, or raw numbers with --dim')
    .option('--rows <list>', 'of which rows, such as 3,17; of the queries where there are some', listOf(countFrom(0)))
    .option('--queries <file>', 'rows that ask, all of them without --rows; a row of <embeddings> never finds itself')
    .option('-k <count>', 'how many to find', countFrom(1), 10)
    .option('--names <source>', 'a name for each row of <embeddings>: one a line, or FILE.csv:COLUMN')
    .option('--dim <count>', 'numbers in a row of raw files', countFrom(1))
    .option('--leave-out <columns>', 'of CSV files: columns that are no coordinates', columnNames)
    .addOption(new Option('--type <name>', 'of raw files').choices(rawTypes).default('float32'));
  addEngineOptions(command)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  $ circle-loss similar faces.npy --rows 3,17 -k 10
  $ circle-loss similar gallery.bin --dim 512 --queries query.bin --rows 0 --names gallery.txt
  $ circle-loss similar leaves.csv --rows 0 --names leaves.csv:species --json
${exitCodes}`,
    )
    .action(async (path: string, options: SimilarOptions) => {
      const answers = await search(path, options, terminalProgress(), refusalOf(command));
      if (options.json) return printJson({ k: options.k, answers });
      const isNamed = options.names !== undefined;
      const header = isNamed ? ['query', 'rank', 'row', 'name', 'similarity'] : ['query', 'rank', 'row', 'similarity'];
      const rows = answers.flatMap(({ query, neighbours }) =>
        neighbours.map(({ row, name, similarity }, i) =>
          isNamed ? [query, i + 1, row, name ?? '', share(similarity)] : [query, i + 1, row, share(similarity)],
        ),
      );
      print(tableOf(header, rows));
    });
}

async function search(path: string, options: SimilarOptions, progress: Progress, refuse: Refuse): Promise<Answer[]> {
  const { rows, k } = options;
  if (rows === undefined && options.queries === undefined) refuse('name the rows that ask: --rows, --queries or both.');
  const form = { dim: options.dim, type: options.type, leaveOut: options.leaveOut, others: [options.names] };
  const gallery = await readEmbeddings(path, form, progress);
  const others =
    options.queries === undefined
      ? undefined
      : await readEmbeddings(options.queries, { ...form, dim: form.dim ?? gallery.dim, others: [] }, progress);
  const names =
    options.names === undefined
      ? undefined
      : await readRowValues(options.names, 'The names', gallery.count, path, progress);
  const findable = others ? gallery.count : gallery.count - 1;
  if (k > findable) throw invalidArgument('-k', `at most ${findable}, which ${path} has to find`, k);
  const asking = others ?? gallery;
  const asked = rows ?? Array.from({ length: asking.count }, (_, row) => row);
  // One more, where a row finds itself; it need not, among equals.
  const found = Math.min(others ? k : k + 1, gallery.count);
  const bar = await progress.begin(`comparing ${asked.length} rows with ${gallery.count}`, 1);
  const { similarities, indices } = await findNearestAsync(gather(asking, asked), {
    dim: gallery.dim,
    k: found,
    candidates: gallery.values,
    ...engineOptions(options),
  });
  bar.end();
  const nameOf = (row: number) => (names === undefined ? {} : { name: String(names[row]) });
  return asked.map((query, i) => {
    const places = Array.from({ length: found }, (_, place) => i * found + place);
    const neighbours = places
      .map((place) => ({ row: indices[place], ...nameOf(indices[place]), similarity: similarities[place] }))
      .filter(({ row }) => others !== undefined || row !== query)
      .slice(0, k);
    return { query, ...(others === undefined ? nameOf(query) : {}), neighbours };
  });
}

function gather({ path, values, dim, count }: Embeddings, rows: readonly number[]): Float32Array {
  const gathered = new Float32Array(rows.length * dim);
  rows.forEach((row, i) => {
    if (row >= count) throw invalidArgument('--rows', `rows of ${path}, from 0 to ${count - 1}`, row);
    gathered.set(values.subarray(row * dim, (row + 1) * dim), i * dim);
  });
  return gathered;
}
