/** The caller's rows and a protocol's items: which row belongs to which. */
import { isAbsolute, relative } from 'node:path';
import { allocate, float32, int32Range, isArray, labelArray, rowCount } from '../arrays.ts';
import { invalidArgument, repeatedNames, unalignedRows, wrongShape } from '../errors.ts';
import { parse } from '../schemas.ts';
import { listedPath } from './files.ts';
import type { FrameSet, VerificationPair } from './items.ts';
import { protocolSchemas } from './schemas.ts';

export interface AlignOptions {
  /** The data set's folder: absolute paths are taken relative to it. Relative ones are relative to it already. */
  root?: string;
  /** Whether there may be rows that no item asks for; default 'allow', since most features are of more than one list. */
  unused?: 'allow' | 'throw';
}

/** A path, or something that has one. */
export type Pathed = string | { readonly path: string };

function pathOf(item: Pathed, name: string): string {
  const path: unknown = typeof item === 'object' && item !== null ? item.path : item;
  if (typeof path !== 'string') throw invalidArgument(name, 'a path, or an object with a path', item);
  return path;
}

/** Of objects: a list of them, each looked at. */
function checkItems(name: string, items: unknown, check?: (item: Record<string, unknown>, name: string) => void): void {
  if (!isArray(items)) throw invalidArgument(name, 'an array', items);
  if (check === undefined) return;
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (typeof item !== 'object' || item === null) throw invalidArgument(`${name}[${i}]`, 'an object', item);
    check(item as Record<string, unknown>, `${name}[${i}]`);
  }
}

/** One number of each item. */
function numbersOf(name: string, items: unknown, key: string): Int32Array {
  const numbers: unknown[] = [];
  checkItems(name, items, (item) => numbers.push(item[key]));
  return Int32Array.from(numbers, (value, i) => {
    if (typeof value === 'number' && (value | 0) === value) return value;
    throw invalidArgument(`${name}[${i}].${key}`, int32Range, value);
  });
}

/**
 * The row of each item: `paths[i]` is the image whose embedding is row i, in any order. N paths, M items.
 *
 * Returns M row numbers, for `gatherRows`. Paths may have backslashes, and `./` in front. O(N + M).
 *
 * Throws `CircleLossError` ERR_CIRCLE_INVALID_ARGUMENT where an item has no row, a path comes twice, or, with
 * `unused: 'throw'`, a row has no item; the first few are named, and how many there are.
 *
 * ```ts
 * const rows = alignRows(['b.jpg', 'a.jpg'], [{ path: 'a.jpg', label: 0 }, { path: 'b.jpg', label: 1 }]); // [1, 0]
 * const { embeddings, labels } = { embeddings: gatherRows(features, rows, { dim }), labels: labelsOf(items) };
 * ```
 */
export function alignRows(paths: readonly string[], items: readonly Pathed[], options: AlignOptions = {}): Int32Array {
  const { root, unused = 'allow' } = parse(protocolSchemas.alignRows, options);
  checkItems('paths', paths);
  checkItems('items', items);
  const rows = numbered(paths, 'paths', (path) => {
    if (typeof path !== 'string') throw invalidArgument('paths', 'an array of strings', path);
    return listedPath(root !== undefined && isAbsolute(path) ? relative(root, path) : path);
  });
  const missing: string[] = [];
  const wanted = Array.from(items, (item, i) => listedPath(pathOf(item, `items[${i}]`)));
  const aligned = new Int32Array(wanted.length);
  wanted.forEach((path, i) => {
    const row = rows.get(path);
    if (row === undefined) missing.push(path);
    else aligned[i] = row;
  });
  if (missing.length > 0) {
    throw unalignedRows('items', 'images that have a row', missing, `The first path is '${paths[0] ?? ''}'.`);
  }
  if (unused === 'throw') {
    for (const path of wanted) rows.delete(path);
    if (rows.size > 0)
      throw unalignedRows('paths', 'images that have an item', [...rows.keys()], 'Nothing asks for them.');
  }
  return aligned;
}

/** Where each name stands. */
function numbered<T, K>(values: ArrayLike<T>, name: string, keyOf: (value: T) => K): Map<K, number> {
  const numbers = new Map<K, number>();
  const twice: string[] = [];
  for (let i = 0; i < values.length; i++) {
    const key = keyOf(values[i]);
    if (numbers.has(key)) twice.push(String(key));
    numbers.set(key, i);
  }
  if (twice.length > 0) throw repeatedNames(name, twice);
  return numbers;
}

