/**
 * What the network sees of a picture: 704 numbers made by hand, which know nothing of classes.
 *
 * The picture is cut into 8 × 8 cells of 4 × 4 pixels. Each cell has
 * - a histogram of its edges over 8 directions from 0 to 180°, by strength; between two directions an edge is shared.
 *   Unsigned directions, since one vendor's dark outline is another's light one. Square roots make a few strong edges
 *   count for less, as RootSIFT does for SIFT.
 * - its mean colour, less that of the same cell in the training pictures.
 * The 512 histogram numbers are scaled to length 1 and the 192 colours to length ½.
 */
import { picturePixels, pictureSize } from './catalogue.ts';
import type { Rows } from './rows.ts';

const cellSize = 4;
const cells = (pictureSize / cellSize) ** 2;
const directions = 8;
const edgeLength = cells * directions;
const colourLength = cells * 3;
const colourScale = 0.5;

export const featureDim = edgeLength + colourLength;

/** Features of all pictures; `training` are the pictures whose mean colours may be known. */
export function computeFeatures(pixels: Uint8Array, training: readonly number[], onPicture: () => void): Rows {
  const count = pixels.length / picturePixels;
  const values = new Float32Array(count * featureDim);
  const edgesOf = (picture: number) => values.subarray(picture * featureDim, picture * featureDim + edgeLength);
  const coloursOf = (picture: number) => values.subarray(picture * featureDim + edgeLength, (picture + 1) * featureDim);
  for (let picture = 0; picture < count; picture++) {
    const rgb = pixels.subarray(picture * picturePixels, (picture + 1) * picturePixels);
    addEdges(rgb, edgesOf(picture));
    addColours(rgb, coloursOf(picture));
    onPicture();
  }
  const meanColours = meanRow({ values, dim: featureDim }, training).subarray(edgeLength);
  for (let picture = 0; picture < count; picture++) {
    const edges = edgesOf(picture);
    edges.set(edges.map(Math.sqrt));
    scaleTo(1, edges);
    const colours = coloursOf(picture);
    colours.set(colours.map((colour, k) => colour - meanColours[k]));
    scaleTo(colourScale, colours);
  }
  return { values, dim: featureDim };
}

/** For the network: less the mean row of the training pictures, and scaled so that their numbers have variance 1. */
export function standardize(features: Rows, training: readonly number[]): Rows {
  const { values, dim } = features;
  const mean = meanRow(features, training);
  let variance = 0;
  for (const picture of training) {
    for (let k = 0; k < dim; k++) variance += (values[picture * dim + k] - mean[k]) ** 2 / (training.length * dim);
  }
  const deviation = Math.sqrt(variance);
  return { values: values.map((value, i) => (value - mean[i % dim]) / deviation), dim };
}

function meanRow({ values, dim }: Rows, pictures: readonly number[]): Float64Array {
  const mean = new Float64Array(dim);
  for (const picture of pictures) {
    for (let k = 0; k < dim; k++) mean[k] += values[picture * dim + k] / pictures.length;
  }
  return mean;
}

function cellOf(x: number, y: number): number {
  return Math.floor(y / cellSize) * (pictureSize / cellSize) + Math.floor(x / cellSize);
}

function addEdges(rgb: Uint8Array, histograms: Float32Array): void {
  const brightness = brightnessOf(rgb);
  const last = pictureSize - 1;
  for (let y = 0; y < pictureSize; y++) {
    // Beyond the border, the border again.
    const above = Math.max(0, y - 1) * pictureSize;
    const below = Math.min(last, y + 1) * pictureSize;
    const row = y * pictureSize;
    for (let x = 0; x < pictureSize; x++) {
      const dx = brightness[row + Math.min(last, x + 1)] - brightness[row + Math.max(0, x - 1)];
      const dy = brightness[below + x] - brightness[above + x];
      if (dx === 0 && dy === 0) continue;
      const strength = Math.sqrt(dx * dx + dy * dy);
      const direction = (Math.atan2(dy, dx) / Math.PI + 1) * directions;
      const lower = Math.floor(direction);
      const share = direction - lower;
      const histogram = cellOf(x, y) * directions;
      histograms[histogram + (lower % directions)] += strength * (1 - share);
      histograms[histogram + ((lower + 1) % directions)] += strength * share;
    }
  }
}

/** From 0 to 1, by the weights of ITU-R BT.601. */
function brightnessOf(rgb: Uint8Array): Float32Array {
  const brightness = new Float32Array(pictureSize * pictureSize);
  for (let i = 0; i < brightness.length; i++) {
    brightness[i] = (0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2]) / 255;
  }
  return brightness;
}

function addColours(rgb: Uint8Array, colours: Float32Array): void {
  for (let y = 0; y < pictureSize; y++) {
    for (let x = 0; x < pictureSize; x++) {
      const pixel = 3 * (y * pictureSize + x);
      const cell = 3 * cellOf(x, y);
      for (let c = 0; c < 3; c++) colours[cell + c] += rgb[pixel + c] / 255 / cellSize ** 2;
    }
  }
}

function scaleTo(length: number, values: Float32Array): void {
  let squares = 0;
  for (const value of values) squares += value * value;
  const factor = length / Math.max(Math.sqrt(squares), 1e-12);
  for (let k = 0; k < values.length; k++) values[k] *= factor;
}
