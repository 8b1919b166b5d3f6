/** Stanford Online Products: two lists. */
import { malformedLine } from '../errors.ts';
import { parse } from '../schemas.ts';
import { DataFolder, type ImageCheck, integerIn, listedPath } from './files.ts';
import { countLabels, type LabelledItem, type RetrievalProtocol, renumber } from './items.ts';
import { parsePath, protocolSchemas } from './schemas.ts';

export interface SopOptions {
  /** Whether the images that the lists name are looked for; default 'check'. */
  images?: ImageCheck;
}

const sop = {
  name: 'Stanford Online Products',
  source: 'Get Stanford_Online_Products.zip from https://cvgl.stanford.edu/projects/lifted_struct/.',
};
const header = 'image_id class_id super_class_id path';

/**
 * Stanford Online Products from its folder `Stanford_Online_Products`, with `Ebay_train.txt` and `Ebay_test.txt`. Items
 * stand in the order of the lists. Labels of the test are the class − 1; so are those of training, where all classes are
 * there.
 *
 * Every test image is a query, the others its gallery: Recall@1, 10, 100, 1000.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where a list is missing, ERR_CIRCLE_PROTOCOL for malformed lines and missing
 * images, ERR_CIRCLE_INVALID_ARGUMENT.
 *
 * Source: Song et al., "Deep Metric Learning via Lifted Structured Feature Embedding", CVPR 2016; lists as in
 * https://github.com/KevinMusgrave/pytorch-metric-learning.
 */
export async function readSop(root: string, options: SopOptions = {}): Promise<RetrievalProtocol> {
  const { images = 'check' } = parse(protocolSchemas.sop, options);
  const folder = new DataFolder(sop, parsePath(root));
  const read = async (list: string) => {
    const items = await readList(folder, list);
    await folder.checkImages(
      list,
      items.map(({ path }) => path),
      images,
    );
    return items;
  };
  const { items: train, classes: trainClasses } = renumber(await read('Ebay_train.txt'));
  const test = await read('Ebay_test.txt');
  folder.count('training classes', trainClasses, 11318);
  folder.count('test classes', countLabels(test), 11316);
  return { train, test, trainClasses, warnings: folder.warnings };
}

async function readList(folder: DataFolder, list: string): Promise<LabelledItem[]> {
  const path = folder.path(list);
  const [first, ...lines] = await folder.lines(list, 'the list');
  if (first?.text.trim().split(/\s+/).join(' ') !== header) {
    throw malformedLine(path, 1, `'${header}'`, `'${first?.text ?? ''}'`);
  }
  return lines.map((line) => {
    const words = line.text.trim().split(/\s+/);
    if (words.length !== 4) throw malformedLine(path, line.number, `'${header}'`, `'${line.text}'`);
    return {
      path: listedPath(words[3]),
      label: integerIn(path, line, words[1], [1, 0x7fffffff], 'a class') - 1,
    };
  });
}
