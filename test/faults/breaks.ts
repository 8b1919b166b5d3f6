/** Right calls, and the ways to break them, each with the code that the call must then have. */
import fc from 'fast-check';
import { randomFrom, randomRows } from '../cases.ts';

export const invalid = 'ERR_CIRCLE_INVALID_ARGUMENT';
export const shape = 'ERR_CIRCLE_SHAPE';

export interface Call {
  values: Float32Array;
  labels: unknown;
  options: Record<string, unknown>;
}

/** What goes wrong: how a right call is broken, and the code that it must then have. */
export interface Break {
  name: string;
  code: string;
  apply: (call: Call, junk: Junk) => unknown;
}

interface Junk {
  /** No number that an option of numbers takes. */
  notANumber: unknown;
  /** Neither 'compute' nor any other choice. */
  notAChoice: unknown;
  notAnArray: unknown;
  notALabel: unknown;
}

export const junk: fc.Arbitrary<Junk> = fc.record({
  notANumber: fc.oneof(
    fc.constantFrom<unknown>(
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      null,
      true,
      5n,
      Symbol('s'),
      new Date(0),
      () => 1,
    ),
    fc.string(),
    fc.array(fc.integer()),
    fc.object(),
  ),
  notAChoice: fc.oneof(
    fc.constantFrom<unknown>(
      null,
      0,
      1,
      Number.NaN,
      {},
      [],
      () => 1,
      'MEAN',
      'mean ',
      '__proto__',
      'constructor',
      'toString',
    ),
    fc.string().filter((text) => !choices.includes(text)),
  ),
  notAnArray: fc.oneof(
    fc.constantFrom<unknown>(
      null,
      undefined,
      0,
      'text',
      {},
      new Float64Array(8),
      new ArrayBuffer(8),
      new Set([1]),
      () => 1,
      new Proxy([], {}),
    ),
    fc.object(),
    fc.float64Array({ maxLength: 5 }),
    fc.uint8Array({ maxLength: 5 }),
  ),
  notALabel: fc.oneof(
    fc.constantFrom<unknown>(
      null,
      undefined,
      Number.NaN,
      0.5,
      2 ** 31,
      -(2 ** 31) - 1,
      Number.POSITIVE_INFINITY,
      '1',
      true,
      1n,
      [1],
      {},
    ),
    fc.double({ noInteger: true }),
    fc.string(),
  ),
});
const choices = ['mean', 'mean-nonzero', 'mean-all', 'sum', 'anchor', 'batch', 'compute', 'skip', 'throw', 'propagate']
  .concat(['auto', 'cpu', 'reference', 'cuda', 'exact', 'fast', 'strict', 'nearest', 'repeat', 'detached'])
  .concat(['differentiated', 'midpoints', 'grid', 'keep', 'drop']);

export const set = (name: string, key: keyof Junk, extra: Partial<Break> = {}): Break => ({
  name: `${name} is ${key}`,
  code: invalid,
  apply: ({ options }, given) => {
    options[name] = given[key];
  },
  ...extra,
});
export const setTo = (name: string, value: unknown, code = invalid): Break => ({
  name: `${name} is ${String(value)}`,
  code,
  apply: ({ options }) => {
    options[name] = value;
  },
});

