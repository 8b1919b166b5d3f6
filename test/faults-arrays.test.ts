/** Arrays that go away, move, lie about themselves or belong to somebody else: the right bits or an error, never anything between. */
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  type CircleLossError,
  computeCircleLoss,
  computeCircleLossAsync,
  computeSimilarity,
  computeSimilarityAsync,
  createClassHead,
  createMemoryBank,
  createPairLoss,
  findNearest,
  findNearestAsync,
} from '../lib/index.ts';
import { evaluateRetrieval, evaluateRetrievalAsync } from '../lib/metrics.ts';
import { randomFrom, randomRows } from './cases.ts';
import { errorOf } from './error-of.ts';

const [count, dim, classes] = [12, 5, 4];
const rows = () => randomRows(count, dim, randomFrom(1));
const labelsOf = () => Int32Array.from({ length: count }, (_, i) => i % classes);
const pairLoss = { type: 'circle' } as const;

type Arrays = [embeddings: Float32Array, labels: Int32Array];
const openHead = () =>
  createClassHead({ classes, dim, pairLoss, engine: 'cpu', optimizer: { type: 'sgd', learningRate: 1e-3 } });
function openBank() {
  const bank = createMemoryBank({ capacity: 20, dim, pairLoss, engine: 'cpu' });
  bank.enqueue(randomRows(count, dim, randomFrom(2)), labelsOf());
  return bank;
}

/** Every way that rows and labels go in; what comes out is compared. */
const calls: Record<string, (...arrays: Arrays) => unknown> = {
  computeCircleLoss: (embeddings, labels) => computeCircleLoss(embeddings, labels, { dim }),
  'computeCircleLoss, engine reference': (embeddings, labels) =>
    computeCircleLoss(embeddings, labels, { dim, engine: 'reference' }),
  'computeCircleLoss, candidates': (embeddings, labels) =>
    computeCircleLoss(rows(), labelsOf(), { dim, candidates: embeddings, candidateLabels: labels }),
  session: (embeddings, labels) => createPairLoss({ dim, pairLoss }).compute(embeddings, labels),
  computeSimilarity: (anchors) => computeSimilarity(anchors, { dim }),
  findNearest: (anchors) => findNearest(anchors, { dim, k: 3 }),
  'head.step': (embeddings, labels) => openHead().step(embeddings, labels),
  'head.loss': (embeddings, labels) => openHead().loss(embeddings, labels),
  'head.predict': (embeddings) => openHead().predict(embeddings, 2),
  'bank.loss': (embeddings, labels) => openBank().loss(embeddings, labels),
  'bank.enqueue': (embeddings, labels) => {
    const bank = openBank();
    bank.enqueue(embeddings, labels);
    return bank.loss(rows(), labelsOf());
  },
  evaluateRetrieval: (embeddings, labels) => evaluateRetrieval(embeddings, labels, { dim }),
};

const asyncCalls: Record<string, (...arrays: Arrays) => Promise<unknown>> = {
  computeCircleLossAsync: (embeddings, labels) => computeCircleLossAsync(embeddings, labels, { dim }),
  'computeCircleLossAsync, engine reference': (embeddings, labels) =>
    computeCircleLossAsync(embeddings, labels, { dim, engine: 'reference' }),
  'session, async': (embeddings, labels) => createPairLoss({ dim, pairLoss }).computeAsync(embeddings, labels),
  computeSimilarityAsync: (anchors) => computeSimilarityAsync(anchors, { dim }),
  findNearestAsync: (anchors) => findNearestAsync(anchors, { dim, k: 3 }),
  'head.stepAsync': (embeddings, labels) => openHead().stepAsync(embeddings, labels),
  'head.predictAsync': (embeddings) => openHead().predictAsync(embeddings, 2),
  'bank.lossAsync': (embeddings, labels) => openBank().lossAsync(embeddings, labels),
  evaluateRetrievalAsync: (embeddings, labels) => evaluateRetrievalAsync(embeddings, labels, { dim }),
};

/** Of TypeScript's library for Node 20 they are no part yet. */
interface Resizable extends ArrayBuffer {
  resize(size: number): void;
}
const resizable = (size: number, most: number) =>
  new (ArrayBuffer as unknown as new (size: number, options: object) => Resizable)(size, { maxByteLength: most });
