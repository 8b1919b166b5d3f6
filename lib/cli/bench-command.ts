/** `circle-loss bench`: how fast loss and gradient are here, in a few seconds. A clone's `npm run bench` has the peers. */
import { arch, availableParallelism, cpus } from 'node:os';
import { setImmediate as breathe } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { createPairLoss, type EngineInfo, type EngineName, engines } from '../index.ts';
import { streamOf } from '../random.ts';
import { exitCodes } from './exit-codes.ts';
import { countFrom, jsonOption, type Refuse, refusalOf } from './options.ts';
import { print, printJson, tableOf } from './output.ts';
import { type Progress, terminalProgress } from './progress.ts';

interface Shape {
  rows: number;
  dim: number;
}

/** A batch of training, a large one, and one as large as a class head's. */
const shapes: readonly Shape[] = [
  { rows: 256, dim: 128 },
  { rows: 1024, dim: 512 },
  { rows: 4096, dim: 512 },
];
const samplesPerClass = 4;
const seed = 1;

/** A case ends after so much time, but not before the least number of steps; steps that warm up are extra. */
const millisecondsPerCase = 600;
const leastSteps = 3;
const warmUpSteps = 1;
/** Multiplications and additions above which an engine in plain TypeScript takes longer than anybody wants to wait. */
const mostOfReference = 1e9;

interface Timing extends Shape {
  engine: string;
  variant?: string;
  steps: number;
  medianMs: number;
  /** Between the quartiles. */
  interquartileRangeMs: number;
  pairsPerSecond: number;
  gflopPerSecond: number;
}

/** The similarities N × N, and their product with the rows: what the definition says, whatever an engine saves. */
const operationsOf = ({ rows, dim }: Shape) => 2 * 2 * rows * rows * dim;

interface BenchOptions {
  engine: EngineName;
  threads?: number;
  json?: boolean;
}

export function addBench(program: Command): void {
  const command = program
    .command('bench')
    .description('Time Circle loss with its gradient on this machine, on each engine that works: some seconds.')
    .addOption(
      new Option('--engine <name>', "only one; 'auto': all that work")
        .choices(['auto', 'cpu', 'cuda', 'reference'])
        .default('auto'),
    )
    .option('--threads <count>', "of engine 'cpu' (default: all cores)", countFrom(1))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
GFLOP/s counts 4 × rows × rows × dim operations, similarities and gradient; the reference engine runs the small shape only.

Examples:
  $ circle-loss bench
  $ circle-loss bench --engine cpu --threads 1 --json
${exitCodes}`,
    )
    .action(async (options: BenchOptions) => {
      const timings = await timeAll(options, terminalProgress(), refusalOf(command));
      const machine = `${cpus()[0]?.model ?? arch()}, ${availableParallelism()} threads, Node ${process.versions.node}`;
      if (options.json) return printJson({ machine, seed, timings });
      print(`${machine}\n`);
      const header = ['engine', 'batch', 'median ms', 'quartiles ±', 'steps', 'Mpairs/s', 'GFLOP/s'];
      print(tableOf(header, timings.map(rowOf)));
    });
}

function rowOf(timing: Timing): string[] {
  const { engine, variant, rows, dim, steps, medianMs, interquartileRangeMs, pairsPerSecond, gflopPerSecond } = timing;
  return [
    variant === undefined ? engine : `${engine} (${variant})`,
    `${rows} × ${dim}`,
    medianMs.toFixed(2),
    (interquartileRangeMs / 2).toFixed(2),
    String(steps),
    (pairsPerSecond / 1e6).toFixed(1),
    gflopPerSecond.toFixed(1),
  ];
}

async function timeAll({ engine, threads }: BenchOptions, progress: Progress, refuse: Refuse): Promise<Timing[]> {
  if (threads !== undefined && engine !== 'auto' && engine !== 'cpu') {
    refuse("--threads is of engine 'cpu'.");
  }
  // A named engine that does not work says why when it is called.
  const chosen = engines().filter(({ name, available }) => (engine === 'auto' ? available : name === engine));
  const cases = chosen.flatMap((info) =>
    shapes
      .filter((shape) => info.name !== 'reference' || operationsOf(shape) < mostOfReference)
      .map((shape) => ({ info, shape })),
  );
  const bar = await progress.begin('timing', cases.length);
  const timings: Timing[] = [];
  for (const { info, shape } of cases) {
    timings.push(await time(info, shape, info.name === 'cpu' ? threads : undefined));
    bar.advance(1);
  }
  bar.end();
  return timings;
}

async function time({ name, variant }: EngineInfo, shape: Shape, threads: number | undefined): Promise<Timing> {
  const { median, interquartileRange } = await import('simple-statistics');
  const { rows, dim } = shape;
  const random = streamOf(seed, rows);
  const embeddings = Float32Array.from({ length: rows * dim }, () => 2 * uniformFloat32(random) - 1);
  const labels = Int32Array.from({ length: rows }, (_, row) => Math.floor(row / samplesPerClass));
  using step = createPairLoss({ dim, pairLoss: { type: 'circle' }, engine: name, threads });
  const times: number[] = [];
  const start = performance.now();
  for (let run = -warmUpSteps; run < leastSteps || performance.now() - start < millisecondsPerCase; run++) {
    const begin = performance.now();
    step.compute(embeddings, labels);
    if (run >= 0) times.push(performance.now() - begin);
    await breathe(); // so that a bar moves
  }
  const seconds = median(times) / 1000;
  return {
    engine: name,
    ...(variant !== undefined && { variant }),
    ...shape,
    steps: times.length,
    medianMs: median(times),
    interquartileRangeMs: interquartileRange(times),
    pairsPerSecond: (rows * rows) / seconds,
    gflopPerSecond: operationsOf(shape) / seconds / 1e9,
  };
}
