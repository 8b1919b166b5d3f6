/** MAT files: what is written comes back, in every form that MATLAB and SciPy write; what is no such file is refused. */
import { describe, expect, it } from 'vitest';
import { readMatFile } from '../lib/protocols/mat-file.ts';
import { errorOf } from './error-of.ts';
import { type MatForm, matFile, matrix, type Storage, scalar } from './mat-writer.ts';

const read = (bytes: Buffer) => readMatFile('x.mat', bytes);
const forms: [string, MatForm][] = (['little', 'big'] as const).flatMap((order) =>
  [false, true].flatMap((compressed) =>
    (['utf8', 'utf16', 'uint16'] as const).map((text): [string, MatForm] => [
      `${order} endian, ${compressed ? 'compressed' : 'plain'}, texts as ${text}`,
      { order, compressed, text },
    ]),
  ),
);

describe.each(forms)('%s', (_, form) => {
  it.each<[Storage, number[]]>([
    ['int8', [-128, 127, 1]],
    ['uint8', [0, 255, 7, 8, 9]],
    ['int16', [-32768, 32767]],
    ['uint16', [0, 65535]],
    ['int32', [-2147483648, 2147483647]],
    ['uint32', [0, 4294967295]],
    ['single', [1.5, -0.25]],
    ['double', [Math.PI, -1e300]],
  ])('numbers stored as %s', (storage, values) => {
    for (const asDoubles of [false, true]) {
      const shape = [1, values.length];
      const found = read(matFile({ x: { shape, values, storage, asDoubles } }, form)).get('x');
      expect(found).toEqual({ kind: 'numbers', shape, values: Float64Array.from(values) });
    }
  });

  it('texts, cells and structures, several to a file, none disturbed by the length of the one before', () => {
    const found = read(
      matFile(
        {
          names: { shape: [3, 1], cells: ['Zoë/12', 'a', { shape: [0, 0], values: [] }] },
          cars: {
            shape: [1, 2],
            structs: [
              { class: scalar(14, 'uint8'), fname: '00001.jpg' },
              { class: scalar(196, 'uint8'), fname: '00002.jpg' },
            ],
          },
          splits: { shape: [2, 1, 2], values: [1, 2, 3, 4] },
        },
        form,
      ),
    );
    expect([...found.keys()]).toEqual(['names', 'cars', 'splits']);
    expect(found.get('names')).toMatchObject({
      kind: 'cell',
      shape: [3, 1],
      cells: [{ text: 'Zoë/12' }, { text: 'a' }, { kind: 'numbers', shape: [0, 0] }],
    });
    expect(found.get('cars')).toMatchObject({
      kind: 'struct',
      elements: [
        { class: { values: { 0: 14 } }, fname: { text: '00001.jpg' } },
        { class: { values: { 0: 196 } }, fname: { text: '00002.jpg' } },
      ],
    });
    expect(found.get('splits')).toMatchObject({ shape: [2, 1, 2], values: Float64Array.of(1, 2, 3, 4) });
  });

  it('cut short is refused, wherever', () => {
    const bytes = matFile({ x: matrix([[1.5, 2.5]]), y: 'text' }, form);
    for (let cut = 1; cut < bytes.length; cut++) {
      // Between two variables, a file may end.
      if (cut === matFile({ x: matrix([[1.5, 2.5]]) }, form).length || cut === 128) continue;
      expect(errorOf(() => read(bytes.subarray(0, cut))).code, `${cut} of ${bytes.length}`).toBe('ERR_CIRCLE_PROTOCOL');
    }
  });
});

describe('refused with the reason:', () => {
  it.each<[string, Buffer, string]>([
    [
      'a short file',
      Buffer.alloc(10),
      "x.mat must be a MAT file of level 5; received 10 bytes. In MATLAB, save(…, '-v7')",
    ],
    ['HDF5', Buffer.concat([Buffer.from('MATLAB 7.3 MAT-file'), Buffer.alloc(200)]), 'version 7.3, which is HDF5'],
    ['something else', Buffer.alloc(300), 'a file without its byte order mark'],
  ])('%s', (_, bytes, message) => {
    const error = errorOf(() => read(bytes));
    expect(error.code).toBe('ERR_CIRCLE_PROTOCOL');
    expect(error.message).toContain(message);
  });

  it('numbers that are fewer than their shape', () => {
    const error = errorOf(() => read(matFile({ x: { shape: [2, 2], values: [1, 2, 3] } })));
    expect(error.message).toContain('damaged or cut short (3 numbers for 4)');
  });
});
