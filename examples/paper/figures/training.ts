/**
 * A short training on emoji with each of the compared losses, from the same weights and with the same batches, for the
 * figures that show a training. The network is the demo's; the losses are between the pictures of a batch.
 */
import { computeSimilarity, createPairLoss, type EngineName, pkSampler } from 'circle-loss';
import { loadDataSet, type Part } from '../../data/data-set.ts';
import { Random } from '../../data/random.ts';
import { selectRows } from '../../data/rows.ts';
import { Adam } from '../../network/adam.ts';
import { productOf } from '../../network/matrix.ts';
import { Network } from '../../network/network.ts';
import { embeddingDim, hiddenUnits, recipe } from '../../network/recipe.ts';
import { dropOut, fallingRate } from '../../network/trainer.ts';
import { startProgress } from '../../terminal/progress.ts';
import type { PlaneLoss } from './pair-at.ts';
import type { Curve, Scatter, SimilarityPair, TrainingData } from './training-data.ts';

export interface TrainingChoice {
  steps: number;
  seed: number;
  /** undefined: all classes. */
  classLimit: number | undefined;
  engine: EngineName;
}

interface Trained {
  name: string;
  pairLoss: PlaneLoss;
}

/**
 * Margins as in the other figures; γ and learning rate are of the demo's recipe. The triplet loss sees the hardest of 252
 * negatives and of 3 positives only, and draws all embeddings together until its loss is little more than its margin; rates
 * of 3e-4, 1e-4 and 3e-5, and a margin of 0.2, do not keep it from that.
 */
const trained: readonly Trained[] = [
  { name: 'Triplet', pairLoss: { type: 'triplet', margin: 0.35 } },
  { name: 'AM-Softmax', pairLoss: { type: 'unified', margin: 0.35, gamma: recipe.gamma } },
  { name: 'Circle loss', pairLoss: { type: 'circle', margin: recipe.margin, gamma: recipe.gamma } },
];

export async function trainForFigures({ classLimit, engine, ...choice }: TrainingChoice): Promise<TrainingData> {
  const { training } = await loadDataSet({ classLimit, random: new Random(choice.seed) });
  const sampler = samplerOf(training, choice.seed + 1); // batches of its own: pictures as training shows them
  const shown = [...sampler.nextBatch()];
  const curves: Curve[] = [];
  const scatter: Scatter['losses'] = [];
  for (const loss of trained) {
    const { name, pairLoss } = loss;
    const random = new Random(choice.seed);
    const sizes = [training.inputs.dim, hiddenUnits, embeddingDim];
    const network = new Network(sizes, productOf(engine), random);
    const before = hardestPairs(network, training, shown, engine);
    const values = learn(network, training, loss, { ...choice, engine, random });
    const after = hardestPairs(network, training, shown, engine);
    curves.push({ name, seed: choice.seed, steps: values.map((_, k) => k + 1), loss: values.map(shortened) });
    scatter.push({ name, pairLoss, before, after });
  }
  const about =
    `Emoji, ${choice.steps} steps; a dot is a picture of one batch (${shown.length} pictures of ${recipe.batch.classes} classes) with its most ` +
    'similar negative and its least similar positive.';
  return { curves: { losses: curves }, scatter: { about, losses: scatter } };
}

interface LearningOptions {
  steps: number;
  seed: number;
  engine: EngineName;
  /** Of the network's inputs that are dropped. */
  random: Random;
}

/** Losses of the steps. */
function learn(
  network: Network,
  { inputs, labels }: Part,
  { name, pairLoss }: Trained,
  options: LearningOptions,
): number[] {
  const { steps, seed, engine, random } = options;
  const sampler = samplerOf({ labels }, seed);
  const adam = new Adam(network.parameters);
  const common = { dim: embeddingDim, engine };
  using session =
    pairLoss.type === 'triplet' ? createPairLoss({ ...common, pairLoss }) : createPairLoss({ ...common, pairLoss });
  const progress = startProgress(name, steps);
  const losses = Array.from({ length: steps }, (_, step) => {
    const rows = sampler.nextBatch();
    const input = selectRows(inputs, rows).values;
    dropOut(input, recipe.inputDropout, random);
    const result = session.compute(
      network.forward(input),
      rows.map((row) => labels[row]),
    );
    network.backward(result.gradient);
    adam.step(fallingRate(recipe.learningRate, step, steps));
    progress.advance(`loss ${result.loss.toFixed(2)}`);
    return result.loss;
  });
  progress.stop();
  return losses;
}

function samplerOf({ labels }: Pick<Part, 'labels'>, seed: number) {
  const { classes, picturesPerClass } = recipe.batch;
  return pkSampler({ labels, classesPerBatch: classes, samplesPerClass: picturesPerClass, seed });
}

/** Of each row its greatest similarity to a row of another class, and its least to one of its own. */
function hardestPairs(network: Network, part: Part, rows: readonly number[], engine: EngineName): SimilarityPair[] {
  const { values, dim } = network.embed(selectRows(part.inputs, rows));
  const similarities = computeSimilarity(values, { dim, engine });
  return rows.map((row, i) => {
    const others = rows.map((_, j) => j).filter((j) => j !== i);
    const isPositive = (j: number) => part.labels[rows[j]] === part.labels[row];
    const similarityOf = (j: number) => similarities[i * rows.length + j];
    const sn = Math.max(...others.filter((j) => !isPositive(j)).map(similarityOf));
    const sp = Math.min(...others.filter(isPositive).map(similarityOf));
    return [shortened(sn), shortened(sp)];
  });
}

/** Four decimals: finer than a picture shows. */
const shortened = (value: number) => Math.round(value * 1e4) / 1e4;
