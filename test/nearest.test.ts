/** The k greatest numbers of each row, whatever the pieces in which columns come. */
import { expect, it } from 'vitest';
import { Nearest } from '../lib/nearest.ts';
import { randomFrom } from './cases.ts';

const rows = 5;

/** Few different numbers, so that most are equal to others, and some that are none. */
function matrixOf(columns: number, seed: number): Float32Array {
  const random = randomFrom(seed);
  return Float32Array.from({ length: rows * columns }, () => {
    const drawn = Math.floor(random() * 12);
    return drawn === 0 ? Number.NaN : drawn === 1 ? Number.NEGATIVE_INFINITY : drawn / 4;
  });
}

function sorted(matrix: Float32Array, columns: number, row: number): number[] {
  const values = [...matrix.subarray(row * columns, (row + 1) * columns)].map((v) => (Number.isNaN(v) ? -Infinity : v));
  // Infinities of one sign have no difference.
  const descending = (a: number, b: number) => (values[a] === values[b] ? a - b : values[a] > values[b] ? -1 : 1);
  return [...values.keys()].sort(descending);
}

it.each([1, 2, 3, 8, 30, 61])('%d of 61 columns, greatest first, of equals the smaller, NaN as −∞', (k) => {
  const columns = 61;
  for (const width of [1, 7, 61]) {
    const matrix = matrixOf(columns, width);
    const nearest = new Nearest(rows, k);
    for (let first = 0; first < columns; first += width) {
      const last = Math.min(columns, first + width);
      for (const [firstRow, count] of [
        [0, 2],
        [2, 3],
      ] as const) {
        const piece = new Float32Array(count * (last - first));
        for (let row = 0; row < count; row++) {
          const start = (firstRow + row) * columns;
          piece.set(matrix.subarray(start + first, start + last), row * (last - first));
        }
        nearest.add(piece, last - first, firstRow, first);
      }
    }
    const { columns: found, values } = nearest.sort();
    for (let row = 0; row < rows; row++) {
      const expected = sorted(matrix, columns, row).slice(0, k);
      const numbers = expected
        .map((column) => matrix[row * columns + column])
        .map((v) => (Number.isNaN(v) ? -Infinity : v));
      expect([...values.subarray(row * k, (row + 1) * k)]).toEqual(numbers);
      expect([...found.subarray(row * k, (row + 1) * k)]).toEqual(expected);
    }
  }
});
