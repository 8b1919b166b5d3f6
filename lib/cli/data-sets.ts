/** Judgements by the lists of published data sets: which row is which image, and which metric the data set has. */
import { resolve } from 'node:path';
import { wrongShape } from '../errors.ts';
import { aggregateTemplates, similaritiesOfPairs } from '../metrics.ts';
import {
  alignPairs,
  alignRows,
  alignTemplates,
  camerasOf,
  type FrameSet,
  gatherRows,
  labelsOf,
  type Pathed,
  type ReIdentificationItem,
  type ReIdentificationProtocol,
  type RetrievalProtocol,
  readCars196,
  readCfp,
  readCub,
  readIjbIdentification,
  readIjbVerification,
  readLfw,
  readMarket1501,
  readMars,
  readMegaFaceList,
  readMsmt17,
  readSop,
  readViper,
  readYtf,
  type TemplateList,
  type Tracklet,
  templatesOf,
  type VerificationProtocol,
  type YtfProtocol,
} from '../protocols.ts';
import type { Embeddings } from './embeddings-file.ts';
import { judgeDistractors, judgeGalleries } from './judge-identification.ts';
import { judgeReIdentification, judgeRetrieval } from './judge-retrieval.ts';
import { judgePairs, type VerificationChoice } from './judge-verification.ts';
import type { Judgement } from './judgement.ts';
import type { EngineSettings } from './options.ts';
import type { LabelledSet } from './split.ts';

/** What the command line says of a data set. */
export interface DataSetChoice extends VerificationChoice {
  root?: string;
  /** The list of pairs of LFW and YouTube Faces, or the list of queries of MegaFace, where it is elsewhere. */
  list?: string;
  noises?: string;
  images: 'check' | 'ignore';
  seed?: number;
  detectorScores?: boolean;
  recallAt?: readonly number[];
  ranks?: number;
  junkLabel?: number;
  distractorCounts?: readonly number[];
}

/** The rows of the file and where they come from. */
export interface DataSetRows {
  rows: Embeddings;
  /** The image of each row; undefined: rows stand in the order of the data set's own list, where it has one. */
  paths: readonly string[] | undefined;
  /** MegaFace's distractors. */
  gallery: Embeddings | undefined;
}

type Judge = (
  rows: DataSetRows,
  choice: DataSetChoice & { root: string },
  settings: EngineSettings,
) => Promise<Judgement>;

export interface DataSet {
  judge: Judge;
  /** Options that it takes beside the folder and the engine. */
  options: readonly (keyof DataSetChoice | 'gallery')[];
  /** Whether rows without --paths are in the order of the data set's list. */
  order: 'by-paths' | 'by-list';
}

const rowsOf = (rows: Embeddings, paths: readonly string[], items: readonly Pathed[], root: string) =>
  gatherRows(rows.values, alignRows(paths, items, { root }), { dim: rows.dim });

const reIdentification =
  (read: (choice: DataSetChoice & { root: string }) => Promise<ReIdentificationProtocol>): Judge =>
  async ({ rows, paths }, choice, settings) => {
    const { query, gallery, warnings } = await read(choice);
    const set = (items: readonly ReIdentificationItem[]) => ({
      embeddings: rowsOf(rows, paths!, items, choice.root),
      labels: labelsOf(items),
      cameras: camerasOf(items),
    });
    return {
      ...(await judgeReIdentification(rows.dim, set(query), set(gallery), rankChoice(choice), settings)),
      warnings,
    };
  };

const rankChoice = ({ ranks, junkLabel }: DataSetChoice) => ({ ranks, junkLabel });

/** Tracklets are templates of their frames. */
const judgeMars: Judge = async ({ rows, paths }, choice, settings) => {
  const { query, gallery, warnings } = await readMars(choice.root, { images: choice.images });
  const set = (tracklets: readonly Tracklet[]) => ({
    embeddings: embedFrames(rows, paths!, tracklets, choice.root),
    labels: labelsOf(tracklets),
    cameras: camerasOf(tracklets),
  });
  return {
    ...(await judgeReIdentification(rows.dim, set(query), set(gallery), rankChoice(choice), settings)),
    warnings,
  };
};

