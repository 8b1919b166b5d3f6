/**
 * P×K batches, from two kinds of walk: one over the classes, and in each class one over its samples.
 *
 * A walk is a shuffle by Fisher and Yates that is done as far as it is needed: what came already stands before the
 * cursor, what is still to come behind it. So a draw costs one random number, and the state is the shuffled index and a
 * cursor, whatever the size of a class.
 */
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { mersenne } from 'pure-rand/generator/mersenne';
import { labelArray, withMemory } from './arrays.ts';
import { tooFewClasses, tooFewSamples, tooLargeBatch, wrongShape } from './errors.ts';
import type { Labels } from './options.ts';
import { parse, schemas } from './schemas.ts';

export interface PkSamplerOptions {
  /** The class of each sample of the data set, N of them, from 1; any int32. Read once: later changes do not matter. */
  labels: Labels;
  /** P, an integer from 1. A pair loss finds negatives from 2 on. */
  classesPerBatch: number;
  /** K, an integer from 1. A pair loss finds positives from 2 on. */
  samplesPerClass: number;
  /** An integer from 0 to 4294967295. The same seed gives the same batches, on every machine. */
  seed: number;
  /**
   * Of classes with fewer than K samples: an error that names one ('throw', default), or their samples come ⌊K/n⌋ or
   * ⌈K/n⌉ times in a batch, n of them ('repeat'), or they are left out ('skip').
   */
  smallClasses?: 'throw' | 'repeat' | 'skip';
}

/**
 * An endless sequence of batches. A batch is a new Int32Array of P·K indices into the data set, class by class: K of the
 * first class, K of the second, and so on. Whatever takes a batch takes the next one of the same sequence.
 */
export interface PkSampler extends Iterable<Int32Array> {
  /** Classes that batches are made of: all of them but what `smallClasses: 'skip'` left out. */
  readonly classCount: number;
  /** P·K. */
  readonly batchSize: number;
  /** ⌈classCount / P⌉: as many batches as it takes to see every class. */
  readonly batchesPerEpoch: number;
  nextBatch(): Int32Array;
  /** An epoch: the next `batchesPerEpoch` batches. A loop that is left early takes no more of them. */
  [Symbol.iterator](): IterableIterator<Int32Array>;
  /** All batches to come, without an end. */
  endless(): IterableIterator<Int32Array>;
}

/**
 * Batches of P classes with K samples each, so that every anchor has positives and negatives.
 *
 * - Classes come in random order, each once before one comes again: after any number of batches the most and the least
 *   frequent class are at most one batch apart. Where P divides the number of classes, an epoch is every class once;
 *   where it does not, the batch at the seam takes the last classes of one round and the first of the next, so that
 *   nothing is dropped. No class comes twice in a batch.
 * - So do the samples of a class, from batch to batch: each once before one comes again, and none twice in a batch
 *   unless the class has fewer than K.
 *
 * Memory: 4 bytes a sample and 12 a class; while it is made, another 4 a sample and a map of the classes. A batch costs
 * P·K + P random numbers and an array.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_INVALID_ARGUMENT; ERR_CIRCLE_SHAPE where there are no labels, fewer classes than
 * P, or a class has fewer samples than K; ERR_CIRCLE_DETACHED; ERR_CIRCLE_OUT_OF_MEMORY.
 *
 * Source: Hermans, Beyer and Leibe, "In Defense of the Triplet Loss for Person Re-Identification", arXiv:1703.07737,
 * section 2 ("PK batches").
 */
export function pkSampler(options: PkSamplerOptions): PkSampler {
  const { smallClasses = 'throw', ...parsed } = parse(schemas.pkSampler, options);
  const { classesPerBatch, samplesPerClass } = parsed;
  const labels = labelArray('options.labels', parsed.labels);
  if (labels.length < 1 || labels.length > largestInt32) {
    throw wrongShape('options.labels', `from 1 to ${largestInt32} labels`, `${labels.length}`);
  }
  const [classes, drawn] = withMemory(`the classes of ${labels.length} labels`, 'Use fewer labels.', () => {
    const found = groupByClass(labels);
    return [found, chooseClasses(found, labels, samplesPerClass, smallClasses)] as const;
  });
  if (drawn.length < classesPerBatch) {
    throw tooFewClasses(classesPerBatch, samplesPerClass, drawn.length, classes.count - drawn.length);
  }
  const batchSize = classesPerBatch * samplesPerClass;
  if (batchSize > largestInt32) throw tooLargeBatch(classesPerBatch, samplesPerClass, largestInt32);

  const remedy = 'Lower classesPerBatch or samplesPerClass.';
  const nextBatch = withMemory(`walks through ${drawn.length} classes`, remedy, () =>
    walkThrough(classes, drawn, parsed),
  );
  const batchesPerEpoch = Math.ceil(drawn.length / classesPerBatch);
  return {
    classCount: drawn.length,
    batchSize,
    batchesPerEpoch,
    nextBatch,
    *[Symbol.iterator]() {
      for (let i = 0; i < batchesPerEpoch; i++) yield nextBatch();
    },
    *endless() {
      while (true) yield nextBatch();
    },
  };
}

