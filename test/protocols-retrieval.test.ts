/** CUB-200-2011, Cars196 and Stanford Online Products, each from a miniature in its real form. */
import { describe, expect, it } from 'vitest';
import { readCars196, readCub, readSop } from '../lib/protocols.ts';
import { folderWith, rejectionOf, type Tree } from './data-set-files.ts';
import { type MatValue, matFile, scalar } from './mat-writer.ts';

describe('CUB-200-2011', () => {
  // Class 7 is not there: training labels close up, those of the test do not.
  const classes = [6, 8, 100, 101, 101, 200];
  const names = classes.map((label, i) => `${String(label).padStart(3, '0')}.Bird/Bird_${i}.jpg`);
  const lines = (values: readonly (string | number)[]) => values.map((value, i) => `${i + 1} ${value}\n`).join('');
  const lists: Tree = {
    'images.txt': lines(names),
    'image_class_labels.txt': lines(classes),
    'train_test_split.txt': lines([1, 0, 0, 1, 0, 1]),
  };
  const images = names.map((name) => `images/${name}`);
  const item = (i: number, label: number) => ({ path: images[i], label });

  it('the first hundred classes are for training, whatever train_test_split.txt says', async () => {
    const { warnings, ...found } = await readCub(folderWith(lists, images));
    expect(found).toEqual({
      train: [item(0, 0), item(1, 1), item(2, 2)],
      test: [item(3, 100), item(4, 100), item(5, 199)],
      trainClasses: 3,
    });
    expect(warnings).toEqual(['CUB-200-2011 has 11788 images; found 6.', 'CUB-200-2011 has 200 classes; found 5.']);
    const withoutFlags = { ...lists };
    delete withoutFlags['train_test_split.txt'];
    expect(await readCub(folderWith(withoutFlags, images))).toEqual({ warnings, ...found });
  });

  it('the split of classification shares its labels', async () => {
    const found = await readCub(folderWith(lists, images), { split: 'classification' });
    expect(found.train).toEqual([item(0, 5), item(3, 100), item(5, 199)]);
    expect(found.test).toEqual([item(1, 7), item(2, 99), item(4, 100)]);
    expect(found.trainClasses).toBe(5);
    expect(found.warnings).toContain('CUB-200-2011 has 5994 training images; found 3.');
  });

  it.each<[string, Tree, 'classes' | 'classification', string]>([
    [
      'a class beyond the last',
      { 'image_class_labels.txt': lines([6, 8, 201]) },
      'classes',
      "ROOT/image_class_labels.txt:3 must be a class from 1 to 200; received '201'.",
    ],
    [
      'an image without a class',
      { 'image_class_labels.txt': lines(classes.slice(0, -1)) },
      'classes',
      'ROOT/image_class_labels.txt must be a line for each image of images.txt; received none for image 6.',
    ],
    [
      'a class without an image',
      { 'images.txt': lines(names.slice(0, -1)) },
      'classes',
      'ROOT/image_class_labels.txt must be a line for each image of images.txt; received image 6, which that lacks.',
    ],
    [
      'a flag that is none',
      { 'train_test_split.txt': lines([1, 2]) },
      'classification',
      "ROOT/train_test_split.txt:2 must be a flag from 0 to 1; received '2'.",
    ],
    [
      'an image twice',
      { 'images.txt': `${lines(names)}1 ${names[0]}\n` },
      'classes',
      'ROOT/images.txt:7 must be of an image of its own; received 1 again.',
    ],
    [
      'a line of three',
      { 'images.txt': '1 a b' },
      'classes',
      "ROOT/images.txt:1 must be a number and one word; received '1 a b'.",
    ],
    [
      'a line without a number',
      { 'images.txt': names[0] },
      'classes',
      `ROOT/images.txt:1 must be the number of an image from 1 to 2147483647; received '${names[0]}'.`,
    ],
  ])('refuses %s, and says where', async (_, changed, split, message) => {
    const root = folderWith({ ...lists, ...changed }, images);
    expect(await rejectionOf(readCub(root, { split }), root)).toEqual({ code: 'ERR_CIRCLE_PROTOCOL', message });
  });

  it('images that are not there are named, a few of them and how many', async () => {
    const root = folderWith(lists, images.slice(4));
    expect((await rejectionOf(readCub(root), root)).message).toBe(
      `ROOT/images.txt must be a list of images under ROOT; received 4 that are not there: '${images[0]}', '${images[1]}', '${images[2]}' and 1 more. images: 'ignore' reads the lists alone.`,
    );
    expect((await readCub(root, { images: 'ignore' })).train).toHaveLength(3);
  });

  it('a list that is missing is named, and where to get it', async () => {
    const { code, message } = await rejectionOf(readCub('/nowhere'), '/nowhere');
    expect(code).toBe('ERR_CIRCLE_FILE');
    expect(message).toMatch(
      /^ROOT\/images.txt must be the list of images of CUB-200-2011; received ENOENT.* Get CUB_200_2011.tgz from http/,
    );
  });
});

