/** The blocks of code of every page, as a reader sees them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { marked } from 'marked';

export const root = join(import.meta.dirname, '../..');

export interface Block {
  /** Relative to the repository. */
  page: string;
  /** `given`: what the blocks after it take for granted, in a comment that readers do not see. */
  language: string;
  /** What stands behind the language. */
  info: string;
  text: string;
}

export const pages: readonly string[] = [
  ...['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'].filter((page) =>
    existsSync(join(root, page)),
  ),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !/^(?:node_modules|api|\.vitepress)\b/.test(path))
    .map((path) => `docs/${path}`)
    .sort(),
  'bench/README.md',
  'bench/RESULTS.md',
  'cuda/README.md',
  'examples/README.md',
];

export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  marked.walkTokens(marked.lexer(readFileSync(join(root, page), 'utf8')), (token) => {
    if (token.type === 'code' && token.codeBlockStyle !== 'indented') {
      const [, language, info] = /^(\S*)\s*(.*)$/.exec(token.lang ?? '')!;
      blocks.push({ page, language, info, text: token.text });
    }
    const given = token.type === 'html' ? /^<!-- given\n([\s\S]*)-->\s*$/.exec(token.text) : null;
    if (given) blocks.push({ page, language: 'given', info: '', text: given[1] });
  });
  return blocks;
}

/** As the lexer writes characters that HTML has a use for. */
const entities: Record<string, string> = { '&#39;': "'", '&quot;': '"', '&lt;': '<', '&gt;': '>', '&amp;': '&' };

/** `code` in a sentence or a table. */
export function inlineCodeOf(page: string): string[] {
  const found: string[] = [];
  marked.walkTokens(marked.lexer(readFileSync(join(root, page), 'utf8')), (token) => {
    if (token.type === 'codespan')
      found.push(token.text.replace(/&(?:#39|quot|lt|gt|amp);/g, (name: string) => entities[name]));
  });
  return found;
}
