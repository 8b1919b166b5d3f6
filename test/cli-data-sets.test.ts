/** `circle-loss evaluate` by the lists of each data set, on miniatures in their real form, and on real data where it is. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { four, fourIs, jsonOf, npyBytes, outputOf, put, run, tableOf, temporaryFolder } from './command.ts';
import { folderWith, type Tree } from './data-set-files.ts';
import { type MatValue, matFile, matrix, scalar } from './mat-writer.ts';

const folder = temporaryFolder();
const [a, b, c, d] = [0, 1, 2, 3].map((row) => four.values.slice(2 * row, 2 * row + 2));
/** Two frames whose mean is A. */
const [a1, a2] = [
  [1, 0.5],
  [1, -0.5],
];

type Rows = Record<string, number[]>;

/** Rows by path, in a file backwards: only its list of paths says which is which. */
function backwards(rows: Rows): string[] {
  const entries = Object.entries(rows).reverse();
  put(
    folder,
    'rows.npy',
    npyBytes(
      '<f4',
      [entries.length, 2],
      entries.flatMap(([, row]) => row),
    ),
  );
  put(folder, 'paths.txt', entries.map(([path]) => path).join('\n'));
  return ['rows.npy', '--paths', 'paths.txt'];
}

/** Rows in the order of the data set's list. */
function forwards(rows: number[][]): string[] {
  put(folder, 'rows.npy', npyBytes('<f4', [rows.length, 2], rows.flat()));
  return ['rows.npy'];
}

const judge = (protocol: string, root: string, rows: string[], ...options: string[]) =>
  jsonOf(folder, 'evaluate', ...rows, '--protocol', protocol, '--root', root, ...options);

describe('re-identification', () => {
  // A of person 1 and C of person 2 find their own first; (.6, .8) of person 1 is D, of person 2, and finds B second.
  const found = { queries: 3, cmc: [2 / 3, 1] };

  it('Market-1501, with junk in the way', () => {
    const rows: Rows = {
      'query/0001_c1s1_000001_00.jpg': a,
      'query/0002_c2s1_000001_00.jpg': c,
      'query/0001_c3s1_000001_00.jpg': d,
      'bounding_box_test/0001_c2s1_000001_01.jpg': b,
      'bounding_box_test/0002_c1s1_000001_01.jpg': d,
      'bounding_box_test/-1_c2s1_000001_01.jpg': a,
    };
    const root = folderWith({}, [...Object.keys(rows), 'bounding_box_train/0007_c2s3_070952_01.jpg']);
    const metrics = judge('market1501', root, backwards(rows), '--ranks', '2');
    expect(metrics).toMatchObject(found);
    expect(metrics.warnings).toContain('Market-1501 has 3368 queries; found 3.');
    // Absolute paths are as good.
    const absolute = backwards(Object.fromEntries(Object.entries(rows).map(([path, row]) => [join(root, path), row])));
    expect(judge('market1501', root, absolute, '--ranks', '2')).toMatchObject(found);
  });

  it('MSMT17', () => {
    const lists: Tree = {
      'list_train.txt': '0000/0000_000_01_m_0_0.jpg 0\n',
      'list_val.txt': '0000/0000_001_01_m_0_0.jpg 0\n',
      'list_query.txt': '0/0_0_01_m.jpg 0\n1/1_0_02_m.jpg 1\n0/0_0_03_m.jpg 0\n',
      'list_gallery.txt': '0/0_1_02_m.jpg 0\n1/1_1_01_m.jpg 1\n',
    };
    const rows: Rows = {
      'test/0/0_0_01_m.jpg': a,
      'test/1/1_0_02_m.jpg': c,
      'test/0/0_0_03_m.jpg': d,
      'test/0/0_1_02_m.jpg': b,
      'test/1/1_1_01_m.jpg': d,
    };
    const root = folderWith(lists, ['train/x.jpg']);
    expect(judge('msmt17', root, backwards(rows), '--ranks', '2')).toMatchObject(found);
    // The lists name images that are not there.
    const args = ['evaluate', ...backwards(rows), '--protocol', 'msmt17', '--root', root, '--images', 'check'];
    const { status, stderr } = run(folder, ...args);
    expect(status).toBe(1);
    expect(stderr).toContain('ERR_CIRCLE_PROTOCOL');
  });

  it('MARS, where frames make tracklets', () => {
    const names = ['0002C1T0001F001.jpg', '0002C1T0001F002.jpg', '0002C4T0002F001.jpg', '0003C2T0001F001.jpg'];
    const tracks = [
      [1, 2, 2, 1],
      [3, 3, 2, 4],
      [4, 4, 3, 2],
    ];
    const root = folderWith({
      'info/train_name.txt': `${names[0]}\n`,
      'info/test_name.txt': names.join('\n'),
      'info/tracks_train_info.mat': matFile({ track_train_info: matrix([[1, 1, 2, 1]]) }),
      'info/tracks_test_info.mat': matFile({ track_test_info: matrix(tracks) }),
      'info/query_IDX.mat': matFile({ query_IDX: matrix([[1, 2]]) }),
    });
    const paths = names.map((name) => `bbox_test/${name.slice(0, 4)}/${name}`);
    const rows = Object.fromEntries([a1, a2, b, d].map((row, i) => [paths[i], row]));
    // A finds B; B finds D of another, then A.
    expect(judge('mars', root, backwards(rows), '--ranks', '2')).toMatchObject({
      queries: 2,
      cmc: [0.5, 1],
      map: 0.75,
    });
  });

  it('VIPeR, by a seed', () => {
    const persons = [0, 1, 2, 3, 4, 5];
    const views = (person: number) => [Math.cos(person), Math.sin(person)];
    const rows = Object.fromEntries(
      ['cam_a', 'cam_b'].flatMap((camera) => persons.map((person) => [`${camera}/00${person}_0.bmp`, views(person)])),
    );
    const root = folderWith({}, Object.keys(rows));
    for (const seed of ['0', '5']) {
      const { queries, cmc } = judge('viper', root, backwards(rows), '--seed', seed);
      expect({ queries, first: cmc[0] }).toEqual({ queries: 3, first: 1 });
    }
  });
});

