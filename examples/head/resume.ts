/** The class weights as a file: written, and gone on from. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ClassHead, loadClassHead } from 'circle-loss';
import type { Part } from '../data/data-set.ts';
import type { Model } from './learn.ts';

/** The head that was saved beside the one that was loaded: the loss of all training pictures, and the steps made. */
export interface Resumption {
  savedLoss: number;
  loadedLoss: number;
  savedSteps: number;
  loadedSteps: number;
}

export async function saveHead(head: ClassHead, file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await head.save(file);
}

/** What another process would do that goes on from the file, with weights, momentum, settings and the count of steps. */
export async function saveAndResume(model: Model, file: string, { inputs, labels }: Part): Promise<Resumption> {
  const saved = model.head;
  const embeddings = model.network.embed(inputs).values;
  await saveHead(saved, file);
  const loaded = await loadClassHead(file, { engine: saved.engine });
  const resumption = {
    savedLoss: saved.loss(embeddings, labels).loss,
    loadedLoss: loaded.loss(embeddings, labels).loss,
    savedSteps: saved.steps,
    loadedSteps: loaded.steps,
  };
  saved.dispose();
  model.head = loaded;
  return resumption;
}
