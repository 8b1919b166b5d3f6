/** What the losses are compared on: three data sets, whose test classes no training sees. */
import { createHash } from 'node:crypto';
import { loadDataSet, type Part } from '../data/data-set.ts';
import { Random } from '../data/random.ts';
import { type Rows, selectRows } from '../data/rows.ts';
import { readFolder } from './folder.ts';
import type { Task } from './losses.ts';
import { splitSeed, validationShare } from './recipe.ts';

export const dataNames = ['emoji', 'omniglot', 'leaves'] as const;
export type DataName = (typeof dataNames)[number];

/** Pictures of some classes. */
export interface Side {
  inputs: Rows;
  /** From 0 to `classCount` − 1. */
  labels: Int32Array;
  classCount: number;
  /** Who drew each picture, where that is known: the camera of re-identification. */
  cameras: Uint8Array | undefined;
}

export interface Subject {
  name: DataName;
  title: string;
  /** What there is, in words. */
  about: string;
  /** Of all numbers: a run on other data is another run. */
  fingerprint: string;
  training: Side;
  /** Two parts of the training classes, to tune on. */
  tuning: { training: Side; validation: Side };
  test: Side;
  /** The hand-made features of the test pictures, to be judged as they are. */
  testFeatures: Rows;
  /** The drawings of these cameras ask in re-identification, and those of the others answer. */
  askingCameras: readonly number[];
}

export function tasksOf({ test }: Subject): Task[] {
  return test.cameras ? ['verification', 're-identification', 'retrieval'] : ['verification', 'retrieval'];
}

/** The folder where the data sets are that no package has. */
export const dataFolder = (): string | undefined => process.env.CIRCLE_LOSS_DATA || undefined;

const folders = {
  omniglot: { folder: 'omniglot_small', title: 'Omniglot', cameras: 'drawer.bin', askingCameras: [0, 1, 2, 3, 4] },
  leaves: { folder: 'leaf_species', title: 'Leaves', cameras: undefined, askingCameras: [] },
} as const;

/** `classLimit`: of all classes; default all. */
export async function loadSubject(name: DataName, classLimit?: number): Promise<Subject> {
  if (name === 'emoji') return loadEmoji(classLimit);
  const { folder, title, cameras, askingCameras } = folders[name];
  const { training, test, testFeatures } = await readFolder(dataFolder()!, folder, cameras, classLimit);
  return complete({ name, title, training, test, testFeatures, askingCameras });
}

async function loadEmoji(classLimit?: number): Promise<Subject> {
  const { catalogue, training, test } = await loadDataSet({ classLimit, random: new Random(splitSeed) });
  const sideOf = ({ inputs, labels, classCount, pictures }: Part): Side => {
    const cameras = Uint8Array.from(pictures, (picture) => catalogue.drawnBy[picture]);
    return { inputs, labels, classCount, cameras };
  };
  return complete({
    name: 'emoji',
    title: 'Emoji',
    training: sideOf(training),
    test: sideOf(test),
    testFeatures: test.features,
    // As in the demo: Twemoji asks.
    askingCameras: [catalogue.vendors.findIndex(({ prefix }) => prefix === 'twemoji')],
  });
}

function complete(given: Omit<Subject, 'about' | 'fingerprint' | 'tuning'>): Subject {
  const { training, test, testFeatures } = given;
  const count = ({ labels, classCount }: Side) => `${labels.length} pictures of ${classCount} classes`;
  const hash = createHash('sha256');
  for (const { inputs, labels, cameras } of [training, test]) {
    for (const array of [inputs.values, labels, ...(cameras ? [cameras] : [])]) hash.update(array);
  }
  hash.update(testFeatures.values).update(JSON.stringify(given.askingCameras));
  return {
    ...given,
    about: `${count(training)} to learn from, ${count(test)} in the test`,
    fingerprint: hash.digest('hex').slice(0, 16),
    tuning: splitForTuning(training),
  };
}

/** Whole classes to one part or the other, as between training and test. */
function splitForTuning(side: Side): Subject['tuning'] {
  const classes = [...Array(side.classCount).keys()];
  const count = Math.round(validationShare * side.classCount);
  const held = new Set(new Random(splitSeed).sample(classes, count));
  return {
    training: selectClasses(side, (label) => !held.has(label)),
    validation: selectClasses(side, (label) => held.has(label)),
  };
}

function selectClasses({ inputs, labels, cameras }: Side, isChosen: (label: number) => boolean): Side {
  const rows = [...labels.keys()].filter((row) => isChosen(labels[row]));
  const numbers = new Map([...new Set(rows.map((row) => labels[row]))].map((label, number) => [label, number]));
  return {
    inputs: selectRows(inputs, rows),
    labels: Int32Array.from(rows, (row) => numbers.get(labels[row])!),
    classCount: numbers.size,
    cameras: cameras && Uint8Array.from(rows, (row) => cameras[row]),
  };
}
