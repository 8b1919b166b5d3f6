/** Cars196: structures in MAT files, in two layouts. */
import { foreignDataSet } from '../errors.ts';
import { parse } from '../schemas.ts';
import type { FineGrainedOptions } from './cub.ts';
import { DataFolder, listedPath } from './files.ts';
import { type LabelledItem, type RetrievalProtocol, splitClasses } from './items.ts';
import { type MatArray, readMatFile, structsIn } from './mat-file.ts';
import { parsePath, protocolSchemas } from './schemas.ts';

export interface Cars196Options extends FineGrainedOptions {
  /** 'car_ims': `car_ims` and `cars_annos.mat`; 'devkit': `cars_train`, `cars_test`, `devkit`. Default 'auto': what is there. */
  layout?: 'auto' | 'car_ims' | 'devkit';
}

export interface Cars196Protocol extends RetrievalProtocol {
  layout: 'car_ims' | 'devkit';
}

const cars = {
  name: 'Cars196',
  source:
    'Its home, https://ai.stanford.edu/~jkrause/cars/car_dataset.html, is gone; ' +
    'https://github.com/pytorch/vision/issues/7545 says where copies are.',
};
const classCount = 196;
const trainClassCount = 98;
const allInOne = 'cars_annos.mat';
const withLabels = 'cars_test_annos_withlabels.mat';

/** An annotation, counted from 1. */
interface Place {
  path: string;
  number: number;
}

interface Car extends LabelledItem {
  isTest: boolean;
}

/**
 * Cars196 from a folder with `car_ims` and `cars_annos.mat`, or with `cars_train`, `cars_test`,
 * `devkit/cars_train_annos.mat` and `cars_test_annos_withlabels.mat`, the last in either place. Items stand in the order
 * of the annotations, training images first.
 *
 * Classes 1 to 98 are for training and 99 to 196 for testing, over both folders of images; `split`, labels and metric as
 * for CUB-200-2011.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where an annotation file is missing, ERR_CIRCLE_PROTOCOL for files without
 * classes (`cars_test_annos.mat`), classes out of range, missing images and folders of both or neither layout,
 * ERR_CIRCLE_INVALID_ARGUMENT.
 *
 * Source: Krause et al., "3D Object Representations for Fine-Grained Categorization", 3dRR 2013; split of Song et al.,
 * CVPR 2016, as in https://github.com/KevinMusgrave/pytorch-metric-learning.
 */
export async function readCars196(root: string, options: Cars196Options = {}): Promise<Cars196Protocol> {
  const parsed = parse(protocolSchemas.cars196, options);
  const { split = 'classes', images = 'check' } = parsed;
  const folder = new DataFolder(cars, parsePath(root));
  const layout = await layoutOf(folder, parsed.layout ?? 'auto');
  const items = layout === 'car_ims' ? await readAllInOne(folder, images) : await readDevkit(folder, images);
  folder.count('images', items.length, 16185);
  folder.count('training images', items.filter(({ isTest }) => !isTest).length, 8144);
  folder.count('classes', new Set(items.map(({ label }) => label)).size, classCount);
  const isTrain = items.map(({ label, isTest }) => (split === 'classes' ? label < trainClassCount : !isTest));
  const plain = items.map(({ path, label }) => ({ path, label }));
  return { layout, ...splitClasses(plain, isTrain, split), warnings: folder.warnings };
}

async function layoutOf(folder: DataFolder, wanted: 'auto' | 'car_ims' | 'devkit'): Promise<'car_ims' | 'devkit'> {
  if (wanted !== 'auto') return wanted;
  const [inOne, devkit] = await Promise.all([folder.has(allInOne), folder.has('devkit')]);
  if (inOne !== devkit) return inOne ? 'car_ims' : 'devkit';
  const remedy = ` Name the layout that is meant: layout: 'car_ims' or 'devkit'. ${cars.source}`;
  const expected = `a folder with ${allInOne} or with devkit`;
  throw foreignDataSet(folder.root, expected, inOne ? 'both' : 'neither', remedy);
}

async function readAllInOne(folder: DataFolder, images: 'check' | 'ignore'): Promise<Car[]> {
  const found = await readAnnotations(folder, allInOne, (place, fields) => ({
    path: listedPath(textField(place, fields, 'relative_im_path')),
    isTest: numberField(place, fields, 'test', 0, 1) === 1,
  }));
  await folder.checkImages(
    allInOne,
    found.map(({ path }) => path),
    images,
  );
  return [...found.filter(({ isTest }) => !isTest), ...found.filter(({ isTest }) => isTest)];
}

async function readDevkit(folder: DataFolder, images: 'check' | 'ignore'): Promise<Car[]> {
  const read = async (file: string, imageFolder: string, isTest: boolean) => {
    const found = await readAnnotations(folder, file, (place, fields) => ({
      path: listedPath(`${imageFolder}/${textField(place, fields, 'fname')}`),
      isTest,
    }));
    await folder.checkImages(
      file,
      found.map(({ path }) => path),
      images,
    );
    return found;
  };
  const train = await read('devkit/cars_train_annos.mat', 'cars_train', false);
  const inside = await folder.has(`devkit/${withLabels}`);
  return [...train, ...(await read(inside ? `devkit/${withLabels}` : withLabels, 'cars_test', true))];
}

async function readAnnotations(
  folder: DataFolder,
  file: string,
  placeOf: (place: Place, fields: Record<string, MatArray>) => { path: string; isTest: boolean },
): Promise<Car[]> {
  const path = folder.path(file);
  const variables = readMatFile(path, await folder.bytes(file, 'the annotations'));
  return structsIn(path, variables, 'annotations').map((fields, i) => ({
    ...placeOf({ path, number: i + 1 }, fields),
    label: numberField({ path, number: i + 1 }, fields, 'class', 1, classCount) - 1,
  }));
}

function textField(place: Place, fields: Record<string, MatArray>, name: string): string {
  const field = fields[name];
  if (field?.kind === 'text') return field.text;
  throw withoutField(place, fields, name, 'a text');
}

function numberField(place: Place, fields: Record<string, MatArray>, name: string, least: number, most: number) {
  const field = fields[name];
  const value = field?.kind === 'numbers' && field.values.length === 1 ? field.values[0] : Number.NaN;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw withoutField(place, fields, name, `an integer from ${least} to ${most}`, value);
}

function withoutField(
  place: Place,
  fields: Record<string, MatArray>,
  name: string,
  expected: string,
  value = Number.NaN,
) {
  const found =
    name in fields ? `${Number.isNaN(value) ? 'something else' : value}` : `only ${Object.keys(fields).join(', ')}`;
  const remedy =
    name === 'class' && !(name in fields) ? ` Annotations of the test with classes are in ${withLabels}.` : '';
  const received = `${found} in annotation ${place.number}`;
  return foreignDataSet(place.path, `annotations with '${name}', ${expected}`, received, remedy);
}
