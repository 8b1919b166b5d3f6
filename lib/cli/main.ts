#!/usr/bin/env node
/** `circle-loss`: the library from the command line. Exit codes: 0 done, 1 failed, 2 asked for wrongly. */
import { CommanderError } from 'commander';
import { CircleLossError } from '../index.ts';
import { createProgram } from './program.ts';
import { stopBars } from './progress.ts';

/** Whoever reads the output has seen enough, as `head` has. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

try {
  await createProgram().parseAsync();
} catch (error) {
  stopBars();
  process.exitCode = codeOf(error);
}

function codeOf(error: unknown): number {
  // Commander has said what there is to say.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const said = error instanceof CircleLossError ? `${error.code}: ${error.message}` : describe(error);
  process.stderr.write(`circle-loss: ${said}\n`);
  return 1;
}

/** What nobody foresaw comes with its place. */
function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
