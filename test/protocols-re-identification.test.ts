/** Market-1501, MSMT17, MARS and VIPeR, each from a miniature in its real form, and what is wrong with folders in practice. */
import { describe, expect, it } from 'vitest';
import { camerasOf, labelsOf, readMarket1501, readMars, readMsmt17, readViper, templatesOf } from '../lib/protocols.ts';
import { folderWith, rejectionOf, type Tree } from './data-set-files.ts';
import { matFile, matrix } from './mat-writer.ts';

describe('Market-1501', () => {
  const train = ['0007_c2s3_070952_01.jpg', '0002_c1s1_000451_03.jpg', '0002_c6s4_001902_01.jpg'];
  const query = ['0001_c1s1_001051_00.jpg'];
  const test = [
    '0001_c2s1_000301_00.jpg',
    '0000_c1s1_000151_01.jpg',
    '-1_c3s2_000401_03.jpg',
    '0001_c1s1_001051_03.jpg',
  ];
  const images = [
    ...train.map((name) => `bounding_box_train/${name}`),
    ...query.map((name) => `query/${name}`),
    ...test.map((name) => `bounding_box_test/${name}`),
  ];

  it('persons and cameras are as the names say; training labels begin at 0, junk and distractors stay in the gallery', async () => {
    const { warnings, ...found } = await readMarket1501(folderWith({}, images));
    expect(found).toEqual({
      train: [
        { path: 'bounding_box_train/0002_c1s1_000451_03.jpg', label: 0, camera: 1 },
        { path: 'bounding_box_train/0002_c6s4_001902_01.jpg', label: 0, camera: 6 },
        { path: 'bounding_box_train/0007_c2s3_070952_01.jpg', label: 1, camera: 2 },
      ],
      trainClasses: 2,
      query: [{ path: 'query/0001_c1s1_001051_00.jpg', label: 1, camera: 1 }],
      gallery: [
        { path: 'bounding_box_test/-1_c3s2_000401_03.jpg', label: -1, camera: 3 },
        { path: 'bounding_box_test/0000_c1s1_000151_01.jpg', label: 0, camera: 1 },
        { path: 'bounding_box_test/0001_c1s1_001051_03.jpg', label: 1, camera: 1 },
        { path: 'bounding_box_test/0001_c2s1_000301_00.jpg', label: 1, camera: 2 },
      ],
    });
    expect(labelsOf(found.gallery)).toEqual(Int32Array.of(-1, 0, 1, 1));
    expect(camerasOf(found.gallery)).toEqual(Int32Array.of(3, 1, 1, 2));
    expect(warnings).toEqual([
      'Market-1501 has 12936 training images; found 3.',
      'Market-1501 has 751 training persons; found 2.',
      'Market-1501 has 3368 queries; found 1.',
      'Market-1501 has 750 persons among queries; found 1.',
      'Market-1501 has 19732 gallery images, with junk; found 4.',
      'Market-1501 has 15913 gallery images, without junk; found 3.',
    ]);
  });

  it('junk can be dropped, and the extra distractors added', async () => {
    const root = folderWith({}, [...images, 'images/0000_c5s1_000001_00.jpg', 'images/-1_c5s1_000002_00.jpg']);
    const dropped = await readMarket1501(root, { junk: 'drop', distractors: 'add' });
    expect(labelsOf(dropped.gallery)).toEqual(Int32Array.of(0, 1, 1, 0));
    const kept = await readMarket1501(root, { distractors: 'add' });
    expect(labelsOf(kept.gallery)).toEqual(Int32Array.of(-1, 0, 1, 1, -1, 0));
    // The published counts are those without them.
    expect(kept.warnings).toContain('Market-1501 has 19732 gallery images, with junk; found 4.');
  });

  it('what file managers leave is passed over, other files are named in a warning', async () => {
    const others = ['query/Thumbs.db', 'query/.DS_Store', 'query/desktop.ini', 'query/._0001_c1s1_001051_00.jpg'];
    const root = folderWith({ 'query/readme.txt': '' }, [...images, ...others]);
    const { query: found, warnings } = await readMarket1501(root);
    expect(found).toHaveLength(1);
    expect(warnings[0].replaceAll(root, 'ROOT')).toBe('ROOT/query: left out, as no images: readme.txt');
    expect(warnings.join()).not.toMatch(/Thumbs|DS_Store|desktop|\._/);
  });

  it.each<[string, string[], string]>([
    [
      'names by another rule, a few of them and how many',
      ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', '0001_c7s1_001051_00.jpg'].map((name) => `query/${name}`),
      "ROOT/query must be a folder of images named PPPP_cCsS_FFFFFF_DD.jpg; received 5 others: '0001_c7s1_001051_00.jpg', 'a.jpg', 'b.jpg' and 2 more.",
    ],
    [
      'a distractor among queries',
      ['query/0000_c1s1_001051_00.jpg'],
      "ROOT/query must be a folder of images named PPPP_cCsS_FFFFFF_DD.jpg; received 1 others: '0000_c1s1_001051_00.jpg'.",
    ],
    [
      'junk in training',
      ['bounding_box_train/-1_c1s1_001051_00.jpg'],
      "ROOT/bounding_box_train must be a folder of images named PPPP_cCsS_FFFFFF_DD.jpg; received 1 others: '-1_c1s1_001051_00.jpg'.",
    ],
  ])('refuses %s', async (_, more, message) => {
    const root = folderWith({}, [...images, ...more]);
    expect(await rejectionOf(readMarket1501(root), root)).toEqual({ code: 'ERR_CIRCLE_PROTOCOL', message });
  });

  it('a folder that is missing is named, and where to get it', async () => {
    const root = folderWith({}, images.slice(0, 4));
    expect(await rejectionOf(readMarket1501(root), root)).toEqual({
      code: 'ERR_CIRCLE_FILE',
      message:
        "ROOT/bounding_box_test must be the folder of the gallery of Market-1501; received ENOENT: no such file or directory, scandir 'ROOT/bounding_box_test'. " +
        'Get Market-1501-v15.09.15 from http://www.liangzheng.org/Project/project_reid.html.',
    });
  });

  it('typos in options are errors, and so is a root that is no path', async () => {
    expect(await rejectionOf(readMarket1501('x', { junks: 'drop' } as never), 'x')).toEqual({
      code: 'ERR_CIRCLE_INVALID_ARGUMENT',
      message:
        "options must be made of known keys; received the unknown key 'junks'. Did you mean 'junk'? Known: junk, distractors.",
    });
    expect((await rejectionOf(readMarket1501(undefined as never), 'x')).message).toBe(
      'root must be a path; received undefined.',
    );
  });
});

