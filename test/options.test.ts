/** What options are refused, with which words; and what named pair losses stand for. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  amSoftmax,
  computeCircleLoss,
  computeCircleLossAsync,
  computePairLoss,
  computeSimilarity,
  createPairLoss,
  findNearest,
  normFace,
  softmax,
} from '../lib/index.ts';
import { metricSchemas } from '../lib/metrics/schemas.ts';
import { protocolSchemas } from '../lib/protocols/schemas.ts';
import { parse, schemas } from '../lib/schemas.ts';
import { errorOf } from './error-of.ts';

const rows = Float32Array.of(1, 0, 0, 1);
const labels = [0, 1];

/** With JavaScript's freedom from types. */
const circle = (options: object) => () => computeCircleLoss(rows, labels, { dim: 2, ...options } as never);
const pair =
  (pairLoss: unknown, options: object = {}) =>
  () =>
    computePairLoss(rows, labels, { dim: 2, pairLoss, ...options } as never);

describe('a value of the wrong type or out of range', () => {
  const beyond = [Number.NaN, Number.POSITIVE_INFINITY, 1.1e30, '1', null, {}];
  const cases: [name: string, expected: string, values: unknown[]][] = [
    ['dim', 'an integer from 1', [0, -1, 1.5, Number.NaN, '2', undefined, null]],
    ['margin', 'a number from -1e30 to 1e30', [...beyond, -1.1e30]],
    ['gamma', 'a number from 1e-30 to 1e30', [...beyond, 0, -80, 0.9e-30]],
    ['weighting', "'detached' or 'differentiated'", ['attached', true, null]],
    ['normalize', 'true or false', [1, 'true', null]],
    ['scope', "'anchor' or 'batch'", ['all', 0]],
    ['reduction', "'mean' or 'mean-nonzero' or 'mean-all' or 'sum'", ['average', null]],
    ['gradient', "'compute' or 'skip'", [false, 'no']],
    ['candidateGradient', "'skip' or 'compute'", [true]],
    ['checkFinite', "'throw' or 'propagate'", [false]],
    ['engine', "'auto' or 'cpu' or 'reference' or 'cuda'", ['gpu', 1]],
    ['threads', 'an integer from 1', [0, 2.5, '4']],
    ['precision', "'exact' or 'fast'", ['half', 16, true]],
    ['device', 'the number of a device, an integer from 0', [-1, 0.5, '0', null]],
    ['workspaceLimit', 'a number of bytes from 0', [-1, 0.5, '1']],
    ['optima', 'an object such as { positive: 1, negative: 0 }', [1, 'wide']],
    ['out', 'an object', [rows.length, 'new']],
  ];
  const shown = (value: unknown) => {
    if (typeof value === 'string') return `'${value}'`;
    return value !== null && typeof value === 'object' ? 'an object' : String(value);
  };
  it.each(cases)('%s', (name, expected, values) => {
    for (const value of values) {
      const message = `options.${name} must be ${expected}; received ${shown(value)}.`;
      expect(errorOf(circle({ [name]: value }))).toMatchObject({ code: 'ERR_CIRCLE_INVALID_ARGUMENT', message });
    }
  });

  it('inside a pair loss, with the path to it', () => {
    const angle = 'an angle in radians from 0 to π';
    const types = "'circle' or 'unified' or 'arcface' or 'triplet'";
    for (const [pairLoss, message] of [
      [{ type: 'arcface', margin: -0.1 }, `options.pairLoss.margin must be ${angle}; received -0.1.`],
      [{ type: 'arcface', margin: 28.6 }, `options.pairLoss.margin must be ${angle}; received 28.6.`],
      [{ type: 'unified', gamma: 0 }, 'options.pairLoss.gamma must be a number from 1e-30 to 1e30; received 0.'],
      [{ type: 'circel' }, `options.pairLoss.type must be ${types}; received 'circel'.`],
      [{}, `options.pairLoss.type must be ${types}; received undefined.`],
      ['circle', "options.pairLoss must be an object such as { type: 'circle' }; received 'circle'."],
      [undefined, "options.pairLoss must be an object such as { type: 'circle' }; received undefined."],
      [
        { type: 'circle', optima: { positive: 1 } },
        'options.pairLoss.optima.negative must be a number from -1e30 to 1e30; received undefined.',
      ],
      [
        { type: 'circle', targets: { positive: -1e31, negative: 0 } },
        'options.pairLoss.targets.positive must be a number from -1e30 to 1e30; received -1e+31.',
      ],
    ] as const) {
      expect(errorOf(pair(pairLoss)).message).toBe(message);
    }
  });

  it('upstream is a number within bounds or an array', () => {
    const message = /^upstream must be a number from -1e30 to 1e30 or a Float32Array; /;
    for (const upstream of [Number.NaN, Number.NEGATIVE_INFINITY, 1.1e30, -1.1e30, '1', true]) {
      expect(errorOf(circle({ upstream })).message).toMatch(message);
    }
    expect(errorOf(circle({ upstream: [1, 1] })).message).toBe(
      'upstream must be a Float32Array; received Array(2). Float32Array.from(upstream) makes one.',
    );
    expect(errorOf(circle({ upstream: null })).message).toBe('upstream must be a Float32Array; received null.');
  });

  const objects = Object.entries<unknown>({ ...schemas, ...metricSchemas, ...protocolSchemas }).filter(
    (entry): entry is [string, z.ZodObject] => entry[1] instanceof z.ZodObject && entry[0] !== 'classHeadFile',
  );

  it.each(objects)('the example of options of %s is one', (_, schema) => {
    const { message } = errorOf(() => parse(schema, undefined));
    const [, example = '{}'] = /^options must be an object(?: such as (\{ .* \}))?; received undefined\.$/.exec(
      message,
    )!;
    const arrays = ['labels', 'templates', 'media', 'queryLabels', 'galleryLabels'];
    const options: unknown = new Function(...arrays, `return (${example})`)(...arrays.map(() => labels));
    expect(schema.safeParse(options).error).toBeUndefined();
  });

  it('no options at all', () => {
    for (const options of [undefined, null, 2, 'dim']) {
      expect(errorOf(() => computeCircleLoss(rows, labels, options as never)).message).toMatch(
        /^options must be an object such as \{ dim: 128 \}; received /,
      );
    }
  });
});