/**
 * The rows of `embeddings` that `rows` numbers, in its order: M × dim, a copy.
 *
 * Throws ERR_CIRCLE_INVALID_ARGUMENT, ERR_CIRCLE_SHAPE (no rows of `dim` numbers, a row that is not there),
 * ERR_CIRCLE_DETACHED and ERR_CIRCLE_OUT_OF_MEMORY.
 */
export function gatherRows(embeddings: Float32Array, rows: Int32Array, options: { dim: number }): Float32Array {
  const { dim } = parse(protocolSchemas.gatherRows, options);
  const numbers = labelArray('rows', rows); // a list may be the caller's code: before the others are checked
  const values = float32('embeddings', embeddings);
  const count = rowCount('embeddings', values, dim);
  const gathered = allocate(numbers.length * dim);
  numbers.forEach((row, i) => {
    if (row < 0 || row >= count) throw wrongShape(`rows[${i}]`, `from 0 to ${count - 1}`, `${row}`);
    gathered.set(values.subarray(row * dim, (row + 1) * dim), i * dim);
  });
  return gathered;
}

/** Pairs as numbers, for similarities and `evaluateFolds`. */
export interface AlignedPairs {
  /** Rows. */
  first: Int32Array;
  second: Int32Array;
  /** 1 for a pair of the same person. */
  same: Uint8Array;
  /** Counted from 0. */
  folds: Int32Array;
}

/** The rows of each pair; as `alignRows`. */
export function alignPairs(
  paths: readonly string[],
  pairs: readonly VerificationPair[],
  options: AlignOptions = {},
): AlignedPairs {
  checkItems('pairs', pairs, ({ first, second, same }, name) => {
    if (typeof first !== 'string') throw invalidArgument(`${name}.first`, 'a path', first);
    if (typeof second !== 'string') throw invalidArgument(`${name}.second`, 'a path', second);
    if (typeof same !== 'boolean') throw invalidArgument(`${name}.same`, 'true or false', same);
  });
  const folds = numbersOf('pairs', pairs, 'fold');
  const both = alignRows(
    paths,
    pairs.flatMap(({ first, second }) => [first, second]),
    options,
  );
  return {
    first: Int32Array.from(pairs, (_, k) => both[2 * k]),
    second: Int32Array.from(pairs, (_, k) => both[2 * k + 1]),
    same: Uint8Array.from(pairs, ({ same }) => (same ? 1 : 0)),
    folds,
  };
}

/**
 * Where each template of `templates` stands in `templateIds`, the ids of the rows that `aggregateTemplates` returns.
 *
 * Throws ERR_CIRCLE_INVALID_ARGUMENT where one is not there, or an id comes twice.
 */
export function alignTemplates(templateIds: Int32Array, templates: Int32Array): Int32Array {
  const wanted = labelArray('templates', templates);
  const numbers = numbered(labelArray('templateIds', templateIds), 'templateIds', (id: number) => id);
  const rows = new Int32Array(wanted.length);
  const missing = new Set<string>();
  wanted.forEach((id, i) => {
    const row = numbers.get(id);
    if (row === undefined) missing.add(String(id));
    else rows[i] = row;
  });
  if (missing.size > 0) throw unalignedRows('templates', 'ids of templates that have a row', [...missing], '');
  return rows;
}

/** Images and the templates that they belong to, for `alignRows` and `aggregateTemplates`. */
export interface TemplateImages {
  paths: string[];
  /** The number of the tracklet or video of each image, from 0. */
  templates: Int32Array;
  /** The same: frames of one take, which count together. */
  media: Int32Array;
}

/** Tracklets or videos as templates: set t becomes template t. */
export function templatesOf(sets: readonly FrameSet[]): TemplateImages {
  checkItems('sets', sets, ({ frames }, name) => {
    checkItems(`${name}.frames`, frames);
    (frames as unknown[]).forEach((frame, i) => {
      if (typeof frame !== 'string') throw invalidArgument(`${name}.frames[${i}]`, 'a path', frame);
    });
  });
  const paths = sets.flatMap(({ frames }) => frames);
  const templates = new Int32Array(paths.length);
  let at = 0;
  sets.forEach(({ frames }, t) => {
    templates.fill(t, at, at + frames.length);
    at += frames.length;
  });
  return { paths, templates, media: templates.slice() };
}

/** The labels of items, for the metrics. Throws ERR_CIRCLE_INVALID_ARGUMENT where one is no int32. */
export const labelsOf = (items: readonly { label: number }[]): Int32Array => numbersOf('items', items, 'label');

/** The cameras of items, for `evaluateReIdentification`. Throws ERR_CIRCLE_INVALID_ARGUMENT where one is no int32. */
export const camerasOf = (items: readonly { camera: number }[]): Int32Array => numbersOf('items', items, 'camera');