describe('MSMT17', () => {
  const names = {
    train: ['0000/0000_000_01_0303morning_0015_0.jpg', '0004/0004_000_12_0303noon_0007_1.jpg'],
    val: ['0000/0000_001_15_0303morning_0015_0.jpg'],
    query: ['0000/0000_000_02_0303morning_0020_0.jpg'],
    gallery: ['0000/0000_001_03_0303morning_0030_0.jpg', '0001/0001_000_04_0303morning_0030_0.jpg'],
  };
  const list = (paths: string[]) => paths.map((path) => `${path} ${Number(path.slice(0, 4))}\n`).join('');
  const lists: Tree = {
    'list_train.txt': list(names.train),
    'list_val.txt': list(names.val),
    'list_query.txt': list(names.query),
    'list_gallery.txt': list(names.gallery),
  };
  const imagesOf = (train: string, test: string) => [
    ...[...names.train, ...names.val].map((path) => `${train}/${path}`),
    ...[...names.query, ...names.gallery].map((path) => `${test}/${path}`),
  ];

  it.each([
    ['V1', 'train', 'test'],
    ['V2', 'mask_train_v2', 'mask_test_v2'],
  ])('%s by its folders: test persons follow upon training persons', async (version, train, test) => {
    const found = await readMsmt17(folderWith(lists, imagesOf(train, test)));
    expect(found).toMatchObject({
      version,
      trainClasses: 2,
      train: [
        { path: `${train}/${names.train[0]}`, label: 0, camera: 1 },
        { path: `${train}/${names.train[1]}`, label: 1, camera: 12 }, // person 4 of the list
      ],
      val: [{ path: `${train}/${names.val[0]}`, label: 0, camera: 15 }],
      query: [{ path: `${test}/${names.query[0]}`, label: 2, camera: 2 }],
      gallery: [
        { path: `${test}/${names.gallery[0]}`, label: 2, camera: 3 },
        { path: `${test}/${names.gallery[1]}`, label: 3, camera: 4 },
      ],
    });
    expect(found.train).toHaveLength(2);
    expect(found.warnings).toEqual([
      'MSMT17 has 32621 training images, with list_val.txt; found 3.',
      'MSMT17 has 11659 queries; found 1.',
      'MSMT17 has 82161 gallery images; found 2.',
      'MSMT17 has 4101 persons; found 4.',
      'MSMT17 has 15 cameras; found 6.',
    ]);
  });

  it('training can take list_val.txt in, and labels stay as they were', async () => {
    const root = folderWith(lists, imagesOf('train', 'test'));
    const found = await readMsmt17(root, { train: 'train-and-val' });
    expect(labelsOf(found.train)).toEqual(Int32Array.of(0, 1, 0));
    expect(labelsOf(found.query)).toEqual(Int32Array.of(2));
  });

  it('CRLF, a byte order mark and blank lines at the end make no difference', async () => {
    const images = imagesOf('train', 'test');
    const windows = Object.fromEntries(
      Object.entries(lists).map(([name, text]) => [
        name,
        `\uFEFF${(text as string).replaceAll('\n', '\r\n')}\r\n \r\n`,
      ]),
    );
    expect(await readMsmt17(folderWith(windows, images))).toEqual(await readMsmt17(folderWith(lists, images)));
  });

  it.each<[string, Tree, string]>([
    [
      'a blank line in the middle',
      { 'list_query.txt': `\n${lists['list_query.txt']}` },
      "ROOT/list_query.txt:1 must be a path and a person's number; received ''.",
    ],
    [
      'a line without a person',
      { 'list_query.txt': `${lists['list_query.txt']}0000/0000_000_01_x.jpg` },
      "ROOT/list_query.txt:2 must be a path and a person's number; received '0000/0000_000_01_x.jpg'.",
    ],
    [
      'a person that is no number',
      { 'list_val.txt': '0000/0000_001_15_x.jpg zero' },
      "ROOT/list_val.txt:1 must be a person's number from 0 to 2147483647; received 'zero'.",
    ],
    [
      'a camera beyond the last',
      { 'list_gallery.txt': '0000/0000_001_16_x.jpg 0' },
      "ROOT/list_gallery.txt:1 must be a path whose third part is a camera from 1 to 15; received '16'.",
    ],
  ])('refuses %s, and says where', async (_, changed, message) => {
    const root = folderWith({ ...lists, ...changed }, imagesOf('train', 'test'));
    expect(await rejectionOf(readMsmt17(root), root)).toEqual({ code: 'ERR_CIRCLE_PROTOCOL', message });
  });

  it('images that a list names have to be there, or are not looked for', async () => {
    const root = folderWith(lists, imagesOf('train', 'test').slice(0, -1));
    expect(await rejectionOf(readMsmt17(root), root)).toEqual({
      code: 'ERR_CIRCLE_PROTOCOL',
      message: `ROOT/list_gallery.txt must be a list of images under ROOT; received 1 that are not there: 'test/${names.gallery[1]}'. images: 'ignore' reads the lists alone.`,
    });
    expect((await readMsmt17(root, { images: 'ignore' })).gallery).toHaveLength(2);
  });

  it('folders of neither or both versions have to be named', async () => {
    for (const [images, received] of [
      [[], 'neither'],
      [['train/a.jpg', 'mask_train_v2/a.jpg'], 'both'],
    ] as const) {
      const root = folderWith(lists, images);
      const { code, message } = await rejectionOf(readMsmt17(root), root);
      expect(code).toBe('ERR_CIRCLE_PROTOCOL');
      expect(message).toContain(`ROOT must be a folder with train (V1) or mask_train_v2 (V2); received ${received}.`);
      const named = await readMsmt17(root, { version: 'V2', images: 'ignore' });
      expect(named.query[0].path).toBe(`mask_test_v2/${names.query[0]}`);
    }
  });

  it('a list that is missing is named', async () => {
    const root = folderWith({ 'list_train.txt': lists['list_train.txt'] }, imagesOf('train', 'test'));
    const { code, message } = await rejectionOf(readMsmt17(root), root);
    expect(code).toBe('ERR_CIRCLE_FILE');
    expect(message).toMatch(
      /^ROOT\/list_val.txt must be the list of MSMT17; received ENOENT.* Ask its authors for it: http/,
    );
  });
});

