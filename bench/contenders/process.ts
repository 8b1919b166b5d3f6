/** The parent side of the bench: one contender in its own process. See `serve.ts` for the protocol. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Workload } from '../workloads.ts';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const keptErrorText = 2000;

export class ContenderProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<unknown>;
  #errorText = '';

  constructor({ file, args, env }: Command, folder: string) {
    this.#child = spawn(file, args, { cwd: folder, env: { ...process.env, ...env }, stdio: 'pipe' });
    this.#exited = Promise.race([once(this.#child, 'exit'), once(this.#child, 'error')]);
    this.#child.on('error', (error) => {
      this.#errorText += error.message;
    });
    this.#child.stdin!.on('error', () => {}); // a process that died is noticed by its missing answer
    this.#child.stderr!.on('data', (text) => {
      this.#errorText = (this.#errorText + text).slice(-keptErrorText);
    });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid!;
  }

  prepare({ kind, anchors, candidates, dim, margin, gamma }: Workload): Promise<{ version?: string }> {
    return this.request(`prepare ${kind} ${anchors} ${candidates} ${dim} ${margin} ${gamma}`);
  }

  /** One step. Returns by how many bytes the process grew at its largest; undefined where there is no /proc. */
  async computeMeasuringMemory(): Promise<number | undefined> {
    const before = resetPeak(this.#child.pid!);
    await this.request('compute');
    if (before === undefined) return undefined;
    return Math.max(0, statusBytes(this.#child.pid!, 'VmHWM') - before); // Linux counts a few pages late
  }

  async time(count: number): Promise<number[]> {
    return (await this.request<{ samples: number[] }>(`time ${count}`)).samples;
  }

  async request<Answer extends object>(line: string): Promise<Answer> {
    this.#child.stdin!.write(`${line}\n`);
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) {
        await this.#exited;
        throw new Error(`ended without an answer to '${line.split(' ')[0]}': ${this.#lastErrorLines()}`);
      }
      if (!value.startsWith('{')) continue; // libraries greet on stdout
      const answer = JSON.parse(value) as Answer & { error?: string };
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer;
    }
  }

  /** Closed input ends a contender; one that hangs is killed. */
  async end(): Promise<void> {
    this.#child.stdin!.end();
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 2000);
    await this.#exited;
    clearTimeout(killer);
  }

  #lastErrorLines(): string {
    const signal = this.#child.signalCode === null ? '' : `killed by ${this.#child.signalCode}. `;
    return signal + this.#errorText.trim().split('\n').slice(-3).join(' ');
  }
}

/** Linux: the high-water mark falls to the present size, which is returned. */
function resetPeak(pid: number): number | undefined {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    return statusBytes(pid, 'VmRSS');
  } catch {
    return undefined;
  }
}

/** What a process had in memory at its largest; undefined where there is no /proc. */
export function peakBytes(pid: number): number | undefined {
  try {
    return statusBytes(pid, 'VmHWM');
  } catch {
    return undefined;
  }
}

function statusBytes(pid: number, field: 'VmHWM' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)![1]);
}
