/** `circle-loss build`: the package's own build scripts, for whoever has no clone. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { engines } from '../index.ts';
import { exitCodes } from './exit-codes.ts';
import { print } from './output.ts';

export function addBuild(program: Command): void {
  program
    .command('build')
    .description('Compile the native engine from the sources in this package, where no binary that it brings fits.')
    .option('--cuda', "the engine 'cuda', by CMake and the CUDA toolkit, for the GPUs that it knows")
    .addHelpText(
      'after',
      `
It wants a C++17 compiler, make and Python 3, and puts the binary into the package. Examples:
  $ circle-loss build
  $ circle-loss build --cuda
${exitCodes}`,
    )
    .action(({ cuda }: { cuda?: boolean }) => {
      const root = dirname(createRequire(import.meta.url).resolve('circle-loss/package.json'));
      const script = join(root, 'scripts', cuda ? 'build-cuda.mjs' : 'build-native.mjs');
      const { status } = spawnSync(process.execPath, [script], { stdio: 'inherit' });
      process.exitCode = status === 0 ? 0 : 1;
      if (status === 0) report(cuda ? 'cuda' : 'cpu');
    });
}

/** A binary that was built may still not load, and of CUDA a driver may be missing. */
function report(name: 'cuda' | 'cpu'): void {
  const { available, variant, reason } = engines().find((engine) => engine.name === name)!;
  print(
    available ? `Engine '${name}' works: ${variant}.` : `Engine '${name}' is built, but does not work yet: ${reason}`,
  );
}
