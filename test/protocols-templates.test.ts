/** IJB-B, IJB-C and MegaFace, each from a miniature in its real form. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  alignTemplates,
  readIjbIdentification,
  readIjbVerification,
  readMegaFaceFeatures,
  readMegaFaceList,
} from '../lib/protocols.ts';
import { folderWith, rejectionOf, type Tree } from './data-set-files.ts';

describe.each([
  ['IJB-B', 'ijbb', 'S'],
  ['IJB-C', 'ijbc', 'G'],
] as const)('%s', (set, prefix, letter) => {
  const faces = '1.jpg 11 100\n2.jpg 11 100\n3.jpg 12 101\n3.jpg 25 101\n4.jpg 30 102\n';
  const meta = (name: string) => `meta/${prefix}_${name}`;
  const points = '1 2 3 4 5 6 7 8 9 10';
  const verification: Tree = {
    [meta('face_tid_mid.txt')]: faces,
    [meta('template_pair_label.txt')]: '11 12 1\n11 25 0\n25 12 1\n',
  };
  const identification: Tree = {
    [meta('face_tid_mid.txt')]: faces,
    [meta(`1N_gallery_${letter}1.csv`)]: 'TEMPLATE_ID,SUBJECT_ID\n11,7\n',
    [meta(`1N_gallery_${letter}2.csv`)]:
      '\uFEFFTEMPLATE_ID,SUBJECT_ID,FILENAME\r\n12,8,"img/a, b.jpg"\r\n12,8,img/c.jpg\r\n25,9,img/d.jpg\r\n\r\n',
    [meta('1N_probe_mixed.csv')]: 'TEMPLATE_ID,SUBJECT_ID\n30,8\n25,11\n',
  };
  const images = [1, 2, 3, 4].map((i) => `loose_crop/${i}.jpg`);
  const list = {
    paths: [images[0], images[1], images[2], images[2], images[3]],
    templates: Int32Array.of(11, 11, 12, 25, 30),
    media: Int32Array.of(100, 100, 101, 101, 102),
    warnings: [],
  };

  it('verification: images with their templates and media, and pairs of templates', async () => {
    const found = await readIjbVerification(folderWith(verification, images), { set });
    expect(found).toEqual({
      ...list,
      pairs: {
        first: Int32Array.of(11, 11, 25),
        second: Int32Array.of(12, 25, 12),
        same: Uint8Array.of(1, 0, 1),
      },
    });
    // In the order in which aggregateTemplates may return them.
    expect(alignTemplates(Int32Array.of(25, 11, 30, 12), found.pairs.first)).toEqual(Int32Array.of(1, 1, 0));
  });

  it('identification: two galleries and the queries, each template once', async () => {
    const found = await readIjbIdentification(folderWith(identification, images), { set });
    expect(found).toEqual({
      ...list,
      galleries: [
        { templates: Int32Array.of(11), labels: Int32Array.of(7) },
        { templates: Int32Array.of(12, 25), labels: Int32Array.of(8, 9) },
      ],
      queries: { templates: Int32Array.of(30, 25), labels: Int32Array.of(8, 11) },
    });
  });

  it('scores of the detector, where they are asked for', async () => {
    const scores = ['1.jpg', '2.jpg', '3.jpg', '3.jpg', '4.jpg'].map((name, i) => `${name} ${points} 0.${i + 1}\n`);
    const root = folderWith({ ...verification, [meta('name_5pts_score.txt')]: scores.join('') }, images);
    expect((await readIjbVerification(root, { set, scores: 'read' })).scores).toEqual(
      Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5),
    );
    expect((await readIjbVerification(root, { set })).scores).toBeUndefined();
    const refused = async (text: string, message: string) => {
      const other = folderWith({ ...verification, [meta('name_5pts_score.txt')]: text }, images);
      expect(await rejectionOf(readIjbVerification(other, { set, scores: 'read' }), other)).toEqual({
        code: 'ERR_CIRCLE_PROTOCOL',
        message: `ROOT/${meta('name_5pts_score.txt')}${message}`,
      });
    };
    await refused(scores.slice(1).join(''), ' must be a list of 5 images, as that of templates; received 4.');
    await refused(
      scores.join('').replace('2.jpg', '5.jpg'),
      ":2 must be of loose_crop/2.jpg, as the list of templates; received '5.jpg'.",
    );
    await refused(
      scores.join('').replace(' 0.3', ''),
      `:3 must be an image, five points and a score; received '3.jpg ${points}'.`,
    );
  });

  it('pairs: CRLF, tabs, a byte order mark and blank lines at the end make no difference', async () => {
    const plain = await readIjbVerification(folderWith(verification, images), { set });
    for (const text of [
      '\uFEFF11 12 1\r\n11 25 0\r\n25 12 1\r\n\r\n',
      '11\t12\t1 \n 11 25 0\n25 12 1',
      '11 12 1\n11 25 0\n25 12 1\n \n\n',
    ]) {
      const root = folderWith({ ...verification, [meta('template_pair_label.txt')]: text }, images);
      expect((await readIjbVerification(root, { set })).pairs).toEqual(plain.pairs);
    }
  });

  it('pairs: as many as there are, over pieces of a file', async () => {
    const count = 200_000;
    const ids = [11, 12, 25, 30];
    const text = Array.from(
      { length: count },
      (_, k) => `${ids[k % 4]} ${ids[(k * 7 + 1) % 3]} ${k % 3 === 0 ? 1 : 0}\n`,
    ).join('');
    expect(text.length).toBeGreaterThan(1 << 20); // a piece
    const { pairs } = await readIjbVerification(
      folderWith({ ...verification, [meta('template_pair_label.txt')]: text }, images),
      { set },
    );
    expect([pairs.first, pairs.second, pairs.same].map(({ length }) => length)).toEqual([count, count, count]);
    const isRight = (_: number, k: number) =>
      pairs.first[k] === ids[k % 4] &&
      pairs.second[k] === ids[(k * 7 + 1) % 3] &&
      pairs.same[k] === (k % 3 === 0 ? 1 : 0);
    expect(pairs.first.every(isRight)).toBe(true);
  });

  const pairList = `ROOT/${meta('template_pair_label.txt')}`;
  it.each<[string, string, string]>([
    ['a pair of one', '11 12 1\n11 1\n', `${pairList}:2 must be two template ids and 0 or 1; received 2.`],
    ['four numbers', '11 12 1 1\n', `${pairList}:1 must be two template ids and 0 or 1; received more.`],
    ['a letter', '11 12 1\n11 a 1\n', `${pairList}:2 must be two template ids and 0 or 1; received 'a'.`],
    ['a label that is none', '11 12 1\n11 25 2\n', `${pairList}:2 must be two template ids and 0 or 1; received 2.`],
    [
      'a number beyond int32',
      '11 12 1\n2147483648 25 1\n',
      `${pairList}:2 must be two template ids and 0 or 1; received a number beyond 2147483647.`,
    ],
    [
      'a blank line in the middle',
      '11 12 1\n\n11 25 0\n',
      `${pairList}:2 must be two template ids and 0 or 1; received a blank line.`,
    ],
    [
      'templates without images',
      '11 12 1\n11 99 0\n98 12 0\n',
      `${pairList} must be a list of templates with images; received 2 without, the least of them 98.`,
    ],
  ])('refuses %s among pairs', async (_, text, message) => {
    const root = folderWith({ ...verification, [meta('template_pair_label.txt')]: text }, images);
    expect(await rejectionOf(readIjbVerification(root, { set }), root)).toEqual({
      code: 'ERR_CIRCLE_PROTOCOL',
      message,
    });
  });

  const probes = meta('1N_probe_mixed.csv');
  it.each<[string, Tree, string]>([
    [
      'a template of two persons',
      { [probes]: 'T,S\n30,8\n30,9\n' },
      `ROOT/${probes}:3 must be of subject 8, as template 30 before; received 9.`,
    ],
    ['a list without a header', { [probes]: '30,8\n' }, `ROOT/${probes}:1 must be a header; received '30,8'.`],
    [
      'a subject that is no number',
      { [probes]: 'T,S\n30,x\n' },
      `ROOT/${probes}:2 must be a subject id from 0 to 2147483647; received 'x'.`,
    ],
    [
      'a line of one',
      { [probes]: 'T,S\n30\n' },
      `ROOT/${probes}:2 must be a subject id from 0 to 2147483647; received '30'.`,
    ],
    [
      'a template without images',
      { [probes]: 'T,S\n31,1\n' },
      `ROOT/${probes} must be a list of templates with images; received 1 without, the least of them 31.`,
    ],
    [
      'a line of two among images',
      { [meta('face_tid_mid.txt')]: '1.jpg 11\n' },
      `ROOT/${meta('face_tid_mid.txt')}:1 must be an image, a template and a media id; received '1.jpg 11'.`,
    ],
  ])('refuses %s', async (_, changed, message) => {
    const root = folderWith({ ...identification, ...changed }, images);
    expect(await rejectionOf(readIjbIdentification(root, { set }), root)).toEqual({
      code: 'ERR_CIRCLE_PROTOCOL',
      message,
    });
  });

  it('an open quote in a CSV is refused', async () => {
    const root = folderWith({ ...identification, [probes]: 'T,S\n"30,8\n' }, images);
    expect((await rejectionOf(readIjbIdentification(root, { set }), root)).message).toContain(
      `ROOT/${probes} must be a CSV file; received Quote Not Closed`,
    );
  });

  it('missing lists and images are named', async () => {
    const some = folderWith(verification, images.slice(1));
    expect((await rejectionOf(readIjbVerification(some, { set }), some)).message).toContain(
      "received 1 that are not there: 'loose_crop/1.jpg'.",
    );
    expect((await readIjbVerification(some, { set, images: 'ignore' })).paths).toHaveLength(5);
    for (const name of Object.keys(verification)) {
      const files = { ...verification };
      delete files[name];
      const root = folderWith(files, images);
      const { code, message } = await rejectionOf(readIjbVerification(root, { set }), root);
      expect(code).toBe('ERR_CIRCLE_FILE');
      expect(message).toContain(`ROOT/${name} must be the list of`);
      expect(message).toContain('Ask NIST for the images');
    }
  });
});

it('which of the two IJB is has to be said', async () => {
  expect((await rejectionOf(readIjbVerification('x', {} as never), 'x')).message).toBe(
    "options.set must be 'IJB-B' or 'IJB-C'; received undefined.",
  );
});

describe('MegaFace', () => {
  const queries = ['Adam_Brody/Adam_Brody_277.png', 'Aaron Eckhart/Aaron Eckhart_1.png', 'Adam_Brody/Adam_Brody_3.png'];
  const distractors = ['272/27265091@N00/3004.jpg_0.jpg', '1/2@N01/5.jpg_1.jpg'];
  const files: Tree = {
    'facescrub_features_list.json': JSON.stringify({ id: ['a', 'b', 'c'], path: queries }),
    'megaface_features_list.json_10_1': `\uFEFF${JSON.stringify({ path: distractors })}`,
    facescrub_lst: `${queries.join('\r\n')}\r\n`,
    'facescrub_noises.txt': '# noises\nAdam_Brody_3.png\n',
    'megaface_noises.txt': '# noises\n1\t1/2@N01/5.jpg_1.jpg\n7/8@N01/9.jpg_0.jpg\n',
  };

  it('lists of the devkit, and texts: paths in their order, persons by their folders', async () => {
    const root = folderWith(files);
    const found = { paths: queries, labels: Int32Array.of(1, 0, 1), dropped: 0, warnings: [] };
    expect(await readMegaFaceList(join(root, 'facescrub_features_list.json'))).toEqual(found);
    expect(await readMegaFaceList(join(root, 'facescrub_lst'))).toEqual(found);
    expect((await readMegaFaceList(join(root, 'megaface_features_list.json_10_1'))).paths).toEqual(distractors);
  });

  it('noise is left out, and noise that is not there is told', async () => {
    const root = folderWith(files);
    const clean = await readMegaFaceList(join(root, 'facescrub_lst'), { noises: join(root, 'facescrub_noises.txt') });
    expect(clean).toEqual({ paths: queries.slice(0, 2), labels: Int32Array.of(1, 0), dropped: 1, warnings: [] });
    const noises = join(root, 'megaface_noises.txt');
    const others = await readMegaFaceList(join(root, 'megaface_features_list.json_10_1'), { noises });
    expect(others).toMatchObject({ paths: distractors.slice(0, 1), dropped: 1 });
    expect(others.warnings).toEqual([`${noises} names 2 images; 1 of them are not in the list.`]);
  });

  it.each<[string, string, string]>([
    ['another object', '{"paths": []}', "ROOT/list must be JSON with the array 'path'; received an object without it."],
    [
      'paths that are numbers',
      '{"path": [1]}',
      "ROOT/list must be JSON with the array 'path'; received an object without it.",
    ],
    ['an empty list', '\n', 'ROOT/list must be a list of images; received an empty one.'],
    [
      'an image twice',
      'a/b.png\na/c.png\na/b.png\n',
      "ROOT/list must be a list of different images; received 'a/b.png' twice.",
    ],
  ])('refuses %s', async (_, list, message) => {
    const root = folderWith({ list });
    expect(await rejectionOf(readMegaFaceList(join(root, 'list')), root)).toEqual({
      code: 'ERR_CIRCLE_PROTOCOL',
      message,
    });
  });

  it('refuses JSON that is damaged, and lists that are missing', async () => {
    const root = folderWith({ list: '{"path": [' });
    expect((await rejectionOf(readMegaFaceList(join(root, 'list')), root)).code).toBe('ERR_CIRCLE_PROTOCOL');
    for (const call of [
      readMegaFaceList(join(root, 'none')),
      readMegaFaceList(join(root, 'list'), { noises: join(root, 'none') }),
    ]) {
      const error = call.catch(({ code }) => code);
      expect(['ERR_CIRCLE_FILE', 'ERR_CIRCLE_PROTOCOL']).toContain(await error);
    }
    const lists = folderWith(files);
    const call = readMegaFaceList(join(lists, 'facescrub_lst'), { noises: join(lists, 'none') });
    expect((await rejectionOf(call, lists)).message).toMatch(
      /^ROOT\/none must be a list of noises of MegaFace; received ENOENT/,
    );
  });

  const bin = (numbers: number[], header = [numbers.length, 1, 4, 5]) => {
    const bytes = Buffer.alloc(16 + 4 * numbers.length);
    header.forEach((value, i) => {
      bytes.writeInt32LE(value, 4 * i);
    });
    numbers.forEach((value, i) => {
      bytes.writeFloatLE(value, 16 + 4 * i);
    });
    return bytes;
  };
  const ending = '_r100.bin';

  it('features: a row a path, in the order of the paths', async () => {
    const many = Array.from({ length: 100 }, (_, i) => `${i % 7}/${i}.png`);
    const root = folderWith(Object.fromEntries(many.map((path, i) => [path + ending, bin([i, i / 3, -i])])));
    const found = await readMegaFaceFeatures(root, many, { ending });
    expect(found).toEqual({ dim: 3, embeddings: Float32Array.from(many.flatMap((_, i) => [i, i / 3, -i])) });
    expect(await readMegaFaceFeatures(root, many, { ending, dim: 3 })).toEqual(found);
    expect((await readMegaFaceFeatures(root, ['0/7.png'], { ending })).embeddings).toEqual(
      Float32Array.of(7, 7 / 3, -7),
    );
  });

  it.each<[string, Buffer, object, string]>([
    ['another length', bin([1, 2, 3]), {}, `must be features of 2 numbers; received 3.`],
    [
      'another header',
      bin([1, 2], [2, 1, 4, 6]),
      {},
      'must be a header of length, 1, 4, 5, then as many float32; received the header 2, 1, 4, 6.',
    ],
    [
      'a header of no length',
      bin([], [0, 1, 4, 5]),
      {},
      'must be a header of length, 1, 4, 5, then as many float32; received the header 0, 1, 4, 5.',
    ],
    [
      'numbers cut short',
      bin([1, 2]).subarray(0, 20),
      {},
      'must be 2 float32 after its header, as that says; received 4 bytes.',
    ],
    [
      'a header cut short',
      bin([1, 2]).subarray(0, 15),
      {},
      'must be a header of length, 1, 4, 5, then as many float32; received 15 bytes.',
    ],
    ['a length that is not dim', bin([1, 2]), { dim: 4 }, 'must be features of 4 numbers; received 2.'],
  ])('refuses %s', async (_, bytes, options, message) => {
    const first: Tree = 'dim' in options ? {} : { [`a/0.png${ending}`]: bin([0, 1]) };
    const root = folderWith({ ...first, [`a/1.png${ending}`]: bytes });
    const paths = 'dim' in options ? ['a/1.png'] : ['a/0.png', 'a/1.png'];
    expect(await rejectionOf(readMegaFaceFeatures(root, paths, { ending, ...options }), root)).toEqual({
      code: 'ERR_CIRCLE_PROTOCOL',
      message: `ROOT/a/1.png${ending} ${message}`,
    });
  });

  it('a file that is missing is named, and no paths are no features', async () => {
    const root = folderWith({ [`a/0.png${ending}`]: bin([0, 1]) });
    const { code, message } = await rejectionOf(readMegaFaceFeatures(root, ['a/0.png', 'a/1.png'], { ending }), root);
    expect(code).toBe('ERR_CIRCLE_FILE');
    expect(message).toMatch(/^ROOT\/a\/1.png_r100.bin must be a file of features of MegaFace; received ENOENT/);
    expect((await rejectionOf(readMegaFaceFeatures(root, [], { ending }), root)).code).toBe('ERR_CIRCLE_SHAPE');
  });
});