describe('MARS', () => {
  const trainNames = ['0003C1T0001F001.jpg', '0003C1T0001F002.jpg', '0009C2T0001F001.jpg'];
  const testNames = [
    '00-1C1T0001F001.jpg',
    '0000C2T0001F001.jpg',
    '0002C1T0001F001.jpg',
    '0002C1T0001F1000.jpg',
    '0002C4T0002F001.jpg',
  ];
  const files: Tree = {
    'info/train_name.txt': `${trainNames.join('\n')}\n`,
    'info/test_name.txt': `${testNames.join('\r\n')}\r\n`,
    'info/tracks_train_info.mat': matFile(
      {
        track_train_info: matrix([
          [1, 2, 3, 1],
          [3, 3, 9, 2],
        ]),
      },
      { compressed: true },
    ),
    'info/tracks_test_info.mat': matFile({
      track_test_info: matrix(
        [
          [1, 1, -1, 1],
          [2, 2, 0, 2],
          [3, 4, 2, 1],
          [5, 5, 2, 4],
        ],
        'int32',
      ),
    }),
    'info/query_IDX.mat': matFile({ query_IDX: matrix([[4, 3]], 'uint16') }),
  };
  const images = [
    ...trainNames.map((name) => `bbox_train/${name.slice(0, 4)}/${name}`),
    ...testNames.map((name) => `bbox_test/${name.slice(0, 4)}/${name}`),
  ];
  const tracklet = {
    frames: ['bbox_test/0002/0002C1T0001F001.jpg', 'bbox_test/0002/0002C1T0001F1000.jpg'],
    label: 2,
    camera: 1,
  };
  const other = { frames: ['bbox_test/0002/0002C4T0002F001.jpg'], label: 2, camera: 4 };

  it('tracklets are ranges of the lists; queries are in the gallery too', async () => {
    const { warnings, ...found } = await readMars(folderWith(files, images));
    expect(found).toEqual({
      train: [
        { frames: ['bbox_train/0003/0003C1T0001F001.jpg', 'bbox_train/0003/0003C1T0001F002.jpg'], label: 0, camera: 1 },
        { frames: ['bbox_train/0009/0009C2T0001F001.jpg'], label: 1, camera: 2 },
      ],
      trainClasses: 2,
      query: [other, tracklet],
      gallery: [
        { frames: ['bbox_test/00-1/00-1C1T0001F001.jpg'], label: -1, camera: 1 },
        { frames: ['bbox_test/0000/0000C2T0001F001.jpg'], label: 0, camera: 2 },
        tracklet,
        other,
      ],
    });
    expect(warnings).toEqual([
      'MARS has 8298 training tracklets; found 2.',
      'MARS has 12180 test tracklets; found 4.',
      'MARS has 1980 queries; found 2.',
    ]);
    expect(templatesOf(found.query)).toEqual({
      paths: [...other.frames, ...tracklet.frames],
      templates: Int32Array.of(0, 1, 1),
      media: Int32Array.of(0, 1, 1),
    });
  });

  it('or are not', async () => {
    const { gallery, query } = await readMars(folderWith(files, images), { gallery: 'without-queries' });
    expect(labelsOf(gallery)).toEqual(Int32Array.of(-1, 0));
    expect(query).toEqual([other, tracklet]);
  });

  it.each<[string, Tree, string]>([
    [
      'a name by another rule',
      { 'info/train_name.txt': 'a.jpg' },
      "ROOT/info/train_name.txt:1 must be PPPPCcTttttFfff.jpg; received 'a.jpg'.",
    ],
    [
      'frames beyond the list',
      { 'info/tracks_train_info.mat': matFile({ track_train_info: matrix([[1, 4, 3, 1]]) }) },
      'ROOT/info/tracks_train_info.mat must be a list of frames from 1 to 3; received 1 to 4 in tracklet 1.',
    ],
    [
      'frames from 0',
      { 'info/tracks_train_info.mat': matFile({ track_train_info: matrix([[0, 1, 3, 1]]) }) },
      'ROOT/info/tracks_train_info.mat must be a list of frames from 1 to 3; received 0 to 1 in tracklet 1.',
    ],
    [
      'frames of two persons',
      { 'info/tracks_train_info.mat': matFile({ track_train_info: matrix([[1, 3, 3, 1]]) }) },
      'ROOT/info/tracks_train_info.mat must be a list of tracklets of one person and camera; received person 3, camera 1 for 0009C2T0001F001.jpg in tracklet 1.',
    ],
    [
      'other columns',
      { 'info/tracks_train_info.mat': matFile({ track_train_info: matrix([[1, 3, 3]]) }) },
      'ROOT/info/tracks_train_info.mat must be rows of first frame, last frame, person and camera; received 1 × 3 numbers.',
    ],
    [
      'another variable',
      { 'info/tracks_train_info.mat': matFile({ tracks: matrix([[1, 3, 3, 1]]) }) },
      "ROOT/info/tracks_train_info.mat must be a MAT file with the numbers 'track_train_info'; received 'tracks', 1 × 4 numbers.",
    ],
    [
      'a query beyond the tracklets',
      { 'info/query_IDX.mat': matFile({ query_IDX: matrix([[5]]) }) },
      'ROOT/info/query_IDX.mat must be a list of tracklets from 1 to 4; received 5.',
    ],
  ])('refuses %s', async (_, changed, message) => {
    const root = folderWith({ ...files, ...changed }, images);
    expect(await rejectionOf(readMars(root), root)).toEqual({ code: 'ERR_CIRCLE_PROTOCOL', message });
  });

  it('frames that are not there are named, or not looked for', async () => {
    const root = folderWith(files, images.slice(1));
    expect((await rejectionOf(readMars(root), root)).message).toContain(
      "ROOT/info/train_name.txt must be a list of images under ROOT; received 1 that are not there: 'bbox_train/0003/0003C1T0001F001.jpg'.",
    );
    expect((await readMars(root, { images: 'ignore' })).train).toHaveLength(2);
  });
});

