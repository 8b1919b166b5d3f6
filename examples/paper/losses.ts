/** The losses that are compared, with the values that the paper gives them and those that are tried. */
import { amSoftmax, normFace, type PairLossChoice, softmax } from 'circle-loss';
import { classRateFactor, learningRate } from './recipe.ts';

export const tasks = ['verification', 're-identification', 'retrieval'] as const;
export type Task = (typeof tasks)[number];

export const lossNames = [
  'softmax',
  'normface',
  'am-softmax',
  'arcface',
  'triplet',
  'unified',
  'circle-class',
  'circle-pair',
] as const;
export type LossName = (typeof lossNames)[number];

/** Whatever of a loss can be chosen. */
export interface Setting {
  gamma?: number;
  margin?: number;
  /** Of the network, at the first step. */
  learningRate: number;
  /** How many times faster class weights learn. */
  classRateFactor?: number;
}

export interface Loss {
  title: string;
  /** What embeddings are compared with: class weights, or the batch. */
  level: 'class' | 'pair';
  choose(setting: Setting): PairLossChoice;
  /** The paper's values for a task. */
  paper(task: Task): Setting;
  /** Tried on the validation part: as many for each loss. */
  grid: readonly Setting[];
}

const learningRates = [1e-3, 3e-3];

/** Every choice at every learning rate: the losses differ in how large a step they bear. */
function gridOf(choices: readonly Omit<Setting, 'learningRate'>[]): Setting[] {
  return learningRates.flatMap((rate) => choices.map((choice) => ({ ...choice, learningRate: rate })));
}

function each(gammas: readonly number[], margins: readonly number[]): { gamma: number; margin: number }[] {
  return gammas.flatMap((gamma) => margins.map((margin) => ({ gamma, margin })));
}

const always = (values: Omit<Setting, 'learningRate'>) => () => ({ ...values, learningRate });
const atClassRate = { classRateFactor };

export const losses: Readonly<Record<LossName, Loss>> = {
  softmax: {
    title: 'Softmax',
    level: 'class',
    choose: softmax,
    paper: always(atClassRate),
    // It has neither γ nor m; the speed of its class weights, whose length counts, is what it has instead.
    grid: gridOf([1, 2, 5, 10, 20, 50].map((factor) => ({ classRateFactor: factor }))),
  },
  normface: {
    title: 'NormFace',
    level: 'class',
    choose: ({ gamma }) => normFace({ gamma }),
    paper: always({ gamma: 64, ...atClassRate }),
    grid: gridOf([8, 16, 32, 64, 128, 256].map((gamma) => ({ gamma, ...atClassRate }))),
  },
  'am-softmax': {
    title: 'AM-Softmax',
    level: 'class',
    choose: ({ gamma, margin }) => amSoftmax({ gamma, margin }),
    paper: always({ gamma: 64, margin: 0.35, ...atClassRate }),
    grid: gridOf(each([16, 32, 64], [0.1, 0.35]).map((choice) => ({ ...choice, ...atClassRate }))),
  },
  arcface: {
    title: 'ArcFace',
    level: 'class',
    choose: ({ gamma, margin }) => ({ pairLoss: { type: 'arcface', gamma, margin } }),
    paper: always({ gamma: 64, margin: 0.5, ...atClassRate }),
    grid: gridOf(each([16, 32, 64], [0.2, 0.5]).map((choice) => ({ ...choice, ...atClassRate }))),
  },
  triplet: {
    title: 'Triplet, batch-hard',
    level: 'pair',
    choose: ({ margin }) => ({ pairLoss: { type: 'triplet', margin } }),
    // The paper gives no margin for cosines; this is the package's default.
    paper: always({ margin: 0.2 }),
    grid: gridOf([0.05, 0.1, 0.2, 0.3, 0.4, 0.5].map((margin) => ({ margin }))),
  },
  unified: {
    title: 'Unified, pair-wise',
    level: 'pair',
    choose: ({ gamma, margin }) => ({ pairLoss: { type: 'unified', gamma, margin } }),
    // The paper gives no values for pairs; these are those of AM-Softmax, its class-level form.
    paper: always({ gamma: 64, margin: 0.35 }),
    grid: gridOf(each([16, 32, 64], [0.1, 0.35])),
  },
  'circle-class': {
    title: 'Circle, class-level',
    level: 'class',
    choose: chooseCircle,
    // Faces 256 and re-ID 128; the paper has no class-level retrieval, which here gets what faces get.
    paper: (task) => ({
      gamma: task === 're-identification' ? 128 : 256,
      margin: 0.25,
      learningRate,
      ...atClassRate,
    }),
    grid: gridOf(each([32, 80, 256], [0.25, 0.4]).map((choice) => ({ ...choice, ...atClassRate }))),
  },
  'circle-pair': {
    title: 'Circle, pair-wise',
    level: 'pair',
    choose: chooseCircle,
    // Of fine-grained retrieval, the one task that the paper has pairs for.
    paper: always({ gamma: 80, margin: 0.4 }),
    grid: gridOf(each([32, 80, 256], [0.25, 0.4])),
  },
};

function chooseCircle({ gamma, margin }: Setting): PairLossChoice {
  return { pairLoss: { type: 'circle', gamma, margin } };
}

export const isCircle = (name: LossName): boolean => name === 'circle-class' || name === 'circle-pair';

export function describeSetting({ gamma, margin, learningRate: rate, classRateFactor: factor }: Setting): string {
  const parts = [
    gamma === undefined ? '' : `γ ${gamma}`,
    margin === undefined ? '' : `m ${margin}`,
    `rate ${rate}`,
    factor === undefined ? '' : `× ${factor} for class weights`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}