/** Of every function that takes rows. */
export const breaksOfRows: Break[] = [
  set('dim', 'notANumber'),
  ...[0, -1, 1.5, 2 ** 53, undefined].map((value) => setTo('dim', value)),
  setTo('dim', 2 ** 53 - 1, shape),
  set('normalize', 'notANumber', {
    apply: ({ options }, { notANumber }) => {
      options.normalize = notANumber === true ? 1 : notANumber;
    },
  }),
  set('engine', 'notAChoice'),
  set('precision', 'notAChoice'),
  set('threads', 'notANumber'),
  setTo('threads', 0),
  set('device', 'notANumber'),
  setTo('device', -1),
  {
    name: 'an unknown key',
    code: invalid,
    apply: ({ options }) => {
      options.gama = 3;
    },
  },
  {
    name: 'rows are no array',
    code: invalid,
    apply: (call, { notAnArray }) => {
      call.values = notAnArray as never;
    },
  },
  {
    name: 'a number too many',
    code: shape,
    apply: (call) => {
      call.values = new Float32Array(call.values.length + 1).fill(1);
      if (call.options.dim === 1) call.values = new Float32Array(0);
    },
  },
  {
    name: 'rows that are gone',
    code: 'ERR_CIRCLE_DETACHED',
    apply: ({ values }) => structuredClone(values, { transfer: [values.buffer as ArrayBuffer] }),
  },
  {
    name: 'a row that is not finite',
    code: 'ERR_CIRCLE_NOT_FINITE',
    apply: ({ values }) => {
      values[values.length >> 1] = Number.POSITIVE_INFINITY;
    },
  },
];
export const breaksOfLabels: Break[] = [
  {
    name: 'labels are no array',
    code: invalid,
    apply: (call, { notAnArray }) => {
      call.labels = Array.isArray(notAnArray) ? 5 : notAnArray;
    },
  },
  {
    name: 'a label that is none',
    code: invalid,
    apply: (call, { notALabel }) => {
      const list = Array.from(call.labels as Int32Array) as unknown[];
      list[list.length - 1] = notALabel;
      call.labels = list;
    },
  },
  {
    name: 'a label too few',
    code: shape,
    apply: (call) => {
      call.labels = Array.from(call.labels as Int32Array).slice(1);
    },
  },
];
export const breaksOfLoss: Break[] = [
  ...breaksOfRows,
  ...breaksOfLabels,
  set('reduction', 'notAChoice'),
  set('scope', 'notAChoice'),
  set('gradient', 'notAChoice'),
  set('checkFinite', 'notAChoice'),
  set('candidateGradient', 'notAChoice'),
  setTo('candidateGradient', 'compute'),
  setTo('candidateLabels', [1, 2]),
  set('workspaceLimit', 'notANumber'),
  setTo('workspaceLimit', -1),
  setTo('upstream', 1e31),
  setTo('upstream', 'much'),
  setTo('upstream', new Float32Array(1000), shape),
  setTo('classWeights', [1, 2, 3]),
  setTo('out', 5),
  setTo('out', { gradient: [] }),
  {
    name: 'out of another length',
    code: shape,
    apply: ({ options }) => Object.assign(options, { gradient: 'compute', out: { gradient: new Float32Array(1000) } }),
  },
  setTo('out', { classWeightGradient: new Float32Array(4) }),
  {
    name: 'out is the rows',
    code: 'ERR_CIRCLE_OVERLAP',
    apply: ({ values, options }) => {
      options.gradient = 'compute';
      options.out = { gradient: values };
    },
  },
];

/** 3 to 9 rows, each label at least twice, the first label twice and the last too: every metric has something to find. */
export const calls: fc.Arbitrary<Call & { seed: number; count: number }> = fc
  .record({ count: fc.integer({ min: 4, max: 9 }), dim: fc.integer({ min: 1, max: 6 }), seed: fc.integer() })
  .map((given) => ({
    ...given,
    values: randomRows(given.count, given.dim, randomFrom(given.seed)),
    labels: Int32Array.from({ length: given.count }, (_, i) => i >> 1),
    options: { dim: given.dim },
  }))
  .map(({ dim: _, ...call }) => call);

export const common = fc.record(
  {
    normalize: fc.constant(true),
    engine: fc.constantFrom('auto', 'cpu', 'reference'),
    threads: fc.integer({ min: 1, max: 3 }),
    precision: fc.constantFrom('exact', 'fast'),
    device: fc.constant(0),
  },
  { requiredKeys: [] },
);
export const ofLoss = fc.record(
  {
    reduction: fc.constantFrom('mean', 'mean-nonzero', 'mean-all', 'sum'),
    gradient: fc.constantFrom('compute', 'skip'),
    checkFinite: fc.constant('throw'),
    workspaceLimit: fc.constantFrom(0, 1, 5000, 2 ** 30, 2 ** 53 - 1),
    upstream: fc.constantFrom(1, -2, 0),
  },
  { requiredKeys: [] },
);

export function breaksOfPairs(extra: Break[]): Break[] {
  const arrays = ['rows are no array', 'rows that are gone'];
  return [
    ...breaksOfRows.filter(({ name }) => arrays.includes(name)),
    {
      name: 'a similarity that is no number',
      code: 'ERR_CIRCLE_NOT_FINITE',
      apply: ({ values }) => {
        values[0] = Number.NaN;
      },
    },
    {
      name: 'pairs of one kind',
      code: shape,
      apply: (call) => {
        call.labels = Array.from(call.values, () => true);
      },
    },
    {
      name: 'same is text',
      code: invalid,
      apply: (call) => {
        call.labels = 'same';
      },
    },
    {
      name: 'same too short',
      code: shape,
      apply: (call) => {
        call.labels = [true, false];
      },
    },
    {
      name: 'an unknown key',
      code: invalid,
      apply: ({ options }) => {
        options.far = 3;
      },
    },
    ...extra,
  ];
}
