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
  #value = -1; // none begun
  #firstBlank = 0;

  constructor(path: string, columns: number, what: string) {
    this.#path = path;
    this.#what = what;
    this.#columns = Array.from({ length: columns }, () => new Int32Array(1024));
  }

  byte(byte: number): void {
    if (byte >= zero && byte <= nine) {
      this.#value = Math.max(this.#value, 0) * 10 + byte - zero;
      if (this.#value > largestInt32) throw this.#malformed(`a number beyond ${largestInt32}`);
      return;
    }
    if (byte !== space && byte !== tab && byte !== carriageReturn && byte !== lineFeed) {
      throw this.#malformed(`'${String.fromCharCode(byte)}'`);
    }
    this.#endNumber();
    if (byte === lineFeed) this.#endLine();
  }

  end(): Int32Array[] {
    this.#endNumber();
    this.#endLine();
    return this.#columns.map((column) => column.slice(0, this.#rows));
  }

  #endNumber(): void {
    if (this.#value < 0) return;
    // After a blank line in the middle, the first number tells that it was not at the end.
    if (this.#firstBlank > 0) throw this.#malformed('a blank line', this.#firstBlank);
    if (this.#column === this.#columns.length) throw this.#malformed('more');
    if (this.#rows === this.#columns[this.#column].length) this.#grow();
    this.#columns[this.#column++][this.#rows] = this.#value;
    this.#value = -1;
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
    for (let i = marked ? byteOrderMark.length : 0; i < bytes.length; i++) found.byte(bytes[i]);
  }
  return found.end();
}
