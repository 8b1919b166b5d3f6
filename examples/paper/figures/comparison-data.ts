/**
 * Figures of a training from a larger one: the files of a comparison of losses over several data sets, `curves.json` and
 * `similarities.json`, of which one data set is taken, and of the losses those between pairs of pictures. Losses against class
 * weights have their boundary in another plane than the pictures that are compared here.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlaneLoss } from './pair-at.ts';
import type { SimilarityPair, TrainingData } from './training-data.ts';

interface Setting {
  margin: number;
  gamma: number;
}

interface AnchorSimilarities {
  /** Of each anchor the least s_p and the greatest s_n. */
  hardestPositive: number[];
  hardestNegative: number[];
}

/** data set → loss → the loss of each step. */
type ComparedCurves = Record<string, Record<string, { setting: Setting; losses: number[] }>>;

/** data set → loss → similarities after training, and under 'before' those that all losses began with. */
type ComparedSimilarities = Record<string, Record<string, { setting: Setting; training: AnchorSimilarities }>>;

/** What a comparison calls the losses between pairs. */
const pairwise: Readonly<Record<string, { title: string; pairLoss(setting: Setting): PlaneLoss }>> = {
  triplet: { title: 'Triplet', pairLoss: ({ margin }) => ({ type: 'triplet', margin }) },
  unified: { title: 'AM-Softmax', pairLoss: ({ margin, gamma }) => ({ type: 'unified', margin, gamma }) },
  'circle-pair': { title: 'Circle loss', pairLoss: ({ margin, gamma }) => ({ type: 'circle', margin, gamma }) },
};

/** `seed` is that of the runs. */
export async function readComparison(folder: string, data: string, seed: number): Promise<TrainingData> {
  const curves = (await read<ComparedCurves>(folder, 'curves.json', data))[data];
  const similarities = (await read<ComparedSimilarities>(folder, 'similarities.json', data))[data];
  const names = Object.keys(pairwise).filter((name) => curves[name] && similarities[name]);
  if (names.length === 0 || !similarities.before) {
    throw new Error(`${folder} must have a training of ${Object.keys(pairwise).join(', ')} on ${data}.`);
  }
  const before = pairsOf(similarities.before.training);
  return {
    curves: {
      losses: names.map((name) => {
        const { losses } = curves[name];
        return { name: pairwise[name].title, seed, steps: losses.map((_, k) => k + 1), loss: losses };
      }),
    },
    scatter: {
      about: `Data set ${data}; a dot is a picture with its most similar negative and its least similar positive.`,
      losses: names.map((name) => {
        const { setting, training } = similarities[name];
        return {
          name: pairwise[name].title,
          pairLoss: pairwise[name].pairLoss(setting),
          before,
          after: pairsOf(training),
        };
      }),
    },
  };
}

function pairsOf({ hardestNegative, hardestPositive }: AnchorSimilarities): SimilarityPair[] {
  return hardestNegative.map((sn, anchor) => [sn, hardestPositive[anchor]]);
}

async function read<T extends object>(folder: string, name: string, data: string): Promise<T> {
  const found = JSON.parse(await readFile(join(folder, name), 'utf8'));
  if (typeof found[data] !== 'object') {
    throw new Error(`${join(folder, name)} must have data set ${data}; it has ${Object.keys(found).join(', ')}.`);
  }
  return found;
}
