/** CUB-200-2011: lists that say by number what each image is. */
import { foreignDataSet, malformedLine } from '../errors.ts';
import { parse } from '../schemas.ts';
import { DataFolder, type ImageCheck, integerIn, listedPath } from './files.ts';
import { type RetrievalProtocol, splitClasses } from './items.ts';
import { parsePath, protocolSchemas } from './schemas.ts';

export interface FineGrainedOptions {
  /**
   * 'classes' (default): the first half of the classes to train on, the other half to test on, as in metric learning.
   * 'classification': the data set's own halves, which share all classes; no protocol of metric learning.
   */
  split?: 'classes' | 'classification';
  /** Whether the images that the lists name are looked for; default 'check'. */
  images?: ImageCheck;
}

const cub = { name: 'CUB-200-2011', source: 'Get CUB_200_2011.tgz from https://data.caltech.edu/records/65de6-vp158.' };
const classCount = 200;
const trainClassCount = 100;

/**
 * CUB-200-2011 from its folder `CUB_200_2011`: `images.txt`, `image_class_labels.txt`, for `split: 'classification'`
 * also `train_test_split.txt`, and `images`. Items stand in the order of `images.txt`.
 *
 * Classes 1 to 100 are for training, 101 to 200 for testing, and `train_test_split.txt` is another protocol. Labels of
 * the test are the class − 1; so are those of training, where all classes are there. Every test image is a query, the
 * others its gallery: Recall@1, 2, 4, 8.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where a list is missing, ERR_CIRCLE_PROTOCOL for malformed lines, images
 * without a class and missing images, ERR_CIRCLE_INVALID_ARGUMENT.
 *
 * Source: Wah et al., "The Caltech-UCSD Birds-200-2011 Dataset", 2011; split of Song et al., "Deep Metric Learning via
 * Lifted Structured Feature Embedding", CVPR 2016, as in https://github.com/KevinMusgrave/pytorch-metric-learning.
 */
export async function readCub(root: string, options: FineGrainedOptions = {}): Promise<RetrievalProtocol> {
  const { split = 'classes', images = 'check' } = parse(protocolSchemas.cub, options);
  const folder = new DataFolder(cub, parsePath(root));
  const named = await readById(folder, 'images.txt', 'the list of images', (words) => {
    return words.length === 1 ? listedPath(`images/${words[0]}`) : undefined;
  });
  const readNumbers = async (list: string, what: string, least: number, greatest: number) => {
    const numbers = await readById(folder, list, what, ([word, ...more], line) =>
      more.length > 0
        ? undefined
        : integerIn(folder.path(list), line, word, [least, greatest], least === 0 ? 'a flag' : 'a class'),
    );
    checkSameIds(folder, list, named, numbers);
    return numbers;
  };
  const classes = await readNumbers('image_class_labels.txt', 'the list of classes', 1, classCount);
  const flags =
    split === 'classification' ? await readNumbers('train_test_split.txt', 'the list of halves', 0, 1) : undefined;
  await folder.checkImages('images.txt', named.values(), images);

  const items = [...named].map(([id, path]) => ({ path, label: classes.get(id)! - 1 }));
  folder.count('images', items.length, 11788);
  folder.count('classes', new Set(classes.values()).size, classCount);
  const isTrain = [...named.keys()].map((id) =>
    flags === undefined ? classes.get(id)! <= trainClassCount : flags.get(id) === 1,
  );
  if (flags !== undefined) folder.count('training images', isTrain.filter(Boolean).length, 5994);
  return { ...splitClasses(items, isTrain, split), warnings: folder.warnings };
}

/** Lines of an id and more. */
async function readById<T>(
  folder: DataFolder,
  list: string,
  what: string,
  parseRest: (words: string[], line: { text: string; number: number }) => T | undefined,
): Promise<Map<number, T>> {
  const path = folder.path(list);
  const values = new Map<number, T>();
  for (const line of await folder.lines(list, what)) {
    const [first, ...words] = line.text.trim().split(/\s+/);
    const id = integerIn(path, line, first, [1, 0x7fffffff], 'the number of an image');
    const value = parseRest(words, line);
    if (value === undefined) throw malformedLine(path, line.number, 'a number and one word', `'${line.text}'`);
    if (values.has(id)) throw malformedLine(path, line.number, 'of an image of its own', `${id} again`);
    values.set(id, value);
  }
  return values;
}

function checkSameIds(
  folder: DataFolder,
  list: string,
  images: ReadonlyMap<number, string>,
  others: ReadonlyMap<number, number>,
): void {
  const without = [...images.keys()].find((id) => !others.has(id));
  const foreign = [...others.keys()].find((id) => !images.has(id));
  if (without === undefined && foreign === undefined) return;
  const received = without === undefined ? `image ${foreign}, which that lacks` : `none for image ${without}`;
  throw foreignDataSet(folder.path(list), 'a line for each image of images.txt', received);
}
