/** What engine 'cuda' has beyond the others: rows on the device, arrays in page-locked memory, an addon that re-checks. */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  allocatePinned,
  computeCircleLoss,
  computeCircleLossAsync,
  computeSimilarity,
  computeSimilarityAsync,
  createDeviceMatrix,
  createPairLoss,
  type DeviceMatrix,
  engines,
} from '../lib/index.ts';
import { type CudaModule, reportFields, requestFields } from '../lib/native.ts';
import { randomFrom, randomRows } from './cases.ts';
import { cudaEngines } from './engine-list.ts';
import { errorOf } from './error-of.ts';

const [dim, classes, count] = [6, 9, 40];
const random = randomFrom(8);
const embeddings = randomRows(count, dim, random);
const labels = Int32Array.from({ length: count }, (_, i) => (i * 5) % classes);
const rows = randomRows(classes, dim, random);
const others = randomRows(classes, dim, random);
const candidateLabels = Array.from({ length: classes }, (_, c) => c);
const options = { dim, engine: 'cuda' } as const;

const hasCuda = cudaEngines.length > 0;
const needs = '(needs circle_cuda.node and a GPU, or `node scripts/emulator-build.mjs`)';

/** Disposed at the end of the block. */
const onDevice = (values = rows) => createDeviceMatrix(values, { dim });