function embedFrames(
  rows: Embeddings,
  paths: readonly string[],
  sets: readonly FrameSet[],
  root: string,
): Float32Array {
  const { paths: frames, templates, media } = templatesOf(sets);
  const images = rowsOf(rows, paths, frames, root);
  return aggregateTemplates(images, { dim: rows.dim, templates, media }).embeddings;
}

const retrieval =
  (
    read: (choice: DataSetChoice & { root: string }) => Promise<RetrievalProtocol>,
    recallAt: readonly number[],
  ): Judge =>
  async ({ rows, paths }, choice, settings) => {
    const { test, warnings } = await read(choice);
    const embeddings = rowsOf(rows, paths!, test, choice.root);
    const comparison = { dim: rows.dim, query: { embeddings, labels: labelsOf(test) } };
    return { ...(await judgeRetrieval(comparison, { recallAt: choice.recallAt ?? recallAt }, settings)), warnings };
  };

const facePairs =
  (read: (choice: DataSetChoice & { root: string }) => Promise<VerificationProtocol>): Judge =>
  async ({ rows, paths }, choice, { normalize }) => {
    const protocol = await read(choice);
    const aligned = alignPairs(paths!, protocol.pairs, { root: choice.root });
    const similarities = similaritiesOfPairs(rows.values, interleaved(aligned), { dim: rows.dim, normalize });
    return { ...judgePairs({ similarities, ...aligned }, choice), warnings: protocol.warnings };
  };

function interleaved({ first, second }: { first: Int32Array; second: Int32Array }): Int32Array {
  const pairs = new Int32Array(2 * first.length);
  first.forEach((row, pair) => {
    pairs[2 * pair] = row;
    pairs[2 * pair + 1] = second[pair];
  });
  return pairs;
}

/** Rows are videos where the list of paths names videos, otherwise frames. */
const judgeYtf: Judge = async ({ rows, paths }, choice, { normalize }) => {
  const { root, list, images } = choice;
  const read = (frames: 'check' | 'ignore') => readYtf(root, { splits: list, images: frames });
  const byVideo = await read('ignore');
  const areVideos = new Set(paths).has(byVideo.pairs[0]?.first);
  // The folders say which frames a video has.
  const protocol: YtfProtocol = areVideos && images === 'ignore' ? byVideo : await read('check');
  const aligned = alignPairs(areVideos ? paths! : protocol.paths, protocol.pairs, areVideos ? { root } : {});
  const embeddings = areVideos ? rows.values : embedFrames(rows, paths!, protocol.videos, root);
  const similarities = similaritiesOfPairs(embeddings, interleaved(aligned), { dim: rows.dim, normalize });
  return { ...judgePairs({ similarities, ...aligned }, choice), warnings: protocol.warnings };
};

/** One row for each template of the list. */
function embedTemplates({ rows, paths }: DataSetRows, list: TemplateList, root: string) {
  const own = paths ? rowsOf(rows, paths, list.paths, root) : inOrder(rows, list.paths);
  const { templates, media, scores } = list;
  return aggregateTemplates(own, { dim: rows.dim, templates, media, ...(scores && { weights: scores }) });
}

function inOrder({ path, values, count }: Embeddings, images: readonly string[]): Float32Array {
  if (count === images.length) return values;
  const hint = ' Say with --paths which row is which image.';
  throw wrongShape(path, `one row for each of the ${images.length} images of the list`, `${count}`, hint);
}

const ijbChoice = (set: 'IJB-B' | 'IJB-C', { images, detectorScores }: DataSetChoice) =>
  ({ set, images, scores: detectorScores ? 'read' : 'leave-out' }) as const;

const ijbVerification =
  (set: 'IJB-B' | 'IJB-C'): Judge =>
  async (rows, choice, { normalize }) => {
    const protocol = await readIjbVerification(choice.root, ijbChoice(set, choice));
    const { embeddings, templateIds } = embedTemplates(rows, protocol, choice.root);
    const { first, second, same } = protocol.pairs;
    const options = { dim: rows.rows.dim, normalize, ids: templateIds };
    const similarities = similaritiesOfPairs(embeddings, interleaved({ first, second }), options);
    // Published numbers are of the nearest point.
    return {
      ...judgePairs({ similarities, same }, { ...choice, rule: choice.rule ?? 'nearest' }),
      warnings: protocol.warnings,
    };
  };

