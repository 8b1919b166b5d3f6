/**
 * What examples learn from and are tested with: pictures of emoji as rows of numbers, with labels, in two parts that
 * have no class in common. `loadDataSet` is all that an example needs of this folder.
 */
import { join } from 'node:path';
import { startProgress } from '../terminal/progress.ts';
import { type Catalogue, loadPixels, picturePixels, readCatalogue } from './catalogue.ts';
import { computeFeatures, standardize } from './features.ts';
import type { Random } from './random.ts';
import { type Rows, selectRows } from './rows.ts';

const testShare = 0.4;

export interface Part {
  /** Indices into the catalogue, of as many pictures as there are rows. */
  pictures: readonly number[];
  /** The class of each row, from 0 to `classCount` − 1: a row of class weights, too. */
  labels: Int32Array;
  classCount: number;
  /** Features made by hand, to be compared as they are. */
  features: Rows;
  /** The same, centred and scaled by what the training part is like, for a network to read. */
  inputs: Rows;
}

export interface DataSet {
  /** Names and vendors; draws pictures for the eye. */
  catalogue: Catalogue;
  training: Part;
  test: Part;
}

export interface DataSetOptions {
  /** Default: all classes. */
  classLimit?: number;
  /** Decides which classes are in the test. */
  random: Random;
  /** Called with the name of each stage when it ends. */
  onStage?: (name: string) => void;
}

/** Draws pictures where no earlier run left them in `.cache/`, and shows its progress. */
export async function loadDataSet({ classLimit, random, onStage }: DataSetOptions): Promise<DataSet> {
  const catalogue = readCatalogue(classLimit);
  const pictures = split(catalogue, random);
  onStage?.('reading');
  const pixels = await drawPictures(catalogue);
  onStage?.('drawing');
  const features = describePictures(pixels, pictures.training);
  const inputs = standardize(features, pictures.training);
  onStage?.('features');
  return {
    catalogue,
    training: selectPart(catalogue, features, inputs, pictures.training),
    test: selectPart(catalogue, features, inputs, pictures.test),
  };
}

/** Whole classes to one side or the other: the test asks about emoji that training never saw. */
function split({ names, labels }: Catalogue, random: Random): { training: number[]; test: number[] } {
  const testClasses = new Set(random.sample([...names.keys()], Math.round(testShare * names.length)));
  const pictures = [...labels.keys()];
  return {
    training: pictures.filter((picture) => !testClasses.has(labels[picture])),
    test: pictures.filter((picture) => testClasses.has(labels[picture])),
  };
}

async function drawPictures(catalogue: Catalogue): Promise<Uint8Array> {
  const progress = startProgress('Drawing', catalogue.labels.length);
  const pixels = await loadPixels(catalogue, join(import.meta.dirname, '.cache'), progress.advance);
  progress.stop();
  return pixels;
}

function describePictures(pixels: Uint8Array, training: readonly number[]): Rows {
  const progress = startProgress('Features', pixels.length / picturePixels);
  const features = computeFeatures(pixels, training, progress.advance);
  progress.stop();
  return features;
}

function selectPart(catalogue: Catalogue, features: Rows, inputs: Rows, pictures: readonly number[]): Part {
  const numbers = new Map([...new Set(pictures.map((picture) => catalogue.labels[picture]))].map((c, i) => [c, i]));
  return {
    pictures,
    labels: Int32Array.from(pictures, (picture) => numbers.get(catalogue.labels[picture])!),
    classCount: numbers.size,
    features: selectRows(features, pictures),
    inputs: selectRows(inputs, pictures),
  };
}
