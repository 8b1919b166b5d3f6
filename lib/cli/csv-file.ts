/**
 * Tables of numbers and text. The first line names the columns if there is anything in it that is no number; otherwise
 * columns have no names. A piece of the file is in memory at a time.
 */
import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { CircleLossError, fileFailed, foreignFile } from '../errors.ts';

/** Of a column in a file. */
export interface CsvColumn {
  path: string;
  column: string;
}

export const isCsv = (path: string) => /\.(csv|tsv)$/i.test(path);

/** `FILE.csv:COLUMN`; undefined where it is none. */
export function csvColumn(source: string): CsvColumn | undefined {
  const match = /^(.+\.(?:csv|tsv)):(.+)$/i.exec(source);
  return match === null ? undefined : { path: match[1], column: match[2] };
}

export const isNumber = (cell: string) => cell !== '' && !Number.isNaN(Number(cell));

interface CsvRecord {
  record: string[];
  info: { lines: number };
}

/** Calls `visit` with the cells of each row; `columns` is undefined where they have no names. Returns the rows' number. */
export async function visitCsv(
  path: string,
  visit: (cells: readonly string[], line: number, columns: readonly string[] | undefined) => void,
): Promise<number> {
  const { parse } = await import('csv-parse');
  const delimiter = extname(path).toLowerCase() === '.tsv' ? '\t' : ',';
  const parser = parse({ bom: true, trim: true, info: true, skip_empty_lines: true, delimiter });
  const file = createReadStream(path);
  file.on('error', (cause) => parser.destroy(fileFailed(path, 'read', cause)));
  file.pipe(parser);
  let columns: readonly string[] | undefined;
  let isFirst = true;
  let rows = 0;
  try {
    for await (const { record, info } of parser as AsyncIterable<CsvRecord>) {
      if (isFirst && !record.every(isNumber)) columns = record;
      else {
        visit(record, info.lines, columns);
        rows++;
      }
      isFirst = false;
    }
  } catch (cause) {
    if (cause instanceof CircleLossError) throw cause;
    throw foreignFile(path, 'a CSV file', cause instanceof Error ? cause.message : String(cause));
  } finally {
    file.destroy();
  }
  if (rows === 0) throw foreignFile(path, 'a CSV file with rows', 'none');
  return rows;
}

/** Where a column stands; `columns` as `visitCsv` has them. */
export function placeOf({ path, column }: CsvColumn, columns: readonly string[] | undefined): number {
  if (columns === undefined) throw foreignFile(path, `a CSV file whose first line names '${column}'`, 'only numbers');
  const place = columns.indexOf(column);
  if (place >= 0) return place;
  const named = columns.length > 12 ? `${columns.slice(0, 12).join(', ')}, …` : columns.join(', ');
  throw foreignFile(path, `a CSV file with the column '${column}'`, `the columns ${named}`);
}
