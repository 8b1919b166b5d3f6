/**
 * Data sets of `CIRCLE_LOSS_DATA`: a folder each, with raw files (images.bin, labels.bin, split.bin, maybe one that says
 * who drew a picture) and `meta.json`, which has their shapes and checksums. Pictures become the features of the demo,
 * so that one network reads all of them.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { picturePixels, pictureSize } from '../data/catalogue.ts';
import { computeFeatures, standardize } from '../data/features.ts';
import { type Rows, selectRows } from '../data/rows.ts';
import type { Side } from './subjects.ts';

/** In split.bin; all other numbers are parts of the test. */
const trainingMark = 0;

interface Meta {
  files: Record<string, { shape: number[]; sha256: string }>;
}

interface FolderContent {
  training: Side;
  test: Side;
  testFeatures: Rows;
}

export async function readFolder(
  parent: string,
  folder: string,
  cameraFile: string | undefined,
  classLimit = Number.POSITIVE_INFINITY,
): Promise<FolderContent> {
  const path = join(parent, folder);
  const meta: Meta = JSON.parse(await readFile(join(path, 'meta.json'), 'utf8'));
  const read = (name: string) => readChecked(join(path, name), meta.files[name].sha256);
  const [images, labelBytes, split] = await Promise.all(['images.bin', 'labels.bin', 'split.bin'].map(read));
  const cameras = cameraFile === undefined ? undefined : await read(cameraFile);
  const allLabels = Int32Array.from({ length: split.length }, (_, i) => labelBytes.readInt32LE(4 * i));
  const every = Math.max(1, Math.ceil(new Set(allLabels).size / classLimit));
  const pictures = [...allLabels.keys()].filter((picture) => Math.floor(allLabels[picture] / 2) % every === 0);

  const labels = Int32Array.from(pictures, (picture) => allLabels[picture]);
  const pixels = await toPictures(images, meta.files['images.bin'].shape, pictures);
  const rowsWhere = (isTraining: boolean) =>
    [...pictures.keys()].filter((row) => (split[pictures[row]] === trainingMark) === isTraining);
  const trainingRows = rowsWhere(true);
  const testRows = rowsWhere(false);
  const features = computeFeatures(pixels, trainingRows, () => {});
  const inputs = standardize(features, trainingRows);
  const sideOf = (rows: number[]): Side => {
    const numbers = new Map([...new Set(rows.map((row) => labels[row]))].map((label, number) => [label, number]));
    return {
      inputs: selectRows(inputs, rows),
      labels: Int32Array.from(rows, (row) => numbers.get(labels[row])!),
      classCount: numbers.size,
      cameras: cameras && Uint8Array.from(rows, (row) => cameras[pictures[row]]),
    };
  };
  return { training: sideOf(trainingRows), test: sideOf(testRows), testFeatures: selectRows(features, testRows) };
}

async function readChecked(file: string, sha256: string): Promise<Buffer> {
  const bytes = await readFile(file);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256) throw new Error(`${file} is not the file that meta.json describes: its sha256 is ${found}.`);
  return bytes;
}

/** The chosen pictures, in the size and the three channels that features are made from. */
async function toPictures(images: Buffer, [, height, width]: number[], chosen: readonly number[]): Promise<Uint8Array> {
  const pixels = new Uint8Array(chosen.length * picturePixels);
  const raw = { width, height, channels: 1 } as const;
  const size = width * height;
  const convert = async (picture: number, place: number) => {
    const image = sharp(images.subarray(picture * size, (picture + 1) * size), { raw });
    const rgb = await image.resize(pictureSize, pictureSize).toColourspace('srgb').raw().toBuffer();
    if (rgb.length !== picturePixels) throw new Error(`A picture became ${rgb.length} bytes, not ${picturePixels}.`);
    pixels.set(rgb, place * picturePixels);
  };
  sharp.concurrency(1); // a picture is too small to be shared among threads
  await Promise.all(chosen.map(convert));
  return pixels;
}
