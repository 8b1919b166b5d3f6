/** Templates: one row for all images of a subject, and the similarities of pairs that a protocol lists. */
import { allocate, checkRows, float32, labelArray, rowCount } from '../arrays.ts';
import { invalidArgument, wrongShape } from '../errors.ts';
import type { Labels } from '../options.ts';
import { parse } from '../schemas.ts';
import { leastNorm, normOf, normsOf, withoutRow } from './rows.ts';
import { metricSchemas } from './schemas.ts';

export interface TemplateOptions {
  /** Numbers in a row. An integer from 1. */
  dim: number;
  /** The template of each image, any int32. */
  templates: Labels;
  /** The medium of each image: frames of one video share one. Any int32; means something within a template only. */
  media: Labels;
  /** A factor of each image, from 0: how much of a face a detector saw. Default 1. */
  weights?: Float32Array;
  /** Whether images go in as they are, their norms telling quality ('keep', default), or as unit rows ('drop'). */
  imageNorms?: 'keep' | 'drop';
}

export interface Templates {
  /** T × dim: unit rows, in the order of `templateIds`. */
  embeddings: Float32Array;
  /** T different numbers, ascending. */
  templateIds: Int32Array;
}

/**
 * One unit row for each template: images of one medium are averaged, so that a long video counts as much as one
 * picture, and the media are added up.
 *
 * template = unit(Σ over media (mean over the images i of the medium of weightᵢ · xᵢ)). The mean divides by the number
 * of images, whatever their weights. Sums are in double precision. A sum of norm 1e-12 or less counts as x/1e-12.
 *
 * - `embeddings`: N × dim finite numbers, one row for each image.
 *
 * Source: the evaluation of IJB-B and IJB-C by insightface (recognition/arcface_torch/eval_ijbc.py), where the norms
 * are kept and the detector's score is the weight; the data: Whitelam et al., "IARPA Janus Benchmark-B Face Dataset",
 * CVPR Workshops 2017, and Maze et al., "IARPA Janus Benchmark – C: Face Dataset and Protocol", ICB 2018.
 *
 * Cost: N × dim multiplications, 4 bytes a number of the result and 8 an image.
 *
 * Example: template 7 has the frames (1, 0) and (0, 1) of medium 1 and the picture (1, 0) of medium 2. The medium is
 * (.5, .5), the sum (1.5, .5), the template (.949, .316).
 *
 * Throws `CircleLossError`: ERR_CIRCLE_INVALID_ARGUMENT; ERR_CIRCLE_SHAPE; ERR_CIRCLE_NOT_FINITE; ERR_CIRCLE_DETACHED;
 * ERR_CIRCLE_OUT_OF_MEMORY.
 */
export function aggregateTemplates(embeddings: Float32Array, options: TemplateOptions): Templates {
  const settings = parse(metricSchemas.templates, options);
  const { dim, imageNorms = 'keep' } = settings;
  const templates = labelArray('options.templates', settings.templates);
  const media = labelArray('options.media', settings.media);
  const rows = float32('embeddings', embeddings);
  checkRows('embeddings', rows.length, 'options.templates', templates.length, dim);
  checkImages('options.media', media.length, templates.length);
  const factors = factorsOf(rows, dim, settings.weights, imageNorms);

  const templateIds = Int32Array.from(new Set(templates)).sort();
  const { images, starts } = imagesByTemplate(templates, templateIds);
  const out = allocate(templateIds.length * dim);
  for (let t = 0; t < templateIds.length; t++) {
    const own = images.subarray(starts[t], starts[t + 1]);
    const sizes = new Map<number, number>();
    for (const image of own) sizes.set(media[image], (sizes.get(media[image]) ?? 0) + 1);
    const sum = new Float64Array(dim);
    for (const image of own) {
      const factor = factors[image] / sizes.get(media[image])!;
      for (let d = 0; d < dim; d++) sum[d] += factor * rows[image * dim + d];
    }
    const norm = Math.max(normOf(sum, 0, dim), leastNorm);
    for (let d = 0; d < dim; d++) out[t * dim + d] = sum[d] / norm;
  }
  return { embeddings: out, templateIds };
}

function checkImages(name: string, received: number, images: number): void {
  if (received === images) return;
  throw wrongShape(name, `as long as options.templates, ${images}`, `${received}`);
}

/** What each image is multiplied by. */
function factorsOf(rows: Float32Array, dim: number, weights: unknown, imageNorms: 'keep' | 'drop'): Float64Array {
  const factors = normsOf('embeddings', rows, dim, 'Leave the image out of its template.').map((norm) =>
    imageNorms === 'drop' ? 1 / Math.max(norm, leastNorm) : 1,
  );
  if (weights === undefined) return factors;
  const given = float32('options.weights', weights);
  checkImages('options.weights', given.length, factors.length);
  for (let image = 0; image < given.length; image++) {
    const isWeight = given[image] >= 0 && given[image] < Number.POSITIVE_INFINITY;
    if (!isWeight) throw invalidArgument(`options.weights[${image}]`, 'a finite number from 0', given[image]);
    factors[image] *= given[image];
  }
  return factors;
}

