/** MegaFace: lists of paths, and a file of features beside each image. */
import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join, posix } from 'node:path';
import { allocate, isArray } from '../arrays.ts';
import { foreignDataSet, invalidArgument, missingPart, wrongShape } from '../errors.ts';
import { parse } from '../schemas.ts';
import { byText, forEachOf, linesOf, listedPath } from './files.ts';
import { parsePath, protocolSchemas } from './schemas.ts';

export interface MegaFaceListOptions {
  /** A list of images that are of somebody else, as InsightFace publishes them; they are left out. */
  noises?: string;
}

/** Images, in the order of the list. */
export interface MegaFaceList {
  /** Paths, with forward slashes. */
  paths: readonly string[];
  /** The person of each: the number of its folder, in the order of names. Says nothing of distractors. */
  labels: Int32Array;
  /** Images that `noises` left out. */
  dropped: number;
  warnings: readonly string[];
}

const source =
  'MegaFace was withdrawn; https://github.com/deepinsight/insightface/tree/master/recognition/_evaluation_/megaface ' +
  'has lists of its devkit and of noise.';

/**
 * A list of MegaFace's devkit: `facescrub_features_list.json`, the queries, or
 * `megaface_features_list.json_1000000_1`, distractors by the number; an object whose `path` is an array. A text of one
 * path a line, as `facescrub_lst`, does as well.
 *
 * In a list of noises, lines that begin with # are comments, and where a line has a tab, its second field is the path;
 * an image is noise where the end of its path is a line. Say whether numbers are of the cleaned lists: they differ
 * by percents.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where a list cannot be read, ERR_CIRCLE_PROTOCOL where it has another form,
 * names nothing or an image twice, ERR_CIRCLE_INVALID_ARGUMENT.
 *
 * Source: Kemelmacher-Shlizerman et al., "The MegaFace Benchmark: 1 Million Faces for Recognition at Scale", CVPR 2016.
 */
export async function readMegaFaceList(path: string, options: MegaFaceListOptions = {}): Promise<MegaFaceList> {
  const { noises } = parse(protocolSchemas.megaFaceList, options);
  const listed = pathsOfList(path, await readList(parsePath(path, 'path'), 'a list of images'));
  const warnings: string[] = [];
  const isNoise = noises === undefined ? () => false : await readNoises(noises, listed, warnings);
  const paths = listed.filter((image) => !isNoise(image));
  const folders = [...new Set(paths.map(posix.dirname))].sort(byText);
  const numbers = new Map(folders.map((folder, number) => [folder, number]));
  const labels = Int32Array.from(paths, (image) => numbers.get(posix.dirname(image))!);
  return { paths, labels, dropped: listed.length - paths.length, warnings };
}

async function readList(path: string, what: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause) => {
    throw missingPart(path, `${what} of MegaFace`, source, cause);
  });
}

function pathsOfList(path: string, text: string): string[] {
  let names: unknown;
  if (/^\uFEFF?\s*\{/.test(text)) {
    try {
      names = JSON.parse(text.replace(/^\uFEFF/, '')).path;
    } catch (cause) {
      throw foreignDataSet(path, "JSON with the array 'path'", cause instanceof Error ? cause.message : String(cause));
    }
    if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
      throw foreignDataSet(path, "JSON with the array 'path'", 'an object without it');
    }
  } else {
    names = linesOf(text).map((line) => line.text.trim());
  }
  const paths = (names as string[]).map(listedPath);
  const given: unknown = paths;
  if (!isArray(given)) throw invalidArgument('paths', 'an array of paths', given);
  for (let i = 0; i < given.length; i++) {
    if (typeof given[i] !== 'string') throw invalidArgument(`paths[${i}]`, 'a path', given[i]);
  }
  if (paths.length === 0) throw foreignDataSet(path, 'a list of images', 'an empty one');
  const once = new Set(paths);
  if (once.size !== paths.length) {
    const twice = paths.find((name, i) => paths.indexOf(name) !== i);
    throw foreignDataSet(path, 'a list of different images', `'${twice}' twice`);
  }
  return paths;
}

