/** Memory banks: the ring, the two losses, and what errors leave behind. */
import { describe, expect, it } from 'vitest';
import { computePairLoss, createMemoryBank, type MemoryBankOptions, type PairLossResult } from '../lib/index.ts';
import { randomFrom, randomRows } from './cases.ts';
import { cudaEngines } from './engine-list.ts';
import { errorOf } from './error-of.ts';

const [count, capacity, dim] = [12, 30, 5];
const pairLoss = { type: 'circle' } as const;
const options = { capacity, dim, pairLoss } as const;
const places = ['reference', 'cpu', ...(cudaEngines.length > 0 ? (['cuda'] as const) : [])] as const;

const batch = (seed: number, rows = count) => ({
  embeddings: randomRows(rows, dim, randomFrom(seed)),
  labels: Int32Array.from({ length: rows }, (_, i) => (i + seed) % 4),
});

describe.each(places)('on %s', (engine) => {
  /** Batch and memory by the functional API, weighted. */
  const explicit = (
    now: ReturnType<typeof batch>,
    memory: { embeddings: Float32Array; labels: Int32Array } | undefined,
    [batchWeight, memoryWeight]: readonly [number, number] = [1, 1],
    upstream = 1,
  ) => {
    const common = { dim, pairLoss, engine };
    const parts: (readonly [weight: number, result: PairLossResult])[] = [];
    if (batchWeight !== 0) {
      parts.push([
        batchWeight,
        computePairLoss(now.embeddings, now.labels, { ...common, upstream: upstream * batchWeight }),
      ] as const);
    }
    if (memory && memoryWeight !== 0) {
      const candidates = { candidates: memory.embeddings, candidateLabels: memory.labels };
      parts.push([
        memoryWeight,
        computePairLoss(now.embeddings, now.labels, { ...common, ...candidates, upstream: upstream * memoryWeight }),
      ] as const);
    }
    return {
      loss: parts.reduce((sum, [weight, { loss }]) => sum + weight * loss, 0),
      gradient: new Float32Array(now.embeddings.length).map((_, k) =>
        parts.reduce((sum, [, { gradient }]) => Math.fround(sum + gradient[k]), 0),
      ),
    };
  };
  const joined = (...parts: ReturnType<typeof batch>[]) => ({
    embeddings: Float32Array.from(parts.flatMap(({ embeddings }) => [...embeddings])),
    labels: Int32Array.from(parts.flatMap(({ labels }) => [...labels])),
  });

  it('a loss is that of the batch plus that against the memory', () => {
    using bank = createMemoryBank({ ...options, engine });
    expect(bank).toMatchObject({ capacity, dim, engine, size: 0 });
    const [first, second, third] = [batch(1), batch(2), batch(3)];
    expect(bank.loss(first.embeddings, first.labels)).toMatchObject(explicit(first, undefined));
    expect(bank.loss(first.embeddings, first.labels).memory).toBeUndefined();
    bank.enqueue(first.embeddings, first.labels);
    expect(bank.size).toBe(count);
    expect(bank.loss(second.embeddings, second.labels)).toMatchObject(explicit(second, first));
    bank.enqueue(second.embeddings, second.labels);
    const found = bank.loss(third.embeddings, third.labels);
    expect(found).toMatchObject(explicit(third, joined(first, second)));
    expect(found.loss).toBe(found.batch!.loss + found.memory!.loss);
  });

  it('a full ring forgets the oldest, wherever it begins', () => {
    using bank = createMemoryBank({ ...options, engine });
    const batches = [1, 2, 3, 4].map((seed) => batch(seed));
    for (const { embeddings, labels } of batches) bank.enqueue(embeddings, labels);
    expect(bank.size).toBe(capacity);
    // 48 rows through 30 places: 48 mod 30 = 18, so that places 0 to 17 hold the last 18 rows, and 18 to 29 those before.
    const all = joined(...batches);
    const kept = (from: number, to: number) => [...all.embeddings.subarray(from * dim, to * dim)];
    const memory = {
      embeddings: Float32Array.from([...kept(30, 48), ...kept(18, 30)]),
      labels: Int32Array.from([...all.labels.subarray(30, 48), ...all.labels.subarray(18, 30)]),
    };
    const now = batch(9);
    expect(bank.loss(now.embeddings, now.labels)).toMatchObject(explicit(now, memory));
    bank.clear();
    expect(bank.size).toBe(0);
    expect(bank.loss(now.embeddings, now.labels)).toMatchObject(explicit(now, undefined));
  });

  it('a batch as long as the ring takes its place', () => {
    using bank = createMemoryBank({ ...options, engine });
    const [short, long] = [batch(1, 7), batch(2, capacity)];
    bank.enqueue(short.embeddings, short.labels);
    bank.enqueue(long.embeddings, long.labels);
    const now = batch(3);
    const rotated = {
      embeddings: Float32Array.from([...long.embeddings.subarray(23 * dim), ...long.embeddings.subarray(0, 23 * dim)]),
      labels: Int32Array.from([...long.labels.subarray(23), ...long.labels.subarray(0, 23)]),
    };
    expect(bank.loss(now.embeddings, now.labels)).toMatchObject(explicit(now, rotated));
  });

  it('weights and upstream scale, and 0 leaves out', () => {
    const [past, now] = [batch(1), batch(2)];
    for (const weights of [
      [1, 0.25],
      [0, 2],
      [3, 0],
      [0, 0],
    ] as const) {
      using bank = createMemoryBank({ ...options, engine, batchWeight: weights[0], memoryWeight: weights[1] });
      bank.enqueue(past.embeddings, past.labels);
      const found = bank.loss(now.embeddings, now.labels, { upstream: -2 });
      expect(found).toMatchObject(explicit(now, past, weights, -2));
      expect([found.batch !== undefined, found.memory !== undefined]).toEqual(weights.map((weight) => weight !== 0));
    }
  });

  it('warm-up passes over so many batches', () => {
    using bank = createMemoryBank({ ...options, engine, warmUp: 2 });
    for (const size of [0, 0, count]) {
      const { embeddings, labels } = batch(size);
      bank.enqueue(embeddings, labels);
      expect(bank.size).toBe(size);
    }
    bank.clear();
    bank.enqueue(batch(1).embeddings, batch(1).labels);
    expect(bank.size).toBe(count);
  });

  it('an asynchronous loss has the memory of its call, whatever is stored meanwhile', async () => {
    using bank = createMemoryBank({ ...options, engine });
    const [past, now, later] = [batch(1), batch(2), batch(3)];
    bank.enqueue(past.embeddings, past.labels);
    const out = { gradient: new Float32Array(count * dim) };
    const pending = bank.lossAsync(now.embeddings, now.labels, { out });
    bank.clear();
    bank.enqueue(later.embeddings, later.labels);
    const found = await pending;
    expect(found).toMatchObject(explicit(now, past));
    expect(found.gradient).toBe(out.gradient);
    await expect(bank.lossAsync(now.embeddings, now.labels, { signal: AbortSignal.abort() })).rejects.toThrow(
      'aborted',
    );
  });

  it('an error stores nothing and writes nothing', async () => {
    using bank = createMemoryBank({ ...options, engine });
    const { embeddings, labels } = batch(1);
    bank.enqueue(embeddings, labels);
    const spoilt = embeddings.slice();
    spoilt[2 * dim + 1] = Number.POSITIVE_INFINITY;
    expect(errorOf(() => bank.enqueue(spoilt, labels))).toMatchObject({
      code: 'ERR_CIRCLE_NOT_FINITE',
      message: 'embeddings must be finite numbers; received Infinity at row 2, column 1. Nothing was stored.',
    });
    expect(errorOf(() => bank.enqueue(embeddings, labels.subarray(1))).code).toBe('ERR_CIRCLE_SHAPE');
    const long = batch(1, capacity + 1);
    expect(errorOf(() => bank.enqueue(long.embeddings, long.labels)).message).toContain('at most capacity = 30 labels');
    expect(bank.size).toBe(count);
    const gradient = new Float32Array(count * dim).fill(7);
    expect(errorOf(() => bank.loss(spoilt, labels, { out: { gradient } })).code).toBe('ERR_CIRCLE_NOT_FINITE');
    expect(errorOf(() => bank.loss(embeddings, labels, { out: { gradient: embeddings } })).code).toBe(
      'ERR_CIRCLE_OVERLAP',
    );
    expect(errorOf(() => bank.loss(embeddings, labels, { out: { gradient: gradient.subarray(1) } })).code).toBe(
      'ERR_CIRCLE_SHAPE',
    );
    await expect(bank.lossAsync(spoilt, labels, { out: { gradient } })).rejects.toMatchObject({
      code: 'ERR_CIRCLE_NOT_FINITE',
    });
    expect(gradient.every((value) => value === 7)).toBe(true);
  });

  it('options and arrays of the caller may change afterwards; a gradient that lost its room is an error', async () => {
    const mutable = { type: 'circle', optima: { positive: 1.3, negative: -0.3 } } as const;
    using bank = createMemoryBank({ ...options, engine, pairLoss: mutable });
    using twin = createMemoryBank({ ...options, engine, pairLoss: structuredClone(mutable) });
    Object.assign(mutable.optima, { positive: 9 });
    const { embeddings, labels } = batch(1);
    expect(bank.loss(embeddings, labels)).toEqual(twin.loss(embeddings, labels));
    const length = embeddings.byteLength;
    const buffer = new (ArrayBuffer as unknown as new (n: number, o: object) => ArrayBuffer)(length, {
      maxByteLength: length,
    });
    const gradient = new Float32Array(buffer);
    const pending = bank.lossAsync(embeddings, labels, { out: { gradient } });
    (buffer as unknown as { resize(n: number): void }).resize(8);
    await expect(pending).rejects.toMatchObject({ code: 'ERR_CIRCLE_SHAPE' });
  });

  it('a disposed bank refuses calls; those in flight end', async () => {
    const bank = createMemoryBank({ ...options, engine });
    const { embeddings, labels } = batch(1);
    bank.enqueue(embeddings, labels);
    const pending = bank.lossAsync(embeddings, labels);
    bank.dispose();
    expect((await pending).loss).toBeGreaterThan(0);
    for (const call of [
      () => bank.loss(embeddings, labels),
      () => bank.enqueue(embeddings, labels),
      () => bank.clear(),
    ]) {
      expect(errorOf(call).code).toBe('ERR_CIRCLE_DISPOSED');
    }
  });
});

