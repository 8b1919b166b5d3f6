/** Market-1501: names of images say who is on them and from which camera. */
import { parse } from '../schemas.ts';
import { DataFolder } from './files.ts';
import { countLabels, type ReIdentificationItem, type ReIdentificationProtocol, renumber } from './items.ts';
import { parsePath, protocolSchemas } from './schemas.ts';

export interface Market1501Options {
  /** Whether images labelled −1 stay in the gallery, for the metric to pass over, or are dropped; default 'keep'. */
  junk?: 'keep' | 'drop';
  /** Whether the half a million images of the folder `images`, an extra download, join the gallery; default 'leave-out'. */
  distractors?: 'leave-out' | 'add';
}

const market = {
  name: 'Market-1501',
  source: 'Get Market-1501-v15.09.15 from http://www.liangzheng.org/Project/project_reid.html.',
};
const expected = 'PPPP_cCsS_FFFFFF_DD.jpg';
/** Person −1 or four digits, camera 1 to 6, sequence; then frame and number of the box. */
const imageName = /^(-1|\d{4,})_c([1-6])s\d+_\d+_\d+\./;

function ruleOf(least: number) {
  return (name: string) => {
    const match = imageName.exec(name);
    if (match === null || Number(match[1]) < least) return undefined;
    return { label: Number(match[1]), camera: Number(match[2]) };
  };
}

/**
 * Market-1501 from its folder `Market-1501-v15.09.15`, with `bounding_box_train`, `query` and `bounding_box_test`.
 *
 * Query and gallery labels are the data set's own: persons from 1, distractors 0, which stay in the gallery as
 * negatives, and junk −1, which `evaluateReIdentification` passes over. Items are sorted by path.
 *
 * Published numbers are of the single-query setting: no image of the query's person from the query's camera counts.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where a folder is missing, ERR_CIRCLE_PROTOCOL where the name of an image
 * follows another rule, ERR_CIRCLE_INVALID_ARGUMENT. Counts that are not the published ones are warnings.
 *
 * Source: Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015; names and counts as in the
 * readers of fast-reid, https://github.com/JDAI-CV/fast-reid.
 */
export async function readMarket1501(root: string, options: Market1501Options = {}): Promise<ReIdentificationProtocol> {
  const { junk = 'keep', distractors = 'leave-out' } = parse(protocolSchemas.market1501, options);
  const folder = new DataFolder(market, parsePath(root));
  const read = async (name: string, what: string, least: number): Promise<ReIdentificationItem[]> => {
    const images = await folder.named(name, what, expected, ruleOf(least));
    return images.map(({ path, parsed }) => ({ path, ...parsed }));
  };
  const { items: train, classes: trainClasses } = renumber(
    await read('bounding_box_train', 'the folder of training images', 1),
  );
  const query = await read('query', 'the folder of queries', 1);
  const test = await read('bounding_box_test', 'the folder of the gallery', -1);
  folder.count('training images', train.length, 12936);
  folder.count('training persons', trainClasses, 751);
  folder.count('queries', query.length, 3368);
  folder.count('persons among queries', countLabels(query), 750);
  folder.count('gallery images, with junk', test.length, 19732);
  folder.count('gallery images, without junk', test.filter(({ label }) => label >= 0).length, 15913);
  const extra = distractors === 'add' ? await read('images', 'the folder of 500,000 distractors', -1) : [];
  const gallery = [...test, ...extra].filter(({ label }) => junk === 'keep' || label >= 0);
  return { train, query, gallery, trainClasses, warnings: folder.warnings };
}
