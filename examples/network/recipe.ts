/** What proved good for emoji: how large a network, and how it is trained. */
import type { TrainingOptions } from './trainer.ts';

export const hiddenUnits = 512;
export const embeddingDim = 128;

export const recipe = {
  batch: { classes: 64, picturesPerClass: 4 },
  margin: 0.25,
  gamma: 64,
  learningRate: 3e-3,
  inputDropout: 0.2,
} satisfies Partial<TrainingOptions>;
