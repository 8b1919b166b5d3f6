/**
 * The zod schemas behind the option types of `options.ts`, in a file of their own to keep zod out of the public types.
 *
 * They see scalars only. Typed arrays are checked in `arrays.ts`, against each other, where their lengths are known.
 */
import { z } from 'zod';
import { invalidArgument, unknownOption } from './errors.ts';
import { largestParameter, type PairLoss, parameterRange } from './losses.ts';
import { didYouMean } from './option-names.ts';
import { isSignal } from './signals.ts';

const within = (least: number, greatest: number, error: string) =>
  z.number({ error }).min(least, { error }).max(greatest, { error });
const number = within(-largestParameter, largestParameter, parameterRange);
const scale = within(1 / largestParameter, largestParameter, 'a number from 1e-30 to 1e30');
export const count = (expected: string) => z.int({ error: expected }).min(1, { error: expected });
export const choice = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: values.map((value) => `'${value}'`).join(' or ') }).optional();
const flag = z.boolean({ error: 'true or false' }).optional();
/** Checked by hand. */
export const array = z.unknown().optional();

/** What an option that must be there looks like, for who gave no options at all. */
const examples: Readonly<Record<string, string>> = {
  dim: '128',
  k: '10',
  classes: '1000',
  capacity: '8192',
  pairLoss: "{ type: 'circle' }",
  optimizer: "{ type: 'sgd', learningRate: 0.1 }",
  positive: '1',
  negative: '0',
  seed: '1',
  classesPerBatch: '8',
  samplesPerClass: '4',
  set: "'IJB-C'",
  ending: "'_features.bin'",
};

const isOptional = (schema: z.ZodType) => schema.safeParse(undefined).success;

/**
 * An object of these options and no others. `needed`: arrays that must be there, which are checked by hand and look
 * optional to the schema.
 */
export function strict<T extends z.ZodRawShape>(shape: T, needed: readonly (keyof T & string)[] = []) {
  return z.strictObject(shape, { error: () => expectedObject(shape, needed) });
}

function expectedObject(shape: z.ZodRawShape, needed: readonly string[]): string {
  const required = Object.keys(shape).filter((key) => !isOptional(shape[key] as z.ZodType));
  const example = [...needed, ...required.map((key) => `${key}: ${examples[key]}`)].join(', ');
  return example === '' ? 'an object' : `an object such as { ${example} }`;
}

const positiveNegative = strict({ positive: number, negative: number });

const circleShape = {
  margin: number.optional(),
  gamma: scale.optional(),
  optima: positiveNegative.optional(),
  targets: positiveNegative.optional(),
  weighting: choice(['detached', 'differentiated']),
};

const radians = 'an angle in radians from 0 to π';

const pairLoss = z.discriminatedUnion(
  'type',
  [
    strict({ type: z.literal('circle'), ...circleShape }),
    strict({ type: z.literal('unified'), margin: circleShape.margin, gamma: circleShape.gamma }),
    strict({
      type: z.literal('arcface'),
      margin: within(0, Math.PI, radians).optional(),
      gamma: circleShape.gamma,
      derivative: choice(['exact', 'straight-through']),
      beyondPi: choice(['linear', 'cosine']),
    }),
    strict({ type: z.literal('triplet'), margin: circleShape.margin }),
  ],
  {
    error: (issue) =>
      issue.path?.at(-1) === 'type'
        ? "'circle' or 'unified' or 'arcface' or 'triplet'"
        : "an object such as { type: 'circle' }",
  },
);

const deviceNumber = 'the number of a device, an integer from 0';

const engineShape = {
  dim: count('an integer from 1'),
  normalize: flag,
  checkFinite: choice(['throw', 'propagate']),
  engine: choice(['auto', 'cpu', 'reference', 'cuda']),
  threads: count('an integer from 1').optional(),
  precision: choice(['exact', 'fast']),
  device: z.int({ error: deviceNumber }).min(0, { error: deviceNumber }).optional(),
};

const commonShape = {
  ...engineShape,
  scope: choice(['anchor', 'batch']),
  reduction: choice(['mean', 'mean-nonzero', 'mean-all', 'sum']),
  gradient: choice(['compute', 'skip']),
  candidateGradient: choice(['skip', 'compute']),
  workspaceLimit: z.int({ error: 'a number of bytes from 0' }).min(0, { error: 'a number of bytes from 0' }).optional(),
  upstream: array,
  classWeights: array,
  candidates: array,
  candidateLabels: array,
  out: strict({
    anchorLosses: array,
    gradient: array,
    classWeightGradient: array,
    candidateGradient: array,
  }).optional(),
};

const learningRate = within(0, largestParameter, 'a number from 0 to 1e30');
const decay = 'a number from 0, to 1 excluded';
const fraction = z.number({ error: decay }).min(0, { error: decay }).lt(1, { error: decay }).optional();

const sgd = strict({
  type: z.literal('sgd'),
  learningRate,
  momentum: fraction,
  weightDecay: learningRate.optional(),
});
const adam = strict({
  type: z.literal('adam'),
  learningRate,
  beta1: fraction,
  beta2: fraction,
  epsilon: scale.optional(),
  weightDecay: learningRate.optional(),
});

