/**
 * The site. Its pages are the repository's Markdown files as they lie, which read as well on a code host, and the API by
 * typedoc (docs/typedoc.json, into docs/api). Nothing is fetched, neither to build it nor to read it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { slug } from 'github-slugger';
import { defineConfig, type Plugin } from 'vitepress';
import { renderMathBlocks } from './formulas.ts';
import { linkPages } from './links.ts';
import { notPages, placeOf, repository } from './pages.ts';
import { sidebar } from './sidebar.ts';

const explorer = () =>
  readFileSync(join(repository, 'docs/paper/explorer.html'), 'utf8').replace(/(href="\.\.\/[\w-]+)\.md/g, '$1.html');

/** A page that is no Markdown: the build writes it, and the server of `docs:dev` hands it out. */
const explorerForDevelopment: Plugin = {
  name: 'explorer',
  configureServer({ middlewares }) {
    middlewares.use('/paper/explorer.html', (_, response) => {
      response.setHeader('content-type', 'text/html').end(explorer());
    });
  },
};

export default defineConfig({
  title: 'circle-loss',
  description: 'Pairwise similarity and Circle loss, forward and backward in one call, for Node.js',
  // A site that is not at the root of its host: DOCS_BASE=/circle-loss/.
  base: process.env.DOCS_BASE ?? '/',
  srcDir: '..',
  srcExclude: notPages,
  rewrites: placeOf,
  cacheDir: '.vitepress/cache',
  markdown: {
    math: true,
    // Headings have the names that code hosts give them.
    anchor: { slugify: slug },
    config(md) {
      linkPages(md);
      renderMathBlocks(md);
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    sidebar: sidebar(),
    outline: { level: [2, 3] },
    nav: [
      { text: 'Quick start', link: '/quick-start' },
      { text: 'API', link: '/api/' },
      { text: 'Questions', link: '/faq' },
    ],
  },
  vite: { publicDir: false, plugins: [explorerForDevelopment] },
  buildEnd({ outDir }) {
    writeFileSync(join(outDir, 'paper/explorer.html'), explorer());
  },
});
