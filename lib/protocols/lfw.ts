/** LFW: pairs by the names of persons, and the packed form in which face sets of the same kind travel. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { foreignDataSet, malformedLine, missingPart } from '../errors.ts';
import { parse } from '../schemas.ts';
import { byText, DataFolder, type ImageCheck, integerIn, type Line, linesOf } from './files.ts';
import type { VerificationPair, VerificationProtocol } from './items.ts';
import { parsePath, protocolSchemas } from './schemas.ts';

export interface LfwOptions {
  /** The list of pairs; default `pairs.txt` in the folder. */
  pairs?: string;
  /** The ending of the images' names; default '.jpg'. Aligned copies often are '.png'. */
  extension?: string;
  /** Whether the images that the list names are looked for; default 'check'. */
  images?: ImageCheck;
}

const lfw = {
  name: 'Labeled Faces in the Wild',
  source: 'Get lfw.tgz and pairs.txt from http://vis-www.cs.umass.edu/lfw/.',
};

/**
 * Labeled Faces in the Wild from its folder `lfw` of persons, `Name/Name_0001.jpg`, and `pairs.txt`. Pairs stand in the
 * order of the list: fold by fold, those of the same person first.
 *
 * Published accuracies are of view 2: ten folds of 300 + 300 pairs, the threshold of each chosen on the other nine, as
 * `evaluateFolds` does. A list whose first line has one number, as `pairsDevTest.txt` of view 1, is one fold.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where the list is missing, ERR_CIRCLE_PROTOCOL for malformed lines, more or
 * fewer pairs than the first line says and missing images, ERR_CIRCLE_INVALID_ARGUMENT.
 *
 * Source: Huang et al., "Labeled Faces in the Wild: A Database for Studying Face Recognition in Unconstrained
 * Environments", 2007; the list as in https://github.com/deepinsight/insightface.
 */
export async function readLfw(root: string, options: LfwOptions = {}): Promise<VerificationProtocol> {
  const { pairs: list, extension = '.jpg', images = 'check' } = parse(protocolSchemas.lfw, options);
  const folder = new DataFolder(lfw, parsePath(root));
  const path = list ?? folder.path('pairs.txt');
  const text = await readFile(path, 'utf8').catch((cause) => {
    const hint = ' Name it where it is elsewhere: pairs.';
    throw missingPart(path, `the list of pairs of ${lfw.name}`, lfw.source + hint, cause);
  });
  const { folds, pairsOfAKind, lines } = readHeader(path, linesOf(text));
  const pairs = lines.map((line, i) => readPair(path, line, i, pairsOfAKind, extension));
  const paths = pathsOf(pairs);
  await folder.checkImages(resolve(path), paths, images);
  folder.count('folds', folds, 10);
  folder.count('pairs', pairs.length, 6000);
  return { pairs, folds, paths, warnings: folder.warnings };
}

/** Each path of the pairs once, sorted. */
export const pathsOf = (pairs: readonly VerificationPair[]): string[] =>
  [...new Set(pairs.flatMap(({ first, second }) => [first, second]))].sort(byText);

function readHeader(path: string, [first, ...lines]: Line[]) {
  const words = first?.text.trim().split(/\s+/) ?? [];
  const expected = 'the number of folds, then that of pairs of a kind in a fold';
  if (words.length < 1 || words.length > 2) throw malformedLine(path, 1, expected, `'${first?.text ?? ''}'`);
  const numbers = words.map((word) => integerIn(path, first, word, [1, 0x7fffffff], expected));
  const [folds, pairsOfAKind] = numbers.length === 2 ? numbers : [1, numbers[0]];
  const pairs = folds * 2 * pairsOfAKind;
  if (lines.length === pairs) return { folds, pairsOfAKind, lines };
  const said = `a list of ${folds} × (${pairsOfAKind} + ${pairsOfAKind}) = ${pairs} pairs, as its first line says`;
  throw foreignDataSet(path, said, `${lines.length}`);
}

