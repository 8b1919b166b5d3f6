/** The numbers of the report, from the samples. */
import { interquartileRange, median } from 'simple-statistics';
import { type Measurement, type Outcome, peakKey } from './measure.ts';
import { nominalFlops, type Workload } from './workloads.ts';

export interface Line {
  readonly contender: string;
  readonly status: Outcome['status'];
  readonly reason: string | undefined;
  readonly version: string | undefined;
  readonly threads: number;
  readonly inChart: boolean;
  readonly lossError: number | undefined;
  readonly gradientError: number | undefined;
  readonly extraBytes: number | undefined;
  readonly timing: Timing | undefined;
}

export interface Timing {
  readonly samples: number;
  readonly medianMs: number;
  /** Interquartile range. */
  readonly spreadMs: number;
  /** Median over that of this package's main contender. */
  readonly ratioToOurs: number | undefined;
  /** Nominal flops a second. */
  readonly gflops: number;
  /** Of the multiply-add peak that the same instruction set and number of threads reached between the rounds. */
  readonly shareOfPeak: number | undefined;
}

export interface Summary {
  readonly workload: Workload;
  readonly nominalGflop: number;
  readonly trueLoss: number;
  /** Instruction set and threads → GFLOP/s of the register loop. */
  readonly peakGflops: Readonly<Record<string, number>>;
  readonly lines: readonly Line[];
}

export function summarize({ workload, trueLoss, outcomes, peaks }: Measurement): Summary {
  const ours = outcomes.find(({ contender, samples }) => contender.isOurs === true && samples.length > 0);
  const ourMedian = ours === undefined ? undefined : median([...ours.samples]);
  const flops = nominalFlops(workload);
  const peakGflops = Object.fromEntries([...peaks].map(([key, values]) => [key, median([...values])]));
  const timing = ({ contender, samples }: Outcome): Timing => {
    const medianMs = median([...samples]);
    const gflops = flops / medianMs / 1e6;
    const peak = peakGflops[peakKey(contender)];
    return {
      samples: samples.length,
      medianMs,
      spreadMs: interquartileRange([...samples]),
      ratioToOurs: ourMedian === undefined ? undefined : medianMs / ourMedian,
      gflops,
      shareOfPeak: peak === undefined ? undefined : gflops / peak,
    };
  };
  const line = (outcome: Outcome): Line => ({
    contender: outcome.contender.name,
    status: outcome.status,
    reason: outcome.reason,
    version: outcome.version,
    threads: outcome.contender.threads,
    inChart: outcome.contender.inChart === true,
    lossError: outcome.agreement?.lossError,
    gradientError: outcome.agreement?.gradientError,
    extraBytes: outcome.extraBytes,
    timing: outcome.samples.length > 0 ? timing(outcome) : undefined,
  });
  return { workload, nominalGflop: flops / 1e9, trueLoss, peakGflops, lines: outcomes.map(line) };
}
