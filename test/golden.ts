/** Reads the golden cases (`golden/GOLDEN.md`) and says what each peer's definition is in our options. */
import { readFileSync } from 'node:fs';
import { type PairLossOptions, softmax } from '../lib/index.ts';

type Location = [offset: number, count: number];

interface ManifestCase {
  id: string;
  oracle: string;
  m: number;
  gamma: number;
  normalize: boolean;
  N: number;
  D: number;
  x: Location;
  labels: Location;
  w?: Location;
  ref?: Location;
  ref_labels?: Location;
  loss: number;
  ref_loss: number;
  grad_x: Location;
  grad_w?: Location;
  grad_ref?: Location;
  per_anchor?: Location;
  per_anchor_ref?: Location;
  tags: string[];
}

export interface GoldenCase {
  id: string;
  embeddings: Float32Array;
  labels: Int32Array;
  options: PairLossOptions;
  tags: readonly string[];
  isClassLevel: boolean;
  /** The peer's own numbers, and the loss in closed form. */
  expected: {
    loss: number;
    closedForm: number;
    gradient: Float64Array;
    candidateGradient: Float64Array | undefined;
    anchorLosses: Float64Array | undefined;
  };
}

const folder = new URL('golden/', import.meta.url);

function readBytes(name: string): ArrayBuffer {
  const bytes = readFileSync(new URL(name, folder));
  return new Uint8Array(bytes).buffer;
}

type LossAndReduction = Pick<PairLossOptions, 'pairLoss' | 'reduction' | 'scope' | 'normalize'>;

/** One row an oracle of GOLDEN.md. */
const definitions: Record<string, (margin: number, gamma: number) => LossAndReduction> = {
  pml_circle: (margin, gamma) => ({ pairLoss: { type: 'circle', margin, gamma }, reduction: 'mean-nonzero' }),
  fastreid_circle: (margin, gamma) => ({ pairLoss: { type: 'circle', margin, gamma }, reduction: 'mean-all' }),
  tiny_circle: (margin, gamma) => ({ pairLoss: { type: 'circle', margin, gamma }, scope: 'batch' }),
  keras_circle: (margin, gamma) => ({
    pairLoss: { type: 'circle', margin, gamma, weighting: 'differentiated' },
    reduction: 'mean-nonzero',
  }),
  pml_circle_ref: (margin, gamma) => ({ pairLoss: { type: 'circle', margin, gamma }, reduction: 'mean-nonzero' }),
  fastreid_circle_cls: (margin, gamma) => ({ pairLoss: { type: 'circle', margin, gamma }, reduction: 'mean-all' }),
  torch_circle_cls_nodetach: (margin, gamma) => ({
    pairLoss: { type: 'circle', margin, gamma, weighting: 'differentiated' },
    reduction: 'mean-all',
  }),
  pml_cosface: (margin, gamma) => ({ pairLoss: { type: 'unified', margin, gamma } }),
  pml_normface: (_, gamma) => ({ pairLoss: { type: 'unified', margin: 0, gamma } }),
  pml_arcface: (margin, gamma) => ({ pairLoss: { type: 'arcface', margin, gamma } }),
  insight_arcface: (margin, gamma) => ({
    pairLoss: { type: 'arcface', margin, gamma, derivative: 'straight-through', beyondPi: 'cosine' },
  }),
  torch_softmax: () => softmax(),
  fastreid_uni: (margin, gamma) => ({ pairLoss: { type: 'unified', margin, gamma }, reduction: 'mean-all' }),
  pml_triplet_hard: (margin) => ({ pairLoss: { type: 'triplet', margin } }),
};

export function readGolden(): GoldenCase[] {
  const inputs = new Float32Array(readBytes('inputs.f32.bin'));
  const labels = new Int32Array(readBytes('labels.i32.bin'));
  const outputs = new Float64Array(readBytes('outputs.f64.bin'));
  const at = <T extends { slice(start: number, end: number): T }>(array: T, [offset, count]: Location) =>
    array.slice(offset, offset + count);
  const maybe = (location?: Location) => location && at(outputs, location);
  const [, ...lines] = readFileSync(new URL('manifest.jsonl', folder), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const entry: ManifestCase = JSON.parse(line);
    const candidates = {
      ...(entry.w && { classWeights: at(inputs, entry.w) }),
      ...(entry.ref && {
        candidates: at(inputs, entry.ref),
        candidateLabels: at(labels, entry.ref_labels!),
        candidateGradient: 'compute',
      }),
    };
    return {
      id: entry.id,
      embeddings: at(inputs, entry.x),
      labels: at(labels, entry.labels),
      options: {
        dim: entry.D,
        normalize: entry.normalize,
        ...candidates,
        ...definitions[entry.oracle](entry.m, entry.gamma),
      } as PairLossOptions,
      tags: entry.tags,
      isClassLevel: entry.w !== undefined,
      expected: {
        loss: entry.loss,
        closedForm: entry.ref_loss,
        gradient: at(outputs, entry.grad_x),
        candidateGradient: maybe(entry.grad_w ?? entry.grad_ref),
        anchorLosses: maybe(entry.per_anchor ?? entry.per_anchor_ref),
      },
    };
  });
}

export interface Literals {
  y_true: number[];
  y_pred: number[][];
  ref_labels: number[];
  ref_embeddings: number[][];
  expect: {
    gamma: number;
    margin: number;
    reduction?: string;
    use_ref?: boolean;
    embeddings?: string;
    labels?: string;
    loss?: number;
    per_anchor?: number[];
  }[];
}

export function readLiterals(): Literals {
  return JSON.parse(readFileSync(new URL('published_literals.json', folder), 'utf8'));
}
