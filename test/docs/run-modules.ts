/** Runs modules one after the other in this process; stdout is JSON of what each printed, or how it failed. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';

export interface Outcome {
  lines: string[];
  /** What was printed and is no finite number. */
  notFinite: string[];
  error?: string;
}

const outcomes: Outcome[] = [];
for (const file of process.argv.slice(2)) {
  const outcome: Outcome = { lines: [], notFinite: [] };
  outcomes.push(outcome);
  console.log = (...values) => {
    const line = format(...values);
    outcome.lines.push(line);
    if (!values.every(isAllFinite)) outcome.notFinite.push(line);
  };
  try {
    await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    outcome.error = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
process.stdout.write(JSON.stringify(outcomes));

function isAllFinite(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'string') return !/\b(?:NaN|Infinity)\b/.test(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(isAllFinite);
}
