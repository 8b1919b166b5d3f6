/** The report as a Markdown table a workload. */
import { markdownTable } from 'markdown-table';
import type { Machine } from './machine.ts';
import type { StepsPerRound } from './measure.ts';
import type { Line, Summary } from './summary.ts';

export function toMarkdown(machine: Machine, summaries: readonly Summary[], steps: StepsPerRound): string {
  const versions = new Set([`Node.js ${machine.node}`]);
  for (const { version } of summaries.flatMap(({ lines }) => lines)) if (version !== undefined) versions.add(version);
  const parts = [
    '# Loss and gradient, milliseconds a step',
    '',
    `- Machine: ${machine.cpu}, ${machine.parallelism} threads, ${bytes(machine.memoryBytes)}, ${machine.system}`,
    `- Versions: ${[...versions].join(', ')}`,
    `- Commit: ${machine.commit || 'unknown'}`,
    `- Command: \`${machine.command}\`, ${machine.date}`,
    '',
    '![Medians of all workloads](results.svg)',
    ...(steps === 'one' ? ['', '**Quick check: one cold step each. The times say nothing.**'] : []),
  ];
  for (const summary of summaries) parts.push('', ...workloadSection(summary));
  return `${parts.join('\n')}\n`;
}

const header = [
  'contender',
  'median ms',
  'spread ms',
  '× ours',
  'extra memory',
  'GFLOP/s',
  '% of peak',
  'gradient error',
];

function workloadSection({ workload, nominalGflop, peakGflops, lines }: Summary): string[] {
  const timed = lines.filter(({ timing }) => timing !== undefined);
  const others = lines.filter(({ timing }) => timing === undefined);
  const peaks = Object.entries(peakGflops).map(([key, value]) => `${key}t ${value.toFixed(0)}`);
  return [
    `## ${workload.name}`,
    '',
    `${workload.source}. ${significant(nominalGflop)} GFLOP nominal; peak GFLOP/s ${peaks.join(', ') || 'not measured'}.`,
    '',
    markdownTable([header, ...timed.map(tableRow)], { align: ['l', 'r', 'r', 'r', 'r', 'r', 'r', 'r'] }),
    ...(others.length === 0 ? [] : ['', 'Not timed:', '', ...others.map(notTimed)]),
  ];
}

function tableRow({ contender, timing, extraBytes, gradientError }: Line): string[] {
  const { medianMs, spreadMs, ratioToOurs, gflops, shareOfPeak } = timing!;
  return [
    contender,
    significant(medianMs),
    significant(spreadMs),
    ratioToOurs === undefined ? '' : ratioToOurs.toFixed(2),
    extraBytes === undefined ? '' : bytes(extraBytes),
    significant(gflops),
    shareOfPeak === undefined ? '' : (100 * shareOfPeak).toFixed(0),
    gradientError === undefined ? '' : gradientError.toExponential(0),
  ];
}

function notTimed({ contender, status, reason }: Line): string {
  return `- ${contender}: ${status}${reason === undefined || reason === status ? '' : ` (${reason})`}`;
}

/** Three digits, without an exponent from 0.001 up. */
export function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function bytes(count: number): string {
  const mebibytes = count / 2 ** 20;
  return mebibytes >= 1024 ? `${(mebibytes / 1024).toFixed(1)} GiB` : `${mebibytes.toFixed(1)} MiB`;
}