describe('retrieval', () => {
  const paths = ['x/1.jpg', 'x/2.jpg', 'y/3.jpg', 'y/4.jpg'];
  const rowsIn = (prefix: string) => Object.fromEntries([a, b, c, d].map((row, i) => [prefix + paths[i], row]));

  it('CUB-200-2011', () => {
    const root = folderWith({
      'images.txt': ['t/0.jpg', ...paths].map((path, i) => `${i + 1} ${path}`).join('\n'),
      'image_class_labels.txt': [1, 101, 101, 102, 102].map((label, i) => `${i + 1} ${label}`).join('\n'),
    });
    expect(judge('cub', root, backwards(rowsIn('images/')))).toMatchObject(fourIs);
  });

  it('Cars196', () => {
    const car = (name: string, label: number): Record<string, MatValue> => ({
      relative_im_path: name,
      class: scalar(label, 'uint8'),
      test: scalar(0, 'uint8'),
    });
    const structs = [car('t/0.jpg', 1), ...paths.map((path, i) => car(path, i < 2 ? 99 : 100))];
    const root = folderWith({ 'cars_annos.mat': matFile({ annotations: { shape: [1, 5], structs } }) });
    expect(judge('cars196', root, backwards(rowsIn('')))).toMatchObject(fourIs);
  });

  it('Stanford Online Products, with its own K', () => {
    const header = 'image_id class_id super_class_id path';
    const lines = paths.map((path, i) => `${i + 1} ${i < 2 ? 11319 : 11320} 1 ${path}`);
    const root = folderWith({
      'Ebay_train.txt': `${header}\n1 1 1 t/0.jpg`,
      'Ebay_test.txt': [header, ...lines].join('\n'),
    });
    const { recallAt, ...metrics } = judge('sop', root, backwards(rowsIn('')));
    expect(metrics).toMatchObject(fourIs);
    expect(recallAt.map(({ k }: { k: number }) => k)).toEqual([1, 10, 100, 1000]);
    expect(judge('sop', root, backwards(rowsIn('')), '--recall-at', '2').recallAt).toEqual([{ k: 2, recall: 1 }]);
  });
});

