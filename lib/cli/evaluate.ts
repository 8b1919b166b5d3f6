/** Files and options of `circle-loss evaluate` → a judgement. */

import { invalidArgument, wrongShape } from '../errors.ts';
import { type DataSet, type DataSetChoice, dataSetNames, dataSetOf } from './data-sets.ts';
import { type Embeddings, type RawType, readEmbeddings } from './embeddings-file.ts';
import { judgeDistractors, judgeIdentification } from './judge-identification.ts';
import { type CameraSet, judgeReIdentification, judgeRetrieval } from './judge-retrieval.ts';
import { allPairs, judgePairs } from './judge-verification.ts';
import type { Judgement } from './judgement.ts';
import { checkNewFile } from './new-file.ts';
import { type EngineChoice, engineOptions, type Refuse } from './options.ts';
import type { Bar, Progress } from './progress.ts';
import type { Fact } from './report.ts';
import { integersOf, numbered, type RowValues, readFullRowValues, readLines } from './row-values.ts';
import { type Comparison, splitRows } from './split.ts';

export interface EvaluateOptions extends EngineChoice, Omit<DataSetChoice, 'junkLabel'> {
  /** As it was typed: a label of any kind. */
  junkLabel?: string;
  protocol: string;
  dim?: number;
  type: RawType;
  labels?: string;
  cameras?: string;
  split?: string;
  gallery?: string;
  galleryLabels?: string;
  galleryCameras?: string;
  paths?: string;
  leaveOut?: string[];
  json?: boolean;
  html?: string;
}

type OptionName = keyof EvaluateOptions;

const rowOptions = ['labels', 'split', 'gallery', 'galleryLabels'] as const;

/** Protocols of labelled rows, and the options that each takes. */
const labelProtocols: Record<string, readonly OptionName[]> = {
  retrieval: [...rowOptions, 'recallAt'],
  reid: [...rowOptions, 'cameras', 'galleryCameras', 'ranks', 'junkLabel'],
  verification: [...rowOptions, 'far', 'rule'],
  identification: [...rowOptions, 'ranks', 'far'],
  distractors: ['labels', 'gallery', 'far', 'distractorCounts'],
};

export const protocolNames: readonly string[] = [...Object.keys(labelProtocols), ...dataSetNames];

/** Where similarities are computed; listed pairs are compared one by one, without an engine. */
const ofEngines: readonly OptionName[] = ['engine', 'threads', 'device', 'precision'];

/** Options that every protocol takes. */
const common: readonly OptionName[] = [
  'protocol',
  'dim',
  'type',
  'leaveOut',
  'json',
  'html',
  'similarity',
  ...ofEngines,
];

/** What was typed, and how: for what commander cannot see. */
export interface CommandLine {
  refuse: Refuse;
  /** Options that are there because somebody gave them. */
  given: readonly { name: string; flag: string }[];
}

interface Evaluation {
  judgement: Judgement;
  facts: Fact[];
}

export async function evaluate(
  path: string,
  options: EvaluateOptions,
  progress: Progress,
  line: CommandLine,
): Promise<Evaluation> {
  const dataSet = dataSetOf(options.protocol);
  checkTogether(options, dataSet, line);
  if (options.html !== undefined) {
    checkNewFile(options.html);
    await (await import('./chart.ts')).checkCharts();
  }
  const start = performance.now();
  const { judgement, facts } = dataSet
    ? await judgeByDataSet(path, options, dataSet, progress)
    : await judgeByLabels(path, options, progress);
  const { similarity, engine } = options;
  const time = `${((performance.now() - start) / 1000).toFixed(2)} s`;
  const run: Fact[] = [
    ['Similarity', similarity],
    ['Engine', engine],
    ['Time', time],
    ['Date', new Date().toISOString()],
  ];
  return { judgement, facts: [...facts, ...run] };
}

function checkTogether(options: EvaluateOptions, dataSet: DataSet | undefined, { refuse, given }: CommandLine): void {
  const { protocol } = options;
  const own = dataSet ? [...dataSet.options, 'root', 'paths'] : labelProtocols[protocol];
  const foreign = given.find(({ name }) => !common.includes(name as OptionName) && !own.includes(name as never));
  if (foreign) refuse(`${foreign.flag} is no option of --protocol ${protocol}.`);
  const unused = dataSet?.options.includes('rule') && given.find(({ name }) => ofEngines.includes(name as OptionName));
  if (unused)
    refuse(`${unused.flag} is no option of --protocol ${protocol}: its pairs are compared without an engine.`);
  const need = (name: OptionName, flag: string) => {
    if (options[name] === undefined) refuse(`--protocol ${protocol} needs ${flag}.`);
  };
  if (dataSet) {
    need('root', '--root, the folder of the data set');
    if (dataSet.order === 'by-paths') need('paths', '--paths, the image of each row');
    if (dataSet.options.includes('gallery')) need('gallery', '--gallery, the distractors');
    return;
  }
  need('labels', '--labels');
  if (protocol === 'reid') need('cameras', '--cameras');
  if (protocol === 'distractors') need('gallery', '--gallery, the distractors');
  if (protocol === 'identification' && options.split === undefined) need('gallery', '--gallery or --split');
  if (options.gallery !== undefined && protocol !== 'distractors') {
    if (options.split !== undefined) refuse('--gallery and --split exclude each other.');
    need('galleryLabels', '--gallery-labels where there is a --gallery');
    if (protocol === 'reid') need('galleryCameras', '--gallery-cameras where there is a --gallery');
  } else if ((options.galleryLabels ?? options.galleryCameras) !== undefined) {
    refuse('--gallery-labels and --gallery-cameras need --gallery.');
  }
}

