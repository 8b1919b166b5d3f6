/** Finished runs, a file each: what is there needs no second run. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EngineName, engines } from 'circle-loss';
import type { RunPlan, RunResult } from './run.ts';
import type { Subject } from './subjects.ts';

/** Whatever of this folder and its neighbours decides what a run comes to. */
const sources = [
  ...['judge.ts', 'learn.ts', 'losses.ts', 'recipe.ts', 'run.ts', 'similarities.ts'],
  ...['../data/random.ts', '../data/rows.ts'],
  ...['../network/adam.ts', '../network/matrix.ts', '../network/network.ts', '../network/trainer.ts'],
];

export class RunStore {
  readonly #folder: string;
  readonly #code: string;

  constructor(folder: string, engine: EngineName) {
    this.#folder = folder;
    this.#code = hashOf([...codeFiles().map((file) => readFileSync(file)), JSON.stringify(engineKey(engine))]);
  }

  /** Of what is there. */
  async read(plan: RunPlan, subject: Subject): Promise<RunResult | undefined> {
    const file = this.fileOf(plan, subject);
    return existsSync(file) ? JSON.parse(await readFile(file, 'utf8')).result : undefined;
  }

  async write(plan: RunPlan, subject: Subject, result: RunResult): Promise<void> {
    const file = this.fileOf(plan, subject);
    await mkdir(dirname(file), { recursive: true });
    // Renamed when complete, so that an interrupted command leaves no half-written run.
    await writeFile(`${file}.part`, JSON.stringify({ plan, result }));
    await rename(`${file}.part`, file);
  }

  /** The name begins with what a reader looks for and ends with a hash of all that decides the run. */
  fileOf(plan: RunPlan, { fingerprint }: Subject): string {
    const key = hashOf([this.#code, fingerprint, JSON.stringify(sortKeys(plan))]);
    return join(this.#folder, `${plan.data}-${plan.loss}-${plan.judgedOn}-seed${plan.seed}-${key}.json`);
  }
}

/** These sources, and the package as it was built: its JavaScript, and the version and variant of its native part. */
function codeFiles(): string[] {
  const built = dirname(fileURLToPath(import.meta.resolve('circle-loss')));
  const modules = readdirSync(built).filter((name) => name.endsWith('.mjs'));
  return [
    ...sources.map((name) => join(import.meta.dirname, name)),
    ...modules.sort().map((name) => join(built, name)),
  ];
}

function engineKey(engine: EngineName) {
  const { variant } = engines().find(({ name }) => name === engine)!;
  return { engine, variant };
}

/** The order in which a plan was written down is no part of it. */
function sortKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, field]) => [name, sortKeys(field)]));
}

function hashOf(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 16);
}
