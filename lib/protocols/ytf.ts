/** YouTube Faces: pairs of videos, listed in a MAT file or in a text. */
import { readdir, readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { foreignDataSet, foreignNames, invalidArgument, malformedLine, missingImages, missingPart } from '../errors.ts';
import { parse } from '../schemas.ts';
import {
  byText,
  DataFolder,
  forEachOf,
  type ImageCheck,
  integerIn,
  isImageName,
  linesOf,
  listedPath,
} from './files.ts';
import type { FrameSet, VerificationPair, VerificationProtocol } from './items.ts';
import { pathsOf } from './lfw.ts';
import { numbersIn, readMatFile, textsIn } from './mat-file.ts';
import { parsePath, protocolSchemas } from './schemas.ts';

export interface YtfOptions {
  /** Whether frames are the aligned ones or the whole pictures; default 'aligned_images_DB'. */
  frames?: 'aligned_images_DB' | 'frame_images_DB';
  /** Which list: `meta_data/meta_and_splits.mat` ('mat'), `splits.txt` ('text'), or the first that is there ('auto', default). */
  list?: 'auto' | 'mat' | 'text';
  /** Another text, as `splits_corrected.txt`, in place of `splits.txt`; says `list: 'text'`. */
  splits?: string;
  /** Whether frames are looked for; default 'check'. With 'ignore', videos have none. */
  images?: ImageCheck;
}

/** A video; its frames are one template. */
export interface Video extends FrameSet {
  /** `Subject/number`, as in the pairs. */
  path: string;
  /** The number of the subject, in the order of names. */
  label: number;
}

export interface YtfProtocol extends VerificationProtocol {
  /** The videos of the pairs, sorted by path: `paths[v]` is that of video v. */
  videos: readonly Video[];
  /** Which list was read. */
  list: 'mat' | 'text';
}

const ytf = { name: 'YouTube Faces', source: 'Ask its authors for it: https://www.cs.tau.ac.il/~wolf/ytfaces/.' };
const matFile = 'meta_data/meta_and_splits.mat';
const textFile = 'splits.txt';

/**
 * YouTube Faces from its folder: `meta_data/meta_and_splits.mat` or `splits.txt`, and frames,
 * `aligned_images_DB/Subject/1/aligned_detect_1.12.jpg` or `frame_images_DB/Subject/1/1.12.jpg`. Pairs stand in the order
 * of the list, frames in that of their numbers.
 *
 * A video is a template: `templatesOf(videos)` makes of them what `aggregateTemplates` takes, and `alignPairs(paths,
 * pairs)` says which of its rows to compare. Published accuracies are of ten folds of 500 pairs.
 *
 * A text has lines `fold, pair, Subject/1, Subject/2, same` after its header. Where they have a sixth number, as in
 * the authors' `splits_corrected.txt`, that one says whether the pair is of the same person.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where a list is missing, ERR_CIRCLE_PROTOCOL for malformed lines, indices out
 * of range, lists of other shapes and videos without frames, ERR_CIRCLE_INVALID_ARGUMENT.
 *
 * Source: Wolf, Hassner and Maoz, "Face Recognition in Unconstrained Videos with Matched Background Similarity", CVPR
 * 2011, and the data set's README.
 */
export async function readYtf(root: string, options: YtfOptions = {}): Promise<YtfProtocol> {
  const parsed = parse(protocolSchemas.ytf, options);
  const { frames = 'aligned_images_DB', splits, images = 'check' } = parsed;
  if (splits !== undefined && parsed.list === 'mat') {
    throw invalidArgument('options.list', "'auto' or 'text' where there are splits", parsed.list);
  }
  const folder = new DataFolder(ytf, parsePath(root));
  const list = splits !== undefined ? 'text' : await listOf(folder, parsed.list ?? 'auto');
  const { pairs, folds } = list === 'mat' ? await readMatList(folder) : await readTextList(folder, splits);
  const paths = pathsOf(pairs);
  folder.count('folds', folds, 10);
  folder.count('pairs', pairs.length, 5000);
  const sets = images === 'check' ? await readFrames(folder, frames, paths) : paths.map(() => []);
  const subjects = [...new Set(paths.map(posix.dirname))].sort(byText);
  const numbers = new Map(subjects.map((subject, number) => [subject, number]));
  const videos = paths.map((path, v) => ({ path, label: numbers.get(posix.dirname(path))!, frames: sets[v] }));
  return { pairs, folds, paths, videos, list, warnings: folder.warnings };
}

async function listOf(folder: DataFolder, wanted: 'auto' | 'mat' | 'text'): Promise<'mat' | 'text'> {
  if (wanted !== 'auto') return wanted;
  if (await folder.has(matFile)) return 'mat';
  if (await folder.has(textFile)) return 'text';
  throw folder.missing(matFile, 'the list of pairs', `nothing there, nor ${folder.path(textFile)}`);
}

/** Splits are pairs × (video, video, same) × folds; videos are counted from 1. */
async function readMatList(folder: DataFolder): Promise<{ pairs: VerificationPair[]; folds: number }> {
  const path = folder.path(matFile);
  const variables = readMatFile(path, await folder.bytes(matFile, 'the list of pairs'));
  const names = textsIn(path, variables, 'video_names').map(listedPath);
  const { shape, values } = numbersIn(path, variables, 'Splits');
  const [pairsOfFold, columns, folds = 1] = shape;
  if (columns !== 3) throw foreignDataSet(path, 'Splits of pairs × 3 × folds', shape.join(' × '));
  const pairs: VerificationPair[] = [];
  for (let fold = 0; fold < folds; fold++) {
    for (let pair = 0; pair < pairsOfFold; pair++) {
      const entry = (column: number) => values[(fold * 3 + column) * pairsOfFold + pair];
      const where = `pair ${pair + 1} of fold ${fold + 1}`;
      const nameOf = (index: number) => {
        if (Number.isInteger(index) && index >= 1 && index <= names.length) return names[index - 1];
        throw foreignDataSet(path, `Splits of videos from 1 to ${names.length}`, `${index} in ${where}`);
      };
      const same = entry(2);
      if (same !== 0 && same !== 1) throw foreignDataSet(path, 'Splits that say 0 or 1', `${same} in ${where}`);
      pairs.push({ first: nameOf(entry(0)), second: nameOf(entry(1)), same: same === 1, fold });
    }
  }
  return { pairs, folds };
}

async function readTextList(
  folder: DataFolder,
  splits?: string,
): Promise<{ pairs: VerificationPair[]; folds: number }> {
  const path = splits ?? folder.path(textFile);
  const text = await readFile(path, 'utf8').catch((cause) => {
    const hint = ' Name it where it is elsewhere: splits.';
    throw missingPart(path, `the list of pairs of ${ytf.name}`, ytf.source + hint, cause);
  });
  const lines = linesOf(text);
  const hasHeader = lines.length > 0 && !/^\s*\d/.test(lines[0].text);
  const pairs = lines.slice(hasHeader ? 1 : 0).map((line): VerificationPair => {
    const words = line.text.split(',').map((word) => word.trim());
    if (words.length !== 5 && words.length !== 6) {
      throw malformedLine(path, line.number, 'fold, pair, video, video, same', `'${line.text}'`);
    }
    const videoOf = (word: string) => {
      if (/^[^/\\]+[/\\][^/\\]+$/.test(word)) return listedPath(word);
      throw malformedLine(path, line.number, 'of videos as Subject/1', `'${word}'`);
    };
    return {
      first: videoOf(words[2]),
      second: videoOf(words[3]),
      same: integerIn(path, line, words[words.length - 1], [0, 1], 'a flag') === 1,
      fold: integerIn(path, line, words[0], [1, 1000], 'a fold') - 1,
    };
  });
  const folds = new Set(pairs.map(({ fold }) => fold)).size;
  const last = pairs.reduce((most, { fold }) => Math.max(most, fold + 1), 0);
  if (folds === 0 || folds !== last)
    throw foreignDataSet(path, `a list of folds from 1 to ${last}`, `${folds} of them`);
  return { pairs, folds };
}

/** Folders that are read at a time. */
const foldersAtOnce = 16;

async function readFrames(folder: DataFolder, database: string, videos: readonly string[]): Promise<string[][]> {
  const sets: string[][] = new Array(videos.length);
  const without: string[] = [];
  await forEachOf(videos, foldersAtOnce, async (video, v) => {
    const path = folder.path(`${database}/${video}`);
    // A folder that is not there has no frames.
    const named = (await readdir(path).catch(() => [])).filter(isImageName);
    const foreign = named.filter((name) => frameNumber(name) === undefined);
    if (foreign.length > 0) throw foreignNames(path, 'video.frame.jpg', foreign);
    const frames = named.map((name) => ({ name, number: frameNumber(name)! }));
    frames.sort((a, b) => a.number - b.number || byText(a.name, b.name));
    sets[v] = frames.map(({ name }) => `${database}/${video}/${name}`);
    if (frames.length === 0) without.push(`${database}/${video}`);
  });
  if (without.length > 0) throw missingImages('The list of pairs', folder.root, without.sort(byText));
  return sets;
}

/** Of `1.12.jpg` and `aligned_detect_1.12.jpg`: 12. */
function frameNumber(name: string): number | undefined {
  const match = /^(?:aligned_detect_)?\d+\.(\d+)\.\w+$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}
