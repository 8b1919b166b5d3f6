/** LFW, packed pairs, YouTube Faces and CFP, each from a miniature in its real form. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCfp, readLfw, readPackedPairs, readYtf } from '../lib/protocols.ts';
import { folderWith, rejectionOf, type Tree } from './data-set-files.ts';
import { type MatValue, matFile } from './mat-writer.ts';

describe('LFW', () => {
  const list =
    '2\t1\nAbel_Pacheco\t1\t4\nAbdel_Madi\t1\tDean_Barker\t12\nAna_Guevara\t3\t7\nBen_Cahoon\t1\tAna_Guevara\t2\n';
  const pairs = [
    { first: 'Abel_Pacheco/Abel_Pacheco_0001.jpg', second: 'Abel_Pacheco/Abel_Pacheco_0004.jpg', same: true, fold: 0 },
    { first: 'Abdel_Madi/Abdel_Madi_0001.jpg', second: 'Dean_Barker/Dean_Barker_0012.jpg', same: false, fold: 0 },
    { first: 'Ana_Guevara/Ana_Guevara_0003.jpg', second: 'Ana_Guevara/Ana_Guevara_0007.jpg', same: true, fold: 1 },
    { first: 'Ben_Cahoon/Ben_Cahoon_0001.jpg', second: 'Ana_Guevara/Ana_Guevara_0002.jpg', same: false, fold: 1 },
  ];
  const images = pairs.flatMap(({ first, second }) => [first, second]);

  it('pairs are as the list says, fold by fold', async () => {
    expect(await readLfw(folderWith({ 'pairs.txt': list }, images))).toEqual({
      pairs,
      folds: 2,
      paths: [...images].sort(),
      warnings: [
        'Labeled Faces in the Wild has 10 folds; found 2.',
        'Labeled Faces in the Wild has 6000 pairs; found 4.',
      ],
    });
  });

  it('the list may be elsewhere, images may end otherwise, and line ends are of any machine', async () => {
    const root = folderWith({ 'lists/pairs.txt': `\uFEFF${list.replaceAll('\n', '\r\n')}\r\n` });
    const options = { pairs: join(root, 'lists/pairs.txt'), extension: '.png', images: 'ignore' } as const;
    const found = await readLfw(join(root, 'lfw'), options);
    expect(found.pairs[0].first).toBe('Abel_Pacheco/Abel_Pacheco_0001.png');
    expect(found.pairs).toHaveLength(4);
  });

  it('a list of one number is one fold', async () => {
    const root = folderWith({ 'pairs.txt': '2\nA\t1\t2\nB\t1\t2\nA\t1\tB\t1\nA\t2\tB\t2\n' });
    const { folds, pairs: found } = await readLfw(root, { images: 'ignore' });
    expect(folds).toBe(1);
    expect(found.map(({ same, fold }) => [same, fold])).toEqual([
      [true, 0],
      [true, 0],
      [false, 0],
      [false, 0],
    ]);
  });

  it.each<[string, string, string]>([
    [
      'fewer pairs than it says',
      list.slice(0, list.indexOf('Ben')),
      'ROOT/pairs.txt must be a list of 2 × (1 + 1) = 4 pairs, as its first line says; received 3.',
    ],
    [
      'more',
      `${list}A\t1\t2\n`,
      'ROOT/pairs.txt must be a list of 2 × (1 + 1) = 4 pairs, as its first line says; received 5.',
    ],
    [
      'no numbers first',
      list.slice(4),
      "ROOT/pairs.txt:1 must be the number of folds, then that of pairs of a kind in a fold; received 'Abel_Pacheco	1	4'.",
    ],
    [
      'nothing',
      '',
      "ROOT/pairs.txt:1 must be the number of folds, then that of pairs of a kind in a fold; received ''.",
    ],
    [
      'a pair of two where one is due',
      list.replace('Ana_Guevara\t3\t7', 'Ana_Guevara\t3\tX\t7'),
      "ROOT/pairs.txt:4 must be a pair of the same person, 'Name i j'; received 'Ana_Guevara	3	X	7'.",
    ],
    [
      'a pair of one where two are due',
      list.replace('Abdel_Madi\t1\tDean_Barker\t12', 'Abdel_Madi\t1\t2'),
      "ROOT/pairs.txt:3 must be a pair of two persons, 'Name i Other j'; received 'Abdel_Madi	1	2'.",
    ],
    [
      'image 0',
      list.replace('Pacheco\t1', 'Pacheco\t0'),
      "ROOT/pairs.txt:2 must be the number of an image from 1 to 9999; received '0'.",
    ],
    [
      'an image that is no number',
      list.replace('Barker\t12', 'Barker\tx'),
      "ROOT/pairs.txt:3 must be the number of an image from 1 to 9999; received 'x'.",
    ],
  ])('refuses %s, and says where', async (_, text, message) => {
    const root = folderWith({ 'pairs.txt': text }, images);
    expect(await rejectionOf(readLfw(root), root)).toEqual({ code: 'ERR_CIRCLE_PROTOCOL', message });
  });

  it('images that are not there are named', async () => {
    const root = folderWith({ 'pairs.txt': list }, images.slice(1));
    const message = `ROOT/pairs.txt must be a list of images under ROOT; received 1 that are not there: '${images[0]}'. images: 'ignore' reads the lists alone.`;
    expect((await rejectionOf(readLfw(root), root)).message).toBe(message);
    const elsewhere = { pairs: join(root, 'pairs.txt') };
    expect((await rejectionOf(readLfw(root, elsewhere), root)).message).toBe(message);
  });

  it('a list that is missing is named, and what to do', async () => {
    const root = folderWith({}, images);
    const { code, message } = await rejectionOf(readLfw(root), root);
    expect(code).toBe('ERR_CIRCLE_FILE');
    expect(message).toMatch(
      /^ROOT\/pairs.txt must be the list of pairs of Labeled Faces in the Wild; received ENOENT.* Get lfw.tgz and pairs.txt from http.* Name it where it is elsewhere: pairs.$/,
    );
  });
});

describe('packed pairs', () => {
  /** Pickles as Python writes them: of protocol 3, and of protocol 2 by Python 2, where images are texts. */
  const pickle = (images: Buffer[], flags: (boolean | number | string)[], protocol: 2 | 3 = 3) => {
    const list = (items: Buffer[]) => Buffer.concat([Buffer.from(']('), ...items, Buffer.from('e')]);
    const bytes = (image: Buffer) => {
      const tag = Buffer.from([protocol === 3 ? 0x42 : 0x54, 0, 0, 0, 0]); // BINBYTES or BINSTRING
      tag.writeUInt32LE(image.length, 1);
      return Buffer.concat([tag, image]);
    };
    const flag = (value: boolean | number | string) => {
      if (typeof value === 'string') return Buffer.from(`V${value}\n`);
      return Buffer.from(typeof value === 'number' ? [0x4b, value] : [value ? 0x88 : 0x89]);
    };
    return Buffer.concat([
      Buffer.from([0x80, protocol]),
      list(images.map(bytes)),
      list(flags.map(flag)),
      Buffer.from([0x86, 0x2e]),
    ]);
  };
  const images = (count: number) => Array.from({ length: count }, (_, i) => Buffer.from([0xff, 0xd8, 0x0a, i, 0xff]));
  const flags = [true, false, false, true, true, false];

  it.each([2, 3] as const)('flags and folds, of protocol %i', async (protocol) => {
    const root = folderWith({ 'lfw.bin': pickle(images(12), flags, protocol) });
    expect(await readPackedPairs(join(root, 'lfw.bin'), { folds: 3 })).toEqual({
      same: Uint8Array.of(1, 0, 0, 1, 1, 0),
      folds: Int32Array.of(0, 0, 1, 1, 2, 2),
      images: 12,
    });
  });

  it('numbers are flags too, and ten folds are the default', async () => {
    const numbers = Array.from({ length: 20 }, (_, k) => k % 2);
    const root = folderWith({ 'agedb_30.bin': pickle(images(40), numbers) });
    const found = await readPackedPairs(join(root, 'agedb_30.bin'));
    expect([...found.same]).toEqual(numbers);
    expect([...found.folds]).toEqual(numbers.map((_, k) => Math.floor(k / 2)));
  });

  const expected = 'ROOT/a.bin must be a pickle of encoded images and flags, two images a flag; received';
  it.each<[string, Buffer, string]>([
    ['one image too few', pickle(images(11), flags), `${expected} 11 images and 6 flags.`],
    ['flags that are none', pickle(images(4), ['a', 'b']), `${expected} something else.`],
    ['one list', Buffer.concat([Buffer.from([0x80, 3]), Buffer.from('].')]), `${expected} something else.`],
    [
      'no multiple of the folds',
      pickle(images(12), flags),
      'ROOT/a.bin must be 10 folds of as many pairs each; received 6 pairs.',
    ],
  ])('refuses %s', async (_, bytes, message) => {
    const root = folderWith({ 'a.bin': bytes });
    expect(await rejectionOf(readPackedPairs(join(root, 'a.bin')), root)).toEqual({
      code: 'ERR_CIRCLE_PROTOCOL',
      message,
    });
  });

  it('refuses what is no pickle, or is cut short', async () => {
    const whole = pickle(images(12), flags);
    for (const bytes of [Buffer.from('text'), Buffer.alloc(0), whole.subarray(0, 30), whole.subarray(0, -1)]) {
      const root = folderWith({ 'a.bin': bytes });
      const { code, message } = await rejectionOf(readPackedPairs(join(root, 'a.bin')), root);
      expect(code).toBe('ERR_CIRCLE_PROTOCOL');
      expect(message).toContain(expected);
    }
    expect((await rejectionOf(readPackedPairs('/nowhere/a.bin'), '/nowhere')).code).toBe('ERR_CIRCLE_FILE');
  });
});

