/** The only place that builds an error: one class, stable codes, messages as `<name> must be <expected>; received <value>.` */

/** What went wrong, for programs; the message is for people and may change. */
export type CircleLossErrorCode =
  | 'ERR_CIRCLE_INVALID_ARGUMENT' // a value of the wrong type or out of range, an unknown option, options that exclude each other
  | 'ERR_CIRCLE_SHAPE' // lengths that do not fit each other
  | 'ERR_CIRCLE_DETACHED' // an array whose buffer was transferred away
  | 'ERR_CIRCLE_OVERLAP' // an `out` array that shares memory with an input or another `out` array
  | 'ERR_CIRCLE_NOT_FINITE' // NaN or ±Infinity in a row, NaN among similarities
  | 'ERR_CIRCLE_OVERFLOW' // finite rows whose loss, or whose similarities where they are ranked, are beyond the range of float32
  | 'ERR_CIRCLE_OUT_OF_MEMORY'
  | 'ERR_CIRCLE_DISPOSED' // a call to a disposed object
  | 'ERR_CIRCLE_BUSY' // a call to an object that an unfinished asynchronous call is changing or reading
  | 'ERR_CIRCLE_FILE' // a file that cannot be read or written, or that is not what it should be
  | 'ERR_CIRCLE_PROTOCOL' // a data set whose names, lists or images are not what its protocol says
  | 'ERR_CIRCLE_NATIVE_LOAD' // `engine: 'cpu'` without a native binary that loads, or CIRCLE_LOSS_CPU_ADDON or CIRCLE_LOSS_CUDA_ADDON naming one that does not
  | 'ERR_CIRCLE_CUDA_UNAVAILABLE' // `engine: 'cuda'` where it cannot run: no binary, no driver, an old one, no device
  | 'ERR_CIRCLE_BACKEND' // a synchronous operation where TensorFlow.js reads its tensors asynchronously
  | 'ERR_CIRCLE_CUDA' // a device that failed while it computed
  | 'ERR_CIRCLE_INTERNAL'; // a bug in this package

/** Every error that this package throws on purpose, but for aborts, which are a `DOMException` named `AbortError`. */
export class CircleLossError extends Error {
  override readonly name = 'CircleLossError';
  readonly code: CircleLossErrorCode;

