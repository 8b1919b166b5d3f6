/** MAT files of level 5, from The MathWorks' description of the format, for the tests of what reads them. */
import { deflateSync } from 'node:zlib';

const storages = {
  int8: { type: 1, size: 1, class: 8, write: 'writeInt8' },
  uint8: { type: 2, size: 1, class: 9, write: 'writeUInt8' },
  int16: { type: 3, size: 2, class: 10, write: 'writeInt16' },
  uint16: { type: 4, size: 2, class: 11, write: 'writeUInt16' },
  int32: { type: 5, size: 4, class: 12, write: 'writeInt32' },
  uint32: { type: 6, size: 4, class: 13, write: 'writeUInt32' },
  single: { type: 7, size: 4, class: 7, write: 'writeFloat' },
  double: { type: 9, size: 8, class: 6, write: 'writeDouble' },
} as const;

export type Storage = keyof typeof storages;
export type MatValue =
  | string
  | { shape: number[]; values: number[]; storage?: Storage; asDoubles?: boolean }
  | { shape: number[]; cells: MatValue[] }
  | { shape: number[]; structs: Record<string, MatValue>[] };

export interface MatForm {
  order?: 'little' | 'big';
  compressed?: boolean;
  /** Texts as UTF-8 (default), as UTF-16 or as plain numbers of two bytes. */
  text?: 'utf8' | 'utf16' | 'uint16';
}

/** A number in a matrix of one. */
export const scalar = (value: number, storage: Storage = 'double'): MatValue => ({
  shape: [1, 1],
  values: [value],
  storage,
});
/** Rows of numbers, which a file has column by column. */
export const matrix = (rows: number[][], storage: Storage = 'double'): MatValue => ({
  shape: [rows.length, rows[0].length],
  values: rows[0].flatMap((_, column) => rows.map((row) => row[column])),
  storage,
});

export function matFile(variables: Record<string, MatValue>, form: MatForm = {}): Buffer {
  const little = form.order !== 'big';
  const header = Buffer.alloc(128, ' ');
  header.write('MATLAB 5.0 MAT-file, of a test');
  writeInt(header, 0x0100, 124, 2, little);
  header.write(little ? 'IM' : 'MI', 126);
  const elements = Object.entries(variables).map(([name, value]) => {
    const element = encodeMatrix(name, value, form, little);
    return form.compressed ? tagged(15, deflateSync(element), little, 'unpadded') : element;
  });
  return Buffer.concat([header, ...elements]);
}

function writeInt(buffer: Buffer, value: number, at: number, size: number, little: boolean): void {
  if (little) buffer.writeUIntLE(value, at, size);
  else buffer.writeUIntBE(value, at, size);
}

/** A tag and data, padded to eight bytes; up to four bytes of data stand in the tag itself. */
function tagged(type: number, data: Buffer, little: boolean, padding: 'padded' | 'unpadded' = 'padded'): Buffer {
  const tag = Buffer.alloc(8);
  if (data.length > 0 && data.length <= 4) {
    writeInt(tag, data.length * 0x10000 + type, 0, 4, little);
    data.copy(tag, 4);
    return tag;
  }
  writeInt(tag, type, 0, 4, little);
  writeInt(tag, data.length, 4, 4, little);
  const rest = padding === 'padded' ? (8 - (data.length % 8)) % 8 : 0;
  return Buffer.concat([tag, data, Buffer.alloc(rest)]);
}

function numbers(values: readonly number[], storage: Storage, little: boolean): Buffer {
  const { type, size, write } = storages[storage];
  const data = Buffer.alloc(values.length * size);
  const method = (size === 1 ? write : `${write}${little ? 'LE' : 'BE'}`) as 'writeDoubleLE';
  values.forEach((value, i) => {
    data[method](value, i * size);
  });
  return tagged(type, data, little);
}

function encodeText(text: string, form: MatForm, little: boolean): Buffer {
  if ((form.text ?? 'utf8') === 'utf8') return tagged(16, Buffer.from(text), little);
  const data = Buffer.from(text, 'utf16le');
  return tagged(form.text === 'utf16' ? 17 : 4, little ? data : data.swap16(), little);
}

function encodeMatrix(name: string, value: MatValue, form: MatForm, little: boolean): Buffer {
  const shape = typeof value === 'string' ? [1, value.length] : value.shape;
  const [mxClass, content] = encodeContent(value, form, little);
  const parts = [
    numbers([mxClass, 0], 'uint32', little),
    numbers(shape, 'int32', little),
    tagged(1, Buffer.from(name, 'latin1'), little),
    ...content,
  ];
  return tagged(14, Buffer.concat(parts), little);
}

function encodeContent(value: MatValue, form: MatForm, little: boolean): [mxClass: number, content: Buffer[]] {
  if (typeof value === 'string') return [4, [encodeText(value, form, little)]];
  if ('values' in value) {
    const { values, storage = 'double', asDoubles } = value;
    // MATLAB stores doubles that are integers in the smallest type that holds them.
    return [asDoubles ? storages.double.class : storages[storage].class, [numbers(values, storage, little)]];
  }
  if ('cells' in value) return [1, value.cells.map((cell) => encodeMatrix('', cell, form, little))];
  const names = Object.keys(value.structs[0]);
  const longest = Math.max(...names.map((name) => name.length)) + 1;
  const packed = Buffer.alloc(names.length * longest);
  names.forEach((name, i) => {
    packed.write(name, i * longest);
  });
  const fields = value.structs.flatMap((fieldsOf) =>
    names.map((name) => encodeMatrix('', fieldsOf[name], form, little)),
  );
  return [2, [numbers([longest], 'int32', little), tagged(1, packed, little), ...fields]];
}
