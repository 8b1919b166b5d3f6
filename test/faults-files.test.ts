/** Files: a full disk, kills, folders that cannot be written, what is no file; and files made to hurt who reads them. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outOfMemory } from '../lib/errors.ts';
import { createClassHead, loadClassHead } from '../lib/index.ts';
import { MatrixFile, writeMatrices } from '../lib/safetensors.ts';
import { randomFrom } from './cases.ts';

const program = fileURLToPath(new URL('programs/faults.mjs', import.meta.url));
const dim = 32;
const optimizer = { type: 'adam', learningRate: 0.01 } as const;
const openHead = (classes: number) =>
  createClassHead({ classes, dim, pairLoss: { type: 'circle' }, optimizer, engine: 'cpu' });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'circle-loss-files-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (flags: string[], ...args: (string | number)[]) => {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...flags, program, ...args.map(String)], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  return JSON.parse(stdout);
};

/** A disk of 1 MiB; undefined where nobody lets us have one. */
function mountDisk(path: string): boolean {
  mkdirSync(path);
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path]).status === 0;
}

describe('a disk', () => {
  let disk: string;
  let isMounted = false;
  beforeAll(() => {
    disk = join(folder, 'disk');
    isMounted = mountDisk(disk);
  });
  afterAll(() => {
    if (isMounted) spawnSync('umount', [disk]);
  });

  it('that is full, or cannot be written: the old head stays whole, and nothing beside it', async (context) => {
    if (!isMounted) context.skip('needs the right to mount a disk of 1 MiB');
    const path = join(disk, 'head.safetensors');
    using head = openHead(500); // 3 × 500 × 32 floats: 192 kB
    await head.save(path);
    const before = readFileSync(path);
    using large = openHead(5000);
    await expect(large.save(path)).rejects.toMatchObject({
      code: 'ERR_CIRCLE_FILE',
      message: expect.stringContaining('What was there before is untouched.'),
      cause: { code: 'ENOSPC' },
    });
    expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(disk)).toEqual(['head.safetensors']);
    await head.save(path); // there is room again
    spawnSync('mount', ['-o', 'remount,ro', disk]);
    await expect(head.save(path)).rejects.toMatchObject({ code: 'ERR_CIRCLE_FILE', cause: { code: 'EROFS' } });
    expect(readFileSync(path)).toEqual(before);
    using loaded = await loadClassHead(path, { engine: 'cpu' });
    expect(loaded.weights()).toEqual(head.weights());
  });
});

describe('a path that is no file', () => {
  it.each<[string, (path: string) => void]>([
    ['a folder', (path) => mkdirSync(path)],
    ['a pipe', (path) => expect(spawnSync('mkfifo', [path]).status).toBe(0)],
  ])('%s is neither replaced nor waited for', async (kind, make) => {
    const path = join(folder, kind);
    make(path);
    const { mode } = lstatSync(path);
    using head = openHead(3);
    await expect(head.save(path)).rejects.toMatchObject({
      code: 'ERR_CIRCLE_FILE',
      message: `${path} must be a file that can be written; received what is there is not a file. What was there before is untouched.`,
    });
    await expect(loadClassHead(path)).rejects.toMatchObject({ code: 'ERR_CIRCLE_FILE' });
    expect(lstatSync(path).mode).toBe(mode);
    head.step(new Float32Array(dim).fill(1), [1]); // and the head is free again
  });

  it.each(['/dev/null', '/dev/zero'])('%s is not read as a head', async (path) => {
    await expect(loadClassHead(path)).rejects.toMatchObject({
      code: 'ERR_CIRCLE_FILE',
      message: `${path} must be a safetensors file; received what is not a file.`,
    });
  });

  it('names that the system refuses', async () => {
    using head = openHead(3);
    for (const path of ['/nowhere/at/all/head', 'a\0b', `${folder}/${'x'.repeat(5000)}`, `${folder}/none/head`]) {
      await expect(head.save(path)).rejects.toMatchObject({ code: 'ERR_CIRCLE_FILE' });
      await expect(loadClassHead(path)).rejects.toMatchObject({ code: 'ERR_CIRCLE_FILE' });
    }
  });
});

