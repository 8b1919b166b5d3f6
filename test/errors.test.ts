/** What arrays are refused, with which code and words. */
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { nativeLoad } from '../lib/errors.ts';
import { computeCircleLoss, computeCircleLossAsync, computeSimilarity } from '../lib/index.ts';
import { errorOf } from './error-of.ts';

const rows = () => Float32Array.of(1, 0, 0.6, 0.8, 0, 1);
const labels = [0, 0, 1];

/** With JavaScript's freedom from types. */
const compute =
  (embeddings: unknown, given: unknown, extra: object = {}) =>
  () =>
    computeCircleLoss(embeddings as never, given as never, { dim: 2, ...extra } as never);

function detachedArray(length: number): Float32Array {
  const array = new Float32Array(length);
  structuredClone(array, { transfer: [array.buffer] });
  return array;
}

it('a CircleLossError is an Error with a name and a code', () => {
  const error = errorOf(compute([1, 2], labels));
  expect(error).toBeInstanceOf(Error);
  expect(`${error}`).toBe(
    'CircleLossError: embeddings must be a Float32Array; received Array(2). Float32Array.from(embeddings) makes one.',
  );
});

describe('types', () => {
  it.each<[string, () => unknown, string]>([
    [
      'float64',
      compute(new Float64Array(6), labels),
      'embeddings must be a Float32Array; received Float64Array(6). Float32Array.from(embeddings) makes one.',
    ],
    [
      'rows in an array of arrays',
      compute(
        [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
        labels,
      ),
      'embeddings must be a Float32Array; received Array(3). Float32Array.from(embeddings.flat()) makes one.',
    ],
    [
      'rows in an array of Float32Arrays',
      compute([rows(), rows()], labels),
      'embeddings must be a Float32Array; received Array(2). Float32Array.from(embeddings.flatMap((row) => [...row])) makes one.',
    ],
    [
      'integers of 64 bits',
      compute(new BigInt64Array(6), labels),
      'embeddings must be a Float32Array; received BigInt64Array(6).',
    ],
    ['no numbers', compute(['a', 'b'], labels), 'embeddings must be a Float32Array; received Array(2).'],
    [
      'rows that throw where they are looked at',
      compute(
        new Proxy([], {
          get: () => {
            throw new Error('from a trap');
          },
        }),
        labels,
      ),
      'embeddings must be a Float32Array; received an object.',
    ],
    ['a buffer', compute(new ArrayBuffer(24), labels), 'embeddings must be a Float32Array; received ArrayBuffer.'],
    ['nothing', compute(undefined, labels), 'embeddings must be a Float32Array; received undefined.'],
    [
      'labels of bytes',
      compute(rows(), new Uint8Array(3)),
      'labels must be an Int32Array or an array of numbers; received Uint8Array(3).',
    ],
    [
      'labels of text',
      compute(rows(), ['a', 'b', 'c']),
      "labels[0] must be an integer from -2147483648 to 2147483647; received 'a'.",
    ],
    [
      'a label with a fraction',
      compute(rows(), [0, 1.5, 2]),
      'labels[1] must be an integer from -2147483648 to 2147483647; received 1.5.',
    ],
    [
      'a label of 2³¹',
      compute(rows(), [0, 0, 2 ** 31]),
      'labels[2] must be an integer from -2147483648 to 2147483647; received 2147483648.',
    ],
    [
      'a label left out',
      compute(rows(), [0, undefined, 1]),
      'labels[1] must be an integer from -2147483648 to 2147483647; received undefined.',
    ],
    [
      'class weights',
      compute(rows(), labels, { classWeights: [1, 2] }),
      'classWeights must be a Float32Array; received Array(2). Float32Array.from(classWeights) makes one.',
    ],
    [
      'out',
      compute(rows(), labels, { out: { gradient: new Float64Array(6) } }),
      'out.gradient must be a Float32Array; received Float64Array(6).',
    ],
    [
      'a label beyond the class weights',
      compute(rows(), [0, 1, 2], { classWeights: new Float32Array(4) }),
      'labels[2] must be a row of classWeights, from 0 to 1; received 2.',
    ],
    [
      'a negative label of class weights',
      compute(rows(), [0, -1, 1], { classWeights: new Float32Array(4) }),
      'labels[1] must be a row of classWeights, from 0 to 1; received -1.',
    ],
  ])('%s', (_, call, message) => {
    expect(errorOf(call)).toMatchObject({ code: 'ERR_CIRCLE_INVALID_ARGUMENT', message });
  });

  it('arrays of another realm are as good', () => {
    const embeddings = runInContext('Float32Array.of(1, 0, 0.6, 0.8, 0, 1)', createContext());
    const given = runInContext('Int32Array.of(0, 0, 1)', createContext());
    expect(embeddings).not.toBeInstanceOf(Float32Array);
    expect(compute(embeddings, given)()).toEqual(compute(rows(), labels)());
  });

  it('so are views into the middle of a buffer, and shared memory', () => {
    const shared = new Float32Array(new SharedArrayBuffer(64), 8, 6);
    shared.set(rows());
    expect(compute(shared, labels)()).toEqual(compute(rows(), labels)());
  });
});

describe('lengths', () => {
  it.each<[string, () => unknown, string]>([
    [
      'embeddings',
      compute(new Float32Array(7), labels),
      'embeddings must be labels.length × dim = 3 × 2 = 6 numbers; received 7.',
    ],
    [
      'a label too few, or a row too many',
      compute(rows(), [0, 0]),
      'embeddings and labels must be equally many; received 3 rows of dim = 2 numbers and 2 labels.',
    ],
    ['no rows', compute(new Float32Array(0), []), 'labels must be at least one label; received 0.'],
    [
      'candidates',
      compute(rows(), labels, { candidates: new Float32Array(5), candidateLabels: [1, 2] }),
      'candidates must be candidateLabels.length × dim = 2 × 2 = 4 numbers; received 5.',
    ],
    [
      'no candidates',
      compute(rows(), labels, { candidates: new Float32Array(0), candidateLabels: [] }),
      'candidateLabels must be at least one label; received 0.',
    ],
    [
      'class weights',
      compute(rows(), labels, { classWeights: new Float32Array(5) }),
      'classWeights must be rows of dim = 2 numbers, at least one; received 5 numbers.',
    ],
    [
      'no class weights',
      compute(rows(), labels, { classWeights: new Float32Array(0) }),
      'classWeights must be rows of dim = 2 numbers, at least one; received 0 numbers.',
    ],
    [
      'upstream',
      compute(rows(), labels, { upstream: new Float32Array(2) }),
      'upstream must be one number a loss, 3; received 2.',
    ],
    [
      'upstream of a batch',
      compute(rows(), labels, { scope: 'batch', upstream: new Float32Array(3) }),
      'upstream must be one number a loss, 1; received 3.',
    ],
    [
      'out.gradient',
      compute(rows(), labels, { out: { gradient: new Float32Array(8) } }),
      'out.gradient must be 6 numbers; received 8.',
    ],
    [
      'out.anchorLosses',
      compute(rows(), labels, { out: { anchorLosses: new Float32Array(2) } }),
      'out.anchorLosses must be 3 numbers; received 2.',
    ],
    [
      'out.anchorLosses of a batch',
      compute(rows(), labels, { scope: 'batch', out: { anchorLosses: new Float32Array(3) } }),
      'out.anchorLosses must be 1 numbers; received 3.',
    ],
    [
      'similarities',
      () => computeSimilarity(new Float32Array(5), { dim: 2 }),
      'anchors must be rows of dim = 2 numbers, at least one; received 5 numbers.',
    ],
    [
      'out of similarities',
      () => computeSimilarity(rows(), { dim: 2, out: new Float32Array(6) }),
      'out must be 9 numbers; received 6.',
    ],
  ])('%s', (_, call, message) => {
    expect(errorOf(call)).toMatchObject({ code: 'ERR_CIRCLE_SHAPE', message });
  });
});

describe('buffers that went away', () => {
  it.each<[string, () => unknown, string]>([
    ['embeddings', compute(detachedArray(6), labels), 'embeddings'],
    ['class weights', compute(rows(), labels, { classWeights: detachedArray(4) }), 'classWeights'],
    ['candidates', compute(rows(), labels, { candidates: detachedArray(4), candidateLabels: [0, 1] }), 'candidates'],
    ['upstream', compute(rows(), labels, { upstream: detachedArray(3) }), 'upstream'],
    ['out', compute(rows(), labels, { out: { gradient: detachedArray(6) } }), 'out.gradient'],
    ['anchors', () => computeSimilarity(detachedArray(6), { dim: 2 }), 'anchors'],
  ])('%s', (_, call, name) => {
    const message = `${name} must be backed by a live buffer; received an array whose buffer was transferred or shrunk away.`;
    expect(errorOf(call)).toMatchObject({ code: 'ERR_CIRCLE_DETACHED', message });
  });

  it('a view that a resized buffer no longer holds is one of them', () => {
    const buffer = new (ArrayBuffer as unknown as new (size: number, options: object) => ArrayBuffer)(24, {
      maxByteLength: 48,
    });
    const fixed = new Float32Array(buffer, 0, 6);
    const tracking = new Float32Array(buffer);
    fixed.set(rows());
    expect(compute(fixed, labels)()).toEqual(compute(rows(), labels)());
    expect(compute(tracking, labels)()).toEqual(compute(rows(), labels)());
    (buffer as unknown as { resize(size: number): void }).resize(16);
    expect(errorOf(compute(fixed, labels)).code).toBe('ERR_CIRCLE_DETACHED');
    expect(errorOf(compute(tracking, labels)).message).toBe(
      'embeddings and labels must be equally many; received 2 rows of dim = 2 numbers and 3 labels.',
    );
  });

  it('an out array that is transferred while the call runs rejects, and the other stays as it was', async () => {
    const out = { gradient: new Float32Array(6), anchorLosses: new Float32Array(3).fill(7) };
    const running = computeCircleLossAsync(rows(), labels, { dim: 2, out });
    structuredClone(out.gradient, { transfer: [out.gradient.buffer] });
    await expect(running).rejects.toMatchObject({ code: 'ERR_CIRCLE_DETACHED' });
    expect([...out.anchorLosses]).toEqual([7, 7, 7]);
  });
});

describe('out arrays that overlap', () => {
  const buffer = new ArrayBuffer(200);
  const at = (byte: number, length: number) => new Float32Array(buffer, byte, length);
  const embeddings = at(0, 6);
  embeddings.set(rows());
  it.each<[string, () => unknown, string]>([
    [
      'the embeddings',
      compute(embeddings, labels, { out: { gradient: embeddings } }),
      'out.gradient must be apart from embeddings in memory; received an array that overlaps it.',
    ],
    [
      'their last number',
      compute(embeddings, labels, { out: { gradient: at(20, 6) } }),
      'out.gradient must be apart from embeddings in memory; received an array that overlaps it.',
    ],
    [
      'labels',
      compute(rows(), new Int32Array(buffer, 100, 3), { out: { anchorLosses: at(108, 3) } }),
      'out.anchorLosses must be apart from labels in memory; received an array that overlaps it.',
    ],
    [
      'class weights',
      compute(rows(), labels, { classWeights: at(0, 4), out: { classWeightGradient: at(12, 4) } }),
      'out.classWeightGradient must be apart from classWeights in memory; received an array that overlaps it.',
    ],
    [
      'candidates',
      compute(rows(), labels, { candidates: at(0, 4), candidateLabels: [0, 1], out: { anchorLosses: at(0, 3) } }),
      'out.anchorLosses must be apart from candidates in memory; received an array that overlaps it.',
    ],
    [
      'upstream',
      compute(rows(), labels, { upstream: at(0, 3), out: { anchorLosses: at(0, 3) } }),
      'out.anchorLosses must be apart from upstream in memory; received an array that overlaps it.',
    ],
    [
      'each other',
      compute(rows(), labels, { out: { gradient: at(0, 6), anchorLosses: at(20, 3) } }),
      'out.gradient must be apart from out.anchorLosses in memory; received an array that overlaps it.',
    ],
    [
      'the anchors',
      () => computeSimilarity(at(0, 6), { dim: 2, out: at(20, 9) }),
      'out must be apart from anchors in memory; received an array that overlaps it.',
    ],
  ])('%s', (_, call, message) => {
    expect(errorOf(call)).toMatchObject({ code: 'ERR_CIRCLE_OVERLAP', message });
  });

  it('side by side in one buffer they are fine', () => {
    const found = compute(embeddings, labels, { out: { gradient: at(24, 6), anchorLosses: at(48, 3) } })();
    expect(found).toEqual(compute(rows(), labels)());
  });
});

it('a missing binary: every place on a line of its own, and the remedy', () => {
  const { code, message } = nativeLoad([
    { path: '/a/circle_cpu.node', reason: 'no such file' },
    { path: '/b/circle_cpu.node', reason: 'wrong ELF class' },
  ]);
  expect(code).toBe('ERR_CIRCLE_NATIVE_LOAD');
  expect(message.split('\n')).toEqual([
    "engine 'cpu' must be backed by a native binary; received none that loads from",
    '  /a/circle_cpu.node: no such file',
    '  /b/circle_cpu.node: wrong ELF class.',
    "Build it with `npx circle-loss build`, in a clone with `npm run build:native`, or use engine 'reference'.",
  ]);
});
