/** What a class head is made with: options, first weights, the engine whose memory has them. */
import { describe, expect, it } from 'vitest';
import { residentEngine } from '../lib/engines.ts';
import { type ClassHeadOptions, createClassHead } from '../lib/index.ts';
import { randomFrom, randomRows } from './cases.ts';
import { cudaEngines } from './engine-list.ts';
import { errorOf } from './error-of.ts';

const [classes, dim] = [150, 12];
const pairLoss = { type: 'circle', gamma: 32 } as const;
const optimizer = { type: 'sgd', learningRate: 0.1, momentum: 0.9, weightDecay: 5e-4 } as const;
const options = { classes, dim, pairLoss, optimizer, seed: 5 } as const;

describe('options', () => {
  const attempt = (extra: object) =>
    errorOf(() => createClassHead({ ...options, engine: 'cpu', ...extra } as ClassHeadOptions));

  it.each([
    [{ classes: 0 }, 'options.classes must be an integer from 1 to 2147483647; received 0.'],
    [{ classes: 2 ** 31 }, 'options.classes must be an integer from 1 to 2147483647'],
    [{ dim: 1.5 }, 'options.dim must be an integer from 1; received 1.5.'],
    [{ sampleRate: 0 }, 'options.sampleRate must be a number above 0, to 1; received 0.'],
    [{ sampleRate: 1.01 }, 'options.sampleRate must be a number above 0, to 1'],
    [{ seed: 0.5 }, 'options.seed must be an integer from 0 to 4294967295'],
    [
      { optimizer: { type: 'lion', learningRate: 1 } },
      "options.optimizer.type must be 'sgd' or 'adam'; received 'lion'.",
    ],
    [
      { optimizer: { type: 'sgd' } },
      'options.optimizer.learningRate must be a number from 0 to 1e30; received undefined.',
    ],
    [
      { optimizer: { type: 'sgd', learningRate: 1, momentum: 1 } },
      'options.optimizer.momentum must be a number from 0, to 1 excluded',
    ],
    [{ optimizer: { type: 'sgd', learningRate: 1, beta1: 0.9 } }, "unknown key 'beta1'"],
    [
      { optimizer: 0.1 },
      "options.optimizer must be an object such as { type: 'sgd', learningRate: 0.1 }; received 0.1.",
    ],
    [{ gradient: 'skip' }, "unknown key 'gradient'"],
    [{ weights: new Float64Array(classes * dim) }, 'options.weights must be a Float32Array'],
    [{ pairLoss: { type: 'arcface' }, normalize: false }, 'options.normalize must be true'],
  ])('%j is refused', (extra, message) => {
    const error = attempt(extra);
    expect(error.code).toBe('ERR_CIRCLE_INVALID_ARGUMENT');
    expect(error.message).toContain(message);
  });

  it('weights of another shape are refused, those given are copied', () => {
    expect(attempt({ weights: new Float32Array(7) })).toMatchObject({
      code: 'ERR_CIRCLE_SHAPE',
      message: `options.weights must be classes × dim = ${classes * dim} numbers; received 7.`,
    });
    const weights = randomRows(classes, dim, randomFrom(9));
    using head = createClassHead({ ...options, weights });
    const given = weights.slice();
    weights.fill(0);
    expect(head.weights()).toEqual(given);
    const out = new Float32Array(classes * dim);
    expect(head.weights(out)).toBe(out);
    expect(out).toEqual(given);
  });

  it('weights and moments beyond memory are an error that says what to do', () => {
    expect(attempt({ classes: 2147483647, dim: 1e6 })).toMatchObject({
      code: 'ERR_CIRCLE_OUT_OF_MEMORY',
      message: expect.stringContaining('Use fewer classes, or an optimizer that keeps less.'),
    });
  });

  it('first weights are spread evenly from −1/√dim to 1/√dim', () => {
    using head = createClassHead({ ...options, engine: 'cpu', classes: 4000 });
    const scaled = head.weights().map((weight) => weight * Math.sqrt(dim));
    expect(Math.min(...scaled)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...scaled)).toBeLessThanOrEqual(1);
    // Of 48,000 numbers mean and mean square are within five standard errors, √(1/3/n) and √(4/45/n).
    const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean(scaled))).toBeLessThan(5 * Math.sqrt(1 / 3 / 48000));
    expect(Math.abs(mean(scaled.map((value) => value * value)) - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / 48000));
  });

  it("'auto' puts rows on a GPU where a batch of 128 is worth the way, and else on the CPU", () => {
    const hasCuda = cudaEngines.length > 0;
    expect(residentEngine('auto', 0, 100, 16).name).toBe('cpu');
    expect(residentEngine('auto', 0, 10000, 512).name).toBe(hasCuda ? 'cuda' : 'cpu');
    expect(residentEngine('cpu', 0, 10000, 512).name).toBe('cpu');
    expect(residentEngine('reference', 0, 10000, 512).name).toBe('reference');
  });
});