describe('verification', () => {
  // Fold 1: AB .8 (same), AC 0. Fold 2: CD .8 (same), BC .6. The threshold of the first is .7, from the second: both right. That
  // of the second is .4: BC is accepted.
  const folds = { accuracy: 0.75, folds: [{ accuracy: 1 }, { accuracy: 0.5 }] };

  it('LFW, with its list here or elsewhere', () => {
    const list = '2\t1\nP\t1\t2\nP\t1\tQ\t1\nQ\t1\t2\nP\t2\tQ\t1\n';
    const rows: Rows = { 'P/P_0001.jpg': a, 'P/P_0002.jpg': b, 'Q/Q_0001.jpg': c, 'Q/Q_0002.jpg': d };
    const metrics = judge('lfw', folderWith({ 'pairs.txt': list }), backwards(rows));
    expect(metrics).toMatchObject({ genuine: 2, impostor: 2, auc: 1, accuracy: folds });
    put(folder, 'pairs.txt', list);
    const elsewhere = judge('lfw', folderWith({}), backwards(rows), '--list', 'pairs.txt', '--thresholds', 'grid');
    // Of thresholds that are right equally often the greatest: distances .4 and less, similarity .8 and less but not .8.
    expect(elsewhere.accuracy.folds[0].threshold).toBeGreaterThan(0.7);
    const args = ['evaluate', ...backwards(rows), '--protocol', 'lfw', '--root', folder];
    expect(tableOf(outputOf(folder, ...args))).toMatchObject({ folds: '2', accuracy: '0.7500' });
  });

  it('CFP, frontal against profile and against frontal', () => {
    const frontal = [1, 2].map((person) => `${person} ../Data/Images/00${person}/frontal/01.jpg`);
    const profile = [1, 2].map((person) => `${person} ../Data/Images/00${person}/profile/01.jpg`);
    const files: Tree = {
      'Protocol/Pair_list_F.txt': frontal.join('\n'),
      'Protocol/Pair_list_P.txt': profile.join('\n'),
    };
    for (let fold = 1; fold <= 10; fold++) {
      for (const protocol of ['FP', 'FF']) {
        files[`Protocol/Split/${protocol}/${String(fold).padStart(2, '0')}/same.txt`] = '1,1';
        files[`Protocol/Split/${protocol}/${String(fold).padStart(2, '0')}/diff.txt`] = '1,2';
      }
    }
    const image = (person: number, pose: string) => `Data/Images/00${person}/${pose}/01.jpg`;
    const rows: Rows = {
      [image(1, 'frontal')]: a,
      [image(2, 'frontal')]: c,
      [image(1, 'profile')]: b,
      [image(2, 'profile')]: d,
    };
    const root = folderWith(files);
    // AB .8 and AD .6; AA 1 and AC 0. Thresholds are half-way, off by float32's rounding of either.
    const profiles = judge('cfp-fp', root, backwards(rows));
    expect(profiles).toMatchObject({ genuine: 10, accuracy: { accuracy: 1 } });
    expect(profiles.accuracy.folds[0].threshold).toBeCloseTo(0.7, 6);
    expect(judge('cfp-ff', root, backwards(rows)).accuracy.folds[0].threshold).toBeCloseTo(0.5, 6);
  });

  it('YouTube Faces, with a row for each video or each frame', () => {
    const list = [
      'fold, pair, first, second, same',
      '1, 1, P/0, P/1, 1',
      '1, 2, P/0, Q/0, 0',
      '2, 1, Q/0, Q/1, 1',
      '2, 2, P/1, Q/0, 0',
    ];
    const frame = (video: string, number: number) =>
      `aligned_images_DB/${video}/aligned_detect_${video.split('/')[1]}.${number}.jpg`;
    const frames: Rows = {
      [frame('P/0', 1)]: a1,
      [frame('P/0', 2)]: a2,
      [frame('P/1', 1)]: b,
      [frame('Q/0', 1)]: c,
      [frame('Q/1', 1)]: d,
    };
    const root = folderWith({ 'splits.txt': list.join('\n') }, Object.keys(frames));
    expect(judge('ytf', root, backwards(frames)).accuracy).toMatchObject(folds);
    const videos = { 'P/0': a, 'P/1': b, 'Q/0': c, 'Q/1': d };
    expect(judge('ytf', folderWith({ 'splits.txt': list.join('\n') }), backwards(videos)).accuracy).toMatchObject(
      folds,
    );
    put(
      folder,
      'corrected.txt',
      list.map((line, i) => (i === 0 ? line : `${line}, ${i === 1 ? 0 : line.at(-1)}`)).join('\n'),
    );
    expect(judge('ytf', root, backwards(videos), '--list', 'corrected.txt').genuine).toBe(1);
  });
});

