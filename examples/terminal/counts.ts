/** Counts on the command line, as commander reads them. */
import { InvalidArgumentError } from 'commander';

export function countFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`It must be an integer from ${least}.`);
    return value;
  };
}
