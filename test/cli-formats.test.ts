/** What the command reads: every format of embeddings and of values a row, and what it says of files that are none. */
import { describe, expect, it } from 'vitest';
import { type Descr, four, fourIs, jsonOf, npyBytes, put, rawBytes, run, temporaryFolder } from './command.ts';

const folder = temporaryFolder();
const { values, labels } = four;
put(folder, 'rows.npy', npyBytes('<f4', [4, 2], values));
put(folder, 'labels.txt', '0\n0\n1\n1\n');

const evaluate = (...args: string[]) => jsonOf(folder, 'evaluate', ...args);

/** Exit code 1, and the error's code and words on stderr. */
function failure(...args: string[]): string {
  const { status, stdout, stderr } = run(folder, 'evaluate', ...args);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  return stderr;
}

describe('embeddings', () => {
  const small = values.map((value) => Math.round(value * 10)); // the same directions
  const cases: [string, string, string | Uint8Array, string[]][] = [
    ['.npy of float32', 'f4.npy', npyBytes('<f4', [4, 2], values), []],
    ['.npy of float64', 'f8.npy', npyBytes('<f8', [4, 2], values), []],
    ['.npy of int32', 'i4.npy', npyBytes('<i4', [4, 2], small), []],
    ['.npy of int64', 'i8.npy', npyBytes('<i8', [4, 2], small), []],
    ['.npy of uint8', 'u1.npy', npyBytes('|u1', [4, 2], small), []],
    ['.npy of pictures, rows of all their numbers', 'picture.npy', npyBytes('<f4', [4, 1, 2], values), []],
    ['raw float32', 'f4.bin', rawBytes('<f4', values), ['--dim', '2']],
    ['raw float64', 'f8.bin', rawBytes('<f8', values), ['--dim', '2', '--type', 'float64']],
    ['raw uint8', 'u1.raw', rawBytes('|u1', small), ['--dim', '2', '--type', 'uint8']],
    ['CSV of numbers alone', 'plain.csv', '1,0\n.8,.6\n0,1\n6e-1,0.8\n', []],
    ['CSV with names, quotes and CRLF', 'named.csv', 'x,y\r\n"1",0\r\n.8,.6\r\n0,1\r\n.6,.8\r\n', []],
    ['TSV', 'plain.tsv', '1\t0\n.8\t.6\n0\t1\n.6\t.8\n', []],
  ];

  it.each(cases)('%s', (_what, name, content, options) => {
    expect(evaluate(put(folder, name, content), '--labels', 'labels.txt', ...options)).toMatchObject(fourIs);
  });

  it('rows of a CSV file beyond the first thousands of numbers', () => {
    const rows = Array.from({ length: 3000 }, (_, row) => `${Math.cos(row)},${Math.sin(row)},${row % 7}`);
    put(folder, 'long.csv', `x,y,label\n${rows.join('\n')}`);
    const flat = Array.from({ length: 3000 }, (_, row) => [Math.cos(row), Math.sin(row)]).flat();
    put(folder, 'long.npy', npyBytes('<f8', [3000, 2], flat));
    put(folder, 'long.txt', Array.from({ length: 3000 }, (_, row) => row % 7).join('\n'));
    const { map } = evaluate('long.npy', '--labels', 'long.txt');
    // Text and float64 are the same doubles, and become the same float32.
    expect(evaluate('long.csv', '--labels', 'long.csv:label').map).toBe(map);
  });

  const errors: [string, string, string | Uint8Array, string[], string[]][] = [
    ['halves', 'f2.npy', npyBytes('<f2', [4, 2], values), [], ['received float16', "dtype='<f4'"]],
    ['big-endian numbers', 'big.npy', npyBytes('>f4', [4, 2], values), [], ['>f4']],
    [
      'Fortran order',
      'fortran.npy',
      npyBytes('<f4', [4, 2], values, 'True'),
      [],
      ['Fortran order', 'ascontiguousarray'],
    ],
    ['a list where rows should be', 'flat.npy', npyBytes('<f4', [8], values), [], ['an array of rows', '[8]']],
    [
      'an .npy file that is cut short',
      'short.npy',
      npyBytes('<f4', [4, 2], values).subarray(0, -8),
      [],
      ['8 numbers', 'received 6'],
    ],
    ['an .npy file that is none', 'text.npy', 'not an array, but long enough to be one', [], ['an .npy file']],
    ['raw numbers without --dim', 'nodim.bin', rawBytes('<f4', values), [], ['--dim']],
    [
      'raw numbers that are no rows',
      'odd.bin',
      rawBytes('<f4', values),
      ['--dim', '3'],
      ['rows of --dim 3 float32, 12 bytes each', '32 bytes'],
    ],
    [
      'another --dim than the file says',
      'dim.npy',
      npyBytes('<f4', [4, 2], values),
      ['--dim', '4'],
      ['--dim 4', 'rows of 2'],
    ],
    ['no rows', 'empty.npy', npyBytes('<f4', [0, 2], []), [], ['at least one row']],
    [
      'numbers that are not finite',
      'nan.npy',
      npyBytes('<f4', [4, 2], [1, 0, 1, Number.NaN, 0, 1, 1, 1]),
      [],
      ['ERR_CIRCLE_NOT_FINITE', 'NaN at row 1, column 1'],
    ],
    ['text in a column of numbers', 'text.csv', 'x,y\n1,0\n.8,cat\n', [], ['text.csv:3', "'cat' in column y"]],
    ['rows of different lengths', 'ragged.csv', '1,0\n1\n', [], ['a CSV file', 'line 2']],
    ['a CSV file without rows', 'bare.csv', 'x,y\n', [], ['with rows']],
  ];

  it.each(errors)('%s: an error that names the file', (_what, name, content, options, words) => {
    const said = failure(put(folder, name, content), '--labels', 'labels.txt', ...options);
    expect(said).toContain(name);
    expect(said).toMatch(/^circle-loss: ERR_CIRCLE_(FILE|NOT_FINITE): /);
    for (const word of words) expect(said).toContain(word);
  });

  it('a file that is not there', () => {
    expect(failure('nowhere.npy', '--labels', 'labels.txt')).toContain(
      'ERR_CIRCLE_FILE: nowhere.npy must be a file that can be read',
    );
    expect(failure('nowhere.csv', '--labels', 'labels.txt')).toContain(
      'ERR_CIRCLE_FILE: nowhere.csv must be a file that can be read',
    );
  });
});

