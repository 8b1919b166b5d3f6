/** A file that appears whole or not at all: written under another name, then given its own. */
import { randomUUID } from 'node:crypto';
import { accessSync, constants, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { fileFailed } from '../errors.ts';

/** What a shell says of a command that Ctrl-C ended. */
const interruptedCode = 130;

/** Before the work that it is for: whether there is a folder that takes a file of that name. */
export function checkNewFile(path: string): void {
  try {
    const older = statSync(path, { throwIfNoEntry: false });
    if (older?.isDirectory()) throw new Error('a folder has that name');
    accessSync(older && !older.isFile() ? path : dirname(nameBehind(path)), constants.W_OK);
  } catch (cause) {
    throw fileFailed(path, 'written', cause);
  }
}

/** Nothing comes between the writing and the naming: Ctrl-C waits until then, and ends the process after it. */
export async function writeNewFile(path: string, text: string): Promise<void> {
  const interrupt = () => process.exit(interruptedCode);
  process.on('SIGINT', interrupt);
  try {
    writeWhole(path, text);
    // The second is behind a look at the signals that came meanwhile.
    await breathe();
    await breathe();
  } finally {
    process.off('SIGINT', interrupt);
  }
}

function writeWhole(path: string, text: string): void {
  // A device or a pipe keeps its name.
  const isPlain = statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
  const target = isPlain ? nameBehind(path) : path;
  const unfinished = isPlain ? `${target}.${randomUUID()}.tmp` : target;
  try {
    writeFileSync(unfinished, text, { flag: isPlain ? 'wx' : 'w' });
    if (isPlain) renameSync(unfinished, target);
  } catch (cause) {
    if (isPlain) rmSync(unfinished, { force: true });
    throw fileFailed(path, 'written', cause, ' What was there before is untouched.');
  }
}

/** Of a link, what it leads to; what is not there yet has no other name. */
function nameBehind(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