const growable = (size: number, most: number) =>
  new (
    SharedArrayBuffer as unknown as new (
      size: number,
      options: object,
    ) => SharedArrayBuffer & { grow(size: number): void }
  )(size, { maxByteLength: most });

function on<Buffer extends ArrayBufferLike>(buffer: Buffer, from: Float32Array | Int32Array, offset = 0) {
  const view = from instanceof Int32Array ? Int32Array : Float32Array;
  const array = new view(buffer as ArrayBuffer, offset, from.length);
  array.set(from);
  return array as Float32Array & Int32Array;
}

const transfer = (array: Float32Array | Int32Array) =>
  structuredClone(array, { transfer: [array.buffer as ArrayBuffer] });

class OddFloats extends Float32Array {
  static get [Symbol.species]() {
    return Float64Array as never;
  }
  override get length() {
    return 7_000_000;
  }
  override subarray(): never {
    throw new Error('a method of the caller');
  }
  override slice(): never {
    return undefined as never;
  }
  override set(): void {}
  override fill() {
    return this;
  }
  override get byteLength() {
    return 0;
  }
  override get byteOffset() {
    return 1 << 30;
  }
}

class OddLabels extends Int32Array {
  override get length() {
    return 3;
  }
  override slice(): never {
    throw new Error('a method of the caller');
  }
  override [Symbol.iterator](): never {
    throw new Error('a method of the caller');
  }
}

const sources: [string, () => Arrays][] = [
  [
    'of another realm',
    () => {
      const context = createContext({ numbers: [...rows()], labels: [...labelsOf()] });
      return [runInContext('Float32Array.from(numbers)', context), runInContext('Int32Array.from(labels)', context)];
    },
  ],
  ['of a subclass that says something else', () => [new OddFloats(rows()), new OddLabels(labelsOf())]],
  [
    'with a length of their own',
    () => [
      Object.defineProperty(rows(), 'length', { value: 3 }),
      Object.defineProperty(labelsOf(), 'length', { get: () => 1e9 }),
    ],
  ],
  [
    'that follow a resizable buffer',
    () => {
      const [floats, integers] = [resizable(4 * count * dim, 2 ** 16), resizable(4 * count, 2 ** 16)];
      on(floats, rows());
      on(integers, labelsOf());
      return [new Float32Array(floats), new Int32Array(integers)];
    },
  ],
  [
    'that follow growable shared memory',
    () => {
      const [floats, integers] = [growable(4 * count * dim, 2 ** 16), growable(4 * count, 2 ** 16)];
      on(floats, rows());
      on(integers, labelsOf());
      return [new Float32Array(floats), new Int32Array(integers)];
    },
  ],
  [
    'in shared memory',
    () => [on(new SharedArrayBuffer(4 * count * dim), rows()), on(new SharedArrayBuffer(4 * count), labelsOf())],
  ],
  [
    'in the middle of a buffer',
    () => [on(new ArrayBuffer(1000), rows(), 12), on(new ArrayBuffer(1000), labelsOf(), 8)],
  ],
];

describe.each(Object.entries({ ...calls, ...asyncCalls }))('%s takes arrays', (_, call) => {
  it.each(sources)('%s, with the bits of plain ones', async (_, arrays) => {
    expect(await call(...arrays())).toEqual(await call(rows(), labelsOf()));
  });
});

/** An error of ours, or the expected result. */
async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return (error as CircleLossError).code ?? error;
  }
}

