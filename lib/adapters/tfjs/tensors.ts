/** From tensors to the arrays that a loss is computed of: checked first, then read, all of them in one go. */
import type { Tensor } from '@tensorflow/tfjs-core';
import {
  asynchronousBackend,
  describe,
  disposedTensor,
  invalidArgument,
  isTensorLike,
  wrongShape,
} from '../../errors.ts';
import type { CandidateRows, Labels } from '../../index.ts';
import type { TensorFlowCore, TensorLabels } from './types.ts';

/** What a call was given. What is no tensor is left to the function that computes, which checks it. */
export interface TensorInputs {
  embeddings: Tensor;
  labels: TensorLabels;
  classWeights?: Tensor;
  candidates?: Tensor | CandidateRows;
  candidateLabels?: TensorLabels;
}

/** The same as arrays. */
export interface ArrayInputs {
  embeddings: Float32Array;
  labels: Labels;
  classWeights?: Float32Array;
  candidates?: CandidateRows;
  candidateLabels?: Labels;
}

const isTensor = (value: unknown): value is Tensor => isTensorLike(value);

/** Throws where a tensor is no rows or labels. Rows of another length would be read as other rows, not refused. */
export function checkInputs(inputs: TensorInputs, candidatesAre: 'differentiated' | 'constant'): void {
  const { embeddings, labels, classWeights, candidates, candidateLabels } = inputs;
  checkRows('embeddings', '[N, dim]', embeddings);
  const dim = embeddings.shape[1];
  if (isTensor(labels)) checkLabels('labels', labels);
  if (classWeights !== undefined) checkRows('classWeights', '[C, dim]', classWeights, dim);
  if (isTensor(candidates) || candidatesAre === 'differentiated') {
    checkRows('candidates', '[M, dim]', candidates, dim);
  }
  if (isTensor(candidateLabels)) checkLabels('candidateLabels', candidateLabels);
}

function checkRows(name: string, shape: string, value: unknown, dim?: number): void {
  const expected = `a float32 tensor of shape ${shape}`;
  if (!isTensor(value) || value.dtype !== 'float32') throw invalidArgument(name, expected, value);
  if (value.isDisposed) throw disposedTensor(name);
  if (value.shape.length !== 2 || value.shape[1] === 0) throw wrongShape(name, expected, describe(value));
  if (dim === undefined || value.shape[1] === dim) return;
  throw wrongShape(name, `${expected} with dim = ${dim}, as the embeddings have it`, describe(value));
}

function checkLabels(name: string, labels: Tensor): void {
  const expected = 'an int32 or float32 tensor of shape [N] or [N, 1]';
  if (labels.dtype !== 'int32' && labels.dtype !== 'float32') throw invalidArgument(name, expected, labels);
  if (labels.isDisposed) throw disposedTensor(name);
  const [, columns = 1, ...more] = labels.shape;
  if (labels.shape.length > 0 && columns === 1 && more.length === 0) return;
  throw wrongShape(
    name,
    expected,
    `${describe(labels)}, which may be one-hot: tf.argMax(labels, 1) makes labels of it`,
  );
}

/**
 * Reads now. 'webgpu' cannot; 'webgl' can, but makes the GPU and this thread wait for each other at every step, which
 * somebody who chose it would not want to happen in silence.
 */
export function readInputsSync(tf: TensorFlowCore, inputs: TensorInputs): ArrayInputs {
  refuseAsynchronousBackend(tf);
  const views: ArrayLike<number>[] = [];
  const values = withValues(inputs, (tensor) => {
    const view = viewOf(tf, tensor);
    if (view) views.push(view);
    return view ?? copyOf(tf, tensor);
  });
  // Reading one of them may have moved it from another backend, and the heap with all views of it.
  return views.every(({ length }) => length > 0) ? values : withValues(inputs, (tensor) => copyOf(tf, tensor));
}

/** What backend 'wasm' offers to its kernels. */
interface HeapBackend {
  typedArrayFromHeap?(tensor: Tensor): Float32Array | Int32Array;
}

/** Numbers where they lie in the heap of 'wasm', valid until an operation makes it grow; undefined of other backends. */
function viewOf(tf: TensorFlowCore, tensor: Tensor): ArrayLike<number> | undefined {
  try {
    return (tf.backend() as HeapBackend).typedArrayFromHeap?.(tensor);
  } catch {
    return undefined; // a heap that grew on the way
  }
}

function copyOf(tf: TensorFlowCore, tensor: Tensor): ArrayLike<number> {
  try {
    return tensor.dataSync();
  } catch (cause) {
    throw asynchronousBackend(tf.getBackend(), cause);
  }
}

function refuseAsynchronousBackend(tf: TensorFlowCore): void {
  const backend = tf.getBackend();
  if (backend === 'webgl' || backend === 'webgpu') throw asynchronousBackend(backend);
}

export async function readInputs(inputs: TensorInputs): Promise<ArrayInputs> {
  const tensors = Object.values(inputs).filter(isTensor);
  const values = new Map(await Promise.all(tensors.map(async (tensor) => [tensor, await tensor.data()] as const)));
  return withValues(inputs, (tensor) => values.get(tensor)!);
}

/** What is read may be the backend's own memory (on 'cpu' and 'wasm' it is): nobody may write to it. */
function withValues(inputs: TensorInputs, read: (tensor: Tensor) => ArrayLike<number>): ArrayInputs {
  const { embeddings, classWeights, candidates, candidateLabels } = inputs;
  const rows = (tensor: Tensor) => read(tensor) as Float32Array;
  const labels = (name: string, value: TensorLabels) =>
    isTensor(value) ? integersOf(name, value, read(value)) : value;
  return {
    embeddings: rows(embeddings),
    labels: labels('labels', inputs.labels),
    // No key without a value: options that are scalars only need not be parsed at every step.
    ...(classWeights && { classWeights: rows(classWeights) }),
    ...(candidates && { candidates: isTensor(candidates) ? rows(candidates) : candidates }),
    ...(candidateLabels && { candidateLabels: labels('candidateLabels', candidateLabels) }),
  };
}

/** From here on float32 has only every other integer: two labels could have become one. */
const beyondFloat32 = 2 ** 24 + 1;

function integersOf(name: string, { dtype }: Tensor, values: ArrayLike<number>): Int32Array {
  if (dtype === 'int32') return values as Int32Array;
  const labels = new Int32Array(values.length);
  for (let i = 0; i < labels.length; i++) {
    if (!Number.isInteger(values[i]) || Math.abs(values[i]) >= beyondFloat32) {
      throw invalidArgument(`${name}[${i}]`, 'an integer from -16777216 to 16777216 in a float32 tensor', values[i]);
    }
    labels[i] = values[i];
  }
  return labels;
}
