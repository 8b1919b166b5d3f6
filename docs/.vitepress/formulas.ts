/** Formulas as code hosts write them: blocks of the language `math`, which VitePress would show as code. */
import type { MarkdownRenderer } from 'vitepress';

export function renderMathBlocks(md: MarkdownRenderer): void {
  md.core.ruler.before('link-pages', 'math-blocks', ({ tokens }) => {
    for (const token of tokens) {
      if (token.type === 'fence' && token.info.trim() === 'math') token.type = 'math_block';
    }
  });
}
