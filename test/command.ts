/** The built command as a user runs it, and files for it whose bytes are written here, by hand. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';

export const root = join(import.meta.dirname, '..');
export const command = join(root, 'dist', 'circle-loss.mjs');

/** In a folder, so that messages have short names. */
export function run(cwd: string, ...args: string[]) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, signal, stdout, stderr };
}

/** What a run that must end well prints. */
export function outputOf(cwd: string, ...args: string[]): string {
  const { status, stdout, stderr } = run(cwd, ...args);
  if (status !== 0) throw new Error(`exit code ${status}: ${stderr}`);
  return stdout;
}

export const jsonOf = (cwd: string, ...args: string[]) => JSON.parse(outputOf(cwd, ...args, '--json'));

/** The second column of a table, by the first. */
export function tableOf(text: string): Record<string, string> {
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  return Object.fromEntries(rows.slice(2).map(([, name, value]) => [name, value]));
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'circle-loss-cli-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}

export function put(folder: string, name: string, content: string | Uint8Array): string {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), content);
  return name;
}

const writers = {
  '<f4': [4, (view: DataView, at: number, value: number) => view.setFloat32(at, value, true)],
  '>f4': [4, (view: DataView, at: number, value: number) => view.setFloat32(at, value, false)],
  '<f8': [8, (view: DataView, at: number, value: number) => view.setFloat64(at, value, true)],
  '<i4': [4, (view: DataView, at: number, value: number) => view.setInt32(at, value, true)],
  '<i8': [8, (view: DataView, at: number, value: number) => view.setBigInt64(at, BigInt(value), true)],
  '|u1': [1, (view: DataView, at: number, value: number) => view.setUint8(at, value)],
  // Of halves only the length matters here: they are refused.
  '<f2': [2, () => {}],
} as const;
export type Descr = keyof typeof writers;

/** Numbers as they are in raw files. */
export function rawBytes(descr: Descr, values: readonly number[]): Uint8Array {
  const [size, write] = writers[descr];
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    write(view, i * size, value);
  });
  return bytes;
}

/** NumPy's format 1.0: magic, version, the length of a header that ends a multiple of 64 bytes, the numbers. */
export function npyBytes(descr: Descr, shape: readonly number[], values: readonly number[], order = 'False') {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const header = `${dictionary.padEnd(length - 1)}\n`;
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    Buffer.from([length % 256, Math.floor(length / 256)]),
    Buffer.from(header, 'latin1'),
    rawBytes(descr, values),
  ]);
}

/**
 * Four unit rows A, B of label 0 and C, D of label 1: AB .8, AC 0, AD .6, BC .6, BD .96, CD .8. A and C are nearest to their
 * own, B and D to each other and then to their own.
 */
export const four = { dim: 2, values: [1, 0, 0.8, 0.6, 0, 1, 0.6, 0.8], labels: [0, 0, 1, 1] };
/** Recall@1 of 2 in 4; average precisions 1, 1/2, 1, 1/2. */
export const fourIs = { queries: 4, precisionAt1: 0.5, map: 0.75 };
