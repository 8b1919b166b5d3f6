/** A class head as a file: its matrices, and in the metadata all that further steps depend on. */
import { foreignFile, shortened } from './errors.ts';
import type { PairLoss } from './losses.ts';
import { momentCount, type ResolvedOptimizer } from './optimizers.ts';
import type { Reduction, Scope } from './options.ts';
import { MatrixFile, type ReadableMatrix, writeMatrices } from './safetensors.ts';
import { isValid, schemas } from './schemas.ts';

/** What a head computes, wherever it lives. */
export interface HeadSettings {
  classes: number;
  dim: number;
  pairLoss: PairLoss;
  normalize: boolean;
  scope: Scope;
  reduction: Reduction;
  optimizer: ResolvedOptimizer;
  sampleRate: number;
  seed: number;
}

const format = 'circle-loss class head';

/** The tensors of a head, the weights first; the moments have the names that PyTorch gives them. */
export function tensorNames(optimizer: ResolvedOptimizer): string[] {
  const moments = optimizer.type === 'sgd' ? ['momentum_buffer'] : ['exp_avg', 'exp_avg_sq'];
  return ['weight', ...moments.slice(0, momentCount(optimizer))];
}

export function writeHead(
  path: string,
  settings: HeadSettings,
  steps: number,
  matrices: readonly ReadableMatrix[],
): Promise<void> {
  return writeMatrices(path, matrices, { format, settings: JSON.stringify(settings), steps: String(steps) });
}

export interface HeadFile {
  file: MatrixFile;
  settings: HeadSettings;
  steps: number;
}

/** Checks everything but the numbers; whoever opens it closes `file`. */
export async function openHead(path: string): Promise<HeadFile> {
  const file = await MatrixFile.open(path);
  try {
    if (file.metadata.format !== format) {
      throw foreignFile(path, 'a file that ClassHead.save wrote', 'a safetensors file of something else');
    }
    const head = readSettings(path, file);
    const { classes: rows, dim } = head.settings;
    for (const name of file.names) file.check({ name, rows, dim }); // before anybody makes room for them
    return { file, ...head };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function readSettings(path: string, { metadata, names }: MatrixFile): { settings: HeadSettings; steps: number } {
  const steps = /^\d+$/.test(metadata.steps ?? '') ? Number(metadata.steps) : Number.NaN;
  let settings: unknown;
  try {
    settings = JSON.parse(metadata.settings);
  } catch {
    settings = undefined;
  }
  if (!isValid(schemas.classHeadFile, settings) || !(Number.isSafeInteger(steps) && steps >= 0)) {
    throw foreignFile(path, 'a class head of this version of circle-loss', 'settings that it does not know');
  }
  const head = settings as HeadSettings;
  const { type } = head.pairLoss;
  if ((type === 'arcface' && !head.normalize) || (type === 'triplet' && head.scope === 'batch')) {
    throw foreignFile(path, 'a class head that can be computed', `pairLoss '${type}' of other rows or scope`);
  }
  const expected = tensorNames(head.optimizer).sort().join(', ');
  const received = names.sort().join(', ');
  if (received !== expected)
    throw foreignFile(path, `a class head with the tensors ${expected}`, shortened(received, 100));
  return { settings: head, steps };
}
