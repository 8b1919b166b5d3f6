/** Class heads in files: they come back as they were, and neither a cut, a full disk nor a kill loses one. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClassHead, createClassHead, loadClassHead, type Optimizer } from '../lib/index.ts';
import { randomFrom, randomRows } from './cases.ts';
import { cudaEngines } from './engine-list.ts';

const program = fileURLToPath(new URL('programs/save-head.mjs', import.meta.url));
const [count, classes, dim] = [20, 50, 7];
const embeddings = randomRows(count, dim, randomFrom(1));
const labels = Int32Array.from({ length: count }, (_, i) => (i * 3) % classes);
const optimizers: Record<string, Optimizer> = {
  'plain sgd': { type: 'sgd', learningRate: 0.1 },
  'sgd with momentum': { type: 'sgd', learningRate: 0.1, momentum: 0.9 },
  adam: { type: 'adam', learningRate: 0.01 },
};
const places = ['cpu', 'reference', ...(cudaEngines.length > 0 ? (['cuda'] as const) : [])] as const;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'circle-loss-head-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const trained = (engine: (typeof places)[number], optimizer: Optimizer, extra: object = {}): ClassHead => {
  const head = createClassHead({
    classes,
    dim,
    pairLoss: { type: 'circle' },
    optimizer,
    engine,
    sampleRate: 0.7,
    ...extra,
  });
  for (let step = 0; step < 3; step++) head.step(embeddings, labels);
  return head;
};

describe.each(places)('on %s', (engine) => {
  it.each(Object.entries(optimizers))('a loaded head goes on where the saved one was: %s', async (_, optimizer) => {
    const path = join(folder, `${engine}.safetensors`);
    using head = trained(engine, optimizer);
    await head.save(path);
    using loaded = await loadClassHead(path, { engine });
    expect(loaded).toMatchObject({ classes, dim, engine, steps: 3 });
    expect(loaded.weights()).toEqual(head.weights());
    for (let step = 0; step < 2; step++) expect(loaded.step(embeddings, labels)).toEqual(head.step(embeddings, labels));
    expect(loaded.weights()).toEqual(head.weights());
  });
});

it('any engine reads any head', async () => {
  for (const from of places) {
    using head = trained(from, optimizers.adam);
    const path = join(folder, 'any.safetensors');
    await head.save(path);
    for (const engine of places) {
      using loaded = await loadClassHead(path, { engine });
      expect(loaded.weights()).toEqual(head.weights());
    }
  }
});

it('the settings come back, the reduction and a loss on rows as given among them', async () => {
  const path = join(folder, 'settings.safetensors');
  const pairLoss = { type: 'unified', margin: 0, gamma: 1 } as const;
  using head = trained('cpu', optimizers.adam, {
    pairLoss,
    normalize: false,
    reduction: 'sum',
    scope: 'batch',
    seed: 4294967295,
  });
  await head.save(path);
  using loaded = await loadClassHead(path, { engine: 'cpu', threads: 1 });
  expect(loaded.loss(embeddings, labels)).toEqual(head.loss(embeddings, labels));
  expect(loaded.step(embeddings, labels)).toEqual(head.step(embeddings, labels));
});

/** The format, read by hand: eight bytes of length, JSON, numbers. */
function read(path: string) {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  return { bytes, length, header, numbers: bytes.subarray(8 + length) };
}