describe('YouTube Faces', () => {
  const names = ['Aaron_Eckhart/0', 'Aaron_Eckhart/2', 'Zoe_Ball/1'];
  /** Pairs × (first, second, same) × folds; column by column, fold by fold. */
  const splits = (folds: number[][][]): MatValue => ({
    shape: [folds[0].length, 3, folds.length],
    values: folds.flatMap((pairs) => [0, 1, 2].flatMap((column) => pairs.map((pair) => pair[column]))),
  });
  const mat = (folds: number[][][], videos = names) =>
    matFile({ Splits: splits(folds), video_names: { shape: [videos.length, 1], cells: videos } }, { compressed: true });
  const folds = [
    [
      [1, 2, 1],
      [1, 3, 0],
    ],
    [
      [2, 1, 1],
      [3, 2, 0],
    ],
  ];
  const pairs = [
    { first: names[0], second: names[1], same: true, fold: 0 },
    { first: names[0], second: names[2], same: false, fold: 0 },
    { first: names[1], second: names[0], same: true, fold: 1 },
    { first: names[2], second: names[1], same: false, fold: 1 },
  ];
  const text = `split number, pair number, first name, second name, is same?\n1, 1, ${names[0]}, ${names[1]}, 1\n1, 2, ${names[0]}, ${names[2]}, 0\n2, 1, ${names[1]}, ${names[0]}, 1\n2, 2, ${names[2]}, ${names[1]}, 0\n`;
  const matTree: Tree = { 'meta_data/meta_and_splits.mat': mat(folds) };
  const aligned = (video: string, frames: number[]) =>
    frames.map((frame) => `aligned_images_DB/${video}/aligned_detect_${video.split('/')[1]}.${frame}.jpg`);
  const images = [...aligned(names[0], [9, 10, 101]), ...aligned(names[1], [7]), ...aligned(names[2], [3, 4])];

  it('pairs of the MAT file, and frames in the order of their numbers', async () => {
    const found = await readYtf(folderWith(matTree, [...images, 'aligned_images_DB/Aaron_Eckhart/0/Thumbs.db']));
    expect(found).toEqual({
      list: 'mat',
      folds: 2,
      pairs,
      paths: names,
      videos: [
        { path: names[0], label: 0, frames: aligned(names[0], [9, 10, 101]) },
        { path: names[1], label: 0, frames: aligned(names[1], [7]) },
        { path: names[2], label: 1, frames: aligned(names[2], [3, 4]) },
      ],
      warnings: ['YouTube Faces has 10 folds; found 2.', 'YouTube Faces has 5000 pairs; found 4.'],
    });
  });

  it('pairs of the text are the same', async () => {
    const fromMat = await readYtf(folderWith(matTree, images));
    for (const list of [text, text.slice(text.indexOf('\n') + 1), `\uFEFF${text.replaceAll('\n', '\r\n')}\r\n`]) {
      expect(await readYtf(folderWith({ 'splits.txt': list }, images))).toEqual({ ...fromMat, list: 'text' });
    }
  });

  it('the list is the MAT file where both are there, or the one that is named', async () => {
    const root = folderWith(
      { ...matTree, 'splits.txt': text, 'other.txt': `1, 1, ${names[0]}, ${names[1]}, 1, 0\n` },
      images,
    );
    expect((await readYtf(root)).list).toBe('mat');
    expect((await readYtf(root, { list: 'text' })).list).toBe('text');
    // A sixth number corrects the fifth.
    const corrected = await readYtf(root, { splits: join(root, 'other.txt') });
    expect(corrected).toMatchObject({ list: 'text', pairs: [{ same: false }] });
    const both = readYtf(root, { splits: join(root, 'other.txt'), list: 'mat' });
    expect(await rejectionOf(both, root)).toEqual({
      code: 'ERR_CIRCLE_INVALID_ARGUMENT',
      message: "options.list must be 'auto' or 'text' where there are splits; received 'mat'.",
    });
  });

  it('frames may be the whole pictures, or left alone', async () => {
    const whole = names.map((name) => `frame_images_DB/${name}/${name.split('/')[1]}.5.jpg`);
    const root = folderWith(matTree, whole);
    expect((await readYtf(root, { frames: 'frame_images_DB' })).videos.map(({ frames }) => frames)).toEqual(
      whole.map((path) => [path]),
    );
    expect((await readYtf(root, { images: 'ignore' })).videos[0].frames).toEqual([]);
  });

  const path = 'ROOT/meta_data/meta_and_splits.mat';
  it.each<[string, Tree, string]>([
    [
      'a video beyond the last',
      { 'meta_data/meta_and_splits.mat': mat([[[1, 2, 1]], [[1, 4, 0]]]) },
      `${path} must be Splits of videos from 1 to 3; received 4 in pair 1 of fold 2.`,
    ],
    [
      'video 0',
      { 'meta_data/meta_and_splits.mat': mat([[[0, 2, 1]]]) },
      `${path} must be Splits of videos from 1 to 3; received 0 in pair 1 of fold 1.`,
    ],
    [
      'a flag that is none',
      { 'meta_data/meta_and_splits.mat': mat([[[1, 2, 2]]]) },
      `${path} must be Splits that say 0 or 1; received 2 in pair 1 of fold 1.`,
    ],
    [
      'Splits of another shape',
      {
        'meta_data/meta_and_splits.mat': matFile({
          Splits: { shape: [2, 2], values: [1, 2, 3, 4] },
          video_names: { shape: [1, 1], cells: ['a/1'] },
        }),
      },
      `${path} must be Splits of pairs × 3 × folds; received 2 × 2.`,
    ],
    [
      'names that are no texts',
      {
        'meta_data/meta_and_splits.mat': matFile({
          Splits: splits(folds),
          video_names: { shape: [1, 1], values: [1] },
        }),
      },
      `${path} must be a MAT file with the cell of texts 'video_names'; received 'Splits', 2 × 3 × 2 numbers, 'video_names', 1 × 1 numbers.`,
    ],
  ])('refuses %s', async (_, files, message) => {
    const root = folderWith(files, images);
    expect(await rejectionOf(readYtf(root), root)).toEqual({ code: 'ERR_CIRCLE_PROTOCOL', message });
  });

  it.each<[string, string, string]>([
    [
      'a line of four',
      `${text}2, 3, ${names[2]}, 0\n`,
      `ROOT/splits.txt:6 must be fold, pair, video, video, same; received '2, 3, ${names[2]}, 0'.`,
    ],
    [
      'a video without its subject',
      text.replace('1, 2, Aaron_Eckhart/0', '1, 2, Aaron_Eckhart'),
      "ROOT/splits.txt:3 must be of videos as Subject/1; received 'Aaron_Eckhart'.",
    ],
    [
      'a flag that is none',
      text.replace(`${names[1]}, 1\n1`, `${names[1]}, yes\n1`),
      "ROOT/splits.txt:2 must be a flag from 0 to 1; received 'yes'.",
    ],
    [
      'a fold that is left out',
      text.replaceAll('\n2, ', '\n3, '),
      'ROOT/splits.txt must be a list of folds from 1 to 3; received 2 of them.',
    ],
  ])('refuses %s in the text', async (_, list, message) => {
    const root = folderWith({ 'splits.txt': list }, images);
    expect(await rejectionOf(readYtf(root), root)).toEqual({ code: 'ERR_CIRCLE_PROTOCOL', message });
  });

  it('videos without frames, and images that are no frames, are named', async () => {
    const some = folderWith(matTree, images.slice(0, 4));
    expect((await rejectionOf(readYtf(some), some)).message).toContain(
      "received 1 that are not there: 'aligned_images_DB/Zoe_Ball/1'.",
    );
    const foreign = folderWith(matTree, [...images, 'aligned_images_DB/Zoe_Ball/1/cover.jpg']);
    expect((await rejectionOf(readYtf(foreign), foreign)).message).toBe(
      "ROOT/aligned_images_DB/Zoe_Ball/1 must be a folder of images named video.frame.jpg; received 1 others: 'cover.jpg'.",
    );
  });

  it('without a list, both are named', async () => {
    const root = folderWith({}, images);
    const { code, message } = await rejectionOf(readYtf(root), root);
    expect(code).toBe('ERR_CIRCLE_FILE');
    expect(message).toContain(
      `${path} must be the list of pairs of YouTube Faces; received nothing there, nor ROOT/splits.txt. Ask its authors`,
    );
  });
});