describe('a typo', () => {
  it('is an error that says what was meant', () => {
    const { code, message } = errorOf(circle({ gama: 80 }));
    expect(code).toBe('ERR_CIRCLE_INVALID_ARGUMENT');
    expect(message).toMatch(
      /^options must be made of known keys; received the unknown key 'gama'\. Did you mean 'gamma'\? Known: dim, .*\.$/,
    );
    expect(errorOf(circle({ classweights: rows })).message).toContain("Did you mean 'classWeights'?");
    expect(errorOf(circle({ normalise: true })).message).toContain("Did you mean 'normalize'?");
  });

  it.each<[object, string]>([
    [{ m: 0.25 }, "Did you mean 'margin'? Known: "],
    [{ s: 64 }, "Did you mean 'gamma'? Known: "],
    [{ scale: 64 }, "Did you mean 'gamma'? Known: "],
    [{ temperature: 0.1 }, "Did you mean 'gamma'? It is 1 / temperature. Known: "],
    [{ labels }, "Did you mean 'candidateLabels'? Labels of the embeddings are an argument of their own. Known: "],
    [{ class_weights: rows }, "Did you mean 'classWeights'? Known: "],
    [{ proxies: rows }, "Did you mean 'classWeights'? Known: "],
    [{ dim: undefined, D: 2 }, "received the unknown key 'D'. Did you mean 'dim'? Known: "],
    [{ dim: undefined, colour: 2 }, "received the unknown key 'colour'. Known: "],
  ])('or another word for an option: %j', (options, words) => {
    expect(errorOf(circle(options)).message).toContain(words);
  });

  it('says where an option is inside another one', () => {
    const withMargin = errorOf(pair({ type: 'circle' }, { margin: 0.25 }));
    expect(withMargin.message).toContain("Did you mean 'pairLoss.margin'? Known: dim, ");
    expect(errorOf(pair({ type: 'circle', m: 0.25 })).message).toContain("Did you mean 'margin'? Known: type, ");
  });

  it('is one of a named loss too, where it would change the loss without a word', () => {
    expect(errorOf(() => amSoftmax({ scale: 30 } as never)).message).toBe(
      "shape must be made of known keys; received the unknown key 'scale'. Did you mean 'gamma'? Known: margin, gamma.",
    );
    expect(errorOf(() => normFace({ margin: 0.3 } as never)).message).toContain(
      "the unknown key 'margin'. Known: gamma.",
    );
  });

  it('a letter is no typo of another', () => {
    expect(errorOf(() => findNearest(rows, { dim: 2, k: 1, q: 1 } as never)).message).not.toContain('Did you mean');
  });

  it('says nothing where nothing is near', () => {
    expect(errorOf(circle({ colour: 1 })).message).toMatch(/received the unknown key 'colour'\. Known: dim, /);
  });

  it('is found at every depth', () => {
    const inLoss = errorOf(pair({ type: 'unified', magin: 1 })).message;
    expect(inLoss).toBe(
      "options.pairLoss must be made of known keys; received the unknown key 'magin'. Did you mean 'margin'? Known: type, margin, gamma.",
    );
    expect(errorOf(pair({ type: 'triplet', gamma: 1 })).message).toContain('Known: type, margin.');
    expect(errorOf(circle({ out: { gradients: rows } })).message).toContain("Did you mean 'gradient'?");
    expect(errorOf(circle({ optima: { positive: 1, negative: 0, neutral: 1 } })).message).toMatch(
      /^options\.optima must/,
    );
    using session = createPairLoss({ dim: 2, pairLoss: { type: 'circle' } });
    expect(errorOf(() => session.compute(rows, labels, { upstreem: 1 } as never)).message).toMatch(
      /^step must be made of .* Did you mean 'upstream'\? Known: /,
    );
    expect(errorOf(() => computeSimilarity(rows, { dim: 2, gallery: rows } as never)).message).toContain("'gallery'");
  });

  it('rejects, not throws, where the call is asynchronous', async () => {
    await expect(computeCircleLossAsync(rows, labels, { dim: 2, gama: 1 } as never)).rejects.toMatchObject({
      code: 'ERR_CIRCLE_INVALID_ARGUMENT',
    });
  });

  it('a signal is an option of asynchronous calls only, and an AbortSignal', async () => {
    expect(errorOf(circle({ signal: new AbortController().signal })).message).toContain("unknown key 'signal'");
    await expect(computeCircleLossAsync(rows, labels, { dim: 2, signal: 'stop' } as never)).rejects.toMatchObject({
      message: "options.signal must be an AbortSignal; received 'stop'.",
    });
  });
});

