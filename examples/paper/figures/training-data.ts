/**
 * What figures of a training are drawn from: two files of JSON, which any training may write.
 *
 * `curves.json` has the losses of the steps, `scatter.json` pairs of similarities [s_n, s_p] before the training and after.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlaneLoss } from './pair-at.ts';

export interface Curve {
  name: string;
  seed: number;
  /** Numbers of the steps, from 1. */
  steps: number[];
  /** Of those steps. */
  loss: number[];
}

export interface Curves {
  losses: Curve[];
}

export type SimilarityPair = [sn: number, sp: number];

export interface Scatter {
  /** Where the pairs come from, a sentence for under the picture. */
  about?: string;
  losses: {
    name: string;
    /** Whose boundary is drawn. */
    pairLoss?: PlaneLoss;
    before: SimilarityPair[];
    after: SimilarityPair[];
  }[];
}

export interface TrainingData {
  curves: Curves;
  scatter: Scatter;
}

const filesIn = (folder: string) => ({
  curves: join(folder, 'curves.json'),
  scatter: join(folder, 'scatter.json'),
});

export function hasTrainingData(folder: string): boolean {
  return Object.values(filesIn(folder)).every((file) => existsSync(file));
}

export async function readTrainingData(folder: string): Promise<TrainingData> {
  const { curves, scatter } = filesIn(folder);
  return { curves: await readJson<Curves>(curves), scatter: await readJson<Scatter>(scatter) };
}

export async function writeTrainingData(folder: string, data: TrainingData): Promise<void> {
  const { curves, scatter } = filesIn(folder);
  await writeFile(curves, `${JSON.stringify(data.curves)}\n`);
  await writeFile(scatter, `${JSON.stringify(data.scatter)}\n`);
}

async function readJson<T extends { losses: object[] }>(file: string): Promise<T> {
  const data = JSON.parse(await readFile(file, 'utf8')) as T;
  if (!Array.isArray(data.losses)) throw new Error(`${file} must have a list "losses".`);
  return data;
}
