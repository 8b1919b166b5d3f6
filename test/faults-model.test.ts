/**
 * The public API against a model of what it must refuse: options and arrays are made right, then broken in a way of which
 * the model knows the code, or not broken. Never another error, never a result that is not finite or not that of engine
 * 'reference'. CIRCLE_LOSS_FAULT_RUNS sets the number of runs of each property.
 */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type Break, type Call, calls, junk } from './faults/breaks.ts';
import './engine-list.ts'; // engine 'cuda', played where there is no other
import { exceptions, exported, rightCalls } from './faults/right-calls.ts';
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

/** What a right call may end with: files and data sets are nowhere; and where CUDA cannot run, what needs it says so. */
function rightCodes(name: string): (string | undefined)[] {
  if (/^(read|load)/.test(name)) return ['ERR_CIRCLE_FILE', 'ERR_CIRCLE_PROTOCOL'];
  const needsCuda = ['createDeviceMatrix', 'allocatePinned'].includes(name);
  return needsCuda ? [undefined, 'ERR_CIRCLE_CUDA_UNAVAILABLE', 'ERR_CIRCLE_NATIVE_LOAD'] : [undefined];
}

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
    fc.constantFrom<unknown>(
      undefined,
      null,
      2 ** 53 - 1,
      Proxy.revocable({}, {}).proxy,
      [{}],
      [null],
      [[]],
      { length: 2 },
      { path: 1 },
      { frames: 3 },
    ),
  );
  const few = Math.ceil(numRuns / 20);
  const checkFew = (property: unknown) => fc.assert(property as fc.IAsyncProperty<unknown>, { numRuns: few, seed });
  const names = Object.keys(rightCalls);
  beforeAll(() => tf.setBackend('cpu'));

  async function expectOurs(name: string, args: unknown[]): Promise<void> {
    const { error } = await outcomeOf(() => rightCalls[name].call(...(args as never[])));
    if (error) expect(error.code, `${name}: ${(error as Error).stack}`).toMatch(/^ERR_CIRCLE_(?!INTERNAL)/);
  }

  it('every export has a right call', () => {
    const functions = Object.keys(exported).filter((name) => !exceptions.includes(name));
    for (const name of functions) expect(typeof exported[name], name).toBe('function');
    expect(functions.filter((name) => !(name in rightCalls))).toEqual([]);
  });

  it.each(names)('%s called right is right', async (name) => {
    const { error } = await outcomeOf(() => rightCalls[name].call(...(rightCalls[name].args() as never[])));
    expect(rightCodes(name), `${name}: ${error?.message}`).toContain(error?.code);
  });

  it.each(names)('%s, as arguments: a result, or an error of ours', async (name) => {
    await checkFew(fc.asyncProperty(fc.array(anything, { maxLength: 3 }), async (args) => expectOurs(name, args)));
  });

  it.each(names)('%s, as one of its arguments: a result, or an error of ours', async (name) => {
    const count = rightCalls[name].args().length;
    if (count === 0) return;
    await checkFew(
      fc.asyncProperty(fc.nat(count - 1), anything, async (at, value) =>
        expectOurs(name, rightCalls[name].args().with(at, value)),
      ),
    );
  });

  it.each(names)('%s, as an option: a result, or an error of ours', async (name) => {
    const keys = await keysOf(name);
    if (keys.length === 0) return;
    await checkFew(
      fc.asyncProperty(fc.constantFrom(...keys), anything, async ({ at, key }, value) => {
        const args = rightCalls[name].args();
        await expectOurs(name, args.with(at, { ...(args[at] as object), [key]: value }));
      }),
    );
  });
});

/** What the objects among the arguments of a right call have, and may have: of an unknown key the error names all others. */
async function keysOf(name: string): Promise<{ at: number; key: string }[]> {
  const { call, args } = rightCalls[name];
  const found: { at: number; key: string }[] = [];
  for (const [at, value] of args().entries()) {
    if (Object.getPrototypeOf(value) !== Object.prototype) continue;
    const keys = new Set(Object.keys(value as object));
    const { error } = await outcomeOf(() => call(...(args().with(at, { ...(value as object), xyzzy: 1 }) as never[])));
    for (const key of /Known: (.*)\.$/.exec(error?.message ?? '')?.[1].split(', ') ?? []) keys.add(key);
    for (const key of keys) found.push({ at, key });
  }
  return found;
}
