/** Which Markdown files of the repository are pages, and where a page has its place on the site. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Everything that is Markdown and no page; patterns are relative to the repository. */
export const notPages = [
  '!(docs|bench|cuda|examples)/**/*.md',
  // The way in from a code host; index.md is the site's own.
  'README.md',
  'bench/results/**',
  'examples/!(README.md)',
  'examples/*/**',
];

/** `docs/math.md` is math.md on the site, `bench/README.md` is bench/index.md, `CHANGELOG.md` is changelog.md. */
export function placeOf(file: string): string {
  const place = file.replace(/^docs\/(?!README\.md$)/, '').replace(/(^|\/)README\.md$/, '$1index.md');
  return place.startsWith('api/') ? place : place.toLowerCase();
}

export function exists(file: string): boolean {
  return existsSync(join(repository, file));
}