describe.skipIf(!hasCuda)(`a device matrix ${needs}`, () => {
  it('has rows, a dim and a device, and gives back what it was given', () => {
    using matrix = onDevice();
    expect(matrix).toMatchObject({ rows: classes, dim, device: 0 });
    expect(matrix.read()).toEqual(rows);
    const out = new Float32Array(rows.length);
    expect(matrix.read(out)).toBe(out);
    expect(out).toEqual(rows);
  });

  it('is updated as a whole or by rows', () => {
    using matrix = onDevice();
    matrix.update(others);
    expect(matrix.read()).toEqual(others);
    matrix.update(rows.subarray(2 * dim, 5 * dim), 2);
    const expected = others.slice();
    expected.set(rows.subarray(2 * dim, 5 * dim), 2 * dim);
    expect(matrix.read()).toEqual(expected);
  });

  it('as class weights gives the bits that an array gives, gradients too', async () => {
    using matrix = onDevice();
    const expected = computeCircleLoss(embeddings, labels, { ...options, classWeights: rows });
    expect(computeCircleLoss(embeddings, labels, { ...options, classWeights: matrix })).toEqual(expected);
    expect(await computeCircleLossAsync(embeddings, labels, { ...options, classWeights: matrix })).toEqual(expected);
    expect(expected.classWeightGradient).toBeInstanceOf(Float32Array);
  });

  it('as candidates too, in a session whose steps bring it, and in a matrix of similarities', async () => {
    using matrix = onDevice();
    using session = createPairLoss({ ...options, pairLoss: { type: 'unified' }, candidateGradient: 'compute' });
    const expected = session.compute(embeddings, labels, { candidates: rows, candidateLabels });
    expect(session.compute(embeddings, labels, { candidates: matrix, candidateLabels })).toEqual(expected);
    expect(await session.computeAsync(embeddings, labels, { candidates: matrix, candidateLabels })).toEqual(expected);
    const similarities = computeSimilarity(embeddings, { ...options, candidates: rows });
    expect(computeSimilarity(embeddings, { ...options, candidates: matrix })).toEqual(similarities);
    expect(await computeSimilarityAsync(embeddings, { ...options, candidates: matrix })).toEqual(similarities);
  });

  it('calls in flight compute with what it held when they were made', async () => {
    using matrix = onDevice();
    using session = createPairLoss({ ...options, pairLoss: { type: 'circle' }, classWeights: matrix });
    const expected = session.compute(embeddings, labels);
    const calls = Array.from({ length: 12 }, () => session.computeAsync(embeddings, labels));
    matrix.update(others);
    const later = session.computeAsync(embeddings, labels);
    expect(await Promise.all(calls)).toEqual(calls.map(() => expected));
    const alone = computeCircleLoss(embeddings, labels, { ...options, classWeights: others });
    expect(await later).toEqual(alone);
  });

  it("brings 'auto' to the device; calls without it stay away, in one session", () => {
    using matrix = onDevice();
    using session = createPairLoss({ dim, pairLoss: { type: 'circle' } });
    expect(session.compute(embeddings, labels, { classWeights: matrix }).engine).toBe('cuda');
    expect(session.compute(embeddings, labels, { classWeights: rows }).engine).not.toBe('cuda');
    expect(session.compute(embeddings, labels, { classWeights: matrix }).engine).toBe('cuda');
  });

  it('a call that is aborted leaves it as it was', async () => {
    using matrix = onDevice();
    const signal = AbortSignal.abort();
    const call = computeCircleLossAsync(embeddings, labels, { ...options, classWeights: matrix, signal });
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    matrix.update(others);
    expect(matrix.read()).toEqual(others);
  });

  it('a bad row is named without the number, which is out of reach', () => {
    const values = rows.slice();
    values[3 * dim + 1] = Number.NaN;
    using matrix = onDevice(values);
    expect(errorOf(() => computeCircleLoss(embeddings, labels, { ...options, classWeights: matrix }))).toMatchObject({
      code: 'ERR_CIRCLE_NOT_FINITE',
      message:
        "classWeights must be finite numbers; received NaN or ±Infinity at row 3. checkFinite: 'propagate' lets it through.",
    });
  });

  it('disposed, with calls in flight and twice: they end well, and whoever uses it later hears of it', async () => {
    const matrix = onDevice();
    const expected = computeCircleLoss(embeddings, labels, { ...options, classWeights: matrix });
    const running = computeCircleLossAsync(embeddings, labels, { ...options, classWeights: matrix });
    matrix.dispose();
    matrix.dispose();
    expect(await running).toEqual(expected);
    const code = 'ERR_CIRCLE_DISPOSED';
    const classWeights = matrix;
    for (const engine of ['cuda', 'auto', 'cpu'] as const) {
      expect(errorOf(() => computeCircleLoss(embeddings, labels, { dim, engine, classWeights }))).toMatchObject({
        code,
        message: 'classWeights must be in use; received a call after dispose().',
      });
    }
    const message = 'The DeviceMatrix must be in use; received a call after dispose().';
    expect(errorOf(() => matrix.update(rows))).toMatchObject({ code, message });
    expect(errorOf(() => matrix.read())).toMatchObject({ code, message });
  });

  it.each<[string, (matrix: DeviceMatrix) => unknown, string, string]>([
    [
      'on the CPU',
      (classWeights) => computeCircleLoss(embeddings, labels, { dim, engine: 'cpu', classWeights }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      "classWeights must be a Float32Array for engine 'cpu'; received DeviceMatrix. Use engine 'cuda' or 'auto'.",
    ],
    [
      'on the reference engine',
      (candidates) => computeSimilarity(embeddings, { dim, engine: 'reference', candidates }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      "candidates must be a Float32Array for engine 'reference'; received DeviceMatrix. Use engine 'cuda' or 'auto'.",
    ],
    [
      'of another dim',
      (classWeights) => computeCircleLoss(new Float32Array(6), [0, 1], { dim: 3, classWeights }),
      'ERR_CIRCLE_SHAPE',
      'classWeights must be rows of dim = 3 numbers; received rows of 6.',
    ],
    [
      'of another device',
      (classWeights) => computeCircleLoss(embeddings, labels, { dim, device: 1, classWeights }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'classWeights must be on device 1, which computes; received a DeviceMatrix on device 0. Set options.device to 0.',
    ],
    [
      'with fewer labels',
      (candidates) => computeCircleLoss(embeddings, labels, { ...options, candidates, candidateLabels: [0, 1] }),
      'ERR_CIRCLE_SHAPE',
      'candidates and candidateLabels must be equally many; received 9 rows of dim = 6 numbers and 2 candidateLabels.',
    ],
    [
      'as embeddings',
      (matrix) => computeCircleLoss(matrix as never, labels, options),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'embeddings must be a Float32Array; received DeviceMatrix.',
    ],
    [
      'updated by a part of a row',
      (matrix) => matrix.update(new Float32Array(7)),
      'ERR_CIRCLE_SHAPE',
      'values must be rows of dim = 6 numbers, at least one; received 7 numbers.',
    ],
    [
      'updated beyond its end',
      (matrix) => matrix.update(new Float32Array(12), 8),
      'ERR_CIRCLE_SHAPE',
      'values must be at most 1 rows, from firstRow to the last; received 2 rows.',
    ],
    [
      'updated before its beginning',
      (matrix) => matrix.update(new Float32Array(12), -1),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'firstRow must be a row of the matrix, from 0 to 8; received -1.',
    ],
    [
      'read into an array of another length',
      (matrix) => matrix.read(new Float32Array(3)),
      'ERR_CIRCLE_SHAPE',
      'out must be 54 numbers; received 3.',
    ],
  ])('%s it is refused', (_, call, code, message) => {
    using matrix = onDevice();
    expect(errorOf(() => call(matrix))).toMatchObject({ code, message });
  });

  it('is refused where its own values or options are wrong', () => {
    expect(errorOf(() => createDeviceMatrix(rows, { dim: 5 })).code).toBe('ERR_CIRCLE_SHAPE');
    expect(errorOf(() => createDeviceMatrix([1] as never, { dim: 1 })).code).toBe('ERR_CIRCLE_INVALID_ARGUMENT');
    const device = engines()[0].devices!.length;
    const message = `options.device must be a device of this machine, from 0 to ${device - 1}; received ${device}.`;
    expect(errorOf(() => createDeviceMatrix(rows, { dim, device })).message).toBe(message);
    expect(errorOf(() => computeCircleLoss(embeddings, labels, { ...options, device })).message).toBe(message);
  });

  it('what only looks like one is none', () => {
    const fake = { rows: classes, dim, device: 0 };
    expect(errorOf(() => computeCircleLoss(embeddings, labels, { ...options, classWeights: fake as never })).code).toBe(
      'ERR_CIRCLE_INVALID_ARGUMENT',
    );
  });
});

describe.skipIf(!hasCuda)(`page-locked arrays ${needs}`, () => {
  it('are zeros at first, and arrays like any other', () => {
    const pinned = allocatePinned(embeddings.length);
    expect(pinned).toEqual(new Float32Array(embeddings.length));
    pinned.set(embeddings);
    const gradient = allocatePinned(embeddings.length);
    const expected = computeCircleLoss(embeddings, labels, options);
    const found = computeCircleLoss(pinned, labels, { ...options, out: { gradient } });
    expect(found).toEqual(expected);
    expect(found.gradient).toBe(gradient);
  });

  it('have a length from 1', () => {
    for (const length of [0, -1, 1.5, '3', undefined]) {
      expect(errorOf(() => allocatePinned(length as never)).message).toMatch(/^length must be an integer from 1; /);
    }
  });
});

/** The addon itself, which lib/ never calls so. */
describe.skipIf(!hasCuda)(`circle_cuda.node re-checks its arguments ${needs}`, () => {
  const module: CudaModule = hasCuda && createRequire(import.meta.url)(resolve(process.env.CIRCLE_LOSS_CUDA_ADDON!));
  const report = () => new Float64Array(reportFields.length);

  it('of rows', () => {
    expect(() => new module.DeviceRows(report(), 0, 0, 4)).toThrow(TypeError);
    expect(() => new module.DeviceRows(new Float64Array(1), 0, 4, 4)).toThrow(TypeError);
    const held = new module.DeviceRows(report(), 0, 3, 2);
    expect(held.bytes()).toBe(24);
    for (const [values, firstRow] of [
      [new Float32Array(3), 0],
      [new Float32Array(8), 0],
      [new Float32Array(4), 2],
      [new Float32Array(2), -1],
      [new Float32Array(2), 0.5],
      [new Float64Array(2), 0],
    ] as const) {
      expect(() => held.write(report(), values as Float32Array, firstRow)).toThrow(TypeError);
      expect(() => held.read(report(), values as Float32Array, firstRow)).toThrow(TypeError);
    }
    held.dispose();
    held.dispose();
    expect(held.bytes()).toBe(0);
    expect(() => held.write(report(), new Float32Array(2), 0)).toThrow(TypeError);
    expect(() => module.DeviceRows.prototype.write.call({}, report(), new Float32Array(2), 0)).toThrow(TypeError);
  });

  it('of calls: no other native object passes for rows, nor do disposed ones', () => {
    const session = new module.Session('tensor', 0);
    const held = new module.DeviceRows(report(), 0, 3, 2);
    const call = (candidates: unknown, extra: Partial<Record<(typeof requestFields)[number], number>> = {}) => {
      const fields = { anchorCount: 1, candidateCount: 3, dim: 2, candidateKind: 1, gamma: 1, threads: 1, ...extra };
      const request = Float64Array.from(requestFields, (name) => (fields as Record<string, number>)[name] ?? 0);
      return session.similarity(
        request,
        report(),
        Float32Array.of(1, 0),
        candidates as Float32Array,
        new Float32Array(3),
      );
    };
    held.write(report(), Float32Array.of(1, 0, 0, 1, 1, 1), 0);
    expect(call(held)).toBe(0);
    expect(call(held, { precision: 2 })).toBe(5);
    expect(call(held, { candidateCount: 2 })).toBe(5);
    expect(call(held, { candidateKind: 0, candidateCount: 1 })).toBe(5);
    expect(() => call(session)).toThrow(TypeError);
    expect(() => call({})).toThrow(TypeError);
    held.dispose();
    expect(() => call(held)).toThrow(TypeError);
  });

  it('of page-locked arrays', () => {
    for (const length of [0, -1, 0.5, Number.NaN, 2 ** 60]) {
      expect(() => module.allocatePinned(length)).toThrow(TypeError);
    }
  });
});