const optimizer = z.discriminatedUnion('type', [sgd, adam], {
  error: (issue) =>
    issue.path?.at(-1) === 'type' ? "'sgd' or 'adam'" : "an object such as { type: 'sgd', learningRate: 0.1 }",
});

const { dim, normalize, scope, reduction, engine, device, precision, threads, workspaceLimit } = commonShape;
const placeShape = { engine, device, precision, threads, workspaceLimit };
const seedRange = 'an integer from 0 to 4294967295';
const seed = z.int({ error: seedRange }).min(0, { error: seedRange }).max(0xffffffff, { error: seedRange });
const share = 'a number above 0, to 1';
const classCount = 'an integer from 1 to 2147483647';

/** The options of a class head; what a file has of them is held to the same. */
const classHead = strict({
  ...placeShape,
  classes: z.int32({ error: classCount }).min(1, { error: classCount }),
  dim,
  pairLoss,
  normalize,
  scope,
  reduction,
  optimizer,
  sampleRate: z.number({ error: share }).gt(0, { error: share }).max(1, { error: share }).optional(),
  seed: seed.optional(),
  weights: array,
});

/** What a file has of a head: all of it. */
const classHeadFile = z.strictObject({
  classes: classHead.shape.classes,
  dim,
  pairLoss,
  normalize: z.boolean(),
  scope: z.enum(['anchor', 'batch']),
  reduction: z.enum(['mean', 'mean-nonzero', 'mean-all', 'sum']),
  optimizer: z.discriminatedUnion('type', [sgd.required(), adam.required()]),
  sampleRate: z.number().gt(0).max(1),
  seed,
});

const classHeadStepShape = {
  learningRate: learningRate.optional(),
  upstream: array,
  out: strict({ anchorLosses: array, gradient: array }).optional(),
};

const calls = 'an integer from 0';

const memoryBank = strict({
  ...placeShape,
  capacity: z.int32({ error: classCount }).min(1, { error: classCount }),
  dim,
  pairLoss,
  normalize,
  scope,
  reduction,
  warmUp: z.int({ error: calls }).min(0, { error: calls }).optional(),
  batchWeight: number.optional(),
  memoryWeight: number.optional(),
});

const memoryBankStepShape = { upstream: number.optional(), out: strict({ gradient: array }).optional() };

export const signal = z.custom<AbortSignal>(isSignal, { error: 'an AbortSignal' }).optional();
const { upstream, classWeights, candidates, candidateLabels, out } = commonShape;
const similarityShape = { ...engineShape, candidates: array, out: array };

/** Of what always checks. */
export const { checkFinite: _always, ...searchShape } = engineShape;
const nearestShape = { ...searchShape, candidates: array, k: count('an integer from 1') };

/** The schema of each public function's options. */
export const schemas = {
  circleLoss: strict({ ...commonShape, ...circleShape }),
  circleLossAsync: strict({ ...commonShape, ...circleShape, signal }),
  pairLoss: strict({ ...commonShape, pairLoss }),
  pairLossAsync: strict({ ...commonShape, pairLoss, signal }),
  step: strict({ upstream, classWeights, candidates, candidateLabels, out }),
  stepAsync: strict({ upstream, classWeights, candidates, candidateLabels, out, signal }),
  similarity: strict(similarityShape),
  similarityAsync: strict({ ...similarityShape, signal }),
  nearest: strict(nearestShape),
  nearestAsync: strict({ ...nearestShape, signal }),
  deviceMatrix: strict({ dim: engineShape.dim, device: engineShape.device }),
  length: engineShape.dim,
  classHead,
  classHeadFile,
  classHeadPlace: strict(placeShape),
  classHeadStep: strict(classHeadStepShape),
  classHeadStepAsync: strict({ ...classHeadStepShape, signal }),
  memoryBank,
  memoryBankStep: strict(memoryBankStepShape),
  memoryBankStepAsync: strict({ ...memoryBankStepShape, signal }),
  abortable: strict({ signal }),
  path: z.string({ error: 'a path' }).min(1, { error: 'a path' }),
  countTo: (most: number) => {
    const expected = `an integer from 1 to ${most}`;
    return z.int({ error: expected }).min(1, { error: expected }).max(most, { error: expected });
  },
  pkSampler: strict(
    {
      labels: array,
      classesPerBatch: count('an integer from 1'),
      samplesPerClass: count('an integer from 1'),
      seed,
      smallClasses: choice(['throw', 'repeat', 'skip']),
    },
    ['labels'],
  ),
};

export const isValid = (schema: z.ZodType, options: unknown) => schema.safeParse(options).success;

/**
 * Holds options to a schema and returns what was checked, a copy but for arrays: getters, and changes of the caller's
 * objects afterwards, make no difference. The error names the first option that fails.
 */
export function parse<T extends z.ZodType>(schema: T, options: unknown, name = 'options'): z.output<T> {
  const known = knownValid(schema, options);
  if (known !== undefined) return known as z.output<T>;
  for (const _ in polluted) return parseUnpolluted(schema, options, name);
  const parsed = held(schema, options, name);
  remember(schema, parsed);
  return parsed;
}

