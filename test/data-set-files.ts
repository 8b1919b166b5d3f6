/** Data sets in miniature: trees of files in a temporary folder, and the error that a reader rejects with. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { CircleLossError } from '../lib/index.ts';

/** A path ends in a file; images are empty, since no reader opens one. */
export type Tree = Record<string, string | Uint8Array>;

const roots: string[] = [];
afterAll(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

/** A folder of its own with these files, removed after the tests of the file. */
export function folderWith(files: Tree, images: readonly string[] = []): string {
  const root = mkdtempSync(join(tmpdir(), 'circle-loss-protocol-'));
  roots.push(root);
  for (const [path, content] of [...Object.entries(files), ...images.map((path) => [path, ''] as const)]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

/** The code and the message of the CircleLossError that a call rejects with; the folder's name reads ROOT in it. */
export async function rejectionOf(call: Promise<unknown>, root: string): Promise<{ code: string; message: string }> {
  const error = await call.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(CircleLossError);
  return { code: error.code, message: error.message.replaceAll(root, 'ROOT') };
}
