/**
 * What judging embeddings costs: metrics and nearest neighbours of large sets, beside the bare product that has all their
 * similarities, and beside FAISS. Each contender is a process; in each round every one of a workload has one step.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluateFolds, evaluateVerification, similaritiesOfPairs } from 'circle-loss/metrics';
import { Command } from 'commander';
import { markdownTable } from 'markdown-table';
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { interquartileRange, median } from 'simple-statistics';
import { ContenderProcess, peakBytes } from './contenders/process.ts';
import { describeMachine } from './machine.ts';
import { significant } from './markdown.ts';
import { buildPeer } from './peers/build.ts';
import { makeData, type Workload, writeData } from './workloads.ts';

const { rounds, filter, quick } = new Command('npm run --workspace bench retrieval --')
  .description('Times retrieval metrics and nearest neighbours.')
  .option('--rounds <count>', 'rounds; every contender has one step in each', Number, 5)
  .option('--filter <expression>', 'workloads whose name matches', '')
  .option('--quick', 'small problems, one round: everything runs')
  .parse()
  .opts<{ rounds: number; filter: string; quick?: true }>();

const common = { margin: 0.25, gamma: 64 };

const workloads: Workload[] = [
  {
    ...common,
    name: 'retrieval, 60,000 of 512',
    source: 'the size of SOP: 60,502 test pictures of 11,316 products, each against all others',
    kind: 'pair-wise',
    anchors: 60_000,
    candidates: 60_000,
    dim: 512,
    perClass: 5,
  },
  {
    ...common,
    name: 're-identification, 3,400 against 20,000 of 2048',
    source: 'the size of Market-1501: 3,368 queries, 19,732 gallery pictures, pooled ResNet-50 features',
    kind: 'memory',
    anchors: 3400,
    candidates: 20_000,
    dim: 2048,
    perClass: 4,
  },
];

const small = (workload: Workload): Workload => ({
  ...workload,
  anchors: 300,
  candidates: workload.kind === 'pair-wise' ? 300 : 500,
  dim: 32,
});

interface Contender {
  name: string;
  file: string;
  args: string[];
  env?: Record<string, string>;
}

function contendersOf({ kind }: Workload): Contender[] {
  const script = join(import.meta.dirname, 'contenders', 'search.ts');
  const loader = import.meta.resolve('tsx');
  const own = (search: string) => ({ file: process.execPath, args: ['--import', loader, script, search] });
  const metric = kind === 'pair-wise' ? 'retrieval' : 're-identification';
  const blas = buildPeer('openblas_products', ['-lopenblas'], 'install libopenblas-dev');
  const list: Contender[] = [
    { name: metric === 'retrieval' ? 'evaluateRetrieval' : 'evaluateReIdentification', ...own(metric) },
    { name: 'findNearest, k = 10', ...own('nearest') },
  ];
  if ('program' in blas) list.push({ name: 'OpenBLAS product', file: blas.program, args: ['similarities'] });
  else console.error(blas.reason);
  const python = process.env.BENCH_PYTHON ?? 'python3';
  list.push({ name: 'FAISS, k = 10', file: python, args: [join(import.meta.dirname, 'peers', 'faiss_search.py')] });
  return list;
}

interface Timed {
  name: string;
  version: string;
  peak: number | undefined;
  samples: number[];
}

async function measure(workload: Workload): Promise<Timed[]> {
  const folder = mkdtempSync(join(tmpdir(), 'circle-loss-bench-'));
  writeData(makeData(workload), folder);
  const timed: { child: ContenderProcess; result: Timed }[] = [];
  for (const { name, file, args } of contendersOf(workload)) {
    const child = new ContenderProcess({ file, args, env: {} }, folder);
    try {
      const { version = '' } = await child.prepare(workload);
      await child.request('compute'); // memory is touched
      timed.push({ child, result: { name, version, peak: peakBytes(child.pid), samples: [] } });
    } catch (error) {
      console.error(`${name}: ${(error as Error).message}`);
    }
  }
  for (let round = 0; round < (quick ? 1 : rounds); round++) {
    for (let i = 0; i < timed.length; i++) {
      const { child, result } = timed[(i + round) % timed.length];
      result.samples.push(...(await child.time(1)));
    }
  }
  for (const { child } of timed) await child.end();
  rmSync(folder, { recursive: true });
  return timed.map(({ result }) => result);
}

/** Pairs of a protocol, as LFW and IJB-C have them: their scores are there, and metrics are made of them. */
function timePairs(): string[][] {
  const sets = [
    { name: 'LFW: 6,000 pairs of 512, 10 folds', pairs: quick ? 60 : 6000, dim: 512, folds: 10 },
    { name: 'IJB-C: 15,658,489 scores', pairs: quick ? 1000 : 15_658_489, dim: 0, folds: 0 },
  ];
  return sets.map(({ name, pairs, dim, folds }) => {
    const random = xoroshiro128plus(pairs);
    const draw = () => uniformFloat32(random);
    const same = Uint8Array.from({ length: pairs }, (_, pair) => Number(pair % 2 === 0));
    const embeddings = Float32Array.from({ length: 2 * pairs * dim }, draw);
    const scores = Float32Array.from({ length: pairs }, (_, pair) => draw() + same[pair] / 2);
    const listed = Int32Array.from({ length: dim === 0 ? 0 : 2 * pairs }, (_, row) => row);
    const judge = () => {
      const similarities = dim === 0 ? scores : similaritiesOfPairs(embeddings, listed, { dim });
      evaluateVerification(similarities, same);
      if (folds > 0) evaluateFolds(similarities, same, { folds });
    };
    judge();
    const samples = Array.from({ length: quick ? 1 : rounds }, () => {
      const start = performance.now();
      judge();
      return performance.now() - start;
    });
    return [name, significant(median(samples)), significant(interquartileRange(samples))];
  });
}

const { cpu, parallelism, node, commit } = describeMachine();
console.log(`${cpu}, ${parallelism} threads, Node.js ${node}, commit ${commit}\n`);
for (const workload of workloads.filter(({ name }) => new RegExp(filter).test(name))) {
  const timed = await measure(quick ? small(workload) : workload);
  const product = timed.find(({ name }) => name.startsWith('OpenBLAS'));
  const rows = timed.map(({ name, version, peak, samples }) => [
    name,
    version.split(' ').slice(0, 2).join(' '),
    significant(median(samples)),
    significant(interquartileRange(samples)),
    product ? (median(samples) / median(product.samples)).toFixed(2) : '',
    peak === undefined ? '' : `${(peak / 2 ** 20).toFixed(0)} MiB`,
  ]);
  const header = ['', 'version', 'median ms', 'spread ms', '× product', 'peak memory'];
  console.log(`${workload.name}: ${workload.source}\n`);
  console.log(`${markdownTable([header, ...rows], { align: ['l', 'l', 'r', 'r', 'r', 'r'] })}\n`);
}
if (new RegExp(filter).test('pairs')) {
  console.log(markdownTable([['pairs', 'median ms', 'spread ms'], ...timePairs()], { align: ['l', 'r', 'r'] }));
}
