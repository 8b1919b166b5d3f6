/** The pages in the order of a reader, and behind them the API as typedoc lists it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DefaultTheme } from 'vitepress';
import { exists, placeOf, repository } from './pages.ts';

type Item = DefaultTheme.SidebarItem;

/** Title → file. */
const parts: Record<string, Record<string, string>> = {
  'Begin here': {
    'What it is': 'docs/index.md',
    'Quick start': 'docs/quick-start.md',
    Installation: 'docs/installation.md',
    'Swap it in': 'docs/swap-it-in.md',
    'Questions and answers': 'docs/faq.md',
  },
  'The loss': {
    'In pictures': 'docs/understanding.md',
    'Choosing γ and m': 'docs/choosing-gamma-and-margin.md',
    'Semantics, and how peers differ': 'docs/semantics.md',
    Formulas: 'docs/math.md',
    "The paper's comparison, run again": 'docs/paper/results.md',
  },
  'Train and judge': {
    'Class heads, memories, batches': 'docs/training.md',
    Metrics: 'docs/metrics.md',
    'Published data sets': 'docs/protocols.md',
    'The command': 'docs/cli.md',
    Examples: 'examples/README.md',
  },
  'How far to trust it': {
    'Engines and precision': 'docs/engines.md',
    Accuracy: 'docs/accuracy.md',
    Reliability: 'docs/reliability.md',
    Performance: 'docs/performance.md',
    'How to benchmark': 'bench/README.md',
    'Results of the benchmark': 'bench/RESULTS.md',
    Stability: 'docs/stability.md',
    Security: 'SECURITY.md',
  },
  'Work on it': {
    Architecture: 'ARCHITECTURE.md',
    Contributing: 'CONTRIBUTING.md',
    'Adding a pair loss': 'docs/adding-a-loss.md',
    'Adding an engine': 'docs/adding-an-engine.md',
    'CUDA kernels': 'cuda/README.md',
    Decisions: 'docs/decisions/README.md',
    Changelog: 'CHANGELOG.md',
  },
};

const linkTo = (file: string) => `/${placeOf(file).replace(/(^|\/)index\.md$/, '$1')}`;

export function sidebar(): Item[] {
  const items = Object.entries(parts).map(([text, pages]) => ({
    text,
    items: Object.entries(pages)
      .filter(([, file]) => exists(file))
      .map(([title, file]) => ({ text: title, link: linkTo(file) })),
  }));
  const api: Item[] = JSON.parse(readFileSync(join(repository, 'docs/api/typedoc-sidebar.json'), 'utf8'));
  return [...items, { text: 'API', link: '/api/', collapsed: true, items: api }];
}