describe.each(Object.entries({ ...calls, ...asyncCalls }))('%s refuses arrays', (_, call) => {
  const takesLabels = call.length > 1;

  it('whose buffer was transferred', async () => {
    const gone = rows();
    transfer(gone);
    expect(await outcomeOf(() => call(gone, labelsOf()))).toBe('ERR_CIRCLE_DETACHED');
    if (!takesLabels) return;
    const goneLabels = labelsOf();
    transfer(goneLabels);
    expect(await outcomeOf(() => call(rows(), goneLabels))).toBe('ERR_CIRCLE_DETACHED');
  });

  it.skipIf(!('transfer' in ArrayBuffer.prototype))(
    'whose buffer was moved by transfer() (needs Node 22)',
    async () => {
      const gone = rows();
      (gone.buffer as ArrayBuffer & { transfer(): void }).transfer();
      expect(await outcomeOf(() => call(gone, labelsOf()))).toBe('ERR_CIRCLE_DETACHED');
    },
  );

  it('beyond the end of a buffer that shrank', async () => {
    const buffer = resizable(4 * count * dim, 2 ** 16);
    const array = on(buffer, rows());
    buffer.resize(8);
    expect(await outcomeOf(() => call(array, labelsOf()))).toBe('ERR_CIRCLE_DETACHED');
  });

  it('that only look like one', async () => {
    const proxy = new Proxy(rows(), {});
    const { proxy: revoked, revoke } = Proxy.revocable(rows(), {});
    revoke();
    const tagged = Object.defineProperty(new Float64Array(count * dim), Symbol.toStringTag, { value: 'Float32Array' });
    const heir = Object.create(rows());
    for (const value of [proxy, revoked, tagged, heir, new DataView(new ArrayBuffer(240)), new BigInt64Array(60)]) {
      expect(await outcomeOf(() => call(value as never, labelsOf()))).toBe('ERR_CIRCLE_INVALID_ARGUMENT');
      if (takesLabels) {
        expect(await outcomeOf(() => call(rows(), value as never))).toBe('ERR_CIRCLE_INVALID_ARGUMENT');
      }
    }
  });
});

/** A list whose reading runs `code` before its last label comes. */
function listThatRuns(code: () => void): Int32Array {
  const list = Array.from(labelsOf());
  const last = list[count - 1];
  Object.defineProperty(list, count - 1, {
    get() {
      code();
      return last;
    },
  });
  return list as never;
}

describe.each(Object.entries({ ...calls, ...asyncCalls }).filter(([, call]) => call.length > 1))(
  '%s, while it reads its list of labels',
  (_, call) => {
    it('loses its rows: an error, and nothing was computed', async () => {
      const embeddings = rows();
      const outcome = await outcomeOf(() =>
        call(
          embeddings,
          listThatRuns(() => transfer(embeddings)),
        ),
      );
      expect(['ERR_CIRCLE_DETACHED', 'ERR_CIRCLE_SHAPE']).toContain(outcome);
    });

    it('loses the end of its rows', async () => {
      const buffer = resizable(4 * count * dim, 2 ** 16);
      const embeddings = on(buffer, rows());
      const outcome = await outcomeOf(() =>
        call(
          embeddings,
          listThatRuns(() => buffer.resize(16)),
        ),
      );
      expect(['ERR_CIRCLE_DETACHED', 'ERR_CIRCLE_SHAPE']).toContain(outcome);
    });

    it('calls itself: both have the right bits', async () => {
      let inner: unknown;
      const outer = call(
        rows(),
        listThatRuns(() => {
          inner = call(rows(), labelsOf());
        }),
      );
      const expected = await call(rows(), labelsOf());
      expect(await outer).toEqual(expected);
      expect(await inner).toEqual(expected);
    });

    it('throws: the caller’s own error comes out', async () => {
      const own = new RangeError('of the caller');
      const outcome = await outcomeOf(() =>
        call(
          rows(),
          listThatRuns(() => {
            throw own;
          }),
        ),
      );
      expect(outcome).toBe(own);
    });
  },
);

describe.each(Object.entries(asyncCalls))('%s, once it has returned', (_, call) => {
  it.each<[string, (...arrays: Arrays) => void]>([
    ['numbers change', (embeddings, labels) => [embeddings.fill(Number.NaN), labels.fill(-5)]],
    ['buffers are transferred', (embeddings, labels) => [transfer(embeddings), transfer(labels)]],
  ])('%s: the result is that of the call', async (_, change) => {
    const expected = await call(rows(), labelsOf());
    const [embeddings, labels] = [rows(), labelsOf()];
    const running = call(embeddings, labels);
    change(embeddings, labels);
    expect(await running).toEqual(expected);
  });

  it('buffers shrink and grow: the result is that of the call', async () => {
    const expected = await call(rows(), labelsOf());
    const buffers = [resizable(4 * count * dim, 2 ** 16), resizable(4 * count, 2 ** 16)];
    const [embeddings, labels] = [on(buffers[0], rows()), on(buffers[1], labelsOf())];
    const running = call(embeddings, labels);
    for (const buffer of buffers) {
      buffer.resize(0);
      buffer.resize(2 ** 16);
    }
    expect(await running).toEqual(expected);
  });
});

