/** The caller’s rows and a protocol’s items, and lines of lists. */
import { describe, expect, it } from 'vitest';
import { linesOf } from '../lib/protocols/files.ts';
import {
  alignPairs,
  alignRows,
  alignTemplates,
  camerasOf,
  gatherRows,
  labelsOf,
  templatesOf,
} from '../lib/protocols.ts';
import { errorOf } from './error-of.ts';

const items = [
  { path: 'query/a.jpg', label: 3, camera: 1 },
  { path: 'query/b.jpg', label: -1, camera: 2 },
];

describe('alignRows', () => {
  it('finds the row of each item, whatever the order', () => {
    expect(alignRows(['query/b.jpg', 'x.jpg', 'query/a.jpg'], items)).toEqual(Int32Array.of(2, 0));
    expect(alignRows(['query/a.jpg'], ['query/a.jpg', 'query/a.jpg'])).toEqual(Int32Array.of(0, 0));
  });

  it('backslashes, ./ and absolute paths are read as people write them', () => {
    expect(alignRows(['.\\query\\b.jpg', './query/a.jpg'], items)).toEqual(Int32Array.of(1, 0));
    expect(alignRows(['/data/market/query/b.jpg', 'query/a.jpg'], items, { root: '/data/market/' })).toEqual(
      Int32Array.of(1, 0),
    );
  });

  it.each<[string, () => unknown, string]>([
    [
      'items without a row, a few of them and how many',
      () => alignRows(['/data/a'], ['a', 'b', 'c', 'd']),
      "items must be images that have a row; received 4 without: 'a', 'b', 'c' and 1 more. The first path is '/data/a'.",
    ],
    [
      'paths that come twice',
      () => alignRows(['a', 'b', './a'], ['b']),
      "paths must be different from each other; received 1 more than once: 'a'.",
    ],
    [
      'rows that nothing asks for',
      () => alignRows(['a', 'b'], ['b'], { unused: 'throw' }),
      "paths must be images that have an item; received 1 without: 'a'. Nothing asks for them.",
    ],
    ['paths that are no texts', () => alignRows([1] as never, ['b']), 'paths must be an array of strings; received 1.'],
    [
      'unknown options',
      () => alignRows(['a'], ['a'], { base: 'x' } as never),
      "options must be made of known keys; received the unknown key 'base'. Known: root, unused.",
    ],
  ])('refuses %s', (_, call, message) => {
    expect(errorOf(call)).toMatchObject({ code: 'ERR_CIRCLE_INVALID_ARGUMENT', message });
  });

  it('with unused: throw, rows that all have an item are fine', () => {
    expect(alignRows(['b', 'a'], ['a', 'b', 'a'], { unused: 'throw' })).toEqual(Int32Array.of(1, 0, 1));
  });
});

describe('gatherRows', () => {
  const embeddings = Float32Array.of(0, 1, 10, 11, 20, 21);

  it('takes rows in the order of the numbers, as a copy', () => {
    const gathered = gatherRows(embeddings, Int32Array.of(2, 0, 2), { dim: 2 });
    expect(gathered).toEqual(Float32Array.of(20, 21, 0, 1, 20, 21));
    gathered[0] = -1;
    expect(embeddings[4]).toBe(20);
  });

  it.each<[string, () => unknown, string]>([
    [
      'a row beyond the last',
      () => gatherRows(embeddings, Int32Array.of(0, 3), { dim: 2 }),
      'rows[1] must be from 0 to 2; received 3.',
    ],
    [
      'a row before the first',
      () => gatherRows(embeddings, Int32Array.of(-1), { dim: 2 }),
      'rows[0] must be from 0 to 2; received -1.',
    ],
    [
      'another dim',
      () => gatherRows(embeddings, Int32Array.of(0), { dim: 4 }),
      'embeddings must be rows of dim = 4 numbers, at least one; received 6 numbers.',
    ],
  ])('refuses %s', (_, call, message) => {
    expect(errorOf(call)).toMatchObject({ code: 'ERR_CIRCLE_SHAPE', message });
  });
});

it('alignPairs: rows, flags and folds of pairs', () => {
  const pairs = [
    { first: 'a', second: 'c', same: true, fold: 0 },
    { first: 'c', second: 'b', same: false, fold: 4 },
  ];
  expect(alignPairs(['c', 'b', 'a'], pairs)).toEqual({
    first: Int32Array.of(2, 0),
    second: Int32Array.of(0, 1),
    same: Uint8Array.of(1, 0),
    folds: Int32Array.of(0, 4),
  });
  expect(errorOf(() => alignPairs(['c', 'a'], pairs)).message).toContain("received 1 without: 'b'.");
});

it('alignTemplates: where ids stand, and which are missing', () => {
  expect(alignTemplates(Int32Array.of(7, 3), Int32Array.of(3, 3, 7))).toEqual(Int32Array.of(1, 1, 0));
  expect(errorOf(() => alignTemplates(Int32Array.of(7, 3), Int32Array.of(4, 4, 5))).message).toContain(
    "templates must be ids of templates that have a row; received 2 without: '4', '5'.",
  );
  expect(errorOf(() => alignTemplates(Int32Array.of(7, 7), Int32Array.of(7))).message).toBe(
    "templateIds must be different from each other; received 1 more than once: '7'.",
  );
});

it('templatesOf: frames of sets, one template a set; a set of none has no frame', () => {
  expect(templatesOf([{ frames: ['a', 'b'] }, { frames: [] }, { frames: ['c'] }])).toEqual({
    paths: ['a', 'b', 'c'],
    templates: Int32Array.of(0, 0, 2),
    media: Int32Array.of(0, 0, 2),
  });
});

it('labels and cameras of items', () => {
  expect(labelsOf(items)).toEqual(Int32Array.of(3, -1));
  expect(camerasOf(items)).toEqual(Int32Array.of(1, 2));
});

it('lines: of any machine, without a byte order mark, numbered from 1; blank ones are dropped at the end alone', () => {
  expect(linesOf('\uFEFFa b\r\n\r\nc\rd\n \n\r\n')).toEqual([
    { text: 'a b', number: 1 },
    { text: '', number: 2 },
    { text: 'c', number: 3 },
    { text: 'd', number: 4 },
  ]);
  expect(linesOf('')).toEqual([]);
});
