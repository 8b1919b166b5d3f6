/** Options that are code: getters, prototypes, Proxies, polluted globals, signals. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  computeCircleLoss,
  computeCircleLossAsync,
  computePairLoss,
  computeSimilarity,
  createClassHead,
  createMemoryBank,
  createPairLoss,
  findNearest,
  pkSampler,
} from '../lib/index.ts';
import { evaluateRetrieval, evaluateVerification } from '../lib/metrics.ts';
import { randomFrom, randomRows } from './cases.ts';
import { errorOf } from './error-of.ts';

const [count, dim, classes] = [12, 5, 4];
const rows = () => randomRows(count, dim, randomFrom(1));
const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
const pairLoss = { type: 'circle' } as const;
const optimizer = { type: 'sgd', learningRate: 1e-3 } as const;
const openHead = () => createClassHead({ classes, dim, pairLoss, engine: 'cpu', optimizer });
const openBank = () => createMemoryBank({ capacity: 20, dim, pairLoss, engine: 'cpu' });
const compute = (options: object) => computeCircleLoss(rows(), labels, options as never);
const plain = () => compute({ dim });

/** What an asynchronous call rejects with. */
async function rejectionOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => expect.unreachable('it resolved'),
    (error: unknown) => error,
  );
}

describe('an option is what reading it gives', () => {
  it('inherited ones and getters count, Symbol keys and frozen objects do not matter', () => {
    class Settings {
      dim = dim;
      get gamma() {
        return 64;
      }
    }
    const expected = compute({ dim, gamma: 64 });
    expect(compute(new Settings())).toEqual(expected);
    expect(compute(Object.create({ dim, gamma: 64 }))).toEqual(expected);
    expect(compute(Object.assign(Object.create(null), { dim, gamma: 64 }))).toEqual(expected);
    expect(compute(Object.freeze({ dim, gamma: 64, [Symbol('gamma')]: 3 }))).toEqual(expected);
    expect(compute(new Proxy({ dim, gamma: 64 }, {}))).toEqual(expected);
    const hidden = Object.defineProperty({ dim }, 'gamma', { value: 64, enumerable: false });
    expect(compute(hidden)).toEqual(expected);
  });

  it('`__proto__` is a prototype where JavaScript says so, and an unknown key where it is one', () => {
    expect(compute(JSON.parse(`{ "dim": ${dim} }`))).toEqual(plain());
    expect(compute({ dim, __proto__: { gamma: 64 } })).toEqual(compute({ dim, gamma: 64 }));
    const error = errorOf(() => compute(JSON.parse(`{ "dim": ${dim}, "__proto__": { "gamma": 64 } }`)));
    expect(error).toMatchObject({
      code: 'ERR_CIRCLE_INVALID_ARGUMENT',
      message: expect.stringContaining("'__proto__'"),
    });
    expect(({} as { gamma?: unknown }).gamma).toBeUndefined();
  });

  it('what was checked is what is used, though a getter says something else each time', () => {
    // Every value is valid or not by itself; whichever reading is checked, the call is of that one or an error about it.
    const values = [64, 'no number', Number.NaN, 64, -1, undefined, 64, {}];
    for (let first = 0; first < values.length; first++) {
      plain(); // what the schema accepted last is another call
      let reads = first;
      const options = {
        dim,
        get gamma() {
          return values[reads++ % values.length];
        },
      };
      let found: unknown;
      try {
        found = compute(options);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_CIRCLE_INVALID_ARGUMENT' });
        expect((error as Error).message).toContain('options.gamma must be');
        continue;
      }
      expect([compute({ dim, gamma: 64 }), plain()]).toContainEqual(found);
    }
  });

  it('a nested object that changes its type between reads is an error about it, not a crash', () => {
    for (const values of [
      [{ type: 'circle', foo: 1 }, null],
      [{ type: 'circle', foo: 1 }, { type: 'none' }],
      [3, null],
    ]) {
      let reads = 0;
      const options = {
        dim,
        get pairLoss() {
          return values[Math.min(reads++, 1)];
        },
      };
      const error = errorOf(() => computePairLoss(rows(), labels, options as never));
      expect(error).toMatchObject({ code: 'ERR_CIRCLE_INVALID_ARGUMENT' });
    }
    let types = 0;
    const shifty = {
      get type() {
        return ['circle', 'none', 'nothing'][Math.min(types++, 2)];
      },
      foo: 1,
    };
    const error = errorOf(() => computePairLoss(rows(), labels, { dim, pairLoss: shifty } as never));
    expect(error).toMatchObject({ code: 'ERR_CIRCLE_INVALID_ARGUMENT' });
  });

  it('an unknown key inside a nested object of a loss is named with the keys that there are', () => {
    const optima = { positive: 1, negative: 0, postive: 1 };
    const error = errorOf(() => computePairLoss(rows(), labels, { dim, pairLoss: { ...pairLoss, optima } as never }));
    expect(error.message).toBe(
      "options.pairLoss.optima must be made of known keys; received the unknown key 'postive'. Did you mean 'positive'? Known: positive, negative.",
    );
  });

  it('a key without end is named by its beginning, at once', () => {
    const error = errorOf(() => compute({ dim, ['x'.repeat(1e6)]: 1 }));
    expect(error.message).toContain(`received the unknown key '${'x'.repeat(40)}…'.`);
    expect(error.message.length).toBeLessThan(1000);
  });

  it('what a getter throws comes out as it is', async () => {
    const own = new SyntaxError('of the caller');
    const options = {
      dim,
      get gamma(): number {
        throw own;
      },
    };
    expect(() => compute(options)).toThrow(own);
    expect(await rejectionOf(computeCircleLossAsync(rows(), labels, options))).toBe(own);
  });
});