describe('templates', () => {
  // Template 1 has two frames of one video, A together.
  const meta = (prefix: string): Tree => ({
    [`meta/${prefix}_face_tid_mid.txt`]: '1.jpg 1 1\n2.jpg 1 1\n3.jpg 2 2\n4.jpg 3 3\n5.jpg 4 4\n',
    [`meta/${prefix}_template_pair_label.txt`]: '1 2 1\n1 3 0\n3 4 1\n2 4 0\n',
    [`meta/${prefix}_name_5pts_score.txt`]: [1, 0, 1, 1, 1]
      .map((score, i) => `${i + 1}.jpg 1 2 3 4 5 6 7 8 9 10 ${score}`)
      .join('\n'),
  });
  const rows = [a1, a2, b, c, d];

  it.each([
    ['ijb-b', 'ijbb'],
    ['ijb-c', 'ijbc'],
  ])('%s, 1:1', (protocol, prefix) => {
    const root = folderWith(meta(prefix));
    // Genuine .8 and .8, impostor 0 and .96: half of the couples are in order. Of FAR .25, 0 and .5 are as near: what accepts more.
    const metrics = judge(protocol, root, forwards(rows), '--far', '.25');
    expect(metrics).toMatchObject({ auc: 0.5, tarAtFar: [{ tar: 1, reachedFar: 0.5 }] });
    expect(judge(protocol, root, forwards(rows), '--far', '.25', '--rule', 'strict').tarAtFar[0].tar).toBe(0);
    const named = backwards(Object.fromEntries(rows.map((row, i) => [`loose_crop/${i + 1}.jpg`, row])));
    expect(judge(protocol, root, named).auc).toBe(0.5);
    // Of the first frame alone: .984 with B, .447 with C.
    expect(judge(protocol, root, forwards(rows), '--detector-scores').auc).toBe(0.75);
  });

  it.each([
    ['ijb-c-1n', 'ijbc', 'G1', 'G2'],
    ['ijb-b-1n', 'ijbb', 'S1', 'S2'],
  ])('%s, the mean of two galleries', (protocol, prefix, first, second) => {
    const root = folderWith({
      ...meta(prefix),
      [`meta/${prefix}_1N_gallery_${first}.csv`]: 'TEMPLATE_ID,SUBJECT_ID\n1,10\n',
      [`meta/${prefix}_1N_gallery_${second}.csv`]: 'TEMPLATE_ID,SUBJECT_ID\n3,20\n2,30\n',
      [`meta/${prefix}_1N_probe_mixed.csv`]: 'TEMPLATE_ID,SUBJECT_ID\n2,10\n4,20\n',
    });
    // In the first gallery B finds A (.8), above D's .6. In the second D finds B (.96), then C; B, whom it does not know, finds itself.
    const metrics = judge(protocol, root, forwards(rows));
    expect(metrics.cmc).toEqual([0.5]);
    expect(metrics.tpirAtFpir[0]).toEqual({ fpir: 0.1, tpir: 0.5 });
    expect(metrics.galleries).toHaveLength(2);
  });

  it('rows that are not as many as the list says need paths', () => {
    const args = ['--protocol', 'ijb-c', '--root', folderWith(meta('ijbc'))];
    const { status, stderr } = run(folder, 'evaluate', ...forwards([a, b]), ...args);
    expect(status).toBe(1);
    expect(stderr).toContain(
      'ERR_CIRCLE_SHAPE: rows.npy must be one row for each of the 5 images of the list; received 2.',
    );
    expect(stderr).toContain('--paths');
  });
});

