/** MARS: tracklets, which name their frames by ranges of a list. */
import { foreignDataSet, malformedLine } from '../errors.ts';
import { parse } from '../schemas.ts';
import { DataFolder, type ImageCheck } from './files.ts';
import { type ReIdentificationProtocol, renumber, type Tracklet } from './items.ts';
import { numbersIn, readMatFile } from './mat-file.ts';
import { parsePath, protocolSchemas } from './schemas.ts';

export interface MarsOptions {
  /**
   * Whether the queries are in the gallery too ('all', default), as in the authors' evaluation, where each passes over
   * itself as of its own camera and finds the others, or not ('without-queries'), as in Torchreid. Numbers differ.
   */
  gallery?: 'all' | 'without-queries';
  /** Whether the frames that the lists name are looked for; default 'check'. */
  images?: ImageCheck;
}

const mars = {
  name: 'MARS',
  source:
    'Get the images from http://www.liangzheng.com.cn/Project/project_mars.html, and the folder info from ' +
    'https://github.com/liangzheng06/MARS-evaluation.',
};
/** Person (00-1 is junk, 0000 a distractor), camera, tracklet, frame. */
const frameName = /^(00-1|\d{4})C([1-6])T\d{4}F\d{3,}\.jpg$/;

/**
 * MARS from its folder, with `bbox_train`, `bbox_test` and `info` (`train_name.txt`, `test_name.txt`,
 * `tracks_train_info.mat`, `tracks_test_info.mat`, `query_IDX.mat`). Tracklets stand in the order of those files.
 *
 * A tracklet is a template: `templatesOf` makes of them what `aggregateTemplates` takes. Query and gallery labels are the
 * data set's own: distractors 0, junk −1.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where a file is missing, ERR_CIRCLE_PROTOCOL for names, ranges and indices
 * that do not fit and for missing frames, ERR_CIRCLE_INVALID_ARGUMENT.
 *
 * Source: Zheng et al., "MARS: A Video Benchmark for Large-Scale Person Re-identification", ECCV 2016; evaluation as in
 * https://github.com/liangzheng06/MARS-evaluation, counts as in https://github.com/KaiyangZhou/deep-person-reid.
 */
export async function readMars(root: string, options: MarsOptions = {}): Promise<ReIdentificationProtocol<Tracklet>> {
  const parsed = parse(protocolSchemas.mars, options);
  const folder = new DataFolder(mars, parsePath(root));
  const images = parsed.images ?? 'check';
  const { items: train, classes: trainClasses } = renumber(await readTracklets(folder, 'train', images));
  const test = await readTracklets(folder, 'test', images);
  const queries = await readQueries(folder, test.length);
  folder.count('training tracklets', train.length, 8298);
  folder.count('test tracklets', test.length, 12180);
  folder.count('queries', queries.length, 1980);
  const asked = new Set(queries);
  return {
    train,
    query: queries.map((index) => test[index]),
    gallery: parsed.gallery === 'without-queries' ? test.filter((_, index) => !asked.has(index)) : test,
    trainClasses,
    warnings: folder.warnings,
  };
}

async function readTracklets(folder: DataFolder, part: 'train' | 'test', images: ImageCheck): Promise<Tracklet[]> {
  const list = `info/${part}_name.txt`;
  const names = await readNames(folder, list);
  const file = `info/tracks_${part}_info.mat`;
  const path = folder.path(file);
  const { shape, values } = numbersIn(
    path,
    readMatFile(path, await folder.bytes(file, 'the list of tracklets')),
    `track_${part}_info`,
  );
  const [rows, columns] = shape;
  if (shape.length !== 2 || columns !== 4) {
    throw foreignDataSet(path, 'rows of first frame, last frame, person and camera', `${shape.join(' × ')} numbers`);
  }
  const tracklets = Array.from({ length: rows }, (_, row): Tracklet => {
    const [first, last, label, camera] = Array.from({ length: 4 }, (_, column) => values[column * rows + row]);
    if (!(Number.isInteger(first) && Number.isInteger(last) && first >= 1 && first <= last && last <= names.length)) {
      const expected = `a list of frames from 1 to ${names.length}`;
      throw foreignDataSet(path, expected, `${first} to ${last} in tracklet ${row + 1}`);
    }
    const frames = names.slice(first - 1, last);
    const odd = frames.find((frame) => frame.label !== label || frame.camera !== camera);
    if (odd !== undefined) {
      const expected = `a list of tracklets of one person and camera`;
      throw foreignDataSet(path, expected, `person ${label}, camera ${camera} for ${odd.name} in tracklet ${row + 1}`);
    }
    return { frames: frames.map(({ name }) => `bbox_${part}/${name.slice(0, 4)}/${name}`), label, camera };
  });
  await folder.checkImages(
    list,
    tracklets.flatMap(({ frames }) => frames),
    images,
  );
  return tracklets;
}

async function readNames(folder: DataFolder, list: string) {
  return (await folder.lines(list, 'the list of frames')).map(({ text, number }) => {
    const name = text.trim();
    const match = frameName.exec(name);
    if (match === null) throw malformedLine(folder.path(list), number, 'PPPPCcTttttFfff.jpg', `'${text}'`);
    return { name, label: match[1] === '00-1' ? -1 : Number(match[1]), camera: Number(match[2]) };
  });
}

/** Indices of test tracklets, from 0; MATLAB counts from 1. */
async function readQueries(folder: DataFolder, tracklets: number): Promise<number[]> {
  const file = 'info/query_IDX.mat';
  const path = folder.path(file);
  const { values } = numbersIn(path, readMatFile(path, await folder.bytes(file, 'the list of queries')), 'query_IDX');
  return Array.from(values, (index) => {
    if (Number.isInteger(index) && index >= 1 && index <= tracklets) return index - 1;
    throw foreignDataSet(path, `a list of tracklets from 1 to ${tracklets}`, `${index}`);
  });
}