/** Indices of samples are int32, as labels are. */
const largestInt32 = 0x7fffffff;

/** An integer from `from` to `to`, both included, each equally likely. */
type Draw = (from: number, to: number) => number;

interface Classes {
  count: number;
  /** Samples class by class; those of class c stand from `starts[c]` to `starts[c + 1]`. */
  samples: Int32Array;
  starts: Int32Array;
}

/** Classes are numbered as they first appear in the labels. A counting sort. */
function groupByClass(labels: Int32Array): Classes {
  const numbers = new Map<number, number>();
  const classOf = new Int32Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    let number = numbers.get(labels[i]);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(labels[i], number);
    }
    classOf[i] = number;
  }
  const starts = new Int32Array(numbers.size + 1);
  for (let i = 0; i < classOf.length; i++) starts[classOf[i] + 1]++;
  for (let c = 0; c < numbers.size; c++) starts[c + 1] += starts[c];
  const samples = new Int32Array(labels.length);
  const ends = starts.slice();
  for (let i = 0; i < classOf.length; i++) samples[ends[classOf[i]]++] = i;
  return { count: numbers.size, samples, starts };
}

/** The numbers of the classes that batches are made of. */
function chooseClasses(
  { count, samples, starts }: Classes,
  labels: Int32Array,
  samplesPerClass: number,
  smallClasses: 'throw' | 'repeat' | 'skip',
): Int32Array {
  const all = Int32Array.from({ length: count }, (_, c) => c);
  if (smallClasses === 'repeat') return all;
  const large = all.filter((c) => starts[c + 1] - starts[c] >= samplesPerClass);
  if (smallClasses === 'skip' || large.length === count) return large;
  const first = all.find((c) => starts[c + 1] - starts[c] < samplesPerClass)!;
  const label = labels[samples[starts[first]]];
  throw tooFewSamples(samplesPerClass, count - large.length, label, starts[first + 1] - starts[first]);
}

/** The sequence of batches: what each call returns. */
function walkThrough(
  classes: Classes,
  drawn: Int32Array,
  { classesPerBatch, samplesPerClass, seed }: { classesPerBatch: number; samplesPerClass: number; seed: number },
): () => Int32Array {
  // Not xoroshiro128plus: the first number that it makes of a seed is the seed's complement, so that neighbouring seeds
  // would begin with neighbouring classes.
  const generator = mersenne(seed);
  const draw: Draw = (from, to) => uniformInt(generator, from, to);
  const classWalk = new Int32Array(1);
  const sampleWalks = new Int32Array(classes.count);
  const chosen = new Int32Array(classesPerBatch);
  return () => {
    const batch = allocateBatch(classesPerBatch * samplesPerClass);
    takeFromWalk(drawn, 0, drawn.length, classWalk, 0, chosen, draw);
    for (let p = 0; p < classesPerBatch; p++) {
      const samples = batch.subarray(p * samplesPerClass, (p + 1) * samplesPerClass);
      takeSamples(classes, chosen[p], sampleWalks, samples, draw);
    }
    return batch;
  };
}

/** Fills `out` with samples of a class: whole copies of a class that is too small, then the next ones of its walk. */
function takeSamples({ samples, starts }: Classes, c: number, walks: Int32Array, out: Int32Array, draw: Draw): void {
  const start = starts[c];
  const end = starts[c + 1];
  const size = end - start;
  let filled = 0;
  for (; out.length - filled > size; filled += size) out.set(samples.subarray(start, end), filled);
  takeFromWalk(samples, start, end, walks, c, out.subarray(filled), draw);
}

/**
 * Fills `out`, which has room for at most all of them, with the next members of the walk over `members[start … end − 1]`,
 * of which `cursors[walk]` came already. Where the walk ends, the next one begins; its first draws leave out what `out`
 * has of the last, which stands at the end: so there is nothing twice.
 */
function takeFromWalk(
  members: Int32Array,
  start: number,
  end: number,
  cursors: Int32Array,
  walk: number,
  out: Int32Array,
  draw: Draw,
): void {
  let cursor = start + cursors[walk];
  let limit = end;
  for (let i = 0; i < out.length; i++) {
    if (cursor === end) {
      cursor = start;
      limit = end - i;
    }
    const other = draw(cursor, limit - 1);
    const member = members[other];
    members[other] = members[cursor];
    members[cursor] = member;
    out[i] = member;
    cursor++;
  }
  cursors[walk] = cursor - start;
}

function allocateBatch(length: number): Int32Array {
  return withMemory(
    `a batch of ${length} indices`,
    'Lower classesPerBatch or samplesPerClass.',
    () => new Int32Array(length),
  );
}