describe('a getter that uses what is being called', () => {
  /** Options whose reading runs `code` once. */
  const running = (code: () => void) => {
    let done = false;
    return {
      get upstream() {
        if (!done) {
          done = true;
          code();
        }
        return 1;
      },
    };
  };

  it('computes with the same session', () => {
    using session = createPairLoss({ dim, pairLoss });
    let inner: unknown;
    const outer = session.compute(
      rows(),
      labels,
      running(() => {
        inner = session.compute(rows(), labels);
      }),
    );
    expect(outer).toEqual(plain());
    expect(inner).toEqual(plain());
  });

  it('disposes it: the call is one after dispose()', async () => {
    for (const open of [() => createPairLoss({ dim, pairLoss, engine: 'cpu' }), openHead, openBank] as const) {
      const calls = [
        (it: object, options: object) => ('compute' in it ? call(it, 'compute', options) : undefined),
        (it: object, options: object) => ('computeAsync' in it ? call(it, 'computeAsync', options) : undefined),
        (it: object, options: object) => ('step' in it ? call(it, 'step', options) : undefined),
        (it: object, options: object) => ('stepAsync' in it ? call(it, 'stepAsync', options) : undefined),
        (it: object, options: object) => ('enqueue' in it ? call(it, 'loss', options) : undefined),
        (it: object, options: object) => ('lossAsync' in it ? call(it, 'lossAsync', options) : undefined),
      ];
      for (const attempt of calls) {
        const subject = open();
        const disposing = running(() => subject.dispose());
        const found = await Promise.resolve()
          .then(() => attempt(subject, disposing))
          .catch((error: unknown) => error);
        if (found !== undefined) expect(found).toMatchObject({ code: 'ERR_CIRCLE_DISPOSED' });
      }
    }
    function call(subject: object, method: string, options: object): unknown {
      return (subject as Record<string, (...given: unknown[]) => unknown>)[method](rows(), labels, options);
    }
  });

  it('steps the same head: the outer step sees the inner one', async () => {
    using head = openHead();
    using twin = openHead();
    head.step(
      rows(),
      labels,
      running(() => head.step(rows(), labels)),
    );
    twin.step(rows(), labels);
    twin.step(rows(), labels);
    expect(head.weights()).toEqual(twin.weights());
    expect(head.steps).toBe(2);
    // Two writers at once would be a race.
    let inner: Promise<unknown> | undefined;
    const options = running(() => {
      inner = head.stepAsync(rows(), labels);
    });
    expect(errorOf(() => head.step(rows(), labels, options))).toMatchObject({ code: 'ERR_CIRCLE_BUSY' });
    await inner;
    twin.step(rows(), labels);
    expect(head.weights()).toEqual(twin.weights());
  });

  it('a list of labels that disposes the head or the memory, or asks for another call', async () => {
    const listThatRuns = (code: () => void) =>
      Object.defineProperty([...labels], count - 1, {
        get() {
          code();
          return labels[count - 1];
        },
      });
    for (const method of ['step', 'stepAsync', 'loss'] as const) {
      const head = openHead();
      const found = Promise.resolve().then(() =>
        head[method](
          rows(),
          listThatRuns(() => head.dispose()),
        ),
      );
      expect(await rejectionOf(found)).toMatchObject({ code: 'ERR_CIRCLE_DISPOSED' });
    }
    const bank = openBank();
    bank.enqueue(
      rows(),
      listThatRuns(() => bank.enqueue(rows(), labels)),
    );
    expect(bank.size).toBe(20);
    const list = listThatRuns(() => bank.dispose());
    expect(errorOf(() => bank.enqueue(rows(), list))).toMatchObject({ code: 'ERR_CIRCLE_DISPOSED' });
  });

  it('after dispose every call of a head and a memory is ERR_CIRCLE_DISPOSED, save among them', async () => {
    const head = openHead();
    const bank = openBank();
    head.dispose();
    bank.dispose();
    for (const call of [
      () => head.step(rows(), labels),
      () => head.stepAsync(rows(), labels),
      () => head.loss(rows(), labels),
      () => head.predict(rows()),
      () => head.predictAsync(rows()),
      () => head.weights(),
      () => head.save('/nowhere/head.safetensors'),
      () => bank.loss(rows(), labels),
      () => bank.lossAsync(rows(), labels),
      () => bank.enqueue(rows(), labels),
      () => bank.clear(),
    ]) {
      expect(await rejectionOf(Promise.resolve().then(call))).toMatchObject({ code: 'ERR_CIRCLE_DISPOSED' });
    }
  });
});