describe('labels', () => {
  const names = ['ant', 'ant', 'bee', 'bee'];
  const cases: [string, string, string | Uint8Array, string][] = [
    ...(['<i4', '<i8', '|u1', '<f4'] as Descr[]).map((descr): [string, string, Uint8Array, string] => [
      `.npy of ${descr}`,
      `l${descr.slice(1)}.npy`,
      npyBytes(descr, [4], labels),
      '',
    ]),
    ['.npy of one column', 'column.npy', npyBytes('<i4', [4, 1], labels), ''],
    ['raw int32', 'l4.bin', rawBytes('<i4', labels), ''],
    ['raw uint8', 'l1.bin', rawBytes('|u1', labels), ''],
    ['text of integers', 'l.txt', labels.join('\r\n'), ''],
    ['text of names', 'names.txt', `${names.join('\n')}\n\n`, ''],
    ['a column of a CSV file', 'table.csv', ['id,kind', ...names.map((name, i) => `${i},${name}`)].join('\n'), ':kind'],
  ];

  it.each(cases)('%s', (_what, name, content, column) => {
    expect(evaluate('rows.npy', '--labels', put(folder, name, content) + column)).toMatchObject(fourIs);
  });

  it("a column of the embeddings' own file is no coordinate, also behind a byte order mark", () => {
    put(folder, 'own.csv', '\uFEFFkind,x,y\nant,1,0\nant,.8,.6\nbee,0,1\nbee,.6,.8\n');
    expect(evaluate('own.csv', '--labels', './own.csv:kind')).toMatchObject(fourIs);
  });

  it('further columns are left out where they are named', () => {
    put(folder, 'more.csv', 'kind,who,x,y\nant,Ann,1,0\nant,Bob,.8,.6\nbee,Ann,0,1\nbee,Bob,.6,.8\n');
    const args = ['more.csv', '--labels', 'more.csv:kind'];
    expect(failure(...args)).toContain("received 'Ann' in column who");
    expect(evaluate(...args, '--leave-out', 'who')).toMatchObject(fourIs);
    expect(failure(...args, '--leave-out', 'whom')).toContain("the column 'whom'");
  });

  it('are one numbering in both files, in whatever order they come', () => {
    put(folder, 'query.npy', npyBytes('<f4', [2, 2], [1, 0, 0, 1]));
    put(folder, 'query.txt', 'bee\nant');
    put(folder, 'gallery.txt', 'ant\nant\nbee\nbee');
    const args = ['--gallery', 'rows.npy', '--gallery-labels', 'gallery.txt'];
    // Both queries are nearest to rows of the other name, of which there are two; their own are at ranks 3 and 4.
    const { recallAt } = evaluate('query.npy', '--labels', 'query.txt', '--recall-at', '1,2,3', ...args);
    expect(recallAt.map(({ recall }: { recall: number }) => recall)).toEqual([0, 0, 1]);
  });

  const errors: [string, string, string | Uint8Array, string, string[]][] = [
    ['too few', 'few.txt', '0\n0\n1', '', ['ERR_CIRCLE_SHAPE', 'one for each of the 4 rows of rows.npy; received 3']],
    ['raw bytes of another length', 'few.bin', rawBytes('<i4', [0, 0, 1]), '', ['ERR_CIRCLE_FILE', '12 bytes']],
    ['fractions', 'half.npy', npyBytes('<f4', [4], [0, 0.5, 1, 1]), '', ['0.5 at row 1']],
    ['several numbers a row', 'wide.npy', npyBytes('<i4', [4, 2], [0, 0, 0, 0, 1, 1, 1, 1]), '', ['[4, 2]']],
    ['a CSV file without its column', 'which.csv', 'kind\nant\n', '', ['which.csv:COLUMN']],
    ['a column that is not there', 'other.csv', 'kind,size\nant,1\n', ':colour', ["the column 'colour'", 'kind, size']],
    ['a column of a file without names', 'plainly.csv', '1,2\n3,4\n', ':kind', ['only numbers']],
  ];

  it.each(errors)('%s: an error that names the file', (_what, name, content, column, words) => {
    const said = failure('rows.npy', '--labels', put(folder, name, content) + column);
    expect(said).toContain(name);
    for (const word of words) expect(said).toContain(word);
  });
});
