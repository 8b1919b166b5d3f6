/** Rows that are kind to float32, and rows that are not. All from a seed. */
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export interface Shape {
  readonly n: number;
  readonly dim: number;
}

export interface Batch extends Shape {
  readonly embeddings: Float32Array;
  readonly labels: Int32Array;
}

type Draw = (low: number, high: number) => number;
type Make = (shape: Shape, labels: Int32Array, draw: Draw) => (row: number, k: number) => number;

const seed = 7;

/** Vectors that several rows are made from, drawn once. */
function vectors(count: number, dim: number, draw: Draw): (vector: number, k: number) => number {
  const values = Float64Array.from({ length: count * dim }, () => draw(-1, 1));
  return (vector, k) => values[vector * dim + k];
}

/** All rows within `spread` of one direction: what embeddings collapse to in a training that has gone wrong. */
const collapsed =
  (spread: number): Make =>
  ({ dim }, _, draw) => {
    const centre = vectors(1, dim, draw);
    return (_row, k) => centre(0, k) + spread * draw(-1, 1);
  };

const scaled =
  (factor: number): Make =>
  (_shape, _labels, draw) =>
  () =>
    factor * draw(-1, 1);

export const kinds: Readonly<Record<string, Make>> = {
  random: scaled(1),
  'clusters, as trained': ({ n, dim }, labels, draw) => {
    const centre = vectors(n, dim, draw);
    return (row, k) => centre(labels[row], k) + 0.3 * draw(-1, 1);
  },
  'collapsed to 1e-3': collapsed(1e-3),
  'collapsed to 1e-6': collapsed(1e-6),
  'equal rows in each class': ({ n, dim }, labels, draw) => {
    const centre = vectors(n, dim, draw);
    return (row, k) => centre(labels[row], k);
  },
  'opposite rows': ({ dim }, _, draw) => {
    const axis = vectors(1, dim, draw);
    return (row, k) => (row % 2 ? -1 : 1) * axis(0, k) + 1e-4 * draw(-1, 1);
  },
  // cos θ = −m and m for the usual margins: where the weight of a negative ends, and where its logit is 0.
  'similarities at ±m': (_shape, _labels, draw) => {
    const cosines = [1, 0.25, -0.25, 0.4, -0.4];
    return (row, k) => {
      const cosine = cosines[row % cosines.length];
      return k === 0 ? cosine : k === 1 ? Math.sqrt(1 - cosine * cosine) : 1e-7 * draw(-1, 1);
    };
  },
  'norms of 1e30': scaled(1e30),
  'norms of 1e-30': scaled(1e-30),
  'denormal numbers': scaled(1e-40),
  'one coordinate dominates': (_shape, _labels, draw) => (_row, k) => (k === 0 ? 1 : 1e-4) * draw(-1, 1),
  'magnitudes from 1e-15 to 1e15': (_shape, _labels, draw) => () => draw(-1, 1) * 10 ** draw(-15, 15),
};

export function batchOf(kind: string, { n, dim }: Shape): Batch {
  const generator = xoroshiro128plus(seed * 1000 + n + dim);
  const draw: Draw = (low, high) => low + (high - low) * uniformFloat32(generator);
  const labels = Int32Array.from({ length: n }, () => uniformInt(generator, 0, Math.ceil(n / 4) - 1));
  const value = kinds[kind]({ n, dim }, labels, draw);
  const embeddings = Float32Array.from({ length: n * dim }, (_, i) => value(Math.floor(i / dim), i % dim));
  return { n, dim, embeddings, labels };
}

/** Class weights are random directions, whatever the rows are. */
export function classWeightsOf(classes: number, dim: number): Float32Array {
  const generator = xoroshiro128plus(seed);
  return Float32Array.from({ length: classes * dim }, () => 2 * uniformFloat32(generator) - 1);
}
