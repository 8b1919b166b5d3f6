/**
 * The child side of the bench. A contender runs alone in its process, with the workload's data files in its working
 * directory, and answers one line of JSON to one line of words:
 *
 *   prepare <kind> <anchors> <candidates> <dim> <margin> <gamma>   load data and library, warm up on a tiny problem;
 *                                                                  { version } of the library
 *   compute                                                        one step; keep its result
 *   write                                                          { loss } and the files `gradient`, `candidateGradient`
 *   time <n>                                                       { samples: milliseconds[] } of n steps
 *
 * `peers/pytorch_circle.py` and `peers/openblas_products.cpp` speak the same protocol.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { makeData, quickWorkloads, type Workload, type WorkloadData, type WorkloadKind } from '../workloads.ts';

export interface Step {
  readonly loss: number;
  readonly gradient: Float32Array;
  /** Class-level only. */
  readonly candidateGradient: Float32Array | undefined;
}

/** Loss and gradients of the prepared problem, from arrays to arrays. */
export type StepFunction = () => Step | Promise<Step>;

export type Contender = (workload: Workload, data: WorkloadData) => StepFunction | Promise<StepFunction>;

export function serve(contender: Contender, version: string): void {
  serveSteps<Step>(contender, version, (last) => {
    writeFileSync('gradient', last.gradient);
    if (last.candidateGradient !== undefined) writeFileSync('candidateGradient', last.candidateGradient);
    return { loss: last.loss };
  });
}

type Stepping<Result> = () => Result | Promise<Result>;

/** The same for steps that come to something else; `write` is told what the last one came to. */
export function serveSteps<Result>(
  contender: (workload: Workload, data: WorkloadData) => Stepping<Result> | Promise<Stepping<Result>>,
  version: string,
  write: (last: Result) => object,
): void {
  let step: Stepping<Result>;
  let last: Result;
  const commands: Record<string, (words: string[]) => Promise<object>> = {
    async prepare(words) {
      await warmUp(contender, words[0] as WorkloadKind);
      const workload = parseWorkload(words);
      step = await contender(workload, readData(workload));
      globalThis.gc?.();
      return { version };
    },
    async compute() {
      last = await step();
      return {};
    },
    async write() {
      return write(last);
    },
    async time([count]) {
      const samples: number[] = [];
      for (let i = 0; i < Number(count); i++) {
        const start = performance.now();
        last = await step();
        samples.push(performance.now() - start);
      }
      return { samples };
    },
  };
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const [command, ...words] = line.split(' ');
    let answer: object;
    try {
      answer = await commands[command](words);
    } catch (error) {
      answer = { error: error instanceof Error ? error.message : String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
}

/** Loads code and compiles hot functions, so that the memory of the first real step is that of its data. */
async function warmUp(
  contender: (workload: Workload, data: WorkloadData) => unknown,
  kind: WorkloadKind,
): Promise<void> {
  const tiny = quickWorkloads.find((workload) => workload.kind === kind)!;
  const step = (await contender(tiny, makeData(tiny))) as () => unknown;
  for (let i = 0; i < 3; i++) await step();
}

function parseWorkload(words: string[]): Workload {
  const [anchors, candidates, dim, margin, gamma] = words.slice(1).map(Number);
  const kind = words[0] as WorkloadKind;
  return { name: 'served', source: '', kind, anchors, candidates, dim, perClass: 1, margin, gamma };
}

function readData({ kind }: Workload): WorkloadData {
  // A copy: a Buffer's own bytes need not start at a multiple of four.
  const bytes = (name: string) => new Uint8Array(readFileSync(name)).buffer;
  return {
    embeddings: new Float32Array(bytes('embeddings')),
    labels: new Int32Array(bytes('labels')),
    candidates: kind === 'pair-wise' ? undefined : new Float32Array(bytes('candidates')),
    candidateLabels: kind === 'memory' ? new Int32Array(bytes('candidateLabels')) : undefined,
  };
}
