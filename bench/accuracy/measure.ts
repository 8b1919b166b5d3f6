/** All cells, here or by a process on each core, each of which takes the next cell when it has done with one. */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Contender } from './contenders.ts';
import { type ContenderErrors, errorsIn } from './errors.ts';
import { Measured } from './figures.ts';
import type { Cell } from './grid.ts';

const program = fileURLToPath(new URL('./worker.ts', import.meta.url));

export function measureHere(chosen: readonly Cell[], contenders: readonly Contender[]): Measured {
  return new Measured(contenders, new Map(chosen.map((cell) => [cell.name, errorsIn(cell, contenders)])));
}

/** By all contenders, as the processes know them. Processes, because threads do not inherit the loader of TypeScript. */
export async function measureOnAllCores(chosen: readonly Cell[], contenders: readonly Contender[]): Promise<Measured> {
  const found = new Map<string, readonly (ContenderErrors | undefined)[]>();
  const left = chosen.map(({ name }) => name).reverse();
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = fork(program, { serialization: 'advanced' }); // which has ∞ and NaN
      let name = left.pop();
      const next = () => {
        if (name === undefined) worker.disconnect();
        else worker.send(name);
      };
      worker.on('message', (errors: (ContenderErrors | undefined)[]) => {
        found.set(name!, errors);
        name = left.pop();
        next();
      });
      worker.on('error', reject);
      worker.on('exit', (code) => {
        if (code === 0) resolve();
        else reject(new Error(`A worker ended with ${code} in ${name}.`));
      });
      next();
    });
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return new Measured(contenders, found);
}
