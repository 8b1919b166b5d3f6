/** What the threads say to each other. */
import type { EngineName } from 'circle-loss';
import type { Rows } from '../data/rows.ts';
import type { TrainingOptions } from '../network/trainer.ts';

/** What the training thread starts with. */
export interface TrainingData {
  inputs: Rows;
  labels: Int32Array;
  /** Classes that training never sees, for the loss before and after it. */
  unseen: { inputs: Rows; labels: Int32Array };
  /** Of the network's layers. */
  sizes: readonly number[];
  settings: TrainingOptions & { engine: EngineName; threads: number };
  weights: SharedArrayBuffer;
  /** One int32; anything but 0 ends training after the step. */
  stop: SharedArrayBuffer;
}

/** From the training thread; it waits for an answer to 'ready'. */
export type TrainingMessage =
  | { type: 'ready'; unseenLoss: number }
  | { type: 'step'; loss: number; seconds: number }
  | { type: 'done'; unseenLoss: number };

/** What the visitors start with. */
export interface VisitorsData {
  port: number;
  pictures: number;
  seed: number;
}

/** From the visitors: the first answer; then, once they were told to stop, how it went. */
export type VisitorsMessage = { type: 'answered' } | { type: 'done'; visits: Visits };

export interface Visits {
  answered: number;
  failed: number;
  /** Milliseconds until an answer. */
  median: number;
  p99: number;
}
