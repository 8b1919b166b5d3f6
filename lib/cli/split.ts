/** Who asks and who is asked: rows of one file by a split, or of two files. */
import { foreignFile, invalidArgument } from '../errors.ts';
import { gatherRows } from '../protocols.ts';

/** Rows with what is known of them. */
export interface LabelledSet {
  embeddings: Float32Array;
  labels: Int32Array;
  cameras?: Int32Array;
}

export interface Comparison {
  dim: number;
  query: LabelledSet;
  /** undefined: the queries themselves, leave one out. */
  gallery?: LabelledSet;
  /** Of each query the gallery row that is itself, or −1. */
  own?: Int32Array;
  /** Of re-identification: gallery rows of it are as if not there. */
  junkLabel?: number;
}

/** Values of a split. */
const split = { train: 0, query: 1, gallery: 2, both: 3 } as const;

/** `values`: one a row, as `split` says. */
export function splitRows(all: LabelledSet, dim: number, values: Int32Array, source: string): Comparison {
  const bad = values.findIndex((value) => value < split.train || value > split.both);
  if (bad >= 0) {
    const expected = '0 (train), 1 (query), 2 (gallery) or 3 (query and gallery) for each row';
    throw foreignFile(source, expected, `${values[bad]} at row ${bad}`);
  }
  const queryRows = rowsWhere(values, (value) => value === split.query || value === split.both);
  const galleryRows = rowsWhere(values, (value) => value === split.gallery || value === split.both);
  if (queryRows.length === 0) throw invalidArgument(source, 'a split with queries, 1 or 3', 'none');
  if (galleryRows.length === 0) throw invalidArgument(source, 'a split with gallery rows, 2 or 3', 'none');
  const query = gatherSet(all, queryRows, dim);
  const isLeaveOneOut = queryRows.every((row) => values[row] === split.both) && galleryRows.length === queryRows.length;
  if (isLeaveOneOut) return { dim, query };
  const places = new Int32Array(values.length).fill(-1);
  galleryRows.forEach((row, place) => {
    places[row] = place;
  });
  return { dim, query, gallery: gatherSet(all, galleryRows, dim), own: queryRows.map((row) => places[row]) };
}

function rowsWhere(values: Int32Array, isWanted: (value: number) => boolean): Int32Array {
  const rows = new Int32Array(values.length);
  let count = 0;
  for (let row = 0; row < values.length; row++) if (isWanted(values[row])) rows[count++] = row;
  return rows.subarray(0, count);
}

/** All rows are the array itself. */
function gatherSet({ embeddings, labels, cameras }: LabelledSet, rows: Int32Array, dim: number): LabelledSet {
  return {
    embeddings: rows.length === labels.length ? embeddings : gatherRows(embeddings, rows, { dim }),
    labels: rows.map((row) => labels[row]),
    ...(cameras && { cameras: rows.map((row) => cameras[row]) }),
  };
}
