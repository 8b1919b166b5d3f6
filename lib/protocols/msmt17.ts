/** MSMT17: four lists, and two releases of the images. */
import { foreignDataSet, malformedLine } from '../errors.ts';
import { parse } from '../schemas.ts';
import { DataFolder, type ImageCheck, integerIn, listedPath } from './files.ts';
import { countLabels, type ReIdentificationItem, type ReIdentificationProtocol, renumber } from './items.ts';
import { parsePath, protocolSchemas } from './schemas.ts';

export interface Msmt17Options {
  /** V1, or V2 with blurred faces. Default 'auto': as the folders are named. */
  version?: 'auto' | 'V1' | 'V2';
  /**
   * What to train on: `list_train.txt` ('train', default), as most published numbers do, or with `list_val.txt`
   * ('train-and-val'), which others call "combine all". Say which.
   */
  train?: 'train' | 'train-and-val';
  /** Whether the images that the lists name are looked for; default 'check'. */
  images?: ImageCheck;
}

export interface Msmt17Protocol extends ReIdentificationProtocol {
  version: 'V1' | 'V2';
  /** `list_val.txt`: other images of the training persons. */
  val: readonly ReIdentificationItem[];
}

const msmt17 = {
  name: 'MSMT17',
  source: 'Ask its authors for it: http://www.pkuvmc.com/publications/msmt17.html.',
};
const foldersOf = {
  V1: { train: 'train', test: 'test' },
  V2: { train: 'mask_train_v2', test: 'mask_test_v2' },
};
const versions = ['V1', 'V2'] as const;

/**
 * MSMT17 from its folder, `MSMT17_V1` or `MSMT17_V2`: `list_train.txt`, `list_val.txt`, `list_query.txt`,
 * `list_gallery.txt`, and folders of images. Items stand in the order of the lists.
 *
 * Persons of the test lists begin at 0 again, as those of training do; here their labels follow upon the training
 * persons', so that no label means two persons.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where a list is missing, ERR_CIRCLE_PROTOCOL for malformed lines, missing
 * images and folders of both or neither version, ERR_CIRCLE_INVALID_ARGUMENT.
 *
 * Source: Wei et al., "Person Transfer GAN to Bridge Domain Gap for Person Re-Identification", CVPR 2018; lists and
 * counts as in the reader of fast-reid, https://github.com/JDAI-CV/fast-reid.
 */
export async function readMsmt17(root: string, options: Msmt17Options = {}): Promise<Msmt17Protocol> {
  const parsed = parse(protocolSchemas.msmt17, options);
  const folder = new DataFolder(msmt17, parsePath(root));
  const version = await versionOf(folder, parsed.version ?? 'auto');
  const folders = foldersOf[version];
  const read = async (list: string, images: string) => {
    const items = await readList(folder, list, images);
    await folder.checkImages(
      list,
      items.map(({ path }) => path),
      parsed.images ?? 'check',
    );
    return items;
  };
  const listed = await read('list_train.txt', folders.train);
  const others = await read('list_val.txt', folders.train);
  const query = await read('list_query.txt', folders.test);
  const gallery = await read('list_gallery.txt', folders.test);

  // Numbered together: the same person has the same label in both.
  const { items: known, classes } = renumber([...listed, ...others]);
  const val = known.slice(listed.length);
  const train = parsed.train === 'train-and-val' ? known : known.slice(0, listed.length);
  folder.count('training images, with list_val.txt', known.length, 32621);
  folder.count('queries', query.length, 11659);
  folder.count('gallery images', gallery.length, 82161);
  folder.count('persons', classes + countLabels([...query, ...gallery]), 4101);
  folder.count('cameras', new Set([...known, ...query, ...gallery].map(({ camera }) => camera)).size, 15);
  const behind = (items: ReIdentificationItem[]) => items.map((item) => ({ ...item, label: item.label + classes }));
  return {
    version,
    train,
    val,
    query: behind(query),
    gallery: behind(gallery),
    trainClasses: classes,
    warnings: folder.warnings,
  };
}

async function versionOf(folder: DataFolder, wanted: 'auto' | 'V1' | 'V2'): Promise<'V1' | 'V2'> {
  if (wanted !== 'auto') return wanted;
  const there = await Promise.all(versions.map((version) => folder.has(foldersOf[version].train)));
  const found = versions.filter((_, i) => there[i]);
  if (found.length === 1) return found[0];
  const expected = `a folder with ${foldersOf.V1.train} (V1) or ${foldersOf.V2.train} (V2)`;
  const remedy = ` Name the one that is meant: version: 'V1' or 'V2'. ${msmt17.source}`;
  throw foreignDataSet(folder.root, expected, found.length === 0 ? 'neither' : 'both', remedy);
}

/** Lines `0000/0000_000_01_0303morning_0015_0.jpg 0`: the camera is the third part of the path. */
async function readList(folder: DataFolder, list: string, images: string): Promise<ReIdentificationItem[]> {
  const path = folder.path(list);
  return (await folder.lines(list, 'the list')).map((line) => {
    const words = line.text.trim().split(/\s+/);
    if (words.length !== 2) {
      throw malformedLine(path, line.number, "a path and a person's number", `'${line.text}'`);
    }
    return {
      path: listedPath(`${images}/${words[0]}`),
      label: integerIn(path, line, words[1], [0, 0x7fffffff], "a person's number"),
      camera: integerIn(path, line, words[0].split('_')[2], [1, 15], 'a path whose third part is a camera'),
    };
  });
}