describe('a polluted Object.prototype', () => {
  const calls: Record<string, () => unknown> = {
    computeCircleLoss: () => compute({ dim, engine: 'cpu' }),
    'computeCircleLoss again, options known to be valid': () => compute({ dim, engine: 'cpu' }),
    computeCircleLossAsync: () => computeCircleLossAsync(rows(), labels, { dim }),
    'computePairLoss with class weights': () =>
      computePairLoss(rows(), labels, { dim, pairLoss, classWeights: randomRows(classes, dim, randomFrom(3)) }),
    session: () => createPairLoss({ dim, pairLoss }).compute(rows(), labels),
    'session, step': () => createPairLoss({ dim, pairLoss }).compute(rows(), labels, { upstream: 2 }),
    computeSimilarity: () => computeSimilarity(rows(), { dim }),
    findNearest: () => findNearest(rows(), { dim, k: 2 }),
    head: () => openHead().step(rows(), labels),
    'head, async': () => openHead().stepAsync(rows(), labels, { learningRate: 0.5 }),
    bank: () => openBank().loss(rows(), labels),
    'bank, async': () => openBank().lossAsync(rows(), labels),
    pkSampler: () => pkSampler({ labels, classesPerBatch: 2, samplesPerClass: 2, seed: 1 }).nextBatch(),
    evaluateRetrieval: () => evaluateRetrieval(rows(), labels, { dim }),
    evaluateVerification: () => evaluateVerification(Float32Array.of(1, 0), [true, false]),
  };
  const outcomeOf = async (call: () => unknown) => {
    try {
      return await call();
    } catch (error) {
      return error;
    }
  };

  it.each<[string, unknown]>([
    ['gamma', 64],
    ['gamma', 'much'],
    ['margin', 0.1],
    ['reduction', 'sum'],
    ['normalize', false],
    ['scope', 'batch'],
    ['gradient', 'skip'],
    ['gradient', new Float32Array(3)],
    ['upstream', 3],
    ['dim', -1],
    ['classWeights', 3],
    ['candidates', rows()],
    ['candidateLabels', 'abc'],
    ['candidateRows', 'abc'],
    ['checkFinite', 'propagate'],
    ['out', {}],
    ['out', null],
    ['signal', {}],
    ['engine', () => {}],
    ['update', () => {}],
    ['learningRate', 1e9],
    ['weights', new Float32Array(1)],
    ['own', [1, 2, 3]],
    ['rocPoints', 7],
    ['smallClasses', 'skip'],
    ['anchorLosses', 'x'],
    ['classWeightGradient', 'x'],
    ['length', 1e9],
    ['nothing we know', 5],
    ['0', 5],
  ])('%s = %s: results are as they were, or there is an error of ours', async (key, value) => {
    const expected: Record<string, unknown> = {};
    for (const [name, call] of Object.entries(calls)) expected[name] = await call();
    const outcomes: Record<string, unknown> = {};
    for (const enumerable of [true, false]) {
      Object.defineProperty(Object.prototype, key, { value, configurable: true, writable: true, enumerable });
      try {
        for (const name of Object.keys(calls)) outcomes[`${name} ${enumerable}`] = await outcomeOf(calls[name]);
      } finally {
        delete (Object.prototype as unknown as Record<string, unknown>)[key];
      }
    }
    for (const name of Object.keys(calls)) {
      const { [`${name} true`]: usual, [`${name} false`]: hidden } = outcomes;
      // What programs do by mistake, and hostile JSON through a merge, can be enumerated: that is no option of anybody's.
      if (usual instanceof Error) expect(usual, name).toMatchObject({ code: expect.stringMatching(/^ERR_CIRCLE_/) });
      else expect(usual, name).toEqual(expected[name]);
      // What cannot is inherited as any property is.
      if (hidden instanceof Error) expect(hidden, name).toMatchObject({ code: expect.stringMatching(/^ERR_CIRCLE_/) });
    }
  });
});