/** Images template by template; those of the t-th one stand from `starts[t]` to `starts[t + 1]`. A counting sort. */
function imagesByTemplate(templates: Int32Array, templateIds: Int32Array): { images: Int32Array; starts: Int32Array } {
  const places = new Map(Array.from(templateIds, (id, place) => [id, place]));
  const starts = new Int32Array(templateIds.length + 1);
  for (const id of templates) starts[places.get(id)! + 1]++;
  for (let t = 0; t < templateIds.length; t++) starts[t + 1] += starts[t];
  const images = new Int32Array(templates.length);
  const ends = starts.slice();
  for (let image = 0; image < templates.length; image++) images[ends[places.get(templates[image])!]++] = image;
  return { images, starts };
}

export interface PairSimilarityOptions {
  /** Numbers in a row. An integer from 1. */
  dim: number;
  /** N different numbers that name the rows in `pairs`, such as `templateIds`; default: rows are named 0 to N − 1. */
  ids?: Labels;
  /** Whether similarities are cosines, of rows divided by max(‖x‖, 1e-12); default true. */
  normalize?: boolean;
}

/**
 * The similarities of listed pairs, and of no others: P numbers where `computeSimilarity` would make N × N.
 *
 * - `embeddings`: N × dim finite numbers.
 * - `pairs`: 2 P names of rows, pair after pair: first, second, first, second.
 *
 * Products are summed up in double precision and rounded once. Cost: P × dim multiplications on the JavaScript thread,
 * about two nanoseconds each; 4 bytes a pair and 8 a row.
 *
 * Source: the 1:1 lists of LFW (`pairs.txt`), IJB-B and IJB-C (15.6 million pairs of 23,124 templates).
 *
 * Example: rows (1, 0), (0, 2), (3, 4) and the pairs 0 2, 1 2: the similarities .6 and .8.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_INVALID_ARGUMENT, also where a pair names no row; ERR_CIRCLE_SHAPE;
 * ERR_CIRCLE_NOT_FINITE; ERR_CIRCLE_DETACHED; ERR_CIRCLE_OUT_OF_MEMORY.
 */
export function similaritiesOfPairs(
  embeddings: Float32Array,
  pairs: Labels,
  options: PairSimilarityOptions,
): Float32Array {
  const { dim, ids, normalize = true } = parse(metricSchemas.pairs, options);
  const names = labelArray('pairs', pairs);
  const namesOfRows = ids === undefined ? undefined : labelArray('options.ids', ids);
  const rows = float32('embeddings', embeddings);
  const count = rowCount('embeddings', rows, dim);
  if (names.length === 0 || names.length % 2 !== 0) {
    throw wrongShape('pairs', 'two names for each pair, at least one pair', `${names.length} names`);
  }
  const rowOf = rowsByName(namesOfRows, count);
  const norms = normsOf('embeddings', rows, dim, withoutRow);
  const out = allocate(names.length / 2);
  for (let pair = 0; pair < out.length; pair++) {
    const first = rowOf(names[2 * pair]);
    const second = rowOf(names[2 * pair + 1]);
    if (first === undefined || second === undefined) {
      const place = first === undefined ? 2 * pair : 2 * pair + 1;
      const expected = ids === undefined ? `a row, from 0 to ${count - 1}` : 'one of options.ids';
      throw invalidArgument(`pairs[${place}]`, expected, names[place]);
    }
    const scale = normalize ? Math.max(norms[first], leastNorm) * Math.max(norms[second], leastNorm) : 1;
    out[pair] = product(rows, first * dim, second * dim, dim) / scale;
  }
  return out;
}

function rowsByName(names: Int32Array | undefined, rows: number): (name: number) => number | undefined {
  if (names === undefined) return (name) => (name >= 0 && name < rows ? name : undefined);
  if (names.length !== rows) throw wrongShape('options.ids', `one for each of the ${rows} rows`, `${names.length}`);
  const places = new Map<number, number>();
  for (let row = 0; row < rows; row++) {
    const earlier = places.get(names[row]);
    if (earlier !== undefined) {
      throw invalidArgument(`options.ids[${row}]`, `unlike options.ids[${earlier}]`, names[row]);
    }
    places.set(names[row], row);
  }
  return (name) => places.get(name);
}

/** Four sums: one would wait for each addition to end before the next. */
function product(rows: Float32Array, first: number, second: number, dim: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let e = 0;
  let d = 0;
  for (; d + 3 < dim; d += 4) {
    a += rows[first + d] * rows[second + d];
    b += rows[first + d + 1] * rows[second + d + 1];
    c += rows[first + d + 2] * rows[second + d + 2];
    e += rows[first + d + 3] * rows[second + d + 3];
  }
  for (; d < dim; d++) a += rows[first + d] * rows[second + d];
  return a + b + (c + e);
}
