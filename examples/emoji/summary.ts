/** What a run came to, in words: for the terminal and for the report. */
import { cpus } from 'node:os';
import type { Catalogue } from '../data/catalogue.ts';
import type { Part } from '../data/data-set.ts';
import type { TrainingOptions } from '../network/trainer.ts';
import { variantOf } from '../terminal/engine.ts';
import type { Fact, Measure } from './report.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { VendorScores } from './vendor-test.ts';

export interface TrainingRun {
  /** The loss of each step's batch. */
  losses: number[];
  /** The engine that computed it. */
  engine: string;
  /** Seconds inside the loss, of all steps. */
  lossSeconds: number;
}

export function compare(before: VendorScores, after: VendorScores): Measure[] {
  return [
    { name: 'Recall@1, leave one out', before: before.leaveOneOut.precisionAt1, after: after.leaveOneOut.precisionAt1 },
    {
      name: 'Twemoji asks: rank-1',
      before: before.acrossVendors.precisionAt1,
      after: after.acrossVendors.precisionAt1,
    },
    { name: 'Twemoji asks: mAP', before: before.acrossVendors.map, after: after.acrossVendors.map },
  ];
}

export function printMeasures(measures: readonly Measure[]): void {
  for (const { name, before, after } of measures) {
    console.log(`${name.padEnd(24)} ${before.toFixed(3)} before, ${after.toFixed(3)} after`);
  }
}

export interface Run {
  catalogue: Catalogue;
  training: Part;
  test: Part;
  /** Of the network's layers. */
  sizes: readonly number[];
  settings: TrainingOptions;
  run: TrainingRun;
  watch: Stopwatch;
}

export function describeRun({ catalogue, training, test, sizes, settings, run, watch }: Run): Fact[] {
  const { steps, batch, margin, gamma, learningRate } = settings;
  const processors = cpus();
  return [
    [
      'Pictures',
      `${catalogue.labels.length} of ${catalogue.names.length} emoji; ${training.pictures.length} to learn from, ${test.pictures.length} in the test`,
    ],
    ['Network', `${sizes.join(' → ')}, ReLU between layers`],
    ['Loss', `Circle loss between the pictures of a batch, m = ${margin}, γ = ${gamma}`],
    [
      'Training',
      `${steps} steps of ${batch.classes} classes × ${batch.picturesPerClass} pictures, Adam at ${learningRate}`,
    ],
    [
      'Engine',
      `${run.engine}${variantOf(run.engine)}, ${((1000 * run.lossSeconds) / steps).toFixed(2)} ms a step for loss and gradient`,
    ],
    ['Machine', `${processors[0]?.model.trim()}, ${processors.length} logical processors, Node ${process.version}`],
    ['Time', watch.summary()],
  ];
}
