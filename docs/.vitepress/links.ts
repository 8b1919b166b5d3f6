/**
 * Links as a code host follows them, from file to file, become links from page to page. A link to what the site does not
 * have is an error of the build: VitePress itself only looks at links to pages.
 */
import { dirname, join, relative } from 'node:path/posix';
import type { MarkdownRenderer } from 'vitepress';
import { exists, placeOf, repository } from './pages.ts';

const external = /^(?:[a-z]+:|\/\/|#)/i;

export function linkPages(md: MarkdownRenderer): void {
  md.core.ruler.push('link-pages', ({ tokens, env }) => {
    const file: string = relative(repository, env.realPath ?? env.path);
    for (const { children } of tokens) {
      for (const token of children ?? []) {
        const href = token.type === 'link_open' ? token.attrGet('href') : null;
        if (href === null || external.test(href)) continue;
        const { link, isPage } = onSite(file, href);
        token.attrSet('href', link);
        // The router would look for a page of VitePress.
        if (!isPage) token.attrSet('target', '_self');
      }
    }
  });
}

function onSite(file: string, href: string): { link: string; isPage: boolean } {
  const [, path, hash] = /^([^#]*)(.*)$/.exec(href)!;
  let target = join(dirname(file), decodeURI(path));
  if (!exists(target)) throw new Error(`${file}: the link ${href} must name a file or a folder; there is none.`);
  if (target === 'README.md') target = 'docs/index.md';
  const isPage = !/\.\w+$/.test(target) || target.endsWith('.md');
  if (!/\.\w+$/.test(target)) target = join(target, 'README.md');
  if (!exists(target)) throw new Error(`${file}: the folder ${href} must have a README.md to be a page.`);
  const link = relative(dirname(placeOf(file)), isPage ? placeOf(target) : target.replace(/^docs\//, ''));
  return { link: `./${link}${hash}`, isPage };
}
