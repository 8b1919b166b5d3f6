/** Class heads: steps, sampling, predictions, whose turn it is, and what errors leave behind. */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  CircleLossError,
  type ClassHead,
  computePairLoss,
  createClassHead,
  loadClassHead,
  type Optimizer,
} from '../lib/index.ts';
import { momentCount, resolveOptimizer, stepInPlace } from '../lib/optimizers.ts';
import { randomFrom, randomRows } from './cases.ts';
import { cudaEngines } from './engine-list.ts';
import { errorOf } from './error-of.ts';

const [count, classes, dim] = [40, 150, 12];
const embeddings = randomRows(count, dim, randomFrom(1));
const labels = Int32Array.from({ length: count }, (_, i) => (i * 11) % classes);
const pairLoss = { type: 'circle', gamma: 32 } as const;
const optimizer = { type: 'sgd', learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4 } as const;
const options = { classes, dim, pairLoss, optimizer, seed: 5 } as const;

const places = ['reference', 'cpu', ...(cudaEngines.length > 0 ? (['cuda'] as const) : [])] as const;

/** A head that repeats with the functional API what another does. */
class Explicit {
  readonly weights: Float32Array;
  readonly #moments: Float32Array[];
  readonly #optimizer;
  #steps = 0;

  constructor(head: ClassHead, chosen: Optimizer) {
    this.weights = head.weights();
    this.#optimizer = resolveOptimizer(chosen);
    this.#moments = Array.from({ length: momentCount(this.#optimizer) }, () => new Float32Array(classes * dim));
  }