describe('signals', () => {
  it('that only look like one are refused', async () => {
    const heir = Object.create(AbortSignal.prototype);
    for (const signal of [heir, { aborted: false, addEventListener() {} }, new EventTarget(), 'abort', null]) {
      const rejection = await rejectionOf(computeCircleLossAsync(rows(), labels, { dim, signal } as never));
      expect(rejection).toMatchObject({ code: 'ERR_CIRCLE_INVALID_ARGUMENT' });
    }
  });

  it('are asked by what they are: an `aborted` of their own runs no code between checks', async () => {
    const embeddings = rows();
    const { signal } = new AbortController();
    Object.defineProperty(signal, 'aborted', {
      get() {
        structuredClone(embeddings, { transfer: [embeddings.buffer as ArrayBuffer] });
        return false;
      },
    });
    expect(await computeCircleLossAsync(embeddings, labels, { dim, signal })).toEqual(plain());
    expect(embeddings.length).toBe(count * dim);
  });

  it('abort with any reason, before, and lose their listeners whatever happens', async () => {
    for (const reason of [new Error('own'), undefined, null, 0, { any: 'thing' }]) {
      const controller = new AbortController();
      controller.abort(reason);
      const rejection = await rejectionOf(computeCircleLossAsync(rows(), labels, { dim, signal: controller.signal }));
      expect(rejection).toMatchObject({ name: 'AbortError' });
      expect((rejection as Error).cause).toBe(controller.signal.reason);
    }
    const { signal } = new AbortController();
    for (let call = 0; call < 30; call++) await computeCircleLossAsync(rows(), labels, { dim, signal });
    const bad = rows().fill(Number.NaN);
    for (let call = 0; call < 5; call++) await rejectionOf(computeCircleLossAsync(bad, labels, { dim, signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});