/** Lists of noise name FaceScrub's images by their last part, MegaFace's by their last three. */
async function readNoises(path: string, images: readonly string[], warnings: string[]) {
  const lines = linesOf(await readList(path, 'a list of noises')).filter(({ text }) => !/^\s*(#|$)/.test(text));
  const noises = new Set(lines.map(({ text }) => listedPath((text.split('\t')[1] ?? text).trim())));
  const noiseOf = (image: string) => {
    const parts = image.split('/');
    return [1, 2, 3].map((count) => parts.slice(-count).join('/')).find((end) => noises.has(end));
  };
  const met = new Set(images.map(noiseOf).filter((noise) => noise !== undefined));
  if (met.size < noises.size) {
    warnings.push(`${path} names ${noises.size} images; ${noises.size - met.size} of them are not in the list.`);
  }
  return (image: string) => noiseOf(image) !== undefined;
}

export interface MegaFaceFeaturesOptions {
  /** What follows upon an image's name in that of its features: '_algorithm.bin', or '.bin'. */
  ending: string;
  /** Numbers in a row; default: as many as the first file has. */
  dim?: number;
}

/** Rows in the order of the paths. */
export interface MegaFaceFeatures {
  /** N × dim. */
  embeddings: Float32Array;
  dim: number;
}

const headerBytes = 16;
/** What the devkit reads: OpenCV's matrices of one column, 4 bytes a number, type 5 (float32). */
const header = [1, 4, 5];
const filesAtOnce = 32;

/**
 * The features of the images of a list, from files as MegaFace's devkit takes them: `root/<path><ending>`, four int32,
 * little-endian (length, 1, 4, 5), then that many float32. 4 · N · dim bytes: a million rows of 512 are 2 GB.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where a file is missing, ERR_CIRCLE_PROTOCOL where it has another header, a
 * length of its own or is cut short, ERR_CIRCLE_INVALID_ARGUMENT, ERR_CIRCLE_OUT_OF_MEMORY.
 *
 * Source: `load_bin` and `write_bin` of https://github.com/deepinsight/insightface,
 * `recognition/_evaluation_/megaface/remove_noises.py`.
 */
export async function readMegaFaceFeatures(
  root: string,
  paths: readonly string[],
  options: MegaFaceFeaturesOptions,
): Promise<MegaFaceFeatures> {
  const parsed = parse(protocolSchemas.megaFaceFeatures, options);
  parsePath(root);
  const given: unknown = paths;
  if (!isArray(given)) throw invalidArgument('paths', 'an array of paths', given);
  for (let i = 0; i < given.length; i++) {
    if (typeof given[i] !== 'string') throw invalidArgument(`paths[${i}]`, 'a path', given[i]);
  }
  if (paths.length === 0) throw wrongShape('paths', 'at least one path', '0');
  const fileOf = (path: string) => join(root, path + parsed.ending);
  const read = (file: string) =>
    readFile(file).catch((cause) => {
      throw missingPart(file, 'a file of features of MegaFace', source, cause);
    });
  const dim = parsed.dim ?? lengthOf(fileOf(paths[0]), await read(fileOf(paths[0])));
  const embeddings = allocate(paths.length * dim);
  await forEachOf(paths, filesAtOnce, async (path, row) => {
    const file = fileOf(path);
    const bytes = await read(file);
    const length = lengthOf(file, bytes);
    if (length !== dim) throw foreignDataSet(file, `features of ${dim} numbers`, `${length}`);
    const numbers = Uint8Array.prototype.slice.call(bytes, headerBytes); // a buffer of its own, aligned
    if (endianness() === 'BE') Buffer.from(numbers.buffer).swap32();
    embeddings.set(new Float32Array(numbers.buffer), row * dim);
  });
  return { embeddings, dim };
}

function lengthOf(file: string, bytes: Buffer): number {
  const expected = 'a header of length, 1, 4, 5, then as many float32';
  if (bytes.length < headerBytes) throw foreignDataSet(file, expected, `${bytes.length} bytes`);
  const [length, ...rest] = [0, 4, 8, 12].map((at) => bytes.readInt32LE(at));
  if (length < 1 || rest.some((number, i) => number !== header[i])) {
    throw foreignDataSet(file, expected, `the header ${length}, ${rest.join(', ')}`);
  }
  if (bytes.length !== headerBytes + 4 * length) {
    throw foreignDataSet(
      file,
      `${length} float32 after its header, as that says`,
      `${bytes.length - headerBytes} bytes`,
    );
  }
  return length;
}
