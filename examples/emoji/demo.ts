/**
 * Emoji of six vendors → features → an embedding trained with Circle loss → retrieval of emoji that it never saw.
 * `main` is the walk through it.
 */
import { pathToFileURL } from 'node:url';
import { loadDataSet, type Part } from '../data/data-set.ts';
import { Random } from '../data/random.ts';
import { productOf } from '../network/matrix.ts';
import { Network } from '../network/network.ts';
import { embeddingDim, recipe } from '../network/recipe.ts';
import { type TrainingOptions, train } from '../network/trainer.ts';
import { chooseEngine } from '../terminal/engine.ts';
import { startProgress } from '../terminal/progress.ts';
import { type DemoOptions, readOptions } from './options.ts';
import { writeReport } from './report.ts';
import { Stopwatch } from './stopwatch.ts';
import { compare, describeRun, printMeasures, type TrainingRun } from './summary.ts';
import { VendorTest } from './vendor-test.ts';

await main(readOptions());

async function main(options: DemoOptions): Promise<void> {
  const engine = chooseEngine(options.engine);
  const random = new Random(options.seed);
  const watch = new Stopwatch();

  const onStage = (name: string) => watch.lap(name);
  const { catalogue, training, test } = await loadDataSet({ classLimit: options.classLimit, random, onStage });

  const vendorTest = new VendorTest(catalogue, test.pictures, engine);
  const before = test.features;
  const scoresBefore = vendorTest.score(before);
  watch.lap('test before');
  const sizes = [test.inputs.dim, ...hiddenLayers(options), embeddingDim];
  const network = new Network(sizes, productOf(engine), random);
  const settings: TrainingOptions = { ...recipe, steps: options.steps, seed: options.seed, engine };
  const run = learn(network, training, settings, random);
  watch.lap('training');
  const after = network.embed(test.inputs);
  const scoresAfter = vendorTest.score(after);
  watch.lap('test after');

  const measures = compare(scoresBefore, scoresAfter);
  const sections = vendorTest.chooseAnswers(before, after, random);
  watch.lap('choosing answers');
  const facts = describeRun({ catalogue, training, test, sizes, settings, run, watch });
  await writeReport(options.out, catalogue, { measures, losses: run.losses, sections, facts });
  printMeasures(measures);
  console.log(`${watch.seconds().toFixed(0)} s in all. Report: ${pathToFileURL(options.out)}`);
}

function hiddenLayers({ hidden }: DemoOptions): number[] {
  return hidden > 0 ? [hidden] : [];
}

function learn(network: Network, training: Part, settings: TrainingOptions, random: Random): TrainingRun {
  const progress = startProgress('Training', settings.steps);
  const run: TrainingRun = { losses: [], engine: '', lossSeconds: 0 };
  for (const { loss, engine, lossSeconds } of train(network, training.inputs, training.labels, settings, random)) {
    run.losses.push(loss);
    run.engine = engine;
    run.lossSeconds += lossSeconds;
    progress.advance(`loss ${loss.toFixed(2)}`);
  }
  progress.stop();
  return run;
}