  step(taken: Int32Array, learningRate: number, upstream: number, engine: 'cpu' | 'reference' | 'cuda') {
    const classWeights = new Float32Array(taken.length * dim);
    taken.forEach((row, i) => void classWeights.set(this.weights.subarray(row * dim, (row + 1) * dim), i * dim));
    const result = computePairLoss(
      embeddings,
      labels.map((label) => taken.indexOf(label)),
      { dim, pairLoss, classWeights, upstream, engine },
    );
    this.#steps++;
    const [firstMoment, secondMoment] = this.#moments;
    const update = { optimizer: { ...this.#optimizer, learningRate }, step: this.#steps, firstMoment, secondMoment };
    taken.forEach(
      (row, i) => void stepInPlace(update, result.classWeightGradient, i * dim, this.weights, row * dim, dim),
    );
    return result;
  }
}

const everyClass = Int32Array.from({ length: classes }, (_, label) => label);
const farthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

describe.each(places)('on %s', (engine) => {
  it.each([
    ['sgd', 1, optimizer],
    ['sgd, half of the classes', 0.5, optimizer],
    ['adam', 1, { type: 'adam', learningRate: 0.02 }],
    ['adam, most of the classes', 0.9, { type: 'adam', learningRate: 0.02 }],
  ] as const)('steps are the functional API with explicit updates: %s', (_, sampleRate, chosen) => {
    using head = createClassHead({ ...options, engine, sampleRate, optimizer: chosen });
    const explicit = new Explicit(head, chosen);
    const losses: number[] = [];
    for (let step = 1; step <= 6; step++) {
      const [learningRate, upstream] = step === 4 ? [chosen.learningRate / 2, 3] : [chosen.learningRate, 1];
      const found = head.step(embeddings, labels, { learningRate, upstream });
      const expected = explicit.step(found.sampledClasses ?? everyClass, learningRate, upstream, engine);
      // Weights that differ in their last bits, from a step rounded elsewhere: γ s moves by γ 2⁻²⁴ a rounding of s, of
      // which a few add up a step, and a loss or gradient by as much of its own size, of some tens.
      const bound = step * 8 * pairLoss.gamma * 2 ** -24;
      expect(Math.abs(found.loss - expected.loss)).toBeLessThan(bound * (1 + expected.loss));
      const largest = expected.gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(farthest(found.gradient, expected.gradient)).toBeLessThan(bound * (1 + largest));
      expect(farthest(head.weights(), explicit.weights)).toBeLessThan(bound);
      expect(found.validAnchors).toBe(count);
      expect(head.steps).toBe(step);
      losses.push(found.loss);
    }
    expect(losses.at(-1)).toBeLessThan(losses[0] / 2);
  });

  it('the same seed and calls give the same bits, asynchronously too; another seed gives others', async () => {
    const run = async (how: 'step' | 'stepAsync', seed: number) => {
      using head = createClassHead({ ...options, engine, sampleRate: 0.4, seed });
      const first = await head[how](embeddings, labels);
      return { first, second: await head[how](embeddings, labels), weights: head.weights() };
    };
    const expected = await run('step', 5);
    expect(await run('step', 5)).toEqual(expected);
    expect(await run('stepAsync', 5)).toEqual(expected);
    const other = await run('step', 6);
    expect(other.first.sampledClasses).not.toEqual(expected.first.sampledClasses);
    expect(other.weights).not.toEqual(expected.weights);
    expect(expected.second.sampledClasses).not.toEqual(expected.first.sampledClasses);
  });

  it('a sampled step has all classes of the batch, as many others as the rate asks for, and moves no other', () => {
    using head = createClassHead({ ...options, engine, sampleRate: 0.4 });
    const seen = new Set<number>();
    for (let step = 0; step < 30; step++) {
      const before = head.weights();
      const { sampledClasses } = head.step(embeddings, labels);
      expect(sampledClasses).toHaveLength(60);
      expect(sampledClasses).toEqual(Int32Array.from(new Set(sampledClasses)).sort());
      expect(labels.every((label) => sampledClasses!.includes(label))).toBe(true);
      const after = head.weights();
      for (const label of everyClass) {
        const isMoved = after[label * dim] !== before[label * dim];
        expect(isMoved, `class ${label}`).toBe(sampledClasses!.includes(label));
      }
      for (const label of sampledClasses!) seen.add(label);
    }
    // A class is left out of all 30 steps with probability (1 − 20/110)³⁰ = 0.2 %; the seed is fixed, and leaves out none.
    expect(seen.size).toBe(classes);
  });

  it('a share that is no whole number of classes is rounded up', () => {
    using head = createClassHead({ ...options, engine, sampleRate: 0.35 });
    expect(head.step(embeddings, labels).sampledClasses).toHaveLength(53); // of 52.5
    using exact = createClassHead({ ...options, engine, classes: 700, sampleRate: 0.07 });
    expect(exact.step(embeddings, labels).sampledClasses).toHaveLength(49); // though 700 × 0.07 is 49.00000000000001
  });

  it('more classes in the batch than the rate asks for are all in', () => {
    using head = createClassHead({ ...options, engine, sampleRate: 0.01 });
    const { sampledClasses } = head.step(embeddings, labels);
    expect(sampledClasses).toEqual(Int32Array.from(new Set(labels)).sort());
  });

  it('predicts the most similar classes, in order, whatever their number', () => {
    using head = createClassHead({ ...options, engine });
    const weights = head.weights();
    const cosine = (i: number, label: number) => {
      const x = embeddings.subarray(i * dim, (i + 1) * dim);
      const w = weights.subarray(label * dim, (label + 1) * dim);
      const norm = (row: Float32Array) => Math.hypot(...row);
      return x.reduce((sum, value, d) => sum + value * w[d], 0) / norm(x) / norm(w);
    };
    for (const k of [1, 5, classes]) {
      const found = head.predict(embeddings, k);
      expect(found.classes).toHaveLength(count * k);
      for (let i = 0; i < count; i++) {
        const sorted = [...everyClass].map((label) => cosine(i, label)).sort((a, b) => b - a);
        for (let place = 0; place < k; place++) {
          // A cosine of dim terms in float32: (dim + 4) roundings at most.
          const bound = (dim + 4) * 2 ** -24;
          expect(Math.abs(found.similarities[i * k + place] - sorted[place])).toBeLessThan(bound);
          expect(Math.abs(cosine(i, found.classes[i * k + place]) - sorted[place])).toBeLessThan(2 * bound);
        }
      }
    }
    expect(head.predict(embeddings)).toEqual(head.predict(embeddings, 1));
  });

  it('predicts over as many classes as there are, a piece at a time; of equals the smaller', async () => {
    const many = 2500;
    const weights = randomRows(many, 8, randomFrom(3));
    const rowOf = (label: number) => weights.subarray(8 * label, 8 * label + 8);
    weights.set(rowOf(0), 8 * 2400); // a twin in another piece
    using head = createClassHead({ ...options, engine, classes: many, dim: 8, weights });
    const queries = new Float32Array(4096 * 8);
    for (let i = 0; i < 4096; i++) queries.set(rowOf(i % many), 8 * i);
    const found = head.predict(queries, 2);
    for (let i = 0; i < 4096; i++) {
      const nearest = [...found.classes.subarray(2 * i, 2 * i + 2)];
      if (i % many === 0 || i % many === 2400) expect(nearest).toEqual([0, 2400]);
      else expect(nearest[0]).toBe(i % many);
    }
    expect(await head.predictAsync(queries, 2)).toEqual(found);
  });

  it('a query that is not finite is named by its row among all, and similarities beyond float32 are refused', () => {
    const queries = randomRows(3000, dim, randomFrom(6));
    queries[2500 * dim + 4] = Number.NaN;
    using head = createClassHead({ ...options, engine });
    expect(errorOf(() => head.predict(queries)).message).toContain('NaN at row 2500, column 4.');
    const pairLoss = { type: 'unified', gamma: 1 } as const;
    const weights = Float32Array.of(1e30, 1e30, 1, 0, 2, 0);
    using raw = createClassHead({ ...options, pairLoss, normalize: false, engine, classes: 3, dim: 2, weights });
    expect(errorOf(() => raw.predict(Float32Array.of(1e30, 1e30), 3)).code).toBe('ERR_CIRCLE_OVERFLOW');
  });

  it('the loss is that of the functional API, and moves nothing', () => {
    using head = createClassHead({ ...options, engine, sampleRate: 0.2 });
    const classWeights = head.weights();
    const { loss, anchorLosses } = computePairLoss(embeddings, labels, {
      dim,
      pairLoss,
      classWeights,
      engine,
      gradient: 'skip',
    });
    expect(head.loss(embeddings, labels)).toMatchObject({ loss, anchorLosses, engine });
    expect(head.weights()).toEqual(classWeights);
    expect(head.steps).toBe(0);
  });

  it('an error changes nothing', async () => {
    using head = createClassHead({ ...options, engine });
    head.step(embeddings, labels);
    const before = head.weights();
    const spoilt = embeddings.slice();
    spoilt[17] = Number.NaN;
    const huge = { learningRate: Number.POSITIVE_INFINITY };
    for (const [code, call] of [
      ['ERR_CIRCLE_NOT_FINITE', () => head.step(spoilt, labels)],
      ['ERR_CIRCLE_SHAPE', () => head.step(embeddings.subarray(1), labels)],
      [
        'ERR_CIRCLE_INVALID_ARGUMENT',
        () =>
          head.step(
            embeddings,
            labels.map((label) => label + classes - 140),
          ),
      ],
      ['ERR_CIRCLE_INVALID_ARGUMENT', () => head.step(embeddings, labels, huge)],
      ['ERR_CIRCLE_SHAPE', () => head.step(embeddings, labels, { out: { gradient: new Float32Array(3) } })],
      ['ERR_CIRCLE_OVERLAP', () => head.step(embeddings, labels, { out: { gradient: embeddings } })],
    ] as const) {
      expect(errorOf(call).code).toBe(code);
    }
    await expect(head.stepAsync(spoilt, labels)).rejects.toThrow(
      'at row 1, column 5. The head is as it was before the call.',
    );
    await expect(head.stepAsync(embeddings, labels, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    expect(head.weights()).toEqual(before);
    expect(head.steps).toBe(1);
    head.step(embeddings, labels); // and goes on
  });

  it('an abort stops a step before it moves anything, or not at all', async () => {
    for (let turn = 0; turn < 8; turn++) {
      using head = createClassHead({ ...options, engine });
      using twin = createClassHead({ ...options, engine });
      const controller = new AbortController();
      const before = head.weights();
      const step = head.stepAsync(embeddings, labels, { signal: controller.signal }).then(
        () => 'made',
        (error: Error) => error.name,
      );
      for (let i = 0; i < turn; i++) await new Promise((resolve) => setImmediate(resolve));
      controller.abort();
      twin.step(embeddings, labels);
      const outcome = await step;
      expect(['made', 'AbortError']).toContain(outcome);
      expect(head.weights()).toEqual(outcome === 'made' ? twin.weights() : before);
      expect(head.steps).toBe(outcome === 'made' ? 1 : 0);
    }
  });

  it('results go to the arrays of the caller', async () => {
    using head = createClassHead({ ...options, engine });
    using twin = createClassHead({ ...options, engine });
    const out = { gradient: new Float32Array(count * dim), anchorLosses: new Float32Array(count) };
    const result = head.step(embeddings, labels, { out });
    expect(result.gradient).toBe(out.gradient);
    expect(result.anchorLosses).toBe(out.anchorLosses);
    expect(result).toEqual(twin.step(embeddings, labels));
    const again = await head.stepAsync(embeddings, labels, { out });
    expect(again.gradient).toBe(out.gradient);
    expect(again).toEqual(twin.step(embeddings, labels));
  });

  it('a step that has been made resolves, whatever became of the arrays of the caller', async () => {
    using head = createClassHead({ ...options, engine });
    using twin = createClassHead({ ...options, engine });
    const gradient = new Float32Array(count * dim);
    const step = head.stepAsync(embeddings, labels, { out: { gradient } });
    structuredClone(gradient, { transfer: [gradient.buffer] });
    expect(await step).toEqual(twin.step(embeddings, labels));
    expect(head.steps).toBe(1);
    expect(head.weights()).toEqual(twin.weights());
  });

  it('what could not be taken back is refused: an upstream that is not finite, options that change when they are read', () => {
    using head = createClassHead({ ...options, engine });
    const before = head.weights();
    const upstream = new Float32Array(count).fill(1);
    upstream[3] = Number.NaN;
    expect(errorOf(() => head.step(embeddings, labels, { upstream })).message).toBe(
      'upstream[3] must be a finite number; received NaN.',
    );
    expect(head.weights()).toEqual(before);
    for (const good of [0, 1, 2, 3]) {
      let reads = 0;
      const step = {
        get learningRate() {
          return reads++ < good ? 0.1 : Number.NaN;
        },
      };
      try {
        head.step(embeddings, labels, step);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_CIRCLE_INVALID_ARGUMENT' });
      }
      expect(head.weights().every(Number.isFinite)).toBe(true);
    }
  });

  it('options are those of its creation, whatever becomes of the objects', () => {
    const given = { type: 'circle', gamma: 32, optima: { positive: 1.2, negative: -0.2 } } as const;
    const mutable = structuredClone(given) as { -readonly [K in keyof typeof given]: never };
    using head = createClassHead({ ...options, engine, pairLoss: mutable });
    using twin = createClassHead({ ...options, engine, pairLoss: given });
    Object.assign(mutable.optima, { positive: 7 });
    Object.assign(mutable, { gamma: 1 });
    expect(head.step(embeddings, labels)).toEqual(twin.step(embeddings, labels));
  });

  it('the smallest momentum is none', () => {
    using head = createClassHead({ ...options, engine, optimizer: { ...optimizer, momentum: 1e-46 } });
    using twin = createClassHead({ ...options, engine, optimizer: { ...optimizer, momentum: 0 } });
    expect(head.step(embeddings, labels)).toEqual(twin.step(embeddings, labels));
    expect(head.weights()).toEqual(twin.weights());
  });

  it('one call at a time changes a head, and none reads it meanwhile', async () => {
    using head = createClassHead({ ...options, engine });
    const busy = (call: string) =>
      `The class head must be free of unfinished calls; received a call while ${call} is in flight.`;
    const step = head.stepAsync(embeddings, labels);
    for (const call of [
      () => head.step(embeddings, labels),
      () => head.loss(embeddings, labels),
      () => head.predict(embeddings),
      () => head.weights(),
    ]) {
      const error = errorOf(call);
      expect(error.code).toBe('ERR_CIRCLE_BUSY');
      expect(error.message).toContain(busy('stepAsync'));
    }
    await expect(head.stepAsync(embeddings, labels)).rejects.toThrow(busy('stepAsync'));
    await expect(head.save('/nowhere')).rejects.toThrow(busy('stepAsync'));
    await step;
    const prediction = head.predictAsync(embeddings);
    expect(errorOf(() => head.step(embeddings, labels)).message).toContain(busy('predictAsync'));
    expect(head.predict(embeddings)).toEqual(await prediction);
    head.step(embeddings, labels);
    expect(head.steps).toBe(2);
  });

  it('a disposed head refuses calls; those in flight end', async () => {
    const head = createClassHead({ ...options, engine });
    const step = head.stepAsync(embeddings, labels);
    head.dispose();
    head.dispose();
    expect((await step).loss).toBeGreaterThan(0);
    for (const call of [() => head.step(embeddings, labels), () => head.weights(), () => head.predict(embeddings)]) {
      expect(errorOf(call)).toMatchObject({ code: 'ERR_CIRCLE_DISPOSED' });
    }
    await expect(head.stepAsync(embeddings, labels)).rejects.toBeInstanceOf(CircleLossError);
  });

  it('what reads a head of many pieces while it is disposed reads all of it', async () => {
    const queries = randomRows(4096, 2, randomFrom(4));
    const many = { ...options, engine, classes: 2500, dim: 2 };
    using kept = createClassHead(many);
    const head = createClassHead(many);
    const prediction = head.predictAsync(queries, 3);
    const path = join(tmpdir(), `circle-loss-disposed-${process.pid}-${engine}.safetensors`);
    const saved = head.save(path);
    head.dispose();
    expect(await prediction).toEqual(kept.predict(queries, 3));
    await saved;
    using loaded = await loadClassHead(path, { engine });
    expect(loaded.weights()).toEqual(kept.weights());
    rmSync(path);
  });
});