/** `Name i j`, or `Name i Other j`; images are counted from 1. */
function readPair(path: string, line: Line, i: number, pairsOfAKind: number, extension: string): VerificationPair {
  const words = line.text.trim().split(/\s+/);
  const same = i % (2 * pairsOfAKind) < pairsOfAKind;
  if (words.length !== (same ? 3 : 4)) {
    const expected = same ? "a pair of the same person, 'Name i j'" : "a pair of two persons, 'Name i Other j'";
    throw malformedLine(path, line.number, expected, `'${line.text}'`);
  }
  const [first, firstImage, second, secondImage] = same ? [words[0], words[1], words[0], words[2]] : words;
  const imageOf = (name: string, word: string) => {
    const image = integerIn(path, line, word, [1, 9999], 'the number of an image');
    return `${name}/${name}_${String(image).padStart(4, '0')}${extension}`;
  };
  return {
    first: imageOf(first, firstImage),
    second: imageOf(second, secondImage),
    same,
    fold: Math.floor(i / (2 * pairsOfAKind)),
  };
}

export interface PackedPairsOptions {
  /** Into as many equal runs the pairs are cut; an integer from 2, default 10. */
  folds?: number;
}

/** Pair k is of the images 2k and 2k + 1, in the order in which the file has them. */
export interface PackedPairs {
  /** 1 for a pair of the same person; K of them. */
  same: Uint8Array;
  /** The fold of each pair, counted from 0: K numbers, for `evaluateFolds`. */
  folds: Int32Array;
  /** 2 · K. */
  images: number;
}

/**
 * Which pairs of a packed set are of the same person: `lfw.bin`, `cfp_fp.bin`, `agedb_30.bin` and others of InsightFace,
 * a pickle of 2K encoded images and K flags. The images are passed over, not decoded; names are never resolved, so that
 * nothing in a pickle is run. Reads the whole file: it has to fit in memory twice.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where the file cannot be read, ERR_CIRCLE_PROTOCOL where it is no such
 * pickle, has other than two images a pair or no multiple of `folds` pairs, ERR_CIRCLE_INVALID_ARGUMENT.
 *
 * Source: the evaluation of https://github.com/deepinsight/insightface, `recognition/arcface_torch/eval/verification.py`.
 */
export async function readPackedPairs(path: string, options: PackedPairsOptions = {}): Promise<PackedPairs> {
  const { folds = 10 } = parse(protocolSchemas.packedPairs, options);
  const bytes = await readFile(parsePath(path, 'path')).catch((cause) => {
    const source = 'InsightFace lists such files: https://github.com/deepinsight/insightface.';
    throw missingPart(path, 'a packed set of pairs', source, cause);
  });
  const { Parser } = await import('pickleparser');
  const expected = 'a pickle of encoded images and flags, two images a flag';
  let content: unknown;
  try {
    content = new Parser().parse(bytes);
  } catch (cause) {
    throw foreignDataSet(path, expected, cause instanceof Error ? cause.message : String(cause));
  }
  const [images, flags] = Array.isArray(content) ? content : [];
  if (!Array.isArray(images) || !Array.isArray(flags) || !flags.every(isFlag)) {
    throw foreignDataSet(path, expected, 'something else');
  }
  if (images.length !== 2 * flags.length) {
    throw foreignDataSet(path, expected, `${images.length} images and ${flags.length} flags`);
  }
  if (flags.length === 0 || flags.length % folds !== 0) {
    throw foreignDataSet(path, `${folds} folds of as many pairs each`, `${flags.length} pairs`);
  }
  return {
    same: Uint8Array.from(flags, Number),
    folds: Int32Array.from(flags, (_, k) => Math.floor((k * folds) / flags.length)),
    images: images.length,
  };
}

const isFlag = (value: unknown) => typeof value === 'boolean' || value === 0 || value === 1;
