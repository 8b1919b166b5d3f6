/** One workload: data, truth, agreement of all contenders, then interleaved rounds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Agreement, compareWithTruth, productAgreement } from './agreement.ts';
import { ContenderProcess } from './contenders/process.ts';
import { type ContenderSpec, tooLarge } from './contenders.ts';
import { buildPeer } from './peers/build.ts';
import { computeTruth, type Truth } from './truth.ts';
import { makeData, type Workload, writeData } from './workloads.ts';

export interface Outcome {
  readonly contender: ContenderSpec;
  readonly status: 'timed' | 'disagrees' | 'failed' | 'unavailable' | 'too large';
  /** Why it was not timed. */
  readonly reason?: string;
  readonly agreement?: Agreement;
  /** Bytes by which its process grew in its first step, results included; undefined where there is no /proc. */
  readonly extraBytes?: number;
  /** Of the library, as it says itself. */
  readonly version?: string;
  /** Milliseconds a step. */
  readonly samples: readonly number[];
}

export interface Measurement {
  readonly workload: Workload;
  readonly trueLoss: number;
  readonly outcomes: readonly Outcome[];
  /** `peakKey` → GFLOP/s of the register loop, one number a round. */
  readonly peaks: ReadonlyMap<string, readonly number[]>;
}

/** `one`: a single step a round without warm-up, to see that it runs. */
export type StepsPerRound = 'one' | 'many';

export interface Plan {
  readonly rounds: number;
  readonly steps: StepsPerRound;
  /** Called before each piece of work, for the progress bar. */
  readonly report: (what: string) => void;
}

/** A contender gets this long in a round, but at least one step. */
const roundMilliseconds = 100;
/** A contender whose steps are long stops early after this much time, but not before three samples. */
const contenderMilliseconds = 4000;
const fewestSamples = 3;

interface Runner {
  readonly contender: ContenderSpec;
  readonly child: ContenderProcess;
  readonly version: string | undefined;
  readonly samples: number[];
  readonly agreement: Agreement;
  readonly extraBytes: number | undefined;
  stepsPerRound: number;
}

export async function measure(
  workload: Workload,
  contenders: readonly ContenderSpec[],
  plan: Plan,
): Promise<Measurement> {
  const root = mkdtempSync(join(tmpdir(), 'circle-loss-bench-'));
  const removeData = () => rmSync(root, { recursive: true, force: true });
  process.once('exit', removeData); // also when the user interrupts: there may be hundreds of megabytes
  const runners: Runner[] = [];
  try {
    plan.report('data and true answer');
    const data = makeData(workload);
    writeData(data, root);
    const truth = computeTruth(workload, data);
    const outcomes: Outcome[] = [];
    for (const contender of contenders) {
      plan.report(contender.name);
      const started = await start(contender, workload, truth, root);
      if ('child' in started) runners.push(started);
      else outcomes.push(started);
    }
    const peaks = await runRounds(runners, plan);
    outcomes.push(...runners.map(toOutcome));
    outcomes.sort((a, b) => contenders.indexOf(a.contender) - contenders.indexOf(b.contender));
    return { workload, trueLoss: truth.loss, outcomes, peaks };
  } finally {
    await Promise.all(runners.map(({ child }) => child.end()));
    removeData();
    process.off('exit', removeData);
  }
}

function toOutcome({ contender, version, samples, agreement, extraBytes }: Runner): Outcome {
  return { contender, status: 'timed', version, samples, agreement, extraBytes };
}

/** A contender that is ready to be timed, or the reason why it is not. */
async function start(
  contender: ContenderSpec,
  workload: Workload,
  truth: Truth,
  folder: string,
): Promise<Runner | Outcome> {
  const outcome = (status: Outcome['status'], more: Partial<Outcome>): Outcome => {
    return { contender, status, samples: [], ...more };
  };
  if ('unavailable' in contender.command) return outcome('unavailable', { reason: contender.command.unavailable });
  const reason = tooLarge(contender, workload);
  if (reason !== undefined) return outcome('too large', { reason });

  const child = new ContenderProcess(contender.command, folder);
  try {
    const { version } = await child.prepare(workload);
    const extraBytes = await child.computeMeasuringMemory();
    const answer = await child.request<{ loss?: number; productError?: number }>('write');
    const agreement =
      contender.computes === 'products'
        ? productAgreement(answer.productError!)
        : compareWithTruth(workload, truth, answer.loss!, folder);
    if (agreement.agrees) return { contender, child, version, samples: [], agreement, extraBytes, stepsPerRound: 1 };
    await child.end();
    const { lossError, gradientError } = agreement;
    const disagreement = `loss off by ${lossError.toExponential(1)}, gradient by ${gradientError.toExponential(1)}`;
    return outcome('disagrees', { reason: disagreement, agreement });
  } catch (error) {
    await child.end();
    return outcome('failed', { reason: (error as Error).message });
  }
}

/** Every round gives every contender its turn, starting one further each time, so that a slow minute hurts all alike. */
async function runRounds(runners: readonly Runner[], { rounds, steps, report }: Plan): Promise<Map<string, number[]>> {
  for (const runner of steps === 'many' ? runners : []) {
    report(`${runner.contender.name}, warm-up`);
    runner.stepsPerRound = await warmUp(runner.child);
  }
  const peaks = new Map<string, number[]>();
  const meter = PeakMeter.start();
  try {
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < runners.length; turn++) {
        const runner = runners[(turn + round) % runners.length];
        report(`${runner.contender.name}, round ${round + 1} of ${rounds}`);
        if (isDone(runner)) continue;
        runner.samples.push(...(await runner.child.time(runner.stepsPerRound)));
      }
      for (const { contender } of runners) {
        const key = peakKey(contender);
        const values = peaks.get(key) ?? [];
        if (values.length > round) continue;
        const peak = await meter?.read(contender);
        if (peak !== undefined) peaks.set(key, [...values, peak]);
      }
    }
  } finally {
    await meter?.end();
  }
  return peaks;
}

/** Steps that fit into a contender's share of a round, once they have become as fast as they get. */
async function warmUp(child: ContenderProcess): Promise<number> {
  let spent = 0;
  let fastest = Infinity;
  for (let count = 1; spent < roundMilliseconds; count *= 2) {
    for (const sample of await child.time(count)) {
      spent += sample;
      fastest = Math.min(fastest, sample);
    }
  }
  return Math.max(1, Math.min(1000, Math.floor(roundMilliseconds / fastest)));
}

function isDone({ samples }: Runner): boolean {
  const spent = samples.reduce((sum, sample) => sum + sample, 0);
  return samples.length >= fewestSamples && spent > contenderMilliseconds;
}

/** `best`: the first of the machine's instruction sets, for contenders that choose for themselves. */
export function peakKey({ instructionSet, threads }: ContenderSpec): string {
  return `${instructionSet ?? 'best'} ${threads}`;
}

/** The register loop of `peers/fma_peak.cpp`. */
class PeakMeter {
  readonly #process: ContenderProcess;
  private constructor(program: string) {
    this.#process = new ContenderProcess({ file: program, args: [], env: {} }, tmpdir());
  }

  static start(): PeakMeter | undefined {
    const built = buildPeer('fma_peak', [], 'install g++');
    return 'program' in built ? new PeakMeter(built.program) : undefined;
  }

  async read(contender: ContenderSpec): Promise<number | undefined> {
    return (await this.#process.request<{ gflops?: number }>(`peak ${peakKey(contender)}`)).gflops;
  }

  end(): Promise<void> {
    return this.#process.end();
  }
}