describe('combinations without a meaning', () => {
  const classWeights = Float32Array.of(1, 0, 0, 1);
  const candidates = Float32Array.of(1, 1);
  it.each<[string, () => unknown, RegExp]>([
    [
      'arcface of rows as given',
      pair({ type: 'arcface' }, { normalize: false }),
      /^options\.normalize must be true for pairLoss 'arcface', .*; received false\.$/,
    ],
    [
      'triplet over a batch',
      pair({ type: 'triplet' }, { scope: 'batch' }),
      /^options\.scope must be 'anchor' for pairLoss 'triplet', .*; received 'batch'\.$/,
    ],
    [
      'two kinds of candidates',
      circle({ classWeights, candidates }),
      /^candidates must be absent where classWeights are given; received Float32Array\(2\)\.$/,
    ],
    [
      'labels of class weights',
      circle({ classWeights, candidateLabels: labels }),
      /^candidateLabels must be absent where classWeights/,
    ],
    [
      'candidates without labels',
      circle({ candidates }),
      /^candidateLabels must be an Int32Array or an array of numbers; received undefined\.$/,
    ],
    [
      'labels without candidates',
      circle({ candidateLabels: labels }),
      /^candidateLabels must be absent where no candidates/,
    ],
    [
      'the gradient of no candidates',
      circle({ candidateGradient: 'compute' }),
      /^options\.candidateGradient must be 'skip' where no candidates/,
    ],
    [
      'out for a gradient that is skipped',
      circle({ gradient: 'skip', out: { gradient: rows.slice() } }),
      /^out\.gradient must be absent/,
    ],
    [
      'out for the gradient of no class weights',
      circle({ out: { classWeightGradient: rows.slice() } }),
      /^out\.classWeightGradient must be absent/,
    ],
    [
      'out for candidates whose gradient is skipped',
      circle({ candidates, candidateLabels: [0], out: { candidateGradient: candidates.slice() } }),
      /^out\.candidateGradient must be absent/,
    ],
  ])('%s', (_, call, message) => {
    const error = errorOf(call);
    expect(error.code).toBe('ERR_CIRCLE_INVALID_ARGUMENT');
    expect(error.message).toMatch(message);
  });

  it('are refused by createPairLoss at once', () => {
    const options = { dim: 2, pairLoss: { type: 'arcface' }, normalize: false } as never;
    expect(errorOf(() => createPairLoss(options)).message).toMatch(/^options\.normalize/);
  });
});