describe('VIPeR', () => {
  const persons = [0, 1, 2, 3, 5, 8, 44];
  const name = (person: number, angle: number) => `${String(person).padStart(3, '0')}_${angle}.bmp`;
  const images = persons.flatMap((person) => [`cam_a/${name(person, 45)}`, `cam_b/${name(person, 135)}`]);

  it('a seed halves the persons; training has both views, the test one as query and one as gallery', async () => {
    const root = folderWith({}, images);
    const found = await readViper(root, { seed: 3 });
    expect(found.trainClasses).toBe(3);
    expect(labelsOf(found.train)).toEqual(Int32Array.of(0, 0, 1, 1, 2, 2));
    expect(camerasOf(found.train)).toEqual(Int32Array.of(1, 2, 1, 2, 1, 2));
    const trained = found.train.filter(({ camera }) => camera === 1).map(({ path }) => Number(path.slice(6, 9)));
    const tested = persons.filter((person) => !trained.includes(person));
    expect(found.query).toEqual(
      tested.map((person) => ({ path: `cam_a/${name(person, 45)}`, label: person, camera: 1 })),
    );
    expect(found.gallery).toEqual(
      tested.map((person) => ({ path: `cam_b/${name(person, 135)}`, label: person, camera: 2 })),
    );
    expect(found.warnings).toEqual(['VIPeR has 632 persons; found 7.']);

    expect(await readViper(root, { seed: 3 })).toEqual(found);
    const swapped = await readViper(root, { seed: 3, query: 'cam_b' });
    expect([swapped.query, swapped.gallery, swapped.train]).toEqual([found.gallery, found.query, found.train]);
  });

  it('seeds halve differently, and leave no person out for ever', async () => {
    const root = folderWith({}, images);
    const halves = await Promise.all(
      Array.from({ length: 20 }, async (_, seed) => (await readViper(root, { seed })).query.map(({ label }) => label)),
    );
    expect(new Set(halves.map(String)).size).toBeGreaterThan(5); // of 35 halves, 20 draws
    expect(new Set(halves.flat())).toEqual(new Set(persons));
  });

  it.each<[string, string[], string]>([
    [
      'a person without the other view',
      [...images, 'cam_a/100_0.bmp'],
      'ROOT/cam_b must be a folder with an image of each person of cam_a; received none for 1, the first of them cam_a/100_0.bmp.',
    ],
    [
      'that of the other camera',
      [...images, 'cam_b/100_0.bmp'],
      'ROOT/cam_a must be a folder with an image of each person of cam_b; received none for 1, the first of them cam_b/100_0.bmp.',
    ],
    [
      'two images of a person in a view',
      [...images, 'cam_a/001_90.bmp'],
      'ROOT/cam_a must be a folder with one image of each person; received cam_a/001_45.bmp and cam_a/001_90.bmp.',
    ],
    [
      'a name by another rule',
      [...images, 'cam_a/left.bmp'],
      "ROOT/cam_a must be a folder of images named PPP_angle.bmp; received 1 others: 'left.bmp'.",
    ],
  ])('refuses %s', async (_, more, message) => {
    const root = folderWith({}, more);
    expect(await rejectionOf(readViper(root), root)).toEqual({ code: 'ERR_CIRCLE_PROTOCOL', message });
  });
});