it('MegaFace, with noise left out', () => {
  put(folder, 'distractors.npy', npyBytes('<f4', [2, 2], [0, 1, 0.96, 0.28]));
  const list = JSON.stringify({ path: ['p/1.png', 'p/2.png', 'q/3.png', 'p/4.png'] });
  const root = folderWith({ 'facescrub_features_list.json': list, 'other.json': list });
  put(folder, 'noises.txt', '4.png\n');
  const rows = { 'p/1.png': a, 'p/2.png': b, 'q/3.png': c, 'p/4.png': [-1, 0] };
  const options = ['--gallery', 'distractors.npy', '--distractor-counts', '1,2'];
  const noiseless = judge('megaface', root, backwards(rows), ...options, '--noises', 'noises.txt');
  expect(noiseless).toMatchObject({ queries: 2, skipped: 1, couples: 2 });
  expect(noiseless.identifiedAt.map(({ identified }: { identified: number }) => identified)).toEqual([1, 0]);
  // The fourth is far from the two, and they from it.
  expect(judge('megaface', root, forwards([a, b, c, [-1, 0]]), ...options).identifiedAt[0].identified).toBeCloseTo(
    2 / 6,
    12,
  );
});

it('rows and paths must be as many', () => {
  backwards({ 'x.jpg': a });
  put(folder, 'two.txt', 'x.jpg\ny.jpg');
  const { status, stderr } = run(
    folder,
    'evaluate',
    'rows.npy',
    '--paths',
    'two.txt',
    '--protocol',
    'cub',
    '--root',
    folder,
  );
  expect(status).toBe(1);
  expect(stderr).toContain('two.txt must be one for each of the 1 rows of rows.npy; received 2');
});

const data = process.env.CIRCLE_LOSS_DATA;

describe.skipIf(data === undefined)('real data (needs CIRCLE_LOSS_DATA)', () => {
  const table = (...args: string[]) => tableOf(outputOf(folder, 'evaluate', ...args));
  const labelled = (set: string) =>
    ['labels', 'split'].flatMap((name) => [`--${name}`, join(data!, set, `${name}.bin`)]);
  const faces = (file: string) => [join(data!, 'orl_face_embeddings', file), '--dim', '128'];

  it('verification of the ORL faces, aligned and not', () => {
    const args = [...labelled('orl_face_embeddings'), '--protocol', 'verification'];
    expect(table(...faces('features.bin'), ...args)).toMatchObject({
      'TAR@FAR 1e-2': '1.0000',
      'TAR@FAR 1e-3': '0.9944',
      'TAR@FAR 1e-4': '0.9711',
      'equal error rate': '0.0033',
    });
    expect(table(...faces('features_crop.bin'), ...args)).toMatchObject({
      'TAR@FAR 1e-2': '0.7011',
      'TAR@FAR 1e-3': '0.5411',
      'equal error rate': '0.1222',
    });
  });

  it('their pairs in ten folds, and each found by its like', () => {
    const paths = Array.from({ length: 400 }, (_, row) => {
      const person = `s${Math.floor(row / 10) + 1}`;
      return `${person}/${person}_${String((row % 10) + 1).padStart(4, '0')}.jpg`;
    });
    put(folder, 'orl.txt', paths.join('\n'));
    const root = join(data!, 'orl_face_embeddings', 'protocol');
    const args = ['--protocol', 'lfw', '--root', root, '--paths', 'orl.txt'];
    expect(table(...faces('features.bin'), ...args)).toMatchObject({ accuracy: '0.9917', 'genuine pairs': '900' });
    expect(table(...faces('features.bin'), ...labelled('orl_face_embeddings'))).toMatchObject({ 'Recall@1': '1.0000' });
  });

  it('features of leaves', () => {
    const leaves = [join(data!, 'leaf_species', 'features.bin'), '--dim', '192', ...labelled('leaf_species')];
    expect(table(...leaves)).toMatchObject({ queries: '490', 'Recall@1': '0.9571', 'MAP@R': '0.6774' });
  });

  it('handwritten characters, by other writers', () => {
    const set = join(data!, 'omniglot_small');
    const pixels = [join(set, 'images.bin'), '--dim', '784', '--type', 'uint8', ...labelled('omniglot_small')];
    expect(table(...pixels)).toMatchObject({ 'Recall@1': '0.4181' });
    // Nobody wrote a character twice: with writers as cameras nothing is left out, and rank-1 is Recall@1.
    const cameras = ['--cameras', join(set, 'drawer.bin')];
    expect(table(...pixels, ...cameras, '--protocol', 'reid')).toMatchObject({ queries: '1660', 'rank-1': '0.4181' });
  });
});
