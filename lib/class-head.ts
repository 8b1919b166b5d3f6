/** `createClassHead`: class weights that stay with the engine, and move there. */
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { float32 } from './arrays.ts';
import { type HeadSettings, openHead, tensorNames } from './class-head-file.ts';
import type { ClassHead, ClassHeadOptions, ClassHeadPlace } from './class-head-options.ts';
import { isDeviceMatrix } from './device-matrix.ts';
import { pieces } from './engine-rows.ts';
import { wrongShape } from './errors.ts';
import { HeldHead } from './held-head.ts';
import { resolvePairLoss } from './losses.ts';
import { resolveOptimizer } from './optimizers.ts';
import { streamOf } from './random.ts';
import { parse, schemas } from './schemas.ts';

/**
 * Class weights that stay in the engine's memory, the host's or the GPU's, for class-level training: a step computes the
 * loss against them and moves them, so that neither they nor their gradient cross the boundary, and the gradient is never
 * stored whole (but for pairLoss 'triplet' on the CPU, and on engine 'reference').
 *
 * Memory: C × dim floats, as many again for each moment of the optimiser (SGD with momentum 1, Adam 2), and a workspace.
 * With `sampleRate` below 1 a step takes the classes of its labels and a random share of the others, and moves only those
 * (Partial FC, An et al. 2021, arXiv:2010.05222); Adam's bias correction counts all steps. Same seed and calls, same bits.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_INVALID_ARGUMENT, ERR_CIRCLE_SHAPE, ERR_CIRCLE_OUT_OF_MEMORY, and as
 * `computePairLoss` does where a named engine cannot run.
 */
export function createClassHead(options: ClassHeadOptions): ClassHead {
  const parsed = parse(schemas.classHead, options) as ClassHeadOptions;
  const settings: HeadSettings = {
    classes: parsed.classes,
    dim: parsed.dim,
    pairLoss: resolvePairLoss(parsed.pairLoss, true),
    normalize: parsed.normalize ?? true,
    scope: parsed.scope ?? 'anchor',
    reduction: parsed.reduction ?? 'mean',
    optimizer: resolveOptimizer(parsed.optimizer),
    sampleRate: parsed.sampleRate ?? 1,
    seed: parsed.seed ?? 0,
  };
  const first = firstWeights(settings, parsed.weights);
  const head = new HeldHead(settings, parsed, 0);
  try {
    const [firstWeightRows, ...moments] = head.rows;
    for (const { firstRow, count } of pieces(settings.classes, settings.dim)) {
      firstWeightRows.write(first(firstRow * settings.dim, count * settings.dim), firstRow);
      // An array of the host is zeros already, and memory that nobody touches costs nothing.
      for (const rows of moments) {
        if (isDeviceMatrix(rows.values)) rows.write(new Float32Array(count * settings.dim), firstRow);
      }
    }
    return head;
  } catch (error) {
    head.dispose();
    throw error;
  }
}

/** What the weights from a number on are: those given, or random ones. */
function firstWeights(
  { classes, dim, seed }: HeadSettings,
  given: unknown,
): (start: number, length: number) => Float32Array {
  if (given === undefined) {
    const random = streamOf(seed, 0);
    const bound = 1 / Math.sqrt(dim);
    return (_, length) => {
      const drawn = new Float32Array(length);
      for (let k = 0; k < length; k++) drawn[k] = bound * (2 * uniformFloat32(random) - 1);
      return drawn;
    };
  }
  const weights = float32('options.weights', given);
  if (weights.length !== classes * dim) {
    throw wrongShape('options.weights', `classes × dim = ${classes * dim} numbers`, `${weights.length}`);
  }
  return (start, length) => weights.subarray(start, start + length);
}

/**
 * A head from a file that `save` wrote, with its optimiser's state: further steps give what they would have given.
 *
 * - `place`: where it shall live and how it shall compute; any engine reads any head.
 *
 * Throws ERR_CIRCLE_FILE where the file cannot be read, is cut short or is no class head; else as `createClassHead`.
 */
export async function loadClassHead(path: string, place: ClassHeadPlace = {}): Promise<ClassHead> {
  const parsed = parse(schemas.classHeadPlace, place, 'place') as ClassHeadPlace;
  const { file, settings, steps } = await openHead(parse(schemas.path, path, 'path'));
  let head: HeldHead | undefined;
  try {
    head = new HeldHead(settings, parsed, steps);
    const { classes: rows, dim } = settings;
    for (const [i, name] of tensorNames(settings.optimizer).entries()) {
      await file.read({ name, rows, dim, write: head.rows[i].write });
    }
    return head;
  } catch (error) {
    head?.dispose();
    throw error;
  } finally {
    await file.close();
  }
}
