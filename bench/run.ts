/**
 * The comparison table. For each workload: every contender in a process of its own, answers checked against double
 * precision, rounds interleaved; then Markdown, JSON and a chart in `results/`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import { toSvg } from './chart.ts';
import { allContenders } from './contenders.ts';
import { describeMachine } from './machine.ts';
import { toMarkdown } from './markdown.ts';
import { measure } from './measure.ts';
import { type Summary, summarize } from './summary.ts';
import { quickWorkloads, workloads } from './workloads.ts';

interface Options {
  quick?: boolean;
  json?: boolean;
  filter: RegExp;
  contenders: RegExp;
  rounds: number;
  out: string;
}

const options = new Command('bench')
  .description(
    'Times loss and gradient of this package and its peers on the same problems, after checking the answers.',
  )
  .option('--quick', 'small workloads and one round: checks that everything runs and agrees, says nothing about speed')
  .option('--json', 'print the results as JSON instead of Markdown')
  .option('--filter <regex>', 'workloads whose name matches', toRegExp, /./)
  .option('--contenders <regex>', 'contenders whose name matches', toRegExp, /./)
  .option('--rounds <count>', 'interleaved rounds', toCount, 7)
  .option('--out <folder>', 'where the results go', join(import.meta.dirname, 'results'))
  .parse()
  .opts<Options>();

process.once('SIGINT', () => process.exit(130));

const chosenWorkloads = (options.quick ? quickWorkloads : workloads).filter(({ name }) => options.filter.test(name));
const contenders = allContenders().filter(({ name }) => options.contenders.test(name));
const steps = options.quick ? 'one' : 'many';
const summaries = await runAll();
const machine = describeMachine();
writeResults();
if (chosenWorkloads.length === 0 || contenders.length === 0) complain('nothing matches --filter and --contenders');
for (const { workload, lines } of summaries) {
  for (const { contender, status, reason } of lines) {
    if (status === 'disagrees' || status === 'failed') complain(`${workload.name}, ${contender}: ${status}, ${reason}`);
  }
}

async function runAll(): Promise<Summary[]> {
  const bar = new SingleBar({ format: '{bar} {value}/{total} {workload}: {what}', stopOnComplete: true, barsize: 20 });
  bar.start(chosenWorkloads.length, 0, { workload: '', what: 'building peers' });
  const result: Summary[] = [];
  for (const workload of chosenWorkloads) {
    const report = (what: string) => bar.update({ workload: workload.name, what });
    const effort = options.quick
      ? { rounds: 1, steps: 'one' as const }
      : { rounds: options.rounds, steps: 'many' as const };
    result.push(summarize(await measure(workload, contenders, { ...effort, report })));
    bar.increment();
  }
  bar.stop();
  return result;
}

function writeResults(): void {
  const folder = options.out;
  mkdirSync(folder, { recursive: true });
  const markdown = toMarkdown(machine, summaries, steps);
  const json = JSON.stringify({ machine, summaries }, null, 2);
  writeFileSync(join(folder, 'results.md'), markdown);
  writeFileSync(join(folder, 'results.json'), json);
  writeFileSync(join(folder, 'results.svg'), toSvg(summaries));
  process.stdout.write(options.json ? `${json}\n` : markdown);
}

function complain(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}

function toRegExp(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function toCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('It must be an integer from 1.');
  return count;
}