describe('Cars196', () => {
  const box = { bbox_x1: scalar(30, 'uint16'), bbox_y1: scalar(52, 'uint16') };
  const annotations = (structs: Record<string, MatValue>[]) =>
    matFile({ annotations: { shape: [1, structs.length], structs } }, { compressed: true });
  const inOne = (name: string, label: number, test: number) => ({
    relative_im_path: `car_ims/${name}`,
    ...box,
    class: scalar(label, 'uint8'),
    test: scalar(test, 'uint8'),
  });
  const car = (fname: string, label: number) => ({ ...box, class: scalar(label, 'uint8'), fname });

  const all: Tree = {
    'cars_annos.mat': annotations([
      inOne('000001.jpg', 1, 1),
      inOne('000002.jpg', 98, 0),
      inOne('000003.jpg', 99, 0),
      inOne('000004.jpg', 196, 1),
    ]),
  };
  const allImages = [1, 2, 3, 4].map((i) => `car_ims/00000${i}.jpg`);
  const train = annotations([car('00001.jpg', 98), car('00002.jpg', 99)]);
  const test = annotations([car('00001.jpg', 1), car('00002.jpg', 196)]);
  const devkit: Tree = { 'devkit/cars_train_annos.mat': train, 'cars_test_annos_withlabels.mat': test };
  const devkitImages = ['cars_train', 'cars_test'].flatMap((folder) => [`${folder}/00001.jpg`, `${folder}/00002.jpg`]);

  it('one folder and one file: classes 1 to 98 are for training, of both halves', async () => {
    const { warnings, ...found } = await readCars196(folderWith(all, allImages));
    expect(found).toEqual({
      layout: 'car_ims',
      train: [
        { path: 'car_ims/000002.jpg', label: 1 }, // class 98, of two that are there
        { path: 'car_ims/000001.jpg', label: 0 },
      ],
      test: [
        { path: 'car_ims/000003.jpg', label: 98 },
        { path: 'car_ims/000004.jpg', label: 195 },
      ],
      trainClasses: 2,
    });
    expect(warnings).toEqual([
      'Cars196 has 16185 images; found 4.',
      'Cars196 has 8144 training images; found 2.',
      'Cars196 has 196 classes; found 4.',
    ]);
  });

  it('two folders and the devkit: the same classes', async () => {
    const { warnings: _, ...found } = await readCars196(folderWith(devkit, devkitImages));
    expect(found).toEqual({
      layout: 'devkit',
      train: [
        { path: 'cars_train/00001.jpg', label: 1 },
        { path: 'cars_test/00001.jpg', label: 0 },
      ],
      test: [
        { path: 'cars_train/00002.jpg', label: 98 },
        { path: 'cars_test/00002.jpg', label: 195 },
      ],
      trainClasses: 2,
    });
    const inside: Tree = { 'devkit/cars_train_annos.mat': train, 'devkit/cars_test_annos_withlabels.mat': test };
    expect(await readCars196(folderWith(inside, devkitImages))).toMatchObject(found);
  });

  it('the split of classification is by folder', async () => {
    const found = await readCars196(folderWith(devkit, devkitImages), { split: 'classification' });
    expect(found.train.map(({ path, label }) => [path, label])).toEqual([
      ['cars_train/00001.jpg', 97],
      ['cars_train/00002.jpg', 98],
    ]);
    expect(found.trainClasses).toBe(4);
  });

  it('annotations without classes are no help, and the message says which are', async () => {
    const withoutClass = annotations([{ ...box, fname: '00001.jpg' }]);
    const root = folderWith({ ...devkit, 'cars_test_annos_withlabels.mat': withoutClass }, devkitImages);
    expect(await rejectionOf(readCars196(root), root)).toEqual({
      code: 'ERR_CIRCLE_PROTOCOL',
      message:
        "ROOT/cars_test_annos_withlabels.mat must be annotations with 'class', an integer from 1 to 196; received only bbox_x1, bbox_y1, fname in annotation 1. Annotations of the test with classes are in cars_test_annos_withlabels.mat.",
    });
  });

  it('a devkit without the test’s classes says which file is missing', async () => {
    const root = folderWith({ 'devkit/cars_train_annos.mat': train, 'devkit/cars_test_annos.mat': test }, devkitImages);
    const { code, message } = await rejectionOf(readCars196(root), root);
    expect(code).toBe('ERR_CIRCLE_FILE');
    expect(message).toContain('ROOT/cars_test_annos_withlabels.mat must be the annotations of Cars196');
  });

  it.each<[string, Tree, string]>([
    [
      'a class beyond the last',
      { 'cars_annos.mat': annotations([inOne('000001.jpg', 197, 0)]) },
      "ROOT/cars_annos.mat must be annotations with 'class', an integer from 1 to 196; received 197 in annotation 1.",
    ],
    [
      'a name that is a number',
      { 'cars_annos.mat': annotations([{ ...inOne('', 1, 0), relative_im_path: scalar(1) }]) },
      "ROOT/cars_annos.mat must be annotations with 'relative_im_path', a text; received something else in annotation 1.",
    ],
    [
      'another variable',
      { 'cars_annos.mat': matFile({ x: 'text' }) },
      "ROOT/cars_annos.mat must be a MAT file with the structures 'annotations'; received 'x', 1 × 4 text.",
    ],
  ])('refuses %s', async (_, changed, message) => {
    const root = folderWith({ ...all, ...changed }, allImages);
    expect((await rejectionOf(readCars196(root), root)).message).toBe(message);
  });

  it('images that are not there are named, in either layout', async () => {
    for (const [files, images, layout] of [
      [all, allImages, 'car_ims'],
      [devkit, devkitImages, 'devkit'],
    ] as const) {
      const root = folderWith(files, images.slice(0, -1));
      const { message } = await rejectionOf(readCars196(root), root);
      expect(message).toContain(`received 1 that are not there: '${images[images.length - 1]}'`);
      expect((await readCars196(root, { images: 'ignore' })).layout).toBe(layout);
    }
  });

  it('both layouts, or none, have to be named', async () => {
    const both = folderWith({ ...all, ...devkit }, [...allImages, ...devkitImages]);
    expect((await rejectionOf(readCars196(both), both)).message).toContain(
      "ROOT must be a folder with cars_annos.mat or with devkit; received both. Name the layout that is meant: layout: 'car_ims' or 'devkit'.",
    );
    expect((await readCars196(both, { layout: 'devkit' })).layout).toBe('devkit');
    const none = folderWith({}, ['a.jpg']);
    expect((await rejectionOf(readCars196(none), none)).message).toContain('received neither.');
  });
});