it('an upstream that its weight takes out of range is named, not the product', () => {
  using bank = createMemoryBank({ ...options, engine: 'cpu', batchWeight: 1e20 });
  const { embeddings, labels } = batch(1);
  expect(errorOf(() => bank.loss(embeddings, labels, { upstream: 1e20 }))).toMatchObject({
    code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    message:
      'step.upstream must be a number from -1e30 to 1e30, and so when multiplied by batchWeight and by memoryWeight; received 100000000000000000000.',
  });
});

it.each([
  [{ capacity: 0 }, 'options.capacity must be an integer from 1 to 2147483647; received 0.'],
  [{ warmUp: -1 }, 'options.warmUp must be an integer from 0; received -1.'],
  [{ memoryWeight: Number.NaN }, 'options.memoryWeight must be a number from -1e30 to 1e30; received NaN.'],
  [{ capcity: 3 }, "Did you mean 'capacity'?"],
  [{ pairLoss: { type: 'triplet' }, scope: 'batch' }, "options.scope must be 'anchor'"],
])('%j is refused', (extra, message) => {
  const error = errorOf(() => createMemoryBank({ ...options, engine: 'cpu', ...extra } as MemoryBankOptions));
  expect(error.code).toBe('ERR_CIRCLE_INVALID_ARGUMENT');
  expect(error.message).toContain(message);
});
