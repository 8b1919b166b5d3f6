/**
 * Matrices of float32 in the safetensors format (https://github.com/huggingface/safetensors): eight bytes with the length
 * of a JSON header, the header, then the numbers of one tensor after the other, little-endian.
 *
 * Rows pass a piece at a time, so that a file may be larger than the memory that is left.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { endianness } from 'node:os';
import { dirname, resolve } from 'node:path';
import { pieces } from './engine-rows.ts';
import { CircleLossError, describe, fileFailed, foreignFile, shortened } from './errors.ts';

export interface Matrix {
  name: string;
  rows: number;
  dim: number;
}

export interface ReadableMatrix extends Matrix {
  read(out: Float32Array, firstRow: number): void;
}

export interface WritableMatrix extends Matrix {
  write(values: Float32Array, firstRow: number): void;
}

interface Entry {
  dtype: string;
  shape: readonly number[];
  data_offsets: readonly [number, number];
}

/** A thousand times what a head needs. The format allows 100 MB, of which a hostile file could make gigabytes of objects. */
const longestHeader = 2 ** 20;
const floatBytes = 4;
/** A pipe would keep a thread waiting for somebody who writes to it, for ever. */
const reading = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
/** Of files: for their owner alone, until they have their permissions; and which these can be. */
const privately = 0o600;
const allPermissions = 0o777;

const bytesOf = ({ rows, dim }: Matrix) => rows * dim * floatBytes;

function encodeHeader(matrices: readonly Matrix[], metadata: Record<string, string>): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const matrix of matrices) {
    const begin = end;
    end += bytesOf(matrix);
    header[matrix.name] = { dtype: 'F32', shape: [matrix.rows, matrix.dim], data_offsets: [begin, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8; // numbers begin at a multiple of eight bytes
  const encoded = Buffer.alloc(8 + padded, ' ');
  encoded.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(encoded, 8);
  return encoded;
}

/** The bytes of numbers as the file has them, and back: the same memory, turned round on machines that need it. */
function littleEndian(values: Float32Array): Buffer {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return endianness() === 'LE' ? bytes : bytes.swap32();
}

const untouched = ' What was there before is untouched.';

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done, bytes.length - done)).bytesWritten;
}

/**
 * Writes a file that appears whole or not at all: under another name first, on the disk before it gets its own. Until
 * then an older file of that name stays as it is; its permissions stay, and so do links to it.
 */
export async function writeMatrices(
  path: string,
  matrices: readonly ReadableMatrix[],
  metadata: Record<string, string>,
): Promise<void> {
  const target = await realpath(path).catch(() => path); // what is not there yet has no other name
  const older = await stat(target).catch(() => undefined);
  // Anything else would be replaced by a file: a device, of all things.
  if (older && !older.isFile()) throw fileFailed(path, 'written', 'what is there is not a file', untouched);
  const unfinished = `${target}.${randomUUID()}.tmp`;
  try {
    const file = await open(unfinished, 'wx', older ? privately : undefined);
    try {
      if (older) await file.chmod(older.mode & allPermissions);
      await writeAll(file, encodeHeader(matrices, metadata));
      for (const matrix of matrices) await writeRows(file, matrix);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, target);
  } catch (cause) {
    await unlink(unfinished).catch(() => {}); // it may never have been made
    // What the engine could not read says so itself.
    throw cause instanceof CircleLossError ? cause : fileFailed(path, 'written', cause, untouched);
  }
  await syncFolder(dirname(resolve(target)));
}

async function writeRows(file: FileHandle, matrix: ReadableMatrix): Promise<void> {
  for (const { firstRow, count } of pieces(matrix.rows, matrix.dim)) {
    const piece = new Float32Array(count * matrix.dim);
    matrix.read(piece, firstRow);
    await writeAll(file, littleEndian(piece));
  }
}