function held<T extends z.ZodType>(schema: T, options: unknown, name: string): z.output<T> {
  let result = schema.safeParse(options);
  // Once more for the error, with what was read: a getter may say something else the next time, and be right then.
  if (!result.success) result = schema.safeParse(options, { reportInput: true });
  if (!result.success) throw errorOf(schema, result.error.issues, name);
  return result.data;
}

const polluted = Object.prototype as object;

/** What a program has put on Object.prototype is no option: every object would have it. */
function parseUnpolluted<T extends z.ZodType>(schema: T, options: unknown, name: string): z.output<T> {
  if (!(schema instanceof z.ZodObject) || !isObject(options)) return held(schema, options, name);
  const own = bare({});
  for (const key of new Set([...Object.keys(schema.shape), ...keysIn(options)])) {
    if (isOwn(options, key)) own[key] = withoutPrototypes(options[key]);
  }
  return withoutPrototypes(held(schema, own, name)) as z.output<T>;
}

/** A plain object, and those in it; others are the caller's business. */
function withoutPrototypes(value: unknown): unknown {
  if (!isPlainObject(value)) return value;
  const own = bare({});
  for (const key of Object.keys(value)) own[key] = withoutPrototypes(value[key]);
  return own;
}

function* keysIn(options: object): Generator<string> {
  for (const key in options) yield key;
}

/** Of the object or of a prototype of the caller's making. */
function isOwn(object: object, key: string): boolean {
  for (let at: object | null = object; at !== null && at !== polluted; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, key)) return true;
  }
  return false;
}

/** Without a prototype: what it lacks stays so. */
export const bare = <T extends object>(object: T): T & Record<string, unknown> => Object.setPrototypeOf(object, null);

/**
 * What each schema accepted last, where that was scalars only. A training loop passes the same at every step, and for a
 * small batch the schema would be a fifth of the call.
 */
const lastValid = new WeakMap<z.ZodType, { entries: ReadonlyMap<string, unknown>; options: object }>();

const isScalar = (value: unknown) => typeof value !== 'object' && typeof value !== 'function';

function knownValid(schema: z.ZodType, options: unknown): object | undefined {
  const known = lastValid.get(schema);
  if (known === undefined || !isPlainObject(options)) return undefined;
  let count = 0;
  for (const key in options) {
    const value = options[key];
    if (value === undefined || known.entries.get(key) !== value) return undefined;
    count++;
  }
  return count === known.entries.size ? known.options : undefined;
}

function remember(schema: z.ZodType, options: unknown): void {
  if (!isPlainObject(options)) return;
  const entries = Object.entries(options);
  if (!entries.every(([, value]) => isScalar(value))) return;
  lastValid.set(schema, { entries: new Map(entries), options: Object.freeze(bare({ ...options })) });
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Of the first issue; but where an option is missing and there is an unknown key beside it, that will be its typo. */
function errorOf(schema: z.ZodType, issues: readonly z.core.$ZodIssue[], name: string): Error {
  const [first] = issues;
  const isBeside = ({ path }: z.core.$ZodIssue) => path.join() === first.path.slice(0, -1).join();
  const unknown = issues.find((issue) => issue.code === 'unrecognized_keys' && isBeside(issue));
  const issue = first.input === undefined && unknown !== undefined ? unknown : first;
  const where = [name, ...issue.path.map(String)].join('.');
  // Of a union the whole object is what was read, and the path leads to its type.
  const value = issue.code === 'invalid_union' && issue.path.length > 0 ? typeOf(issue.input) : issue.input;
  if (issue.code !== 'unrecognized_keys') return invalidArgument(where, issue.message, value);
  const shape = shapeAt(schema, issue.path, value);
  const known = Object.keys(shape);
  return unknownOption(where, issue.keys[0], known, didYouMean(issue.keys[0], [...known, ...keysInside(shape)]));
}

const typeOf = (value: unknown) => (isObject(value) ? value.type : value);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** What the schema has where the issue arose. */
function shapeAt(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): z.ZodRawShape {
  let at = objectsOf(schema);
  for (const key of path) {
    const property = at.map(({ shape }) => shape[key as string]).find((found) => found !== undefined);
    at = objectsOf(property as z.ZodType);
  }
  const { type } = value as PairLoss;
  const meant = at.find(({ shape }) => at.length === 1 || (shape.type as z.ZodType).safeParse(type).success) ?? at[0];
  return meant.shape;
}

/** The options inside the options, such as 'pairLoss.margin'. */
function keysInside(shape: z.ZodRawShape): string[] {
  return Object.entries(shape).flatMap(([outer, inner]) =>
    objectsOf(inner as z.ZodType)
      .filter((object) => object instanceof z.ZodObject)
      .flatMap((object) => Object.keys(object.shape).map((key) => `${outer}.${key}`)),
  );
}

/** The objects that a schema describes: one, or one for each `type`. */
function objectsOf(schema: z.ZodType): z.ZodObject[] {
  const inner = schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
  return (inner instanceof z.ZodDiscriminatedUnion ? inner.options : [inner]) as z.ZodObject[];
}