describe('Stanford Online Products', () => {
  const header = 'image_id class_id super_class_id path\n';
  const lists: Tree = {
    'Ebay_train.txt': `${header}1 2 1 bicycle_final/111085122871_0.JPG\n2 2 1 bicycle_final/111085122871_1.JPG\n3 5 1 chair_final/2_0.JPG\n`,
    'Ebay_test.txt': `${header}59552 11319 1 bicycle_final/3_0.JPG\r\n59553 11319 1 bicycle_final/3_1.JPG\r\n59554 11321 2 sofa_final/4_0.JPG\r\n\r\n`,
  };
  const images = [
    'bicycle_final/111085122871_0.JPG',
    'bicycle_final/111085122871_1.JPG',
    'chair_final/2_0.JPG',
    'bicycle_final/3_0.JPG',
    'bicycle_final/3_1.JPG',
    'sofa_final/4_0.JPG',
  ];

  it('classes are as the lists say; training labels begin at 0', async () => {
    const { warnings, ...found } = await readSop(folderWith(lists, images));
    const labels = [0, 0, 1, 11318, 11318, 11320];
    const items = images.map((path, i) => ({ path, label: labels[i] }));
    expect(found).toEqual({ train: items.slice(0, 3), test: items.slice(3), trainClasses: 2 });
    expect(warnings).toEqual([
      'Stanford Online Products has 11318 training classes; found 2.',
      'Stanford Online Products has 11316 test classes; found 2.',
    ]);
  });

  it.each<[string, Tree, string]>([
    [
      'another header',
      { 'Ebay_test.txt': '1 1 1 a/b.JPG\n' },
      "ROOT/Ebay_test.txt:1 must be 'image_id class_id super_class_id path'; received '1 1 1 a/b.JPG'.",
    ],
    [
      'an empty list',
      { 'Ebay_train.txt': '' },
      "ROOT/Ebay_train.txt:1 must be 'image_id class_id super_class_id path'; received ''.",
    ],
    [
      'a line of three',
      { 'Ebay_train.txt': `${header}1 1 a/b.JPG\n` },
      "ROOT/Ebay_train.txt:2 must be 'image_id class_id super_class_id path'; received '1 1 a/b.JPG'.",
    ],
    [
      'class 0',
      { 'Ebay_train.txt': `${header}1 0 1 a/b.JPG\n` },
      "ROOT/Ebay_train.txt:2 must be a class from 1 to 2147483647; received '0'.",
    ],
    [
      'images that are not there',
      { 'Ebay_test.txt': `${header}1 9 1 sofa_final/5_0.JPG\n` },
      "ROOT/Ebay_test.txt must be a list of images under ROOT; received 1 that are not there: 'sofa_final/5_0.JPG'. images: 'ignore' reads the lists alone.",
    ],
  ])('refuses %s', async (_, changed, message) => {
    const root = folderWith({ ...lists, ...changed }, images);
    expect(await rejectionOf(readSop(root), root)).toEqual({ code: 'ERR_CIRCLE_PROTOCOL', message });
  });

  it('lists alone are enough where images are not looked for', async () => {
    expect((await readSop(folderWith(lists), { images: 'ignore' })).test).toHaveLength(3);
  });
});
