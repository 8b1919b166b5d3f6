/** The schemas of the readers' options. */
import { z } from 'zod';
import { parse, schemas, strict } from '../schemas.ts';

const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: values.map((value) => `'${value}'`).join(' or ') });
const seedRange = 'an integer from 0 to 4294967295';
const path = schemas.path.optional();
const images = oneOf(['check', 'ignore']).optional();
const split = oneOf(['classes', 'classification']).optional();
const dim = z.int({ error: 'an integer from 1' }).min(1, { error: 'an integer from 1' });
const folds = 'an integer from 2';

export const protocolSchemas = {
  market1501: strict({
    junk: oneOf(['keep', 'drop']).optional(),
    distractors: oneOf(['leave-out', 'add']).optional(),
  }),
  msmt17: strict({
    version: oneOf(['auto', 'V1', 'V2']).optional(),
    train: oneOf(['train', 'train-and-val']).optional(),
    images,
  }),
  mars: strict({ gallery: oneOf(['all', 'without-queries']).optional(), images }),
  viper: strict({
    seed: z.int({ error: seedRange }).min(0, { error: seedRange }).max(0xffffffff, { error: seedRange }).optional(),
    query: oneOf(['cam_a', 'cam_b']).optional(),
  }),
  cub: strict({ split, images }),
  cars196: strict({ layout: oneOf(['auto', 'car_ims', 'devkit']).optional(), split, images }),
  sop: strict({ images }),
  lfw: strict({ pairs: path, extension: z.string({ error: "an ending such as '.jpg'" }).optional(), images }),
  packedPairs: strict({ folds: z.int({ error: folds }).min(2, { error: folds }).optional() }),
  ytf: strict({
    frames: oneOf(['aligned_images_DB', 'frame_images_DB']).optional(),
    list: oneOf(['auto', 'mat', 'text']).optional(),
    splits: path,
    images,
  }),
  cfp: strict({ protocol: oneOf(['FP', 'FF']).optional(), images }),
  ijb: strict({ set: oneOf(['IJB-B', 'IJB-C']), scores: oneOf(['leave-out', 'read']).optional(), images }),
  megaFaceList: strict({ noises: path }),
  megaFaceFeatures: strict({ ending: z.string({ error: "an ending such as '_algorithm.bin'" }), dim: dim.optional() }),
  alignRows: strict({ root: path, unused: oneOf(['allow', 'throw']).optional() }),
  gatherRows: strict({ dim }),
};

/** The folder or file that a reader is called with. */
export const parsePath = (value: unknown, name = 'root') => parse(schemas.path, value, name);
