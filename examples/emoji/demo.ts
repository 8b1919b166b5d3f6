/**
 * Emoji of six vendors → features → an embedding trained with Circle loss → retrieval of emoji that it never saw.
 * `main` is the walk through it.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Catalogue, loadPixels, picturePixels, readCatalogue } from './data.ts';
import { computeFeatures, standardize } from './features.ts';
import { productOf } from './matrix.ts';
import { Network } from './network.ts';
import { type DemoOptions, readOptions } from './options.ts';
import { startProgress } from './progress.ts';
import { Random } from './random.ts';
import { writeReport } from './report.ts';
import { type Rows, selectRows } from './rows.ts';
import { Stopwatch } from './stopwatch.ts';
import { chooseEngine, compare, describeRun, printMeasures } from './summary.ts';
import { type TrainingOptions, type TrainingRun, train } from './trainer.ts';
import { VendorTest } from './vendor-test.ts';

const testShare = 0.4;
const embeddingDim = 128;
const recipe = {
  batch: { classes: 64, picturesPerClass: 4 },
  margin: 0.25,
  gamma: 64,
  learningRate: 3e-3,
  inputDropout: 0.2,
};

await main(readOptions());

async function main(options: DemoOptions): Promise<void> {
  const engine = chooseEngine(options.engine);
  const random = new Random(options.seed);
  const watch = new Stopwatch();

  const catalogue = readCatalogue(options.classLimit);
  const { training, test } = split(catalogue, random);
  watch.lap('reading');
  const pixels = await drawPictures(catalogue);
  watch.lap('drawing');
  const features = describePictures(pixels, training);
  watch.lap('features');

  const vendorTest = new VendorTest(catalogue, test, engine);
  const before = selectRows(features, test);
  const scoresBefore = vendorTest.score('Test before training', before);
  watch.lap('test before');
  const inputs = standardize(features, training);
  const network = new Network([features.dim, ...hiddenLayers(options), embeddingDim], productOf(engine), random);
  const settings: TrainingOptions = { ...recipe, steps: options.steps, engine };
  const run = learn(network, selectRows(inputs, training), labelsOf(catalogue, training), settings, random);
  watch.lap('training');
  const after = network.embed(selectRows(inputs, test));
  const scoresAfter = vendorTest.score('Test after training', after);
  watch.lap('test after');

  const measures = compare(scoresBefore, scoresAfter);
  const sections = vendorTest.chooseAnswers(before, after, random);
  watch.lap('choosing answers');
  const facts = describeRun({ catalogue, training, test, sizes: network.sizes, settings, run, watch });
  await writeReport(options.out, catalogue, { measures, losses: run.losses, sections, facts });
  printMeasures(measures);
  console.log(`${watch.seconds().toFixed(0)} s in all. Report: ${pathToFileURL(options.out)}`);
}

/** Whole classes to one side or the other: the test asks about emoji that training never saw. */
function split({ names, labels }: Catalogue, random: Random): { training: number[]; test: number[] } {
  const testClasses = new Set(random.sample([...names.keys()], Math.round(testShare * names.length)));
  const pictures = [...labels.keys()];
  return {
    training: pictures.filter((picture) => !testClasses.has(labels[picture])),
    test: pictures.filter((picture) => testClasses.has(labels[picture])),
  };
}

async function drawPictures(catalogue: Catalogue): Promise<Uint8Array> {
  const progress = startProgress('Drawing', catalogue.labels.length);
  const pixels = await loadPixels(catalogue, join(import.meta.dirname, '.cache'), progress.advance);
  progress.stop();
  return pixels;
}

function describePictures(pixels: Uint8Array, training: readonly number[]): Rows {
  const progress = startProgress('Features', pixels.length / picturePixels);
  const features = computeFeatures(pixels, training, progress.advance);
  progress.stop();
  return features;
}

function hiddenLayers({ hidden }: DemoOptions): number[] {
  return hidden > 0 ? [hidden] : [];
}

function labelsOf({ labels }: Catalogue, pictures: readonly number[]): Int32Array {
  return Int32Array.from(pictures, (picture) => labels[picture]);
}

function learn(
  network: Network,
  features: Rows,
  labels: Int32Array,
  settings: TrainingOptions,
  random: Random,
): TrainingRun {
  const progress = startProgress('Training', settings.steps);
  const run = train(network, features, labels, settings, random, (loss) => progress.advance(`loss ${loss.toFixed(2)}`));
  progress.stop();
  return run;
}
