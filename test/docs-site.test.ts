/** The built site in a browser: pages, links, search, narrow and wide screens. Skipped where it is not built, or there is no browser. */
import type { Server } from 'node:http';
import { dirname } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findChromium } from './chromium.ts';
import { isBuilt, serveSite, sitePaths } from './docs/site.ts';

const executablePath = findChromium();

interface Content {
  path: string;
  ids: string[];
  /** Resolved, with their hash. */
  links: string[];
  headings: number;
  /** What loads with it. */
  parts: string[];
}

/** In the browser, which has a parser of HTML. */
const readContent = `async (path) => {
  const page = new DOMParser().parseFromString(await (await fetch(path)).text(), 'text/html');
  const resolved = (selector, name) =>
    [...page.querySelectorAll(selector)].map((it) => new URL(it.getAttribute(name), new URL(path, location.href)).href);
  return {
    path,
    ids: [...page.querySelectorAll('[id]')].map(({ id }) => id),
    links: [...new Set(resolved('a[href]', 'href'))],
    headings: page.querySelectorAll('h1').length,
    parts: [...resolved('link[href]', 'href'), ...resolved('script[src], img[src], iframe[src]', 'src')],
  };
}`;

describe.skipIf(!isBuilt || !executablePath)('the site', () => {
  let server: Server;
  let origin: string;
  let browser: Browser;
  let page: Page;
  let contents: Content[];
  const paths = isBuilt ? sitePaths() : [];

  beforeAll(async () => {
    ({ server, origin } = await serveSite());
    browser = await puppeteer.launch({ executablePath, args: ['--no-sandbox'] });
    page = await browser.newPage();
    // So that a call without `goto` reads the site.
    await page.goto(`${origin}/`);
    contents = (await page.evaluate(`Promise.all(${JSON.stringify(paths)}.map(${readContent}))`)) as Content[];
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it('has the pages that people look for, and the whole API', () => {
    for (const name of [
      'quick-start',
      'faq',
      'choosing-gamma-and-margin',
      'semantics',
      'architecture',
      'paper/explorer',
    ]) {
      expect(paths).toContain(`/${name}.html`);
    }
    expect(paths).toContain('/api/circle-loss/functions/computeCircleLoss.html');
    expect(paths).toContain('/api/circle-loss/metrics/functions/evaluateRetrieval.html');
  });

  it('has no link to nothing, be it a page or a heading', () => {
    const idsOf = new Map(contents.map(({ path, ids }) => [path, new Set(ids)]));
    const dead = contents.flatMap(({ path, links }) =>
      links
        .filter((link) => link.startsWith(`${origin}/`) && isDead(new URL(link), idsOf))
        .map((link) => `${path} → ${link}`),
    );
    expect(dead).toEqual([]);
    expect(contents.flatMap(({ links }) => links).length).toBeGreaterThan(1000);
  });

  it("has a heading on every page, and nothing on it that is not the site's own", () => {
    const isOwn = (part: string) => part.startsWith(`${origin}/`) || part.startsWith('data:');
    expect(
      contents.flatMap(({ path, headings, parts }) => [
        ...(headings === 0 ? [`${path} has no heading`] : []),
        ...parts.filter((part) => !isOwn(part)).map((part) => `${path} loads ${part}`),
      ]),
    ).toEqual([]);
  });

  /** Pages of the API are alike, and each costs a quarter of a second: of each kind in each entry, the longest is loaded. */
  const longestOfEachKind = (api: readonly string[]) => [
    ...new Map(
      api
        .map((path) => ({ path, size: contents.find((content) => content.path === path)!.ids.length }))
        .sort((a, b) => a.size - b.size)
        .map(({ path }) => [dirname(path), path]),
    ).values(),
  ];

  it('loads pages without a complaint, and nothing that is not its own, and fits a narrow screen and a wide one', {
    timeout: 120_000,
  }, async () => {
    const isApi = (path: string) => /^\/api\/.*\.html$/.test(path);
    const api = longestOfEachKind(paths.filter(isApi));
    expect(api.length).toBeGreaterThanOrEqual(9);
    const queue = [...paths.filter((path) => !isApi(path)), ...api];
    const complaints: string[] = [];
    const visit = async () => {
      const tab = await browser.newPage();
      let at = '';
      const complain = (what: string) => complaints.push(`${at}: ${what}`);
      tab.on('console', (message) => ['error', 'warn'].includes(message.type()) && complain(message.text()));
      tab.on('pageerror', (error) => complain(String(error)));
      tab.on('requestfailed', (request) => {
        // A tab that goes on gives up what it had not needed yet.
        if (request.failure()?.errorText !== 'net::ERR_ABORTED') complain(`failed ${request.url()}`);
      });
      tab.on(
        'request',
        (request) =>
          !/^(?:data:|blob:)/.test(request.url()) && !request.url().startsWith(origin) && complain(request.url()),
      );
      tab.on('response', (response) => response.status() >= 400 && complain(`${response.status()} ${response.url()}`));
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        at = next;
        await tab.goto(origin + next, { waitUntil: 'load' });
        for (const width of [1440, 390]) {
          await tab.setViewport({ width, height: 844 });
          const found = Number(await tab.evaluate('document.documentElement.scrollWidth'));
          if (found > width) complain(`is ${found} wide on a screen of ${width}`);
        }
      }
      await tab.close();
    };
    await Promise.all([visit(), visit()]);
    expect(complaints).toEqual([]);
  });

  it.each(['detached', 'ERR_CIRCLE_SHAPE'])('finds %s, and opens what it found', async (term) => {
    await page.setViewport({ width: 1440, height: 900 });
    await page.goto(`${origin}/changelog.html`);
    await page.locator('.VPNavBarSearch button').click();
    await page.locator('.VPLocalSearchBox input').fill(term);
    await page.waitForSelector('.VPLocalSearchBox .result');
    await page.keyboard.press('Enter');
    await page.waitForFunction(`!location.pathname.startsWith('/changelog')`);
    // Of the theme's boxes and texts only the page's own is asked.
    await page.waitForFunction(`document.querySelector('.vp-doc')?.textContent.includes('${term}')`);
  });

  it.each(['light', 'dark'])('is %s where the system is, and so are its figures', async (value) => {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
    await page.goto(`${origin}/understanding.html`);
    const colour = (await page.evaluate('getComputedStyle(document.body).backgroundColor')) as string;
    const red = Number(/\d+/.exec(colour));
    expect(red > 128 ? 'light' : 'dark').toBe(value);
    // Figures are drawn on white.
    const filter = await page.evaluate(`getComputedStyle(document.querySelector('.vp-doc img')).filter`);
    expect(String(filter).includes('invert')).toBe(value === 'dark');
  });

  it('shows the figures, and the formulas as drawings', async () => {
    await page.goto(`${origin}/understanding.html`);
    const widths = await page.$$eval('.vp-doc img', (images) =>
      images.map((image) => image.getBoundingClientRect().width),
    );
    expect(widths).toHaveLength(5);
    expect(Math.min(...widths)).toBeGreaterThan(400);
    await page.goto(`${origin}/math.html`);
    expect(await page.$$eval('.vp-doc mjx-container', (formulas) => formulas.length)).toBeGreaterThan(100);
    expect(await page.$eval('.vp-doc', (text) => text.textContent)).not.toMatch(/\\frac|\\log|\$\\/);
  });

  it('opens the explorer from its link', async () => {
    await page.goto(`${origin}/understanding.html`);
    await Promise.all([page.waitForNavigation(), page.locator('.vp-doc a[href$="explorer.html"]').click()]);
    expect(page.url()).toBe(`${origin}/paper/explorer.html`);
    expect(await page.$$eval('svg, canvas', (drawings) => drawings.length)).toBeGreaterThan(0);
  });
});

function isDead(link: URL, idsOf: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const ids = idsOf.get(link.pathname);
  if (!ids) return !/\.(?:svg|css|js|ico)$/.test(link.pathname);
  const hash = decodeURIComponent(link.hash.slice(1));
  return hash !== '' && !ids.has(hash);
}
