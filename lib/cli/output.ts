/** What goes to stdout: tables for people, JSON for programs. */
import { markdownTable } from 'markdown-table';

export type Cell = string | number;

/** Numbers stand on the right. */
export function tableOf(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const align = header.map((_, i) => (rows.every((row) => /^[-−∞\d.,e+ %]*$/.test(String(row[i]))) ? 'r' : 'l'));
  return markdownTable(
    [header, ...rows].map((row) => row.map(String)),
    { align },
  );
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Typed arrays are arrays; what JSON has no number for, ±Infinity, is text. */
export function printJson(value: unknown): void {
  const plain = (_key: string, part: unknown) => {
    if (ArrayBuffer.isView(part)) return Array.from(part as Float64Array, numberOf);
    return typeof part === 'number' ? numberOf(part) : part;
  };
  print(JSON.stringify(value, plain, 2));
}

const numberOf = (value: number) => (Number.isFinite(value) ? value : String(value));

/** Four digits behind the point: a share of ten thousand queries. */
export const share = (value: number) => value.toFixed(4);