/** So that the new name outlives a power failure; where folders cannot be synchronised the system has to see to it. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

/** A file that is open for reading; `close` it. */
export class MatrixFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #start: number;

  private constructor(
    path: string,
    file: FileHandle,
    start: number,
    metadata: Record<string, string>,
    entries: Map<string, Entry>,
  ) {
    this.#path = path;
    this.#file = file;
    this.#start = start;
    this.metadata = metadata;
    this.#entries = entries;
  }

  /** Throws ERR_CIRCLE_FILE where there is no such file, or what there is has not the format or is cut short. */
  static async open(path: string): Promise<MatrixFile> {
    let file: FileHandle;
    try {
      file = await open(path, reading);
    } catch (cause) {
      throw fileFailed(path, 'read', cause);
    }
    try {
      const about = await file.stat();
      if (!about.isFile()) throw foreignFile(path, 'a safetensors file', 'what is not a file');
      const { size } = about;
      const { start, header } = await readHeader(path, file, size);
      const { __metadata__, ...tensors } = header as Record<string, Entry> & { __metadata__?: unknown };
      const texts = Object.entries(__metadata__ ?? {}).filter(([, value]) => typeof value === 'string');
      const metadata: Record<string, string> = Object.fromEntries(texts);
      const entries = new Map(Object.entries(tensors));
      checkLayout(path, entries, size - start);
      return new MatrixFile(path, file, start, metadata, entries);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  /** Throws ERR_CIRCLE_FILE where there is no such matrix. */
  check({ name, rows, dim }: Matrix): Entry {
    const entry = this.#entries.get(name);
    const shape = entry?.shape ?? [];
    const isMatrix = entry?.dtype === 'F32' && shape.length === 2 && shape[0] === rows && shape[1] === dim;
    if (isMatrix && entry.data_offsets[1] - entry.data_offsets[0] === rows * dim * floatBytes) return entry;
    const found = entry ? `${entry.dtype} [${shape.join(', ')}] of ${entry.data_offsets.join(' to ')}` : 'none';
    throw foreignFile(this.#path, `a file with the tensor '${name}', F32 [${rows}, ${dim}]`, shortened(found, 100));
  }

  async read(matrix: WritableMatrix): Promise<void> {
    const { rows, dim } = matrix;
    const entry = this.check(matrix);
    let at = this.#start + entry.data_offsets[0];
    for (const { firstRow, count } of pieces(rows, dim)) {
      const piece = new Float32Array(count * dim);
      const bytes = Buffer.from(piece.buffer);
      await readAll(this.#path, this.#file, bytes, at);
      if (endianness() === 'BE') bytes.swap32();
      matrix.write(piece, firstRow);
      at += bytes.length;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function readAll(path: string, file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, at + done).catch((cause) => {
      throw fileFailed(path, 'read', cause);
    });
    if (bytesRead === 0) throw foreignFile(path, 'as long as its header says', 'a shorter file');
    done += bytesRead;
  }
}

async function readHeader(path: string, file: FileHandle, size: number): Promise<{ start: number; header: object }> {
  const expected = 'a safetensors file';
  if (size < 8) throw foreignFile(path, expected, `${size} bytes`);
  const prefix = Buffer.alloc(8);
  await readAll(path, file, prefix, 0);
  const length = Number(prefix.readBigUInt64LE());
  if (length > longestHeader) throw foreignFile(path, expected, `a header of ${length} bytes`);
  if (length > size - 8) throw foreignFile(path, expected, `a header of ${length} bytes in a file of ${size}`);
  const json = Buffer.alloc(length);
  await readAll(path, file, json, 8);
  let header: unknown;
  try {
    header = JSON.parse(json.toString());
  } catch {
    throw foreignFile(path, expected, 'a header that is not JSON');
  }
  if (typeof header !== 'object' || header === null) throw foreignFile(path, expected, 'a header that is no object');
  return { start: 8 + length, header };
}

const areSizes = (list: unknown): list is number[] =>
  Array.isArray(list) && list.every((size) => Number.isSafeInteger(size) && size >= 0);

/** The tensors fill the rest of the file without a gap, as the format demands. */
function checkLayout(path: string, entries: ReadonlyMap<string, Entry>, bytes: number): void {
  const offsets = [...entries].map(([name, entry]) => {
    const { dtype, shape, data_offsets: place } = entry ?? {};
    const isTensor = typeof dtype === 'string' && areSizes(shape) && areSizes(place) && place.length === 2;
    if (!isTensor || place[0] > place[1]) {
      throw foreignFile(path, 'a safetensors file', `a tensor ${describe(name)} without shape and offsets`);
    }
    return { begin: place[0], end: place[1] };
  });
  offsets.sort((a, b) => a.begin - b.begin);
  let at = 0;
  for (const { begin, end } of offsets) {
    if (begin !== at) throw foreignFile(path, 'a safetensors file', 'tensors that overlap or leave gaps');
    at = end;
  }
  if (at !== bytes) throw foreignFile(path, `${at} bytes of numbers long, as its header says`, `${bytes} bytes`);
}