const ijbIdentification =
  (set: 'IJB-B' | 'IJB-C'): Judge =>
  async (rows, choice, settings) => {
    const protocol = await readIjbIdentification(choice.root, ijbChoice(set, choice));
    const { dim } = rows.rows;
    const { embeddings, templateIds } = embedTemplates(rows, protocol, choice.root);
    const setOf = ({ templates, labels }: { templates: Int32Array; labels: Int32Array }): LabelledSet => ({
      embeddings: gatherRows(embeddings, alignTemplates(templateIds, templates), { dim }),
      labels,
    });
    const galleries = protocol.galleries.map(setOf);
    return {
      ...judgeGalleries(dim, setOf(protocol.queries), galleries, choice, settings),
      warnings: protocol.warnings,
    };
  };

/** `root`: where the list is, which is named. */
const judgeMegaFace: Judge = async (rows, choice, settings) => {
  const { root, list = 'facescrub_features_list.json', noises } = choice;
  const { paths, labels, warnings } = await readMegaFaceList(resolve(root, list), { noises });
  const { dim } = rows.rows;
  const embeddings = rows.paths ? rowsOf(rows.rows, rows.paths, paths, root) : inOrder(rows.rows, paths);
  return { ...judgeDistractors(dim, { embeddings, labels }, rows.gallery!.values, choice, settings), warnings };
};

const ranked = ['ranks', 'junkLabel'] as const;
const found = ['recallAt', 'images'] as const;
const paired = ['far', 'rule', 'thresholds', 'images'] as const;
const templated = ['images', 'detectorScores', 'far'] as const;

const dataSets: Record<string, DataSet> = {
  market1501: dataSet(
    'by-paths',
    ranked,
    reIdentification(({ root }) => readMarket1501(root)),
  ),
  msmt17: dataSet(
    'by-paths',
    [...ranked, 'images'],
    reIdentification(({ root, images }) => readMsmt17(root, { images })),
  ),
  mars: dataSet('by-paths', [...ranked, 'images'], judgeMars),
  viper: dataSet(
    'by-paths',
    [...ranked, 'seed'],
    reIdentification(({ root, seed }) => readViper(root, { seed })),
  ),
  cub: dataSet(
    'by-paths',
    found,
    retrieval(({ root, images }) => readCub(root, { images }), [1, 2, 4, 8]),
  ),
  cars196: dataSet(
    'by-paths',
    found,
    retrieval(({ root, images }) => readCars196(root, { images }), [1, 2, 4, 8]),
  ),
  sop: dataSet(
    'by-paths',
    found,
    retrieval(({ root, images }) => readSop(root, { images }), [1, 10, 100, 1000]),
  ),
  lfw: dataSet(
    'by-paths',
    [...paired, 'list'],
    facePairs(({ root, list, images }) => readLfw(root, { pairs: list, images })),
  ),
  'cfp-fp': dataSet(
    'by-paths',
    paired,
    facePairs(({ root, images }) => readCfp(root, { images })),
  ),
  'cfp-ff': dataSet(
    'by-paths',
    paired,
    facePairs(({ root, images }) => readCfp(root, { protocol: 'FF', images })),
  ),
  ytf: dataSet('by-paths', [...paired, 'list'], judgeYtf),
  'ijb-b': dataSet('by-list', [...templated, 'rule'], ijbVerification('IJB-B')),
  'ijb-c': dataSet('by-list', [...templated, 'rule'], ijbVerification('IJB-C')),
  'ijb-b-1n': dataSet('by-list', [...templated, 'ranks'], ijbIdentification('IJB-B')),
  'ijb-c-1n': dataSet('by-list', [...templated, 'ranks'], ijbIdentification('IJB-C')),
  megaface: dataSet('by-list', ['list', 'noises', 'gallery', 'far', 'distractorCounts'], judgeMegaFace),
};

function dataSet(order: DataSet['order'], options: DataSet['options'], judge: Judge): DataSet {
  return { order, options, judge };
}

export const dataSetNames = Object.keys(dataSets);

/** undefined: no data set. */
export const dataSetOf = (protocol: string): DataSet | undefined =>
  dataSetNames.includes(protocol) ? dataSets[protocol] : undefined;
