/**
 * The JavaScript or TypeScript of a page as modules. Blocks continue each other, in order; one that imports a name again
 * begins anew, and so does what is taken for granted.
 * Of a diff counts what is there afterwards.
 */
import { type Block, blocksOf } from './blocks.ts';

export interface PageModule {
  /** A file name: `.ts`, or `.mjs` for what a reader runs with node alone. */
  name: string;
  page: string;
  /** All that a compiler should see. */
  checked: string;
  /** All that runs: without blocks that say `no-run: <reason>`. */
  run: string;
  /** Of those blocks. */
  reasons: string[];
  /** What `// → …` says that a block prints, in order. */
  prints: string[];
}

const noRun = /^no-run: (.+)$/;

export function modulesOf(page: string): PageModule[] {
  const groups: Block[][] = [];
  let imported = new Set<string>();
  for (const block of blocksOf(page).map(afterwards)) {
    if (!['js', 'ts', 'given'].includes(block.language)) continue;
    const names = importedNames(block.text);
    if (groups.length === 0 || block.language === 'given' || names.some((name) => imported.has(name))) {
      groups.push([]);
      imported = new Set();
    }
    groups.at(-1)!.push(block);
    for (const name of names) imported.add(name);
  }
  const stem = page.replace(/\.md$/, '').replaceAll('/', '-');
  return groups.map((blocks, index) => moduleOf(`${stem}-${index + 1}`, page, blocks));
}

function afterwards(block: Block): Block {
  if (block.language !== 'diff') return block;
  const lines = block.text.split('\n').filter((line) => !line.startsWith('-'));
  return { ...block, language: 'ts', text: lines.map((line) => line.slice(1)).join('\n') };
}

function importedNames(text: string): string[] {
  return [...text.matchAll(/^import (?:type )?(.*?) from /gms)].flatMap(([, names]) =>
    names.split(/[{},]/).flatMap((name) => name.trim().split(' as ').at(-1) || []),
  );
}

function moduleOf(stem: string, page: string, blocks: Block[]): PageModule {
  const languages = new Set(blocks.map(({ language }) => language).filter((language) => language !== 'given'));
  if (languages.size > 1) throw new Error(`${page}: blocks that continue each other must be of one language.`);
  for (const { info } of blocks) {
    if (info !== '' && !noRun.test(info))
      throw new Error(`${page}: a block must say nothing or "no-run: <reason>"; received ${info}.`);
  }
  const running = blocks.filter(({ info }) => info === '');
  const text = (some: Block[]) => `${some.map((block) => block.text).join('\n')}\nexport {};\n`;
  return {
    name: `${stem}.${languages.has('js') ? 'mjs' : 'ts'}`,
    page,
    checked: text(blocks),
    run: text(running),
    reasons: blocks.flatMap(({ info }) => noRun.exec(info)?.[1] ?? []),
    prints: running.flatMap((block) =>
      [...block.text.matchAll(/console\.log\(.*\);? \/\/ → (.*)$/gm)].map(([, printed]) => printed),
    ),
  };
}
