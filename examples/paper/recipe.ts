/** What all runs have in common, whatever the loss: the network, the batches, the first learning rate. */
import type { BatchShape } from '../network/trainer.ts';

export const hiddenUnits = 256;
export const embeddingDim = 128;

/** P × K. Every class of every data set has four pictures, and the smallest set has 35 classes to be tuned with. */
export const batchShape: BatchShape = { classes: 32, picturesPerClass: 4 };

/** Share of the input numbers that a step does not see, as in the demo. */
export const inputDropout = 0.2;

/** Of the network, where a loss is not tuned. */
export const learningRate = 3e-3;

/**
 * Class weights learn this many times faster than the network: they start from nothing, and a batch shows but 32 of
 * them. Tried on the validation parts, where 3 to 30 came to much the same, and 1 to less for most losses.
 */
export const classRateFactor = 10;

/** Whatever is decided once for all seeds: which classes are in the test, which in the validation part. */
export const splitSeed = 1;

/** Of the training classes, to tune on. */
export const validationShare = 0.3;