describe('arrays that results go to', () => {
  it.each(['cpu', 'reference'] as const)(
    'of a subclass, of another realm, in shared memory: they have the result, and are the result (%s)',
    async (engine) => {
      const compute = (out: object) => computeCircleLoss(rows(), labelsOf(), { dim, engine, out });
      const expected = computeCircleLoss(rows(), labelsOf(), { dim, engine });
      const makers: ((length: number) => Float32Array)[] = [
        (length) => new OddFloats(length),
        (length) => runInContext(`new Float32Array(${length})`, createContext()),
        (length) => new Float32Array(new SharedArrayBuffer(4 * length)),
        (length) => new Float32Array(resizable(4 * length, 2 ** 16)),
      ];
      for (const make of makers) {
        const out = { gradient: make(count * dim), anchorLosses: make(count) };
        for (const call of [
          compute,
          (to: object) => computeCircleLossAsync(rows(), labelsOf(), { dim, engine, out: to }),
        ]) {
          const result = await call(out);
          expect(result.gradient).toBe(out.gradient);
          expect(result.anchorLosses).toBe(out.anchorLosses);
          for (const key of ['gradient', 'anchorLosses'] as const) {
            const { buffer } = out[key];
            // What the memory holds, whatever the class of the array makes of it.
            expect(new Float32Array(buffer, 0, expected[key].length)).toEqual(expected[key]);
            new Float32Array(buffer).fill(0);
          }
        }
        const head = openHead();
        const weights = make(classes * dim);
        expect(head.weights(weights)).toBe(weights);
        expect(new Float32Array(weights.buffer, 0, classes * dim)).toEqual(head.weights());
        const gradient = make(count * dim);
        const { gradient: sum } = openBank().loss(rows(), labelsOf());
        expect(openBank().loss(rows(), labelsOf(), { out: { gradient } }).gradient).toBe(gradient);
        expect(new Float32Array(gradient.buffer, 0, count * dim)).toEqual(sum);
      }
    },
  );

  it('that hide where they are overlap all the same', () => {
    const buffer = new ArrayBuffer(4 * (count * dim + count));
    const embeddings = on(buffer, rows());
    const gradient = new OddFloats(buffer, 4 * count, count * dim);
    const call = () => computeCircleLoss(embeddings, labelsOf(), { dim, out: { gradient } });
    expect(errorOf(call)).toMatchObject({ code: 'ERR_CIRCLE_OVERLAP' });
    expect(embeddings).toEqual(rows());
  });

  it('that go away, or change their length, while the call runs: an error, and the other one is untouched', async () => {
    const changes: [string, (array: Float32Array) => void][] = [
      ['ERR_CIRCLE_DETACHED', transfer],
      ['ERR_CIRCLE_DETACHED', ({ buffer }) => (buffer as unknown as Resizable).resize(8)],
      ['ERR_CIRCLE_SHAPE', ({ buffer }) => (buffer as unknown as Resizable).resize(2 ** 12)],
    ];
    for (const [code, change] of changes) {
      // Of fixed length it goes out of bounds when the buffer shrinks; without, it follows the buffer when that grows.
      const buffer = resizable(4 * count * dim, 2 ** 16);
      const gradient =
        code === 'ERR_CIRCLE_SHAPE' ? new Float32Array(buffer) : new Float32Array(buffer, 0, count * dim);
      const anchorLosses = new Float32Array(count).fill(7);
      const running = computeCircleLossAsync(rows(), labelsOf(), { dim, out: { gradient, anchorLosses } });
      change(gradient);
      await expect(running).rejects.toMatchObject({ code });
      expect(anchorLosses.every((value) => value === 7)).toBe(true);
    }
  });
});
