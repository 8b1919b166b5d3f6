/** Folders and lists of a data set as they are on disks: byte order marks, CRLF, blank lines at the end, Thumbs.db. */
import { access, readdir, readFile } from 'node:fs/promises';
import { isAbsolute, join, posix } from 'node:path';
import { foreignNames, malformedLine, missingImages, missingPart } from '../errors.ts';

export interface DataSet {
  name: string;
  /** A sentence that says where people get it. */
  source: string;
}

/** A line of a list, numbered from 1. */
export interface Line {
  text: string;
  number: number;
}

/** Whether images that lists name are looked for. */
export type ImageCheck = 'check' | 'ignore';

/** What file managers leave behind. */
const leftBehind = /^(Thumbs\.db|desktop\.ini|\..*)$/i;
const imageEnding = /\.(jpe?g|png|bmp|ppm|webp)$/i;

export const isImageName = (name: string) => imageEnding.test(name) && !leftBehind.test(name);

/** By UTF-16 code units: the same on every machine, whatever its language. */
export const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Folders that are read at a time. */
const foldersAtOnce = 16;

/** The lines of a list. Blank lines at the end are no lines; one in the middle is, and the list's parser refuses it. */
export function linesOf(text: string): Line[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  while (lines.length > 0 && lines[lines.length - 1].trim() === '') lines.pop();
  return lines.map((line, i) => ({ text: line, number: i + 1 }));
}

/** `task` for all of `items`, some at a time. */
export async function forEachOf<T>(
  items: readonly T[],
  atOnce: number,
  task: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const index = next++;
      await task(items[index], index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
}

/** A data set's folder. Paths inside are relative to it, with forward slashes. */
export class DataFolder {
  readonly dataSet: DataSet;
  readonly root: string;
  /** What is worth knowing and no error. */
  readonly warnings: string[] = [];

  constructor(dataSet: DataSet, root: string) {
    this.dataSet = dataSet;
    this.root = root;
  }

  /** Of a file or folder inside, as the system and messages know it. */
  path(relative: string): string {
    return join(this.root, relative);
  }

  async has(relative: string): Promise<boolean> {
    return access(this.path(relative)).then(
      () => true,
      () => false,
    );
  }

  /** Throws ERR_CIRCLE_FILE. */
  missing(relative: string, what: string, cause: unknown): Error {
    const { name, source } = this.dataSet;
    return missingPart(this.path(relative), `${what} of ${name}`, source, cause);
  }

  async bytes(relative: string, what: string): Promise<Buffer> {
    return readFile(this.path(relative)).catch((cause) => {
      throw this.missing(relative, what, cause);
    });
  }

  async lines(relative: string, what: string): Promise<Line[]> {
    return linesOf((await this.bytes(relative, what)).toString('utf8'));
  }

  /** The files of a folder, sorted; without what file managers leave behind. */
  async files(relative: string, what: string): Promise<string[]> {
    const entries = await readdir(this.path(relative), { withFileTypes: true }).catch((cause) => {
      throw this.missing(relative, what, cause);
    });
    return entries
      .filter((entry) => !entry.isDirectory() && !leftBehind.test(entry.name))
      .map((entry) => entry.name)
      .sort(byText);
  }

  /**
   * The images of a folder, by the rule of their names; `rule` returns undefined where a name does not follow it. Images
   * that do not are an error, other files a warning.
   */
  async named<T>(
    folder: string,
    what: string,
    expected: string,
    rule: (name: string) => T | undefined,
  ): Promise<{ path: string; parsed: T }[]> {
    const found: { path: string; parsed: T }[] = [];
    const foreign: string[] = [];
    const others: string[] = [];
    for (const name of await this.files(folder, what)) {
      const parsed = rule(name);
      if (parsed !== undefined) found.push({ path: posix.join(folder, name), parsed });
      else (isImageName(name) ? foreign : others).push(name);
    }
    if (foreign.length > 0) throw foreignNames(this.path(folder), expected, foreign);
    if (others.length > 0) {
      const more = others.length > 3 ? ` and ${others.length - 3} more` : '';
      this.warnings.push(`${this.path(folder)}: left out, as no images: ${others.slice(0, 3).join(', ')}${more}`);
    }
    return found;
  }

  /**
   * Throws ERR_CIRCLE_PROTOCOL where images are not there. Reads each folder once, whatever the number of images. The list
   * is in the folder, unless its path is absolute.
   */
  async checkImages(list: string, paths: Iterable<string>, images: ImageCheck): Promise<void> {
    if (images === 'ignore') return;
    const wanted = new Map<string, string[]>();
    for (const path of new Set(paths)) {
      const folder = posix.dirname(path);
      const names = wanted.get(folder);
      if (names === undefined) wanted.set(folder, [path]);
      else names.push(path);
    }
    const missing: string[] = [];
    await forEachOf([...wanted], foldersAtOnce, async ([folder, members]) => {
      // A folder that is not there has no images.
      const there = new Set(await readdir(this.path(folder)).catch(() => []));
      for (const path of members) if (!there.has(posix.basename(path))) missing.push(path);
    });
    if (missing.length === 0) return;
    throw missingImages(isAbsolute(list) ? list : this.path(list), this.root, missing.sort(byText));
  }

  /** Notes where a count is not the published one: people use subsets, and should know that they do. */
  count(what: string, found: number, published: number): void {
    if (found !== published) this.warnings.push(`${this.dataSet.name} has ${published} ${what}; found ${found}.`);
  }
}

/** An integer in a list. Throws ERR_CIRCLE_PROTOCOL, naming the line. */
export function integerIn(
  path: string,
  line: Line,
  word: string | undefined,
  range: readonly [least: number, greatest: number],
  what: string,
): number {
  const value = word !== undefined && /^-?\d+$/.test(word) ? Number(word) : Number.NaN;
  if (value >= range[0] && value <= range[1]) return value;
  throw malformedLine(path, line.number, `${what} from ${range[0]} to ${range[1]}`, `'${word ?? line.text}'`);
}

/** A path of a list as the items have it: forward slashes, nothing in front. */
export function listedPath(path: string): string {
  // Nearly all are so already, and there may be millions.
  return unusual.test(path) ? posix.normalize(path.replaceAll('\\', '/')) : path;
}

const unusual = /\\|\/\/|(^|\/)\.\.?\//;
