/** CFP: frontal against profile faces, listed by number. */
import { readdir } from 'node:fs/promises';
import { foreignDataSet, malformedLine } from '../errors.ts';
import { parse } from '../schemas.ts';
import { DataFolder, type ImageCheck, integerIn, listedPath } from './files.ts';
import type { VerificationPair, VerificationProtocol } from './items.ts';
import { pathsOf } from './lfw.ts';
import { parsePath, protocolSchemas } from './schemas.ts';

export interface CfpOptions {
  /** Frontal against profile ('FP', default), or frontal against frontal. */
  protocol?: 'FP' | 'FF';
  /** Whether the images that the lists name are looked for; default 'check'. */
  images?: ImageCheck;
}

const cfp = { name: 'CFP', source: 'Get cfp-dataset.zip from http://www.cfpw.io/.' };
const foldCount = 10;
const pairsOfAKind = 350;

/**
 * Celebrities in Frontal-Profile from its folder `cfp-dataset`, with `Protocol` and `Data/Images`. Pairs stand fold by
 * fold, those of the same person first, in the order of the lists.
 *
 * Published accuracies are of ten folds of 350 + 350 pairs, the threshold of each chosen on the other nine, as
 * `evaluateFolds` does.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where a list is missing, ERR_CIRCLE_PROTOCOL for malformed lines, numbers
 * without an image, other than ten folds and missing images, ERR_CIRCLE_INVALID_ARGUMENT.
 *
 * Source: Sengupta et al., "Frontal to Profile Face Verification in the Wild", WACV 2016.
 */
export async function readCfp(root: string, options: CfpOptions = {}): Promise<VerificationProtocol> {
  const { protocol = 'FP', images = 'check' } = parse(protocolSchemas.cfp, options);
  const folder = new DataFolder(cfp, parsePath(root));
  const frontal = await readImages(folder, 'Protocol/Pair_list_F.txt');
  const others = protocol === 'FP' ? await readImages(folder, 'Protocol/Pair_list_P.txt') : frontal;
  await checkFolds(folder, `Protocol/Split/${protocol}`);
  const pairs: VerificationPair[] = [];
  for (let fold = 0; fold < foldCount; fold++) {
    for (const kind of ['same', 'diff'] as const) {
      const list = `Protocol/Split/${protocol}/${String(fold + 1).padStart(2, '0')}/${kind}.txt`;
      const found = await readPairs(folder, list, frontal, others);
      folder.count(`pairs in ${list}`, found.length, pairsOfAKind);
      for (const [first, second] of found) pairs.push({ first, second, same: kind === 'same', fold });
    }
  }
  const paths = pathsOf(pairs);
  await folder.checkImages(`Protocol/Split/${protocol}`, paths, images);
  return { pairs, folds: foldCount, paths, warnings: folder.warnings };
}

/** Lines of a number and a path that begins in the list's own folder. */
async function readImages(folder: DataFolder, list: string): Promise<Map<number, string>> {
  const path = folder.path(list);
  const images = new Map<number, string>();
  for (const line of await folder.lines(list, 'the list of images')) {
    const words = line.text.trim().split(/\s+/);
    if (words.length !== 2) throw malformedLine(path, line.number, 'a number and a path', `'${line.text}'`);
    const number = integerIn(path, line, words[0], [1, 0x7fffffff], 'the number of an image');
    if (images.has(number)) throw malformedLine(path, line.number, 'of an image of its own', `${number} again`);
    images.set(number, listedPath(`Protocol/${words[1]}`));
  }
  return images;
}

/** Another number of folds is another protocol. */
async function checkFolds(folder: DataFolder, splits: string): Promise<void> {
  const entries = await readdir(folder.path(splits)).catch((cause) => {
    throw folder.missing(splits, 'the folder of folds', cause);
  });
  const folds = entries.filter((name) => /^\d+$/.test(name));
  if (folds.length !== foldCount) {
    throw foreignDataSet(folder.path(splits), `a folder of ${foldCount} folds, 01 to ${foldCount}`, `${folds.length}`);
  }
}

async function readPairs(
  folder: DataFolder,
  list: string,
  frontal: ReadonlyMap<number, string>,
  others: ReadonlyMap<number, string>,
): Promise<[string, string][]> {
  const path = folder.path(list);
  return (await folder.lines(list, 'the list of pairs')).map((line) => {
    const words = line.text.split(',').map((word) => word.trim());
    if (words.length !== 2) throw malformedLine(path, line.number, 'two numbers of images', `'${line.text}'`);
    const imageOf = (word: string, images: ReadonlyMap<number, string>) => {
      const image = images.get(Number(word));
      if (image !== undefined && /^\d+$/.test(word)) return image;
      throw malformedLine(path, line.number, `two numbers of images, from 1 to ${images.size}`, `'${word}'`);
    };
    return [imageOf(words[0], frontal), imageOf(words[1], others)];
  });
}