describe('CFP', () => {
  const list = (kind: string) => [1, 2, 3].map((i) => `${i} ../Data/Images/00${i}/${kind}/0${i}.jpg\r\n`).join('');
  const lists: Tree = { 'Protocol/Pair_list_F.txt': list('frontal'), 'Protocol/Pair_list_P.txt': list('profile') };
  for (const protocol of ['FP', 'FF']) {
    for (let fold = 1; fold <= 10; fold++) {
      const folder = `Protocol/Split/${protocol}/${String(fold).padStart(2, '0')}`;
      lists[`${folder}/same.txt`] = fold === 1 ? '1,1\n2,2\n' : '3,3\n';
      lists[`${folder}/diff.txt`] = fold === 1 ? '1,2\r\n\r\n' : '2, 3\n';
    }
  }
  const image = (i: number, kind: string) => `Data/Images/00${i}/${kind}/0${i}.jpg`;
  const images = ['frontal', 'profile'].flatMap((kind) => [1, 2, 3].map((i) => image(i, kind)));

  it.each([
    ['FP', 'profile'],
    ['FF', 'frontal'],
  ] as const)('%s: the second of a pair is %s', async (protocol, other) => {
    const { pairs, folds, paths, warnings } = await readCfp(folderWith(lists, images), { protocol });
    expect(folds).toBe(10);
    expect(pairs.slice(0, 5)).toEqual([
      { first: image(1, 'frontal'), second: image(1, other), same: true, fold: 0 },
      { first: image(2, 'frontal'), second: image(2, other), same: true, fold: 0 },
      { first: image(1, 'frontal'), second: image(2, other), same: false, fold: 0 },
      { first: image(3, 'frontal'), second: image(3, other), same: true, fold: 1 },
      { first: image(2, 'frontal'), second: image(3, other), same: false, fold: 1 },
    ]);
    expect(pairs).toHaveLength(21);
    expect(pairs[20].fold).toBe(9);
    expect(paths).toEqual([...new Set(pairs.flatMap(({ first, second }) => [first, second]))].sort());
    expect(warnings).toHaveLength(20);
    expect(warnings[0]).toBe(`CFP has 350 pairs in Protocol/Split/${protocol}/01/same.txt; found 2.`);
  });

  it('frontal against profile is the default', async () => {
    const root = folderWith(lists, images);
    expect(await readCfp(root)).toEqual(await readCfp(root, { protocol: 'FP' }));
  });

  it.each<[string, Tree, string]>([
    [
      'a number without an image',
      { 'Protocol/Split/FP/04/diff.txt': '1,2\n1,4\n' },
      "ROOT/Protocol/Split/FP/04/diff.txt:2 must be two numbers of images, from 1 to 3; received '4'.",
    ],
    [
      'number 0',
      { 'Protocol/Split/FP/04/same.txt': '0,1\n' },
      "ROOT/Protocol/Split/FP/04/same.txt:1 must be two numbers of images, from 1 to 3; received '0'.",
    ],
    [
      'a line of one',
      { 'Protocol/Split/FP/04/same.txt': '1\n' },
      "ROOT/Protocol/Split/FP/04/same.txt:1 must be two numbers of images; received '1'.",
    ],
    [
      'an eleventh fold',
      { 'Protocol/Split/FP/11/same.txt': '1,1' },
      'ROOT/Protocol/Split/FP must be a folder of 10 folds, 01 to 10; received 11.',
    ],
    [
      'a line without a path',
      { 'Protocol/Pair_list_P.txt': '1' },
      "ROOT/Protocol/Pair_list_P.txt:1 must be a number and a path; received '1'.",
    ],
    [
      'a number twice',
      { 'Protocol/Pair_list_F.txt': '1 a\n1 b' },
      'ROOT/Protocol/Pair_list_F.txt:2 must be of an image of its own; received 1 again.',
    ],
  ])('refuses %s', async (_, changed, message) => {
    const root = folderWith({ ...lists, ...changed }, images);
    expect(await rejectionOf(readCfp(root), root)).toEqual({ code: 'ERR_CIRCLE_PROTOCOL', message });
  });

  it('fewer folds are another protocol, and a missing list or image is named', async () => {
    const nine = Object.fromEntries(Object.entries(lists).filter(([name]) => !name.includes('/FP/10/')));
    const root = folderWith(nine, images);
    expect((await rejectionOf(readCfp(root), root)).message).toContain('10 folds, 01 to 10; received 9.');
    const without = folderWith({ ...nine, 'Protocol/Split/FP/10/same.txt': '1,1' }, images);
    expect(await rejectionOf(readCfp(without), without)).toMatchObject({
      code: 'ERR_CIRCLE_FILE',
      message: expect.stringMatching(
        /^ROOT\/Protocol\/Split\/FP\/10\/diff.txt must be the list of pairs of CFP; received ENOENT/,
      ),
    });
    const some = folderWith(lists, images.slice(1));
    expect((await rejectionOf(readCfp(some), some)).message).toContain(
      `received 1 that are not there: '${images[0]}'.`,
    );
    expect((await readCfp(some, { images: 'ignore' })).pairs).toHaveLength(21);
  });
});