describe('the file', () => {
  let path: string;
  let head: ClassHead;
  beforeAll(async () => {
    path = join(folder, 'file.safetensors');
    head = trained('cpu', optimizers.adam);
    await head.save(path);
  });

  it('is safetensors: tensors by PyTorch’s names, float32, one after the other, eight bytes aligned', () => {
    const { length, header, numbers } = read(path);
    expect(length % 8).toBe(0);
    const size = classes * dim * 4;
    const { __metadata__, ...tensors } = header;
    expect(tensors).toEqual({
      weight: { dtype: 'F32', shape: [classes, dim], data_offsets: [0, size] },
      exp_avg: { dtype: 'F32', shape: [classes, dim], data_offsets: [size, 2 * size] },
      exp_avg_sq: { dtype: 'F32', shape: [classes, dim], data_offsets: [2 * size, 3 * size] },
    });
    expect(Object.values(__metadata__).every((value) => typeof value === 'string')).toBe(true);
    expect(new Float32Array(new Uint8Array(numbers.subarray(0, size)).buffer)).toEqual(head.weights());
    expect(numbers).toHaveLength(3 * size);
  });

  const refused = async (bytes: Uint8Array | string, message: string) => {
    const broken = join(folder, 'broken.safetensors');
    writeFileSync(broken, bytes);
    await expect(loadClassHead(broken, { engine: 'cpu' })).rejects.toMatchObject({
      code: 'ERR_CIRCLE_FILE',
      message: expect.stringContaining(message),
    });
  };

  it('cut short anywhere is refused', async () => {
    const { bytes, length } = read(path);
    for (const cut of [0, 7])
      await refused(bytes.subarray(0, cut), `must be a safetensors file; received ${cut} bytes.`);
    for (const cut of [8, 8 + length - 1])
      await refused(bytes.subarray(0, cut), `a header of ${length} bytes in a file of ${cut}`);
    for (const cut of [8 + length, bytes.length - 4, bytes.length - 1]) {
      await refused(
        bytes.subarray(0, cut),
        `must be ${3 * classes * dim * 4} bytes of numbers long, as its header says`,
      );
    }
    await refused(Buffer.concat([bytes, Buffer.alloc(4)]), 'bytes of numbers long');
  });

  it('of something else is refused', async () => {
    await refused('a text that is no head at all', 'must be a safetensors file; received a header of');
    const { header, numbers } = read(path);
    const withHeader = (changed: unknown) => {
      const json = Buffer.from(typeof changed === 'string' ? changed : JSON.stringify(changed));
      const prefix = Buffer.alloc(8);
      prefix.writeBigUInt64LE(BigInt(json.length));
      return Buffer.concat([prefix, json, numbers]);
    };
    await refused(withHeader('{ "weight": '), 'a header that is not JSON');
    await refused(withHeader('null'), 'a header that is no object');
    await refused(withHeader('[]'), 'bytes of numbers long');
    await refused(
      withHeader({ ...header, __metadata__: { format: 'pt' } }),
      'must be a file that ClassHead.save wrote',
    );
    const metadata = (extra: object) => ({ ...header, __metadata__: { ...header.__metadata__, ...extra } });
    const unknown = 'must be a class head of this version of circle-loss; received settings that it does not know.';
    await refused(withHeader(metadata({ settings: '{}' })), unknown);
    await refused(withHeader(metadata({ settings: 'x' })), unknown);
    await refused(withHeader(metadata({ steps: '-1' })), unknown);
    await refused(
      withHeader({ ...header, exp_avg: { ...header.exp_avg, data_offsets: [0, 4] } }),
      'overlap or leave gaps',
    );
    await refused(withHeader({ ...header, exp_avg: { dtype: 'F32' } }), "a tensor 'exp_avg' without shape and offsets");
    await refused(
      withHeader({ ...header, weight: { ...header.weight, dtype: 'BF16' } }),
      `F32 [${classes}, ${dim}]; received BF16`,
    );
    const { exp_avg: renamed, ...rest } = header;
    await refused(
      withHeader({ ...rest, momentum_buffer: renamed }),
      'must be a class head with the tensors exp_avg, exp_avg_sq, weight',
    );
    await refused(withHeader({ ...header, __metadata__: null }), 'must be a file that ClassHead.save wrote');
    await refused(withHeader(metadata({ steps: '' })), unknown);
    const settings = JSON.parse(header.__metadata__.settings);
    const { beta2: _, ...optimizer } = settings.optimizer;
    await refused(withHeader(metadata({ settings: JSON.stringify({ ...settings, optimizer }) })), unknown);
    await refused(withHeader(metadata({ settings: JSON.stringify({ ...settings, engine: 'cpu' }) })), unknown);
    const arcface = { ...settings, pairLoss: { type: 'arcface' }, normalize: false };
    await refused(withHeader(metadata({ settings: JSON.stringify(arcface) })), 'a class head that can be computed');
    // Numbers of two tensors, cut elsewhere.
    const size = classes * dim * 4;
    const weight = { ...header.weight, data_offsets: [0, size - 8] };
    const mean = { ...header.exp_avg, data_offsets: [size - 8, 2 * size] };
    await refused(withHeader({ ...header, weight, exp_avg: mean }), `must be a file with the tensor 'weight', F32`);
    const many = { ...settings, classes: 2e9 };
    await refused(
      withHeader(metadata({ settings: JSON.stringify(many) })),
      "must be a file with the tensor 'weight', F32 [2000000000,",
    );
    const huge = Buffer.alloc(16);
    huge.writeBigUInt64LE(2n ** 63n);
    await refused(huge, 'a header of 9223372036854776000 bytes');
  });

  it('that is not there, or cannot be written, is named with the reason', async () => {
    await expect(loadClassHead(join(folder, 'nothing'))).rejects.toMatchObject({
      code: 'ERR_CIRCLE_FILE',
      message: expect.stringContaining('must be a file that can be read; received ENOENT'),
      cause: expect.objectContaining({ code: 'ENOENT' }),
    });
    await expect(loadClassHead(folder)).rejects.toMatchObject({ code: 'ERR_CIRCLE_FILE' });
    await expect(head.save(join(folder, 'no/where'))).rejects.toMatchObject({
      code: 'ERR_CIRCLE_FILE',
      message: expect.stringContaining('What was there before is untouched.'),
      cause: expect.objectContaining({ code: 'ENOENT' }),
    });
    await expect(head.save(folder)).rejects.toMatchObject({ code: 'ERR_CIRCLE_FILE' }); // a folder has the name
    await expect(head.save('')).rejects.toMatchObject({ code: 'ERR_CIRCLE_INVALID_ARGUMENT' });
    await expect(loadClassHead(path, { engine: 'gpu' } as never)).rejects.toMatchObject({
      code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    });
    head.step(embeddings, labels); // and is free again
  });
});

