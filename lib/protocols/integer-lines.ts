/**
 * Lists of integers, too long for a string: IJB-C compares 15 million pairs of templates. Read as bytes, a piece at a
 * time; a line is as many integers from 0 as there are columns, apart by blanks.
 */
import { createReadStream } from 'node:fs';
import { malformedLine } from '../errors.ts';

const pieceBytes = 1 << 20;
const largestInt32 = 0x7fffffff;
const [tab, lineFeed, carriageReturn, space, zero, nine] = [9, 10, 13, 32, 48, 57];
const byteOrderMark = [0xef, 0xbb, 0xbf];

class Columns {
  readonly #path: string;
  readonly #what: string;
  #columns: Int32Array[];
  #rows = 0;
  #line = 1;
  #column = 0;
  #value = -1; // of the number that a piece ends in; none
  #firstBlank = 0;

  constructor(path: string, columns: number, what: string) {
    this.#path = path;
    this.#what = what;
    this.#columns = Array.from({ length: columns }, () => new Int32Array(1024));
  }

  /** Digits are nearly all of a file, so that they stay in this loop. */
  add(bytes: Uint8Array, start: number): void {
    let value = this.#value;
    for (let i = start; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte >= zero && byte <= nine) {
        value = (value < 0 ? 0 : value) * 10 + byte - zero;
        if (value > largestInt32) throw this.#malformed(`a number beyond ${largestInt32}`);
      } else {
        if (value >= 0) this.#endNumber(value);
        value = -1;
        if (byte === lineFeed) this.#endLine();
        else if (byte !== space && byte !== tab && byte !== carriageReturn) {
          throw this.#malformed(`'${String.fromCharCode(byte)}'`);
        }
      }
    }
    this.#value = value;
  }

  end(): Int32Array[] {
    if (this.#value >= 0) this.#endNumber(this.#value);
    this.#endLine();
    return this.#columns.map((column) => column.slice(0, this.#rows));
  }

  #endNumber(value: number): void {
    // After a blank line in the middle, the first number tells that it was not at the end.
    if (this.#firstBlank > 0) throw this.#malformed('a blank line', this.#firstBlank);
    if (this.#column === this.#columns.length) throw this.#malformed('more');
    if (this.#rows === this.#columns[this.#column].length) this.#grow();
    this.#columns[this.#column++][this.#rows] = value;
  }

  #endLine(): void {
    if (this.#column === 0) {
      if (this.#firstBlank === 0) this.#firstBlank = this.#line;
    } else if (this.#column < this.#columns.length) {
      throw this.#malformed(`${this.#column}`);
    } else {
      this.#rows++;
    }
    this.#column = 0;
    this.#line++;
  }

  #grow(): void {
    this.#columns = this.#columns.map((column) => {
      const larger = new Int32Array(column.length * 2);
      larger.set(column);
      return larger;
    });
  }

  #malformed(received: string, line = this.#line): Error {
    return malformedLine(this.#path, line, this.#what, received);
  }
}

/** The columns of a list. Throws ERR_CIRCLE_PROTOCOL with the number of a malformed line, and what the system throws. */
export async function readIntegerLines(path: string, columns: number, what: string): Promise<Int32Array[]> {
  const found = new Columns(path, columns, what);
  let isStart = true;
  for await (const piece of createReadStream(path, { highWaterMark: pieceBytes })) {
    const bytes = piece as Buffer;
    const marked = isStart && byteOrderMark.every((byte, i) => bytes[i] === byte);
    isStart = false;
    found.add(bytes, marked ? byteOrderMark.length : 0);
  }
  return found.end();
}