describe('a save that is killed', () => {
  const killedSave = fileURLToPath(new URL('programs/killed-save.mjs', import.meta.url));
  const save = async (moment: number) => {
    const own = join(folder, `moment-${moment}`);
    mkdirSync(own);
    const path = join(own, 'head.safetensors');
    const child = spawn(process.execPath, [killedSave, path, String(moment)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said, [status, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    using loaded = await loadClassHead(path, { engine: 'cpu' });
    const others = readdirSync(own).filter((name) => name !== 'head.safetensors');
    return { path, said, end: { status, signal }, numbers: new Set(loaded.weights()), others };
  };

  it('before any of its operations on files leaves the old head until the rename, the new one from then on, and one file beside it at most', async () => {
    const whole = await save(-1);
    expect(whole).toMatchObject({ end: { status: 0, signal: null }, numbers: new Set([2]), others: [] });
    const operations: string[][] = JSON.parse(whole.said);
    const names = operations.map(([name]) => name);
    const [opened, renamed] = [names.indexOf('open'), names.indexOf('rename')];
    // On the disk before it has its name: that is what a power failure asks for, and no kill can show.
    expect(names.slice(renamed - 2, renamed)).toEqual(['file.write', 'file.sync']);
    expect(names.slice(renamed + 1)).toEqual(['open', 'file.sync']); // the folder
    // Only the rename does anything to the file itself.
    const ofTarget = operations.filter((operation) => operation.includes(whole.path)).map(([name]) => name);
    expect(ofTarget).toEqual(['realpath', 'stat', 'rename']);

    const killed = await Promise.all(names.map((_, moment) => save(moment)));
    for (const [moment, { end, numbers, others }] of killed.entries()) {
      const before = `before operation ${moment}, ${names[moment]}`;
      expect(end, before).toEqual({ status: null, signal: 'SIGKILL' });
      expect(numbers, before).toEqual(new Set([moment <= renamed ? 1 : 2]));
      expect(others.length, before).toBe(moment > opened && moment <= renamed ? 1 : 0);
      for (const name of others) expect(name).toMatch(/^head\.safetensors\.[0-9a-f-]{36}\.tmp$/);
    }
  });
});

it('kills at any moment of saves, inside an operation too: the file is the one head or the other, and each kill leaves one file at most', async () => {
  const own = join(folder, 'killed');
  mkdirSync(own);
  const path = join(own, 'head.safetensors');
  const random = randomFrom(5);
  for (let kill = 1; kill <= 4; kill++) {
    const child = spawn(process.execPath, [program, 'save', path, '20000'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data'); // both heads have been written once
    await new Promise((resolve) => setTimeout(resolve, random() * 40));
    child.kill('SIGKILL');
    await once(child, 'exit');
    using loaded = await loadClassHead(path, { engine: 'cpu' });
    const weights = loaded.weights();
    expect([1, 2]).toContain(weights[0]);
    expect(weights.every((value) => value === weights[0])).toBe(true);
    const others = readdirSync(own).filter((name) => name !== 'head.safetensors');
    expect(others.length).toBeLessThanOrEqual(kill);
    for (const name of others) expect(name).toMatch(/^head\.safetensors\.[0-9a-f-]{36}\.tmp$/);
  }
});

describe('a file made to hurt', () => {
  const write = (name: string, length: bigint | number, header: string | Buffer, numbers = 0) => {
    const path = join(folder, name);
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(length));
    writeFileSync(path, Buffer.concat([prefix, Buffer.from(header), Buffer.alloc(numbers)]));
    return path;
  };
  const withHeader = (name: string, header: unknown, numbers = 0) => {
    const json = typeof header === 'string' ? header : JSON.stringify(header);
    return write(name, Buffer.byteLength(json), json, numbers);
  };
  const metadata = { format: 'circle-loss class head', settings: '{}', steps: '1' };
  const tensor = (begin: number, end: number, shape: unknown = [1, 1]) => ({
    dtype: 'F32',
    shape,
    data_offsets: [begin, end],
  });
  const million = 2 ** 20;
  const deep = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

  it.each<[string, () => string]>([
    ['a header of 2⁶⁰ bytes', () => write('length', 2n ** 60n, '{}')],
    ['a header of 2⁶⁴ − 1 bytes', () => write('longest', 2n ** 64n - 1n, '{}')],
    ['a header of 50 MB that is there', () => write('long', 5e7, `{"a":[${'0,'.repeat(24_999_990)}0]}`.padEnd(5e7))],
    ['arrays in arrays in arrays', () => withHeader('deep', deep(million / 2 - 10))],
    [
      'a shape of arrays in arrays',
      () => withHeader('shape', `{"weight":{"dtype":"F32","shape":${deep(5e5)},"data_offsets":[0,0]}}`),
    ],
    [
      'sixteen thousand tensors',
      () => withHeader('many', Object.fromEntries(Array.from({ length: 16_000 }, (_, i) => [`t${i}`, tensor(0, 0)]))),
    ],
    ['negative offsets', () => withHeader('negative', { weight: tensor(-4, 0), b: tensor(0, 4) }, 4)],
    ['offsets that end before they begin', () => withHeader('backwards', { weight: tensor(4, 0) }, 4)],
    [
      'offsets beyond 2⁵³',
      () => withHeader('beyond', '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,9007199254740993]}}'),
    ],
    ['offsets without end', () => withHeader('infinite', '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,1e999]}}')],
    ['tensors that overlap', () => withHeader('overlap', { a: tensor(0, 8), b: tensor(4, 12) }, 12)],
    ['three offsets', () => withHeader('three', '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}', 4)],
    ['a tensor that is null', () => withHeader('null', { weight: null })],
    [
      'a tensor of the name __proto__',
      () => withHeader('proto', '{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,0]}}'),
    ],
    ['metadata that is a list', () => withHeader('list', { __metadata__: [1, 2, 3] })],
    [
      'metadata of objects without text',
      () => withHeader('objects', { __metadata__: { ...metadata, steps: { toString: 1 } } }),
    ],
    [
      'settings that are no object',
      () => withHeader('settings', { __metadata__: { ...metadata, settings: deep(1e5) } }),
    ],
    ['steps beyond any number', () => withHeader('steps', { __metadata__: { ...metadata, steps: '9'.repeat(1e5) } })],
    ['bytes that are no text', () => write('bytes', 1000, Buffer.alloc(1000, 0xff))],
    ['nothing', () => write('nothing', 0, '')],
  ])('%s is refused, in 40 MB of heap', (_, make) => {
    // The heap is bounded, so that a bomb would end the process.
    const { code, message } = run(['--max-old-space-size=40'], 'load', make());
    expect(code).toBe('ERR_CIRCLE_FILE');
    expect(message.length).toBeLessThan(300);
  });

  it('with settings of a head as large as the file says it is: no memory is taken before the file is held against them', async () => {
    const head = openHead(3);
    const path = join(folder, 'claims.safetensors');
    await head.save(path);
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
    const settings = { ...JSON.parse(header.__metadata__.settings), classes: 2 ** 31 - 1 };
    header.__metadata__.settings = JSON.stringify(settings);
    const claims = withHeader('claims', header, bytes.length - 8 - length);
    await expect(loadClassHead(claims, { engine: 'cpu' })).rejects.toMatchObject({
      code: 'ERR_CIRCLE_FILE',
      message: expect.stringContaining(`F32 [2147483647, ${dim}]`),
    });
  });

  it('cut at every byte of its beginning and at its end', async () => {
    const path = join(folder, 'cut.safetensors');
    using head = openHead(3);
    await head.save(path);
    const bytes = readFileSync(path);
    const cut = join(folder, 'cut');
    for (let length = bytes.length - 1; length >= 0; length -= length > 1000 ? 97 : 13) {
      writeFileSync(cut, bytes.subarray(0, length));
      await expect(loadClassHead(cut, { engine: 'cpu' })).rejects.toMatchObject({ code: 'ERR_CIRCLE_FILE' });
    }
  });

  it('that shrinks while it is read', async () => {
    const path = join(folder, 'shrinks.safetensors');
    const rows = 60_000; // several pieces
    using head = openHead(rows);
    await head.save(path);
    const file = await MatrixFile.open(path);
    let taken = 0;
    const write = (values: Float32Array) => {
      if (taken === 0) truncateSync(path, 3_000_000);
      taken += values.length;
    };
    try {
      await expect(file.read({ name: 'weight', rows, dim, write })).rejects.toMatchObject({
        code: 'ERR_CIRCLE_FILE',
        message: expect.stringContaining('a shorter file'),
      });
    } finally {
      await file.close();
    }
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(rows * dim);
  });

  it('is no error of a file that an engine cannot be read', async () => {
    const path = join(folder, 'unread.safetensors');
    const read = () => {
      throw outOfMemory('a piece of the weights');
    };
    const saved = writeMatrices(path, [{ name: 'weight', rows: 3, dim, read }], {});
    await expect(saved).rejects.toMatchObject({ code: 'ERR_CIRCLE_OUT_OF_MEMORY' });
    expect(existsSync(path)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.startsWith('unread'))).toEqual([]);
  });

  it('with random bytes changed: a head or an error, nothing else', async () => {
    const path = join(folder, 'noise.safetensors');
    using head = openHead(3);
    await head.save(path);
    const bytes = readFileSync(path);
    const random = randomFrom(11);
    const broken = join(folder, 'noise');
    for (let round = 0; round < 300; round++) {
      const changed = Buffer.from(bytes);
      for (let i = 0; i < 1 + random() * 3; i++) changed[Math.floor(random() * 900)] = Math.floor(random() * 256);
      writeFileSync(broken, changed);
      const outcome = await loadClassHead(broken, { engine: 'cpu' }).then(
        (loaded) => {
          loaded.dispose();
          return 'ERR_CIRCLE_FILE'; // a number of another value, or a bit of a setting
        },
        ({ code }) => code,
      );
      expect(outcome).toBe('ERR_CIRCLE_FILE');
    }
  });
});
