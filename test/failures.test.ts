/** Calls that fail on their way: bad numbers, overflow, memory. `out` stays as it was, whichever engine fails. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Engine, Report } from '../lib/engine.ts';
import { always } from '../lib/engines.ts';
import { CircleLossError, computeCircleLoss, type PairLossOptions } from '../lib/index.ts';
import { referenceEngine } from '../lib/reference-engine.ts';
import { failure } from '../lib/run.ts';
import { openSession } from '../lib/session.ts';
import { engineList, type ListedEngine, sessionOn, settingsOf } from './engine-list.ts';
import { errorOf } from './error-of.ts';

const rows = () => Float32Array.of(1, 0, 0.6, 0.8, 0, 1);
const labels = [0, 0, 1];
const options = { dim: 2, pairLoss: { type: 'circle' } } as const;

describe.each(engineList)('$name, what a call finds out on its way', (engine: ListedEngine) => {
  const attempt = (embeddings: Float32Array, extra: object = {}) => {
    using session = sessionOn(engine, { ...options, ...extra } as PairLossOptions);
    return session.compute(embeddings, labels);
  };
  const bad = (at: number, value: number) => {
    const values = rows();
    values[at] = value;
    return values;
  };

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d in a row is named', (value) => {
    const message = `embeddings must be finite numbers; received ${value} at row 1, column 1. checkFinite: 'propagate' lets it through.`;
    const twice = bad(3, value);
    twice[5] = 1 / 0;
    expect(errorOf(() => attempt(twice))).toMatchObject({ code: 'ERR_CIRCLE_NOT_FINITE', message });
    const classWeights = bad(4, value);
    expect(errorOf(() => attempt(rows(), { classWeights })).message).toContain(
      `classWeights must be finite numbers; received ${value} at row 2, column 0.`,
    );
    const candidates = { candidates: bad(0, value), candidateLabels: labels };
    expect(errorOf(() => attempt(rows(), candidates)).message).toContain(
      `candidates must be finite numbers; received ${value} at row 0, column 0.`,
    );
  });

  it('the first bad row of a long batch is named, whatever thread finds it', () => {
    const values = new Float32Array(4000).fill(1);
    for (const row of [1999, 1500, 700, 1200]) values[row * 2 + 1] = Number.NaN;
    using session = sessionOn(engine, options);
    expect(errorOf(() => session.compute(values, new Int32Array(2000))).message).toContain('at row 700, column 1.');
  });

  it('finite rows whose loss is beyond float32', () => {
    const huge = rows().map((value) => value * 1e38);
    expect(errorOf(() => attempt(huge, { normalize: false }))).toMatchObject({
      code: 'ERR_CIRCLE_OVERFLOW',
      message:
        'The loss must be within the range of float32; received finite rows whose loss is beyond it. Lower gamma, scale the rows down or set normalize: true.',
    });
  });

  it('parameters at their bounds give a finite loss, or an overflow that says so', () => {
    for (const pairLoss of [
      { type: 'circle', gamma: 1e30 },
      { type: 'circle', gamma: 1e-30 },
      { type: 'circle', margin: 1e30, gamma: 1e-30 },
      { type: 'circle', margin: -1e30 },
      { type: 'circle', optima: { positive: 1e30, negative: -1e30 }, targets: { positive: -1e30, negative: 1e30 } },
      { type: 'unified', margin: -1e30, gamma: 1e30 },
      { type: 'arcface', gamma: 1e30 },
      { type: 'triplet', margin: 1e30 },
    ] as const) {
      try {
        const { loss, anchorLosses, gradient } = attempt(rows(), { pairLoss, upstream: 1e-30 });
        expect([loss, ...anchorLosses, ...gradient].filter((value) => !Number.isFinite(value))).toEqual([]);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_CIRCLE_OVERFLOW' });
      }
    }
  });

  it('out is untouched, synchronously and not', async () => {
    const out = { gradient: new Float32Array(6).fill(7), anchorLosses: new Float32Array(3).fill(7) };
    const huge = rows().map((value) => value * 1e38);
    const untouched = () => [...out.gradient, ...out.anchorLosses].every((value) => value === 7);
    for (const [embeddings, extra] of [
      [bad(5, Number.NaN), {}],
      [huge, { normalize: false }],
    ] as const) {
      using session = sessionOn(engine, { ...options, ...extra });
      expect(() => session.compute(embeddings, labels, { out })).toThrow(CircleLossError);
      expect(untouched()).toBe(true);
      await expect(session.computeAsync(embeddings, labels, { out })).rejects.toBeInstanceOf(CircleLossError);
      expect(untouched()).toBe(true);
    }
  });

  it('similarities name bad rows too', () => {
    const problem = {
      dim: 2,
      normalize: true,
      checkFinite: 'throw',
      threads: 2,
      precision: 'exact',
      anchorCount: 3,
      candidateCount: 3,
    } as const;
    const out = new Float32Array(9).fill(7);
    const anchors = bad(4, Number.NaN);
    const report = engine.open().similarity({ ...problem, anchors, candidates: undefined, out });
    expect(report).toMatchObject({ status: 'notFinite', array: 'anchors', row: 2 });
    expect(engine.open().similarity({ ...problem, anchors: rows(), candidates: bad(2, 1 / 0), out })).toMatchObject({
      status: 'notFinite',
      array: 'candidates',
      row: 1,
    });
    expect(out.every((value) => value === 7)).toBe(true);
  });
});

describe('what an engine reports becomes an error', () => {
  const deviceError = 'cudaErrorIllegalAddress: an illegal memory access was encountered';
  const reporting = (status: Report['status']): Engine => ({
    ...referenceEngine,
    compute: () => ({ status, array: 'anchors', row: 0, loss: 0, validAnchors: 0, deviceError }),
  });
  it.each([
    [
      'outOfMemory',
      'ERR_CIRCLE_OUT_OF_MEMORY',
      'Memory must be enough for 3 × 3 pairs of dim 2; received a failed allocation. Lower workspaceLimit or compute fewer rows a call.',
    ],
    [
      'overflow',
      'ERR_CIRCLE_OVERFLOW',
      'The loss must be within the range of float32; received finite rows whose loss is beyond it. Lower gamma.',
    ],
    [
      'outOfDeviceMemory',
      'ERR_CIRCLE_OUT_OF_MEMORY',
      "Device memory must be enough for 3 × 3 pairs of dim 2; received a failed allocation. Lower workspaceLimit, compute fewer rows a call, or use engine 'cpu'.",
    ],
    [
      'deviceFailed',
      'ERR_CIRCLE_CUDA',
      "The CUDA device must be able to finish what it began; received cudaErrorIllegalAddress: an illegal memory access was encountered. Restart the process: CUDA may refuse every later call of this one. Engine 'cpu' goes on working.",
    ],
    ['invalid', 'ERR_CIRCLE_INTERNAL', "The engine reported 'invalid'. This is a bug in circle-loss."],
  ] as const)('%s', (status, code, message) => {
    const session = openSession(settingsOf(options), always(reporting(status)));
    expect(errorOf(() => session.compute(rows(), labels))).toMatchObject({ code, message });
  });
});

it('a similarity matrix has no workspaceLimit to lower', () => {
  const anchors = rows();
  const report = { status: 'outOfMemory', array: 'anchors', row: 0, loss: 0, validAnchors: 0 } as const;
  const common = { normalize: true, checkFinite: 'throw', threads: 1, precision: 'exact' } as const;
  const shape = { anchorCount: 3, candidateCount: 3, dim: 2 };
  const problem = { ...common, ...shape, anchors, candidates: undefined, out: new Float32Array(9) };
  expect(failure(report, problem, { anchors: 'anchors', candidates: 'candidates' })).toMatchObject({
    code: 'ERR_CIRCLE_OUT_OF_MEMORY',
    message: 'Memory must be enough for 3 × 3 pairs of dim 2; received a failed allocation. Compute fewer rows a call.',
  });
});

describe('memory', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('a result that cannot be allocated is an error with its cause, and the process lives', () => {
    const failed = new RangeError('Array buffer allocation failed');
    const embeddings = rows();
    vi.stubGlobal(
      'Float32Array',
      class extends Float32Array {
        constructor(length: number) {
          super(length);
          throw failed;
        }
      },
    );
    const error = errorOf(() => computeCircleLoss(embeddings, labels, { dim: 2 }));
    expect(error).toMatchObject({ code: 'ERR_CIRCLE_OUT_OF_MEMORY', cause: failed });
    // No limit of the workspace makes room for a result.
    expect(error.message).toBe(
      'Memory must be enough for a Float32Array of 3 numbers; received a failed allocation. Compute fewer rows a call.',
    );
  });
});