describe('named pair losses', () => {
  it('are the unified loss with the parameters of Eq. 2', () => {
    expect(amSoftmax()).toEqual({ pairLoss: { type: 'unified' }, normalize: true });
    expect(amSoftmax({ margin: 0.2, gamma: 30 }).pairLoss).toEqual({ type: 'unified', margin: 0.2, gamma: 30 });
    expect(normFace({ gamma: 20 })).toEqual({ pairLoss: { type: 'unified', margin: 0, gamma: 20 }, normalize: true });
    expect(softmax()).toEqual({ pairLoss: { type: 'unified', margin: 0, gamma: 1 }, normalize: false });
  });

  it('compute them', () => {
    const classWeights = Float32Array.of(3, 4, -1, 2);
    const x = Float32Array.of(1, 2);
    // Logits x·w: 11 and 3; −log softmax of the second.
    const { loss } = computePairLoss(x, [1], { dim: 2, classWeights, ...softmax() });
    expect(loss).toBeCloseTo(8 + Math.log1p(Math.exp(-8)), 5);
    // Cosines 11/(5√5) and 3/5: −log of e^γ(s_p − m) over the sum, Eq. 2.
    const [negative, positive] = [Math.exp(8 * (11 / (5 * Math.sqrt(5)))), Math.exp(8 * (3 / 5 - 0.1))];
    const named = computePairLoss(x, [1], { dim: 2, classWeights, ...amSoftmax({ margin: 0.1, gamma: 8 }) });
    expect(named.loss).toBeCloseTo(-Math.log(positive / (positive + negative)), 5);
  });
});

describe('options after ones that were accepted', () => {
  it('are checked as if they were the first', () => {
    const accepted = { margin: 0.4, normalize: true };
    for (const [options, message] of [
      [{ margin: 0.4, normalize: 1 }, 'options.normalize must be true or false; received 1.'],
      [{ margin: 0.4, normalise: true }, /received the unknown key 'normalise'/],
      [{ margin: 0.4, normalize: true, gamma: 0 }, 'options.gamma must be a number from 1e-30 to 1e30; received 0.'],
      [{ margin: 0.4, normalize: undefined, gama: 80 }, /received the unknown key 'gama'/],
      [{ margin: 0.4, normalize: true, out: { gradiant: rows } }, /received the unknown key 'gradiant'/],
    ] as const) {
      expect(circle(accepted)().loss).toBe(0);
      expect(errorOf(circle(options)).message).toMatch(message);
    }
  });

  it('may leave out what those had, and get its default', () => {
    const both = Float32Array.of(1, 0, 0.6, 0.8, 0, 1);
    const loss = (options: object) => computeCircleLoss(both, [0, 0, 1], { dim: 2, ...options } as never).loss;
    const byDefault = loss({});
    expect(loss({ gamma: 1 })).not.toBe(byDefault);
    expect(loss({})).toBe(byDefault);
    expect(loss({ gamma: undefined })).toBe(byDefault);
  });
});
