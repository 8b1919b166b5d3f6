/** Whole files, read once into memory of their own. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { fileFailed, foreignFile, outOfMemory } from '../errors.ts';
import type { Progress } from './progress.ts';

/** Without waiting for somebody who writes to a pipe. */
const reading = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Bytes of one read: enough to be fast, little enough that a bar moves. */
const pieceBytes = 2 ** 24;

export async function readBytes(path: string, progress: Progress): Promise<ArrayBuffer> {
  const file = await open(path, reading).catch((cause) => {
    throw fileFailed(path, 'read', cause);
  });
  try {
    const about = await file.stat();
    // A pipe has no size, and would seem to be empty.
    if (!about.isFile()) throw foreignFile(path, 'a file', 'a pipe, a device or a folder; write it to a file first');
    const { size } = about;
    if (size === 0) throw foreignFile(path, 'a file with something in it', 'an empty one');
    const bytes = new Uint8Array(bufferOf(path, size));
    const bar = await progress.begin(`reading ${path}`, size);
    for (let done = 0; done < size; ) {
      const { bytesRead } = await file.read(bytes, done, Math.min(pieceBytes, size - done), done).catch((cause) => {
        throw fileFailed(path, 'read', cause);
      });
      if (bytesRead === 0) throw foreignFile(path, `${size} bytes long, as it was when it was opened`, `${done} bytes`);
      done += bytesRead;
      bar.advance(bytesRead);
    }
    bar.end();
    return bytes.buffer;
  } finally {
    await file.close();
  }
}

function bufferOf(path: string, size: number): ArrayBuffer {
  try {
    return new ArrayBuffer(size);
  } catch (cause) {
    throw outOfMemory(`the ${size} bytes of ${path}`, cause);
  }
}

/** Little-endian numbers of so many bytes each, in the order of this machine; in place. */
export function toNativeOrder(bytes: Uint8Array, size: number): void {
  if (endianness() === 'LE' || size === 1) return;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) view.swap16();
  else if (size === 4) view.swap32();
  else view.swap64();
}
