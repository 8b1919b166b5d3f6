/**
 * Class weights and a memory, in a training loop by hand. Half-way the class weights are saved, read back and trained on.
 * `main` is the walk through it, `learn.ts` has the loop.
 */
import { createClassHead, createMemoryBank, type EngineName, type MemoryBank } from 'circle-loss';
import { describeClasses } from '../data/class-judgement.ts';
import { loadDataSet, type Part } from '../data/data-set.ts';
import { Random } from '../data/random.ts';
import { describeRecall, recallAt1 } from '../data/recall.ts';
import { productOf } from '../network/matrix.ts';
import { Network } from '../network/network.ts';
import { embeddingDim, hiddenUnits, recipe } from '../network/recipe.ts';
import { chooseEngine } from '../terminal/engine.ts';
import { startProgress } from '../terminal/progress.ts';
import { type LearningOptions, learn, type Model } from './learn.ts';
import { type HeadOptions, readOptions } from './options.ts';
import { type Resumption, saveAndResume, saveHead } from './resume.ts';
import { describeGuess, describeResumption, judgeClasses } from './summary.ts';

const pairLoss = { type: 'circle', margin: recipe.margin, gamma: recipe.gamma } as const;

/** Of the class weights. From 0.03 to 0.1 they learn these emoji alike; with 1 and more, less well. */
const learningRate = 0.1;

await main(readOptions());

async function main(options: HeadOptions): Promise<void> {
  const engine = chooseEngine(options.engine);
  const random = new Random(options.seed);
  const { catalogue, training, test } = await loadDataSet({ classLimit: options.classLimit, random });
  const network = new Network([test.inputs.dim, hiddenUnits, embeddingDim], productOf(engine), random);
  const model: Model = { network, head: createHead(training.classCount, engine, options) };
  using bank = createMemoryBank({ capacity: options.memory, dim: embeddingDim, pairLoss, engine });

  const recallBefore = recallAt1(test.features, test, engine);
  const classesBefore = judgeClasses(model, training);
  const settings = { ...options, classLearningRate: learningRate, random };
  const resumption = await train(model, bank, training, settings);
  const classesAfter = judgeClasses(model, training);
  const recallAfter = recallAt1(network.embed(test.inputs), test, engine);

  await saveHead(model.head, options.out);
  const example = Math.floor(random.fraction() * training.pictures.length);
  console.log(describeResumption(resumption));
  console.log(`Memory          ${bank.size} embeddings of past batches at the end`);
  console.log(describeClasses(classesBefore, classesAfter, training));
  console.log(describeGuess(model, example, training, catalogue));
  console.log(describeRecall(recallBefore, recallAfter, test));
  console.log(`Head            ${options.out}`);
  model.head.dispose();
}

function createHead(classes: number, engine: EngineName, { sampleRate, seed }: HeadOptions) {
  const optimizer = { type: 'sgd', learningRate, momentum: 0.9 } as const;
  return createClassHead({ classes, dim: embeddingDim, pairLoss, optimizer, sampleRate, seed, engine });
}

/** Trains the model; half-way it gets the head that it has written to a file. */
async function train(
  model: Model,
  bank: MemoryBank,
  training: Part,
  options: LearningOptions & { out: string },
): Promise<Resumption> {
  const half = Math.ceil(options.steps / 2);
  let resumption: Resumption | undefined;
  const progress = startProgress('Training', options.steps);
  for (const { steps, classLoss, pairLoss } of learn(model, bank, training, options)) {
    progress.advance(`loss ${classLoss.toFixed(2)} of classes, ${pairLoss.toFixed(2)} of pairs`);
    if (steps === half) resumption = await saveAndResume(model, options.out, training);
  }
  progress.stop();
  return resumption!;
}
