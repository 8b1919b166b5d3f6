/** Rows of floats: pictures, features or embeddings, one after the other. */

export interface Rows {
  /** count × dim, row-major. */
  values: Float32Array;
  dim: number;
}

export function rowCount(rows: Rows): number {
  return rows.values.length / rows.dim;
}

/** A copy of the chosen rows, in the order of `indices`. */
export function selectRows(rows: Rows, indices: ArrayLike<number>): Rows {
  const { dim } = rows;
  const values = new Float32Array(indices.length * dim);
  for (let i = 0; i < indices.length; i++) {
    values.set(rows.values.subarray(indices[i] * dim, (indices[i] + 1) * dim), i * dim);
  }
  return { values, dim };
}