  constructor(code: CircleLossErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const sentence = (name: string, expected: string, received: string) =>
  `${name} must be ${expected}; received ${received}.`;

/** A tensor of any framework: of TensorFlow.js there may be several copies in a process, and `instanceof` knows one. */
export function isTensorLike(value: unknown): value is { dtype: string; shape: readonly number[] } {
  const { dtype, shape } = (value ?? {}) as { dtype?: unknown; shape?: unknown };
  return typeof dtype === 'string' && Array.isArray(shape);
}

/** A hostile text may be of any length. */
export const shortened = (text: string, most = 40) => (text.length > most ? `${text.slice(0, most)}…` : text);

/** How a value looks in a message: short, and telling its type. */
export function describe(value: unknown): string {
  try {
    return described(value);
  } catch {
    return 'an object'; // that throws when it is looked at, as a revoked Proxy does: the message says what matters
  }
}

function described(value: unknown): string {
  if (typeof value === 'string') return `'${shortened(value)}'`;
  if (typeof value === 'bigint') return `${shortened(String(value))}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  if (ArrayBuffer.isView(value) && 'length' in value) {
    return `${(value as unknown as { [Symbol.toStringTag]: string })[Symbol.toStringTag]}(${value.length})`;
  }
  if (Array.isArray(value)) return `Array(${value.length})`;
  if (isTensorLike(value)) {
    return `${/^[aeiou]/.test(value.dtype) ? 'an' : 'a'} ${shortened(value.dtype)} tensor of shape [${value.shape.join(', ')}]`;
  }
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  return kind === 'Object' ? 'an object' : kind;
}

export function invalidArgument(name: string, expected: string, value: unknown, hint = ''): CircleLossError {
  return new CircleLossError('ERR_CIRCLE_INVALID_ARGUMENT', sentence(name, expected, describe(value)) + hint);
}

/** `hint`: a question, which comes before the keys that there are: these fill lines. */
export function unknownOption(where: string, key: string, known: readonly string[], hint?: string): CircleLossError {
  const message = sentence(where, 'made of known keys', `the unknown key '${shortened(key)}'`);
  const parts = [message, ...(hint === undefined ? [] : [hint]), `Known: ${known.join(', ')}.`];
  return new CircleLossError('ERR_CIRCLE_INVALID_ARGUMENT', parts.join(' '));
}

export function wrongShape(name: string, expected: string, received: string, hint = ''): CircleLossError {
  return new CircleLossError('ERR_CIRCLE_SHAPE', sentence(name, expected, received) + hint);
}

/** Of two lists that belong together, and neither of which need be the wrong one. */
export function unequalCounts(
  rowsName: string,
  rows: number,
  dim: number,
  labelsName: string,
  labels: number,
): CircleLossError {
  const what = labelsName.slice(labelsName.lastIndexOf('.') + 1);
  const received = `${rows} rows of dim = ${dim} numbers and ${labels} ${what}`;
  return wrongShape(`${rowsName} and ${labelsName}`, 'equally many', received);
}

export function detached(name: string): CircleLossError {
  const message = sentence(name, 'backed by a live buffer', 'an array whose buffer was transferred or shrunk away');
  return new CircleLossError('ERR_CIRCLE_DETACHED', message);
}

export function overlap(name: string, other: string): CircleLossError {
  const message = sentence(name, `apart from ${other} in memory`, 'an array that overlaps it');
  return new CircleLossError('ERR_CIRCLE_OVERLAP', message);
}

const propagate = "checkFinite: 'propagate' lets it through.";

export function notFinite(
  name: string,
  row: number,
  column: number,
  value: number,
  remedy = propagate,
): CircleLossError {
  const message = sentence(name, 'finite numbers', `${value} at row ${row}, column ${column}`);
  return new CircleLossError('ERR_CIRCLE_NOT_FINITE', `${message} ${remedy}`);
}

/** Of similarities, which have an order only where they are numbers; ±Infinity has one. */
export function notANumber(name: string, index: number): CircleLossError {
  const message = sentence(`${name}[${index}]`, 'a number', 'NaN');
  return new CircleLossError('ERR_CIRCLE_NOT_FINITE', `${message} A pair that could not be compared scores -Infinity.`);
}

/** Of rows on a device, where numbers cannot be looked up in passing. */
export function notFiniteOnDevice(name: string, row: number, remedy = propagate): CircleLossError {
  const message = sentence(name, 'finite numbers', `NaN or ±Infinity at row ${row}`);
  return new CircleLossError('ERR_CIRCLE_NOT_FINITE', `${message} ${remedy}`);
}

export function overflow(normalize: boolean): CircleLossError {
  const remedy = normalize ? 'Lower gamma.' : 'Lower gamma, scale the rows down or set normalize: true.';
  const message = sentence('The loss', 'within the range of float32', 'finite rows whose loss is beyond it');
  return new CircleLossError('ERR_CIRCLE_OVERFLOW', `${message} ${remedy}`);
}

export function similarityOverflow(): CircleLossError {
  const message = sentence('Similarities', 'within the range of float32', 'finite rows some of whose are beyond it');
  return new CircleLossError('ERR_CIRCLE_OVERFLOW', `${message} Scale the rows down or set normalize: true.`);
}

/** Of a sampler: `small` classes were left out for want of samples. */
export function tooFewClasses(
  classesPerBatch: number,
  samplesPerClass: number,
  found: number,
  small: number,
): CircleLossError {
  const expected = `of at least classesPerBatch = ${classesPerBatch} classes`;
  const leftOut = small === 0 ? '' : ` with samplesPerClass = ${samplesPerClass} samples or more, ${small} with fewer`;
  return wrongShape('options.labels', expected, `${found}${leftOut}`);
}

/** Of a sampler: `small` classes are too small, and the first of them has `samples` samples. */
export function tooFewSamples(samplesPerClass: number, small: number, label: number, samples: number): CircleLossError {
  const expected = `of classes with samplesPerClass = ${samplesPerClass} samples or more`;
  const received = `${small} with fewer, the first of them label ${label} with ${samples}`;
  const { message } = wrongShape('options.labels', expected, received);
  const remedy = "smallClasses: 'repeat' draws their samples several times, 'skip' leaves them out.";
  return new CircleLossError('ERR_CIRCLE_SHAPE', `${message} ${remedy}`);
}

export function tooLargeBatch(classesPerBatch: number, samplesPerClass: number, largest: number): CircleLossError {
  const expected = `at most ${Math.floor(largest / classesPerBatch)} where classesPerBatch is ${classesPerBatch}`;
  return invalidArgument('options.samplesPerClass', expected, samplesPerClass);
}

const failedAllocation = (what: string) => sentence('Memory', `enough for ${what}`, 'a failed allocation');

/** Arrays of JavaScript, or the workspace of a call that has no `workspaceLimit`. */
export function outOfMemory(what: string, cause?: unknown): CircleLossError {
  const message = `${failedAllocation(what)} Compute fewer rows a call.`;
  return new CircleLossError('ERR_CIRCLE_OUT_OF_MEMORY', message, { cause });
}

/** What the native side needs beside arrays and workspace. */
export function engineOutOfMemory(cause?: unknown): CircleLossError {
  const message = `${failedAllocation('an engine and its calls')} Free some.`;
  return new CircleLossError('ERR_CIRCLE_OUT_OF_MEMORY', message, { cause });
}

/** Of a device. `remedy`: what the call can do about it. */
export function outOfDeviceMemory(what: string, remedy: string): CircleLossError {
  const message = sentence('Device memory', `enough for ${what}`, 'a failed allocation');
  return new CircleLossError('ERR_CIRCLE_OUT_OF_MEMORY', `${message} ${remedy}`);
}

export function workspaceOutOfMemory(what: string): CircleLossError {
  const message = `${failedAllocation(what)} Lower workspaceLimit or compute fewer rows a call.`;
  return new CircleLossError('ERR_CIRCLE_OUT_OF_MEMORY', message);
}

export function disposed(name: string): CircleLossError {
  return new CircleLossError('ERR_CIRCLE_DISPOSED', sentence(name, 'in use', 'a call after dispose()'));
}

/** Of an object that does one thing at a time. */
export function busy(name: string, unfinished: string): CircleLossError {
  const message = sentence(name, 'free of unfinished calls', `a call while ${unfinished} is in flight`);
  return new CircleLossError('ERR_CIRCLE_BUSY', `${message} Await it first.`);
}

/** Rows that an object of this package keeps in the host's memory. */
export function outOfHostMemory(what: string, remedy: string, cause?: unknown): CircleLossError {
  return new CircleLossError('ERR_CIRCLE_OUT_OF_MEMORY', `${failedAllocation(what)} ${remedy}`, { cause });
}

/** The system's own words are in the cause too. */
export function fileFailed(path: string, doing: 'read' | 'written', cause: unknown, remedy = ''): CircleLossError {
  const words = cause instanceof Error ? cause.message : String(cause);
  const message = sentence(path, `a file that can be ${doing}`, words);
  return new CircleLossError('ERR_CIRCLE_FILE', message + remedy, { cause });
}

export function foreignFile(path: string, expected: string, received: string): CircleLossError {
  return new CircleLossError('ERR_CIRCLE_FILE', sentence(path, expected, received));
}

/** A few of many names, and how many more there are. */
function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `'${name}'`);
  return names.length > 3 ? `${shown.join(', ')} and ${names.length - 3} more` : shown.join(', ');
}

/** Of a data set; `what` it should be, and `source`, a sentence that says where people get it. */
export function missingPart(path: string, what: string, source: string, cause: unknown): CircleLossError {
  const words = cause instanceof Error ? cause.message : String(cause);
  return new CircleLossError('ERR_CIRCLE_FILE', `${sentence(path, what, words)} ${source}`, { cause });
}

/** Of a list, lines counted from 1. */
export function malformedLine(path: string, line: number, expected: string, received: string): CircleLossError {
  return new CircleLossError('ERR_CIRCLE_PROTOCOL', sentence(`${path}:${line}`, expected, received));
}

/** Of a list, a folder or a file of a data set as a whole. */
export function foreignDataSet(path: string, expected: string, received: string, remedy = ''): CircleLossError {
  return new CircleLossError('ERR_CIRCLE_PROTOCOL', sentence(path, expected, received) + remedy);
}

/** Images whose names say nothing: left out, they would change the result. */
export function foreignNames(folder: string, expected: string, names: readonly string[]): CircleLossError {
  const message = sentence(folder, `a folder of images named ${expected}`, `${names.length} others: ${someOf(names)}`);
  return new CircleLossError('ERR_CIRCLE_PROTOCOL', message);
}

/** What a list names and a folder lacks. */
export function missingImages(list: string, root: string, names: readonly string[]): CircleLossError {
  const message = sentence(
    list,
    `a list of images under ${root}`,
    `${names.length} that are not there: ${someOf(names)}`,
  );
  const remedy = "images: 'ignore' reads the lists alone.";
  return new CircleLossError('ERR_CIRCLE_PROTOCOL', `${message} ${remedy}`);
}

/** Of rows that a protocol's items should find. */
export function unalignedRows(name: string, expected: string, names: readonly string[], remedy: string) {
  const message = sentence(name, expected, `${names.length} without: ${someOf(names)}`);
  return new CircleLossError('ERR_CIRCLE_INVALID_ARGUMENT', `${message} ${remedy}`);
}

export function repeatedNames(name: string, names: readonly string[]): CircleLossError {
  const message = sentence(name, 'different from each other', `${names.length} more than once: ${someOf(names)}`);
  return new CircleLossError('ERR_CIRCLE_INVALID_ARGUMENT', message);
}

export function disposedTensor(name: string): CircleLossError {
  return new CircleLossError('ERR_CIRCLE_DISPOSED', sentence(name, 'a live tensor', 'one that is disposed'));
}

/** `cause`: what the backend said, where it was asked. */
export function asynchronousBackend(backend: string, cause?: unknown): CircleLossError {
  const expected = "one that reads tensors synchronously ('cpu', 'wasm' or 'tensorflow')";
  const message = sentence('The TensorFlow.js backend', expected, `'${backend}'`);
  return new CircleLossError('ERR_CIRCLE_BACKEND', `${message} Use minimizeAsync, which waits for them.`, { cause });
}

/** Of a layer. */
export function notBuilt(name: string): CircleLossError {
  const message = sentence(name, 'built before it is used, as it is in a model', 'a call before');
  return new CircleLossError('ERR_CIRCLE_INVALID_ARGUMENT', message);
}

export function withoutClassWeights(layers: readonly string[]): CircleLossError {
  const names = layers.map((name) => `'${name}'`).join(', ');
  const message = sentence('model', 'one with a classWeights layer', `the layers ${names}`);
  return new CircleLossError('ERR_CIRCLE_INVALID_ARGUMENT', message);
}

export function secondDerivative(): CircleLossError {
  const message = sentence('The loss', 'differentiated once', 'a call for its second derivative');
  return new CircleLossError('ERR_CIRCLE_INVALID_ARGUMENT', message);
}

/** A place where a native binary was looked for, and why it did not serve. */
export interface LoadAttempt {
  path: string;
  reason: string;
}

function noBinary(engine: string, attempts: readonly LoadAttempt[], remedy: string): string {
  const places = attempts.map(({ path, reason }) => `\n  ${path}: ${reason}`).join('');
  return `${sentence(`engine '${engine}'`, 'backed by a native binary', `none that loads from${places}`)}\n${remedy}`;
}

export function nativeLoad(attempts: readonly LoadAttempt[]): CircleLossError {
  const remedy =
    "Build it with `npx circle-loss build`, in a clone with `npm run build:native`, or use engine 'reference'.";
  return new CircleLossError('ERR_CIRCLE_NATIVE_LOAD', noBinary('cpu', attempts, remedy));
}

/** Of the environment variable that names it. */
export function namedBinaryLoad(variable: string, { path, reason }: LoadAttempt): CircleLossError {
  const message = sentence(variable, 'the path of a native binary that loads', `${path}: ${reason}`);
  return new CircleLossError('ERR_CIRCLE_NATIVE_LOAD', `${message} Name another, or unset it.`);
}

const otherEngines = "or use engine 'cpu' or 'auto'.";

export function noCudaBinary(attempts: readonly LoadAttempt[]): CircleLossError {
  const remedy = `Build it with \`npx circle-loss build --cuda\`, in a clone with \`npm run build:cuda\`, ${otherEngines}`;
  return new CircleLossError('ERR_CIRCLE_CUDA_UNAVAILABLE', noBinary('cuda', attempts, remedy));
}

function cudaUnavailable(reason: string, remedy: string): CircleLossError {
  const message = sentence("engine 'cuda'", 'able to run', reason);
  return new CircleLossError('ERR_CIRCLE_CUDA_UNAVAILABLE', `${message} ${remedy}, ${otherEngines}`);
}

export const noDriver = () => cudaUnavailable('no NVIDIA driver', 'Install one');

/** Versions as CUDA counts them: 13000 is 13.0. */
export function driverTooOld(supported: number, needed: number): CircleLossError {
  const version = (number: number) => `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;
  const reason = `a driver that supports CUDA ${version(supported)}, where ${version(needed)} is needed`;
  return cudaUnavailable(reason, 'Update the NVIDIA driver');
}

/** A GPU for which the binary has no code. */
export const deviceTooOld = (name: string, computeCapability: string) =>
  cudaUnavailable(
    `${name} of compute capability ${computeCapability}, where 7.5 is needed`,
    'Choose another `device`, if there is one',
  );

export const noDevice = () =>
  cudaUnavailable('no CUDA device', 'See what `nvidia-smi` lists and whether CUDA_VISIBLE_DEVICES hides it');

/** A driver that does not start; `words` are its own. */
export const brokenCuda = (words: string) => cudaUnavailable(words, 'See whether `nvidia-smi` works, mend the driver');

/** A device that failed while it computed; `words` are CUDA's own. Most such failures stay with the process. */
export function deviceFailed(words: string): CircleLossError {
  const message = sentence('The CUDA device', 'able to finish what it began', words);
  const remedy = "Restart the process: CUDA may refuse every later call of this one. Engine 'cpu' goes on working.";
  return new CircleLossError('ERR_CIRCLE_CUDA', `${message} ${remedy}`);
}

export function otherDevice(name: string, device: number, found: number): CircleLossError {
  const message = sentence(name, `on device ${device}, which computes`, `a DeviceMatrix on device ${found}`);
  return new CircleLossError('ERR_CIRCLE_INVALID_ARGUMENT', `${message} Set options.device to ${found}.`);
}

export function internal(what: string): CircleLossError {
  return new CircleLossError('ERR_CIRCLE_INTERNAL', `${what}. This is a bug in circle-loss.`);
}

/** What an abort rejects with; `cause` is the signal's reason. */
export function aborted(signal: AbortSignal): DOMException {
  return new DOMException('The computation was aborted.', { name: 'AbortError', cause: signal.reason } as never);
}
