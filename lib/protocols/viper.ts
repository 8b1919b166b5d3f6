/** VIPeR: two views of each person, halved at random. */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { mersenne } from 'pure-rand/generator/mersenne';
import { foreignDataSet } from '../errors.ts';
import { parse } from '../schemas.ts';
import { DataFolder } from './files.ts';
import type { ReIdentificationItem, ReIdentificationProtocol } from './items.ts';
import { parsePath, protocolSchemas } from './schemas.ts';

export interface ViperOptions {
  /** Of the halves: an integer from 0 to 4294967295, default 0. The same seed halves alike, on every machine. */
  seed?: number;
  /** The camera of the queries; default 'cam_a'. The other one's images are the gallery. */
  query?: Camera;
}

const viper = { name: 'VIPeR', source: 'Get VIPeR.v1.0.zip from https://vision.soe.ucsc.edu/node/178.' };
/** Person and angle. */
const imageName = /^(\d+)_-?\d+\.\w+$/;

/**
 * VIPeR from its folder, with `cam_a` and `cam_b`. Cameras are 1 and 2, persons sorted by their number; those of the
 * test half keep it as their label.
 *
 * Published numbers are means over ten random halves, 316 persons to train on and 316 to test, often with each camera
 * as query in turn: call it with ten seeds. No list of halves comes with the data set, so papers' own differ.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where a folder is missing, ERR_CIRCLE_PROTOCOL where the name of an image
 * follows another rule or a person lacks a view, ERR_CIRCLE_INVALID_ARGUMENT.
 *
 * Source: Gray, Brennan and Tao, "Evaluating Appearance Models for Recognition, Reacquisition, and Tracking", PETS 2007;
 * halves as in https://github.com/KaiyangZhou/deep-person-reid.
 */
export async function readViper(root: string, options: ViperOptions = {}): Promise<ReIdentificationProtocol> {
  const { seed = 0, query = 'cam_a' } = parse(protocolSchemas.viper, options);
  const folder = new DataFolder(viper, parsePath(root));
  const views = { cam_a: await readView(folder, 'cam_a', 1), cam_b: await readView(folder, 'cam_b', 2) };
  checkComplete(folder, views, 'cam_a', 'cam_b');
  checkComplete(folder, views, 'cam_b', 'cam_a');
  const persons = [...views.cam_a.keys()].sort((a, b) => a - b);
  folder.count('persons', persons.length, 632);

  const trained = randomHalf(persons, seed);
  const numbers = new Map(persons.filter((person) => trained.has(person)).map((person, number) => [person, number]));
  const tested = persons.filter((person) => !trained.has(person));
  const gallery = query === 'cam_a' ? 'cam_b' : 'cam_a';
  return {
    train: [...numbers].flatMap(([person, label]) => [
      { ...views.cam_a.get(person)!, label },
      { ...views.cam_b.get(person)!, label },
    ]),
    query: tested.map((person) => views[query].get(person)!),
    gallery: tested.map((person) => views[gallery].get(person)!),
    trainClasses: numbers.size,
    warnings: folder.warnings,
  };
}

/** @inline */
type Camera = 'cam_a' | 'cam_b';
type View = Map<number, ReIdentificationItem>;

async function readView(folder: DataFolder, name: string, camera: number): Promise<View> {
  const images = await folder.named(name, `the folder of camera ${camera}`, 'PPP_angle.bmp', (image) => {
    const match = imageName.exec(image);
    return match === null ? undefined : Number(match[1]);
  });
  const view: View = new Map();
  for (const { path, parsed: person } of images) {
    const other = view.get(person);
    if (other !== undefined) {
      const received = `${other.path} and ${path}`;
      throw foreignDataSet(folder.path(name), 'a folder with one image of each person', received);
    }
    view.set(person, { path, label: person, camera });
  }
  return view;
}

function checkComplete(folder: DataFolder, views: { cam_a: View; cam_b: View }, one: Camera, other: Camera): void {
  const alone = [...views[one]].filter(([person]) => !views[other].has(person)).map(([, { path }]) => path);
  if (alone.length === 0) return;
  const expected = `a folder with an image of each person of ${one}`;
  throw foreignDataSet(folder.path(other), expected, `none for ${alone.length}, the first of them ${alone[0]}`);
}

/** Half of the persons, rounded down. A shuffle by Fisher and Yates that is done as far as it is needed. */
function randomHalf(persons: readonly number[], seed: number): Set<number> {
  const generator = mersenne(seed);
  const shuffled = [...persons];
  const half = Math.floor(shuffled.length / 2);
  for (let i = 0; i < half; i++) {
    const other = uniformInt(generator, i, shuffled.length - 1);
    [shuffled[i], shuffled[other]] = [shuffled[other], shuffled[i]];
  }
  return new Set(shuffled.slice(0, half));
}
