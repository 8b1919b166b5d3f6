/** Options that commands share, as commander reads them. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { EngineName } from '../index.ts';

export function countFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text !== '' && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be an integer from ${least}.`);
  };
}

export function integer(text: string): number {
  const value = Number(text);
  if (text !== '' && (value | 0) === value) return value;
  throw new InvalidArgumentError('It must be an integer.');
}

/** `1,2,4` as numbers, each read by `read`. */
export function listOf(read: (text: string) => number): (text: string) => number[] {
  return (text) => text.split(',').map((part) => read(part.trim()));
}

export const columnNames = (text: string): string[] => text.split(',').map((name) => name.trim());

export function rate(text: string): number {
  const value = Number(text);
  if (text !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('It must be a number from 0 to 1.');
}

export interface EngineChoice {
  engine: EngineName;
  threads?: number;
  device?: number;
  precision: 'exact' | 'fast';
  similarity: 'cosine' | 'dot';
}

const engineNames: readonly EngineName[] = ['auto', 'cpu', 'cuda', 'reference'];

export function addEngineOptions(command: Command): Command {
  return command
    .addOption(new Option('--engine <name>', 'what computes similarities').choices(engineNames).default('auto'))
    .option('--threads <count>', "of engine 'cpu' (default: all cores)", countFrom(1))
    .option('--device <number>', "of engine 'cuda': the number of the GPU (default: 0)", countFrom(0))
    .addOption(new Option('--precision <name>', "of engine 'cuda'").choices(['exact', 'fast']).default('exact'))
    .addOption(
      new Option('--similarity <name>', 'of unit rows, or of rows as they are')
        .choices(['cosine', 'dot'])
        .default('cosine'),
    );
}

export type EngineSettings = ReturnType<typeof engineOptions>;

/** As the library takes them. */
export function engineOptions({ engine, threads, device, precision, similarity }: EngineChoice) {
  return { engine, threads, device, precision, normalize: similarity === 'cosine' };
}

export const jsonOption = () => new Option('--json', 'print JSON');

/** Ends with exit code 2; for what commander cannot see: options that do not go together. */
export type Refuse = (message: string) => never;

export const refusalOf =
  (command: Command): Refuse =>
  (message) =>
    command.error(`error: ${message}`, { exitCode: 2, code: 'circle-loss.usage' });