async function judgeByDataSet(
  path: string,
  options: EvaluateOptions,
  dataSet: DataSet,
  progress: Progress,
): Promise<Evaluation> {
  const { dim, type, leaveOut, paths: list, gallery: distractors, root } = options;
  const rows = await readEmbeddings(path, { dim, type, leaveOut, others: [] }, progress);
  const paths = list === undefined ? undefined : await readLines(list);
  if (paths !== undefined && paths.length !== rows.count) {
    throw wrongShape(`The paths of ${list}`, `one for each of the ${rows.count} rows of ${path}`, `${paths.length}`);
  }
  const form = { dim: rows.dim, type, leaveOut, others: [] };
  const gallery = distractors === undefined ? undefined : await readEmbeddings(distractors, form, progress);
  const bar = await progress.begin(`judging ${rows.count} rows`, 1);
  const junk = options.junkLabel === undefined ? undefined : integersOf('--junk-label', [options.junkLabel])[0];
  const choice = { ...options, junkLabel: junk, root: root! };
  const judgement = await dataSet.judge({ rows, paths, gallery }, choice, engineOptions(options));
  bar.end();
  return { judgement, facts: [factOf('Embeddings', rows), ['Data set', `${options.protocol} in ${root}`]] };
}

const factOf = (name: string, { path, count, dim }: Embeddings): Fact => [
  name,
  `${path}: ${count} rows of ${dim} numbers`,
];

async function judgeByLabels(path: string, options: EvaluateOptions, progress: Progress): Promise<Evaluation> {
  const { labels, cameras, split, dim, type, leaveOut } = options;
  const rows = await readEmbeddings(path, { dim, type, leaveOut, others: [labels, cameras, split] }, progress);
  const other = options.gallery === undefined ? undefined : await readGallery(options, rows, progress);
  const comparison = await compareRows(options, rows, other, progress);
  const bar = await progress.begin(`judging ${comparison.query.labels.length} rows`, comparison.query.labels.length);
  const judgement = await judge(comparison, options, bar);
  bar.end();
  const { gallery } = comparison;
  const searched: Fact = other
    ? factOf('Gallery', other)
    : ['Gallery', gallery ? `${gallery.labels.length} of the rows` : 'all other rows'];
  return {
    judgement,
    facts: [factOf('Embeddings', rows), ['Queries', String(comparison.query.labels.length)], searched],
  };
}

const readGallery = (
  { gallery, galleryLabels, galleryCameras, type, leaveOut }: EvaluateOptions,
  { dim }: Embeddings,
  progress: Progress,
) => readEmbeddings(gallery!, { dim, type, leaveOut, others: [galleryLabels, galleryCameras] }, progress);

/** Labels of both sides, and the one that is junk, are numbered together, and so are cameras. */
async function compareRows(
  options: EvaluateOptions,
  rows: Embeddings,
  other: Embeddings | undefined,
  progress: Progress,
): Promise<Comparison> {
  const read = async (source: string | undefined, what: string, of: Embeddings | undefined): Promise<RowValues[]> =>
    source === undefined || of === undefined
      ? []
      : [await readFullRowValues(source, what, of.count, of.path, progress)];
  const given = [
    ...(await read(options.labels, 'The labels', rows)),
    ...(await read(options.galleryLabels, 'The labels', other)),
  ];
  const labels = numbered([...given, [options.junkLabel ?? '-1']]);
  const [junkLabel] = labels.pop() as Int32Array;
  const cameras = numbered([
    ...(await read(options.cameras, 'The cameras', rows)),
    ...(await read(options.galleryCameras, 'The cameras', other)),
  ]);
  const set = ({ values, count }: Embeddings, side: 0 | 1) => ({
    embeddings: values,
    labels: labels[side] ?? new Int32Array(count), // distractors have none
    ...(cameras[side] && { cameras: cameras[side] }),
  });
  const { dim } = rows;
  if (other) return { dim, junkLabel, query: set(rows, 0), gallery: set(other, 1) };
  const [split] = await read(options.split, 'The split', rows);
  if (split === undefined) return { dim, junkLabel, query: set(rows, 0) };
  return { ...splitRows(set(rows, 0), dim, integersOf(options.split!, split), options.split!), junkLabel };
}

async function judge(comparison: Comparison, options: EvaluateOptions, bar: Bar): Promise<Judgement> {
  const settings = engineOptions(options);
  const { dim, query, gallery = query, junkLabel } = comparison;
  const { ranks } = options;
  switch (options.protocol) {
    case 'retrieval':
      return judgeRetrieval(comparison, options, settings);
    case 'reid':
      return judgeReIdentification(dim, query as CameraSet, gallery as CameraSet, { ranks, junkLabel }, settings);
    case 'verification':
      return judgePairs(await allPairs(comparison, settings, bar), options);
    case 'identification':
      checkApart(comparison, options.split);
      return judgeIdentification(dim, query, gallery, options, settings);
    default:
      return judgeDistractors(dim, query, gallery.embeddings, options, settings);
  }
}

/** A query that finds itself says nothing. */
function checkApart({ gallery, own }: Comparison, split: string | undefined): void {
  if (gallery !== undefined && !own?.some((row) => row >= 0)) return;
  throw invalidArgument(`${split}`, 'a split without rows that are query and gallery (3) for identification', 'some');
}
