/** Compiles the native peers with g++ when they are asked for; `bench/.cache` keeps the programs. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export type Built = { readonly program: string } | { readonly reason: string };

export function buildPeer(name: 'openblas_products' | 'fma_peak', libraries: readonly string[], remedy: string): Built {
  const source = join(import.meta.dirname, `${name}.cpp`);
  const cache = join(import.meta.dirname, '..', '.cache');
  const program = join(cache, name);
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return { program };
  mkdirSync(cache, { recursive: true });
  const compiler = process.env.CXX ?? 'g++';
  const args = ['-std=c++17', '-O3', '-pthread', source, '-o', program, ...libraries];
  const { status, stderr, error } = spawnSync(compiler, args, { encoding: 'utf8' });
  if (status === 0) return { program };
  const why = error === undefined ? stderr.split('\n').find((line) => /error/.test(line)) : error.message;
  return { reason: `${compiler} could not build ${name}.cpp (${why ?? stderr}); ${remedy}` };
}
