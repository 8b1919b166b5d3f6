/** Draws the paper's figures from what the engines compute, and builds the explorer. `main` is the walk. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineName } from 'circle-loss';
import { chooseEngine } from '../../terminal/engine.ts';
import { drawBoundaries } from './boundary-figure.ts';
import { readComparison } from './comparison-data.ts';
import { buildExplorer } from './explorer/build.ts';
import { drawGradientSurfaces, drawGradients } from './gradient-figures.ts';
import { type FigureOptions, readOptions } from './options.ts';
import { trainForFigures } from './training.ts';
import { hasTrainingData, readTrainingData, writeTrainingData } from './training-data.ts';
import { drawCurves, drawScatter } from './training-figures.ts';

await main(readOptions());

async function main({ out, train, comparison, data, ...training }: FigureOptions): Promise<void> {
  const engine = chooseEngine(training.engine);
  const folder = join(out, 'figures');
  await mkdir(folder, { recursive: true });
  if (train) await writeTrainingData(folder, await trainForFigures({ ...training, engine }));
  if (comparison) await writeTrainingData(folder, await readComparison(comparison, data, training.seed));
  const figures = { ...fromEngine(engine), ...(await fromTraining(folder, engine)) };
  for (const [name, svg] of Object.entries(figures)) await report(join(folder, `${name}.svg`), svg);
  await report(join(out, 'explorer.html'), await buildExplorer());
}

function fromEngine(engine: EngineName): Record<string, string> {
  return {
    gradients: drawGradients(engine),
    'gradient-surfaces': drawGradientSurfaces(engine),
    boundaries: drawBoundaries(engine),
  };
}

async function fromTraining(folder: string, engine: EngineName): Promise<Record<string, string>> {
  if (!hasTrainingData(folder)) {
    console.log(`No curves.json and scatter.json in ${folder}: no figures of a training. --train makes them.`);
    return {};
  }
  const { curves, scatter } = await readTrainingData(folder);
  return { scatter: drawScatter(scatter, engine), curves: drawCurves(curves) };
}

async function report(file: string, text: string): Promise<void> {
  await writeFile(file, text);
  console.log(`${String(Math.ceil(Buffer.byteLength(text) / 1024)).padStart(4)} KiB  ${file}`);
}
