/**
 * The public API against a model of what it must refuse: options and arrays are made right, then broken in a way of which
 * the model knows the code, or not broken. Never another error, never a result that is not finite or not that of engine
 * 'reference'. CIRCLE_LOSS_FAULT_RUNS sets the number of runs of each property.
 */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  computeCircleLoss,
  computePairLoss,
  computePairLossAsync,
  computeSimilarity,
  createClassHead,
  createMemoryBank,
  createPairLoss,
  findNearest,
  pkSampler,
} from '../lib/index.ts';
import { evaluateFolds, evaluateReIdentification, evaluateRetrieval, evaluateVerification } from '../lib/metrics.ts';
import { type Break, type Call, calls, junk } from './faults/breaks.ts';
import { subjects } from './faults/subjects.ts';

const numRuns = Number(process.env.CIRCLE_LOSS_FAULT_RUNS ?? 1000);
const seed = process.env.CIRCLE_LOSS_FAULT_SEED ? Number(process.env.CIRCLE_LOSS_FAULT_SEED) : 20_020_213;
vi.setConfig({ testTimeout: 900_000 });
const check = (property: fc.IProperty<never> | fc.IAsyncProperty<never>) =>
  fc.assert(property as fc.IAsyncProperty<unknown>, { numRuns, seed, interruptAfterTimeLimit: 600_000 });

const brokenBy = (breaks: readonly Break[]) => fc.option(fc.constantFrom(...breaks), { nil: undefined, freq: 3 });

async function outcomeOf(
  run: () => unknown,
): Promise<{ result?: unknown; error?: { code?: string; message?: string } }> {
  try {
    return { result: await run() };
  } catch (error) {
    return { error: error as Error };
  }
}

/** Numbers anywhere in a result. */
function numbersOf(result: unknown): number[] {
  if (typeof result === 'number') return [result];
  if (ArrayBuffer.isView(result)) return Array.from(result as Float32Array);
  return typeof result === 'object' && result !== null ? Object.values(result).flatMap(numbersOf) : [];
}

/**
 * γ is at most 80 here, and rows are unit rows of at most 6 numbers: a similarity is off by (6 + 4) × 2⁻²⁴ on one side of
 * the comparison, a logit by 4γ times that and a loss by two logits; `sum` adds 9 of them up. A gradient is that of up to
 * 2 × 9 pairs of weight 4γ whose exponents are known to twice the loss's bound, over rows of norm 2⁻⁸ at least.
 */
const logitBound = 2 * 4 * 80 * 10 * 2 ** -24;
const lossBound = 9 * logitBound;
const gradientBound = 2 * 2 * 9 * 4 * 80 * (2 * logitBound) * 2 ** 8 * 9;

function expectClose(found: unknown, expected: unknown): void {
  const [ours, theirs] = [found, expected].map((result) => result as { loss: number; gradient?: Float32Array });
  expect(Math.abs(ours.loss - theirs.loss)).toBeLessThanOrEqual(lossBound + Math.abs(theirs.loss) * 2 ** -22);
  expect(ours.gradient?.length).toBe(theirs.gradient?.length);
  ours.gradient?.forEach((value, k) => {
    expect(Math.abs(value - theirs.gradient![k])).toBeLessThanOrEqual(gradientBound);
  });
}

describe.each(Object.entries(subjects))('%s', (_, { run, breaks, options, isLoss }) => {
  it('refuses what the model refuses, with its code, and computes the rest', async () => {
    await check(
      fc.asyncProperty(calls, options, brokenBy(breaks), junk, async (call, extra, broken, given) => {
        const whole: Call = {
          values: call.values.slice(),
          labels: call.labels,
          options: { ...call.options, ...extra },
        };
        broken?.apply(whole, given);
        const { result, error } = await outcomeOf(() => run(whole));
        if (broken) {
          expect(error?.code, `${broken.name}: ${error?.message}`).toBe(broken.code);
          expect(error!.message!.length).toBeLessThan(1000);
          return;
        }
        expect(error).toBeUndefined();
        const numbers = numbersOf(result).filter((value) => value !== Number.NEGATIVE_INFINITY); // a threshold may be
        expect(numbers.length).toBeGreaterThan(0);
        expect(numbers.every(Number.isFinite)).toBe(true);
        if (isLoss) expectClose(result, await run({ ...whole, options: { ...whole.options, engine: 'reference' } }));
      }) as never,
    );
  });
});

describe('anything at all', () => {
  const anything = fc.oneof(
    fc.anything({
      withTypedArray: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withBigInt: true,
    }),
    fc.constantFrom<unknown>(new Float32Array(6), new Int32Array(3), [0, 0, 1], { dim: 2 }, { dim: 2, k: 1 }, 3),
  );
  const functions: ((a: never, b: never, c: never) => unknown)[] = [
    computeCircleLoss,
    computePairLoss,
    computePairLossAsync,
    computeSimilarity,
    findNearest,
    createPairLoss,
    createClassHead,
    createMemoryBank,
    pkSampler,
    evaluateRetrieval,
    evaluateReIdentification,
    evaluateVerification,
    evaluateFolds,
  ] as never;

  it('as arguments: a result, or an error of ours', async () => {
    await check(
      fc.asyncProperty(fc.constantFrom(...functions), anything, anything, anything, async (called, a, b, c) => {
        const { error } = await outcomeOf(() => called(a as never, b as never, c as never));
        if (error) expect(error.code, `${called.name}: ${error}`).toMatch(/^ERR_CIRCLE_(?!INTERNAL)/);
      }) as never,
    );
  });

  it('as an option: a result, or an error of ours', async () => {
    const names = ['gamma', 'margin', 'optima', 'targets', 'weighting', 'out', 'upstream', 'candidates', 'classWeights']
      .concat(['candidateLabels', 'reduction', 'threads', 'pairLoss', 'optimizer', 'falseAcceptRates', 'thresholds'])
      .concat(['folds', 'recallAt', 'own', 'gallery', 'galleryLabels', 'signal', 'weights', 'labels', 'smallClasses']);
    const [values, labels] = [Float32Array.of(1, 0, 0.6, 0.8, 0, 1), [0, 0, 1]];
    await check(
      fc.asyncProperty(
        fc.constantFrom(...functions),
        fc.constantFrom(...names),
        anything,
        async (called, name, value) => {
          const base = called === computePairLoss ? { dim: 2, pairLoss: { type: 'circle' } } : { dim: 2 };
          const { error } = await outcomeOf(() =>
            called(values as never, labels as never, { ...base, [name]: value } as never),
          );
          if (error) expect(error.code, `${called.name}, ${name}: ${error}`).toMatch(/^ERR_CIRCLE_(?!INTERNAL)/);
        },
      ) as never,
    );
  });
});