it('a link stays a link, and a private file private', async () => {
  const own = mkdtempSync(join(folder, 'link-'));
  const [target, link] = [join(own, 'a head.safetensors'), join(own, 'link')];
  writeFileSync(target, '', { mode: 0o640 });
  symlinkSync('a head.safetensors', link);
  using head = trained('cpu', optimizers.adam);
  await head.save(link);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(statSync(target).mode & 0o777).toBe(0o640);
  using loaded = await loadClassHead(target, { engine: 'cpu' });
  expect(loaded.weights()).toEqual(head.weights());
  expect(readdirSync(own)).toHaveLength(2);
});

it('a disk without room leaves the file that was there, and nothing beside it', async () => {
  const own = mkdtempSync(join(folder, 'full-'));
  const path = join(own, 'head.safetensors');
  using head = trained('cpu', optimizers.adam);
  await head.save(path);
  const before = readFileSync(path);
  // A limit of 64 KiB on files: the write fails in the middle, as on a full disk.
  const { stdout, stderr } = spawnSync(
    'bash',
    ['-c', `ulimit -f 64; exec "${process.execPath}" "${program}" "${path}" 1000 1`],
    {
      encoding: 'utf8',
    },
  );
  expect(stdout + stderr).toContain('ERR_CIRCLE_FILE');
  expect(stdout).toContain('EFBIG');
  expect(readFileSync(path)).toEqual(before);
  expect(readdirSync(own)).toEqual(['head.safetensors']);
});

it('a kill in the middle of a save leaves a whole file under the name', async () => {
  const own = mkdtempSync(join(folder, 'killed-'));
  const path = join(own, 'head.safetensors');
  for (const delay of [5, 20, 50]) {
    const child = spawn(process.execPath, [program, path, '20000', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data'); // the first file is there; the next one is being written
    await new Promise((resolve) => setTimeout(resolve, delay));
    child.kill('SIGKILL');
    await once(child, 'exit');
    using loaded = await loadClassHead(path, { engine: 'cpu' });
    expect(loaded.classes).toBe(20000);
  }
});
