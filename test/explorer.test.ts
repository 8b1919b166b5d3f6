/** The explorer has the package's own numbers, and in a browser does what it says; without one, the page is not tried. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { computePairLoss, type EngineName } from 'circle-loss';
import fc from 'fast-check';
import puppeteer, { type Browser, type Page, type Viewport } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildExplorer } from '../examples/paper/figures/explorer/build.ts';
import { numbersAt } from '../examples/paper/figures/explorer/pair.ts';
import { sentenceOf } from '../examples/paper/figures/explorer/sentence.ts';
import {
  fromHash,
  initial,
  lossNames,
  pairLossOf,
  type State,
  settled,
  toHash,
  usualMargin,
} from '../examples/paper/figures/explorer/state.ts';
import { valueAt } from '../examples/paper/figures/pair-at.ts';
import { findChromium } from './chromium.ts';

const file = join(import.meta.dirname, '..', 'docs', 'paper', 'explorer.html');

/** States of each loss, inside its boundary and outside, in the clamp region and out of it. */
const states: State[] = lossNames.flatMap((loss) =>
  [
    { sn: 0.5, sp: 0.6 },
    { sn: 0.1, sp: 0.3 },
    { sn: -0.4, sp: 0.95 },
    { sn: 0.3, sp: 0.7 },
    { sn: 0.9, sp: -0.25 },
  ].map((pair) => ({ loss, margin: usualMargin(loss), gamma: 32, ...pair })),
);

/** Loss and slopes by the package as it is published. */
function byEngine(state: State, engine: EngineName): { loss: number; slopeN: number; slopeP: number } {
  const pairLoss = pairLossOf(state);
  if (pairLoss.type !== 'arcface') return valueAt(state, pairLoss, engine);
  // ArcFace needs unit rows. The gradient of a unit row (s, √(1 − s²)) is slope · (anchor − s · row), 1 − s² of it along the anchor.
  const { sn, sp } = state;
  const result = computePairLoss(Float32Array.of(1, 0), [1], {
    dim: 2,
    pairLoss,
    candidates: Float32Array.of(sp, Math.sqrt(1 - sp * sp), sn, Math.sqrt(1 - sn * sn)),
    candidateLabels: [1, 0],
    candidateGradient: 'compute',
    engine,
  });
  const [along, , alongN] = result.candidateGradient;
  return { loss: result.loss, slopeN: alongN / (1 - sn * sn), slopeP: along / (1 - sp * sp) };
}

/**
 * float32 rounds a similarity by 2⁻²⁵ of it, which moves a logit by at most 3 γ times that; a handful of such roundings, also
 * of logits up to 2.4 γ, are in u. Loss and Z follow u with slope 1 at most; slopes are up to 3 γ.
 */
const lossBound = (gamma: number) => 12 * 3 * gamma * 2 ** -24;
const slopeBound = (gamma: number) => 3 * gamma * lossBound(gamma);

describe('the numbers of the explorer', () => {
  for (const engine of ['reference', 'auto'] as const) {
    it(`are those of engine ${engine}`, () => {
      for (const state of states) {
        const { loss, gradientN, gradientP } = numbersAt(state, state.sn, state.sp);
        const expected = byEngine(state, engine);
        expect(Math.abs(loss - expected.loss), JSON.stringify(state)).toBeLessThan(lossBound(state.gamma));
        expect(Math.abs(gradientN - expected.slopeN)).toBeLessThan(slopeBound(state.gamma));
        expect(Math.abs(gradientP - expected.slopeP)).toBeLessThan(slopeBound(state.gamma));
      }
    });
  }

  it('are the weights of Eq. 5 for the Circle loss, and 1 for others', () => {
    for (const state of states) {
      const { weightN, weightP } = numbersAt(state, state.sn, state.sp);
      const isCircle = state.loss.startsWith('circle');
      // In double precision, of numbers below 2: a few units of 2⁻⁵³.
      expect(weightN).toBeCloseTo(isCircle ? Math.max(state.sn + state.margin, 0) : 1, 14);
      expect(weightP).toBeCloseTo(isCircle ? Math.max(1 + state.margin - state.sp, 0) : 1, 14);
    }
  });

  it('come in words that say which side is pushed harder', () => {
    const say = (part: Partial<State>) => {
      const state = { ...initial, ...part };
      return sentenceOf(state, numbersAt(state, state.sn, state.sp));
    };
    // Eq. 9 and 10: (1 + m − s_p) / (s_n + m), here 0.95 / 0.35 and 0.35 / 0.95.
    expect(say({ sn: 0.1, sp: 0.3 })).toBe('Outside the boundary: sₚ is pushed 2.7 times as hard as sₙ.');
    expect(say({ sn: 0.7, sp: 0.9 })).toBe('Outside the boundary: sₙ is pushed 2.7 times as hard as sₚ.');
    expect(say({ loss: 'unified', margin: 0.35, sn: 0.1, sp: 0.3 })).toBe(
      'Outside the boundary: both similarities are pushed alike.',
    );
    expect(say({ sn: -0.4, sp: 0.5 })).toBe('Outside the boundary: only sₚ is pushed, up.');
    expect(say({ gamma: 256, sn: 0, sp: 1 })).toBe('Inside the boundary: the loss leaves this pair alone.');
  });
});

describe('the address of the explorer', () => {
  it('holds any state', () => {
    const any = fc.record({
      loss: fc.constantFrom(...lossNames),
      margin: fc.double({ min: -2, max: 2, noNaN: true }),
      gamma: fc.double({ min: 0, max: 2000, noNaN: true }),
      sn: fc.double({ min: -2, max: 2, noNaN: true }),
      sp: fc.double({ min: -2, max: 2, noNaN: true }),
    });
    fc.assert(
      fc.property(any, (state) => {
        expect(fromHash(toHash(settled(state)))).toEqual(settled(state));
      }),
    );
  });

  it('makes a state of whatever it holds', () => {
    expect(fromHash('')).toEqual(initial);
    expect(fromHash('#loss=none&m=wide&gamma=&sn=NaN&sp=Infinity')).toEqual(initial);
    const beyond = fromHash('#loss=unified&m=-9&gamma=1e9&sn=-7&sp=1.23456');
    expect(beyond).toEqual({ loss: 'unified', margin: 0, gamma: 1024, sn: -0.5, sp: 1 });
    expect(fromHash('#loss=triplet')).toEqual({ ...initial, loss: 'triplet', margin: usualMargin('triplet') });
    fc.assert(
      fc.property(fc.string(), (text) => {
        const state = fromHash(`#${text}`);
        expect(settled(state)).toEqual(state);
      }),
    );
  });
});

describe('the page on file', () => {
  const page = readFileSync(file, 'utf8');

  it('is what its sources give (npm run figures)', async () => {
    expect(page === (await buildExplorer())).toBe(true); // no diff of a minified line
  });

  it('is one small file that names nothing to be loaded, and the licences of what is in it', () => {
    expect(Buffer.byteLength(page)).toBeLessThan(200_000);
    expect(page).not.toMatch(/<script src|<link rel="stylesheet|@import|url\((?!#)|<img|fetch\(|XMLHttpRequest/);
    expect(page).toContain('With d3-contour:');
    expect(page).toContain("default-src 'none'");
  });
});

const chromium = findChromium();

describe.skipIf(chromium === undefined)('the page in Chromium', () => {
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const requests: string[] = [];

  beforeAll(async () => {
    browser = await puppeteer.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu'] });
    page = await browser.newPage();
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => requests.push(request.url()));
  }, 120_000);
  afterAll(() => browser?.close());

  /** Expressions are texts, because the tests are compiled without the types of a page. */
  const evaluate = <T>(expression: string) => page.evaluate(expression) as Promise<T>;
  const numberIn = async (id: string) =>
    Number(await evaluate<string>(`document.getElementById('${id}').dataset.value`));
  const textOf = (id: string) => evaluate<string>(`document.getElementById('${id}').textContent`);

  async function open(state: State = initial, viewport: Viewport = { width: 1280, height: 900 }): Promise<void> {
    await page.setViewport(viewport);
    await page.goto('about:blank'); // or a change of the part behind # would not load anything
    await page.goto(`${pathToFileURL(file)}${toHash(state)}`);
  }

  /** Where a pair is on the screen, by what the page says of its frame. */
  async function toScreen(sn: number, sp: number): Promise<{ x: number; y: number }> {
    const frame = await evaluate<{ x: number; y: number; width: number; height: number }>(
      `document.querySelector('#plane .frame').getBoundingClientRect().toJSON()`,
    );
    return { x: frame.x + ((sn + 0.5) / 1.5) * frame.width, y: frame.y + ((1 - sp) / 1.5) * frame.height };
  }

  const addressed = (state: Partial<State>) =>
    page.waitForFunction(`location.hash === ${JSON.stringify(toHash({ ...initial, ...state }))}`, { timeout: 10_000 });

  it('shows the numbers of the engines, for each loss and on both sides of its boundary', async () => {
    for (const state of states) {
      await open(state);
      const expected = byEngine(state, 'auto');
      expect(await numberIn('out-sn')).toBe(state.sn);
      expect(await numberIn('out-sp')).toBe(state.sp);
      expect(Math.abs((await numberIn('loss-value')) - expected.loss)).toBeLessThan(lossBound(state.gamma));
      expect(Math.abs((await numberIn('gradient-n')) - expected.slopeN)).toBeLessThan(slopeBound(state.gamma));
      expect(Math.abs((await numberIn('gradient-p')) - expected.slopeP)).toBeLessThan(slopeBound(state.gamma));
    }
  }, 120_000);

  it('draws the boundary of the Circle loss where the circle is', async () => {
    await open({ ...initial, margin: 0.25 });
    const path = await evaluate<string>(`document.getElementById('boundary').getAttribute('d')`);
    const box = await evaluate<{ x: number; y: number }>(
      `document.getElementById('plane').getBoundingClientRect().toJSON()`,
    );
    const [origin, one] = [await toScreen(0, 0), await toScreen(1, 1)];
    const places = [...path.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => ({
      sn: (Number(x) + box.x - origin.x) / (one.x - origin.x),
      sp: (Number(y) + box.y - origin.y) / (one.y - origin.y),
    }));
    // In the open square the boundary is the circle; left of −m the negative is in the clamp region, and it is s_p = 1 − m.
    const onCircle = places.filter(({ sn, sp }) => sn > -0.24 && sp < 0.99);
    const clamped = places.filter(({ sn, sp }) => sn < -0.26 && sn > -0.49 && sp < 0.9);
    expect(onCircle.length).toBeGreaterThan(50);
    expect(clamped.length).toBeGreaterThan(20);
    // d3 interpolates u/γ, of second derivative 2, linearly between lattice points h = 1.5/200 apart: off by h²/4, of a gradient of
    // 2 r = 0.7; coordinates are rounded to a tenth of a pixel, half of that in either direction, of which some 400 make 1.
    const bound = 0.0075 ** 2 / 4 / 0.7 + (0.05 * Math.SQRT2) / 400;
    for (const { sn, sp } of onCircle) expect(Math.abs(Math.hypot(sn, sp - 1) - Math.SQRT2 * 0.25)).toBeLessThan(bound);
    for (const { sp } of clamped) expect(Math.abs(sp - 0.75)).toBeLessThan(bound);
  });

  it('follows a mouse that drags, also to beyond the edge, and keeps the state in the address', async () => {
    await open();
    const [from, to] = [await toScreen(initial.sn, initial.sp), await toScreen(0.2, 0.8)];
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(to.x, to.y, { steps: 5 });
    const atTarget = [await numberIn('out-sn'), await numberIn('out-sp')];
    // A mouse is at whole pixels, of which some 400 make 1.
    expect(Math.abs(atTarget[0] - 0.2)).toBeLessThan(1 / 400);
    expect(Math.abs(atTarget[1] - 0.8)).toBeLessThan(1 / 400);
    const state = { ...initial, sn: atTarget[0], sp: atTarget[1] };
    expect(Math.abs((await numberIn('loss-value')) - byEngine(state, 'auto').loss)).toBeLessThan(lossBound(32));
    await addressed(state);
    await page.mouse.move(5, 5, { steps: 3 });
    expect([await numberIn('out-sn'), await numberIn('out-sp')]).toEqual([-0.5, 1]);
    await page.mouse.up();
    await page.mouse.move(to.x, to.y);
    expect(await numberIn('out-sn')).toBe(-0.5); // let go, it stays
  });

  it('follows a finger, and does not scroll under it', async () => {
    await open({ ...initial, sp: 0.9 }, { width: 375, height: 700, isMobile: true, hasTouch: true });
    const [from, to] = [await toScreen(initial.sn, 0.9), await toScreen(0.75, 0.1)];
    await page.touchscreen.touchStart(from.x, from.y);
    for (let step = 1; step <= 10; step++) {
      await page.touchscreen.touchMove(from.x + ((to.x - from.x) * step) / 10, from.y + ((to.y - from.y) * step) / 10);
    }
    await page.touchscreen.touchEnd();
    // The plane is some 190 pixels for 1 here.
    expect(Math.abs((await numberIn('out-sn')) - 0.75)).toBeLessThan(1 / 190);
    expect(Math.abs((await numberIn('out-sp')) - 0.1)).toBeLessThan(1 / 190);
    expect(await evaluate('scrollY')).toBe(0);
  });

  it('follows the keyboard, and says where the pair is', async () => {
    await open();
    await page.keyboard.press('Tab');
    expect(await evaluate('document.activeElement.id')).toBe('pair');
    for (const key of ['ArrowLeft', 'ArrowLeft', 'ArrowUp'] as const) await page.keyboard.press(key);
    await page.keyboard.down('Shift');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.up('Shift');
    expect([await numberIn('out-sn'), await numberIn('out-sp')]).toEqual([0.58, 0.51]);
    const said = await evaluate<string>(`document.getElementById('pair').getAttribute('aria-valuetext')`);
    expect(said).toContain('s n 0.58, s p 0.51, loss ');
    await addressed({ sn: 0.58, sp: 0.51 });
    await page.waitForFunction(`document.getElementById('announcement').textContent.startsWith('Outside')`);
  });

  it('follows sliders, numbers and the choice of a loss', async () => {
    await open();
    await page.select('#loss', 'unified');
    expect(await evaluate(`document.getElementById('margin').value`)).toBe('0.35');
    await page.focus('#margin');
    await page.keyboard.press('ArrowRight');
    await page.click('#gamma-number', { count: 3 });
    await page.keyboard.type('100');
    const state: State = { loss: 'unified', margin: 0.36, gamma: 100, sn: 0.5, sp: 0.6 };
    expect(Math.abs((await numberIn('loss-value')) - byEngine(state, 'auto').loss)).toBeLessThan(lossBound(100));
    await addressed(state);
    await page.click('#sn-number', { count: 3 });
    await page.keyboard.type('0.05'); // "0." on the way to it is no number to be put in order
    expect(await numberIn('out-sn')).toBe(0.05);
    await page.click('#gamma-number', { count: 3 });
    await page.keyboard.type('5000'); // beyond what there is: 500 was, and stays
    await page.keyboard.press('Tab');
    expect(await evaluate(`document.getElementById('gamma-number').value`)).toBe('500');
    await page.select('#loss', 'triplet');
    expect(await evaluate(`document.getElementById('gamma-setting').checkVisibility()`)).toBe(false);
    await page.click('#reset');
    await addressed({});
  });

  it('goes to the target, where the sum of the logits is 0', async () => {
    await open({ ...initial, margin: 0.3 });
    await page.click('#to-target');
    expect([await numberIn('out-sn'), await numberIn('out-sp')]).toEqual([0.3, 0.7]);
    // γ (m² − m²) of double-precision numbers that are off by a few units of 2⁻⁵³.
    expect(Math.abs(await numberIn('sum'))).toBeLessThan(32 * 8 * 2 ** -53);
    expect(Math.abs((await numberIn('loss-value')) - Math.LN2)).toBeLessThan(lossBound(32));
  });

  it('names every control for those who do not see it', async () => {
    await open();
    const tree = await page.accessibility.snapshot();
    const flat = (node: typeof tree): NonNullable<typeof tree>[] =>
      node === null ? [] : [node, ...(node.children ?? []).flatMap((child) => flat(child))];
    const controls = flat(tree).filter(({ role }) => ['slider', 'spinbutton', 'combobox', 'button'].includes(role));
    expect(controls.length).toBeGreaterThanOrEqual(5 + 4 + 1 + 5); // the pair and sliders, numbers, the loss, buttons
    for (const { name, role } of controls) expect(name, role).toMatch(/\w/);
  });

  it('fits screens from 320 to 1280 pixels, in light and dark', async () => {
    for (const width of [320, 375, 860, 1280]) {
      await open(initial, { width, height: 800 });
      expect(await evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
      const plane = await evaluate<number>(`document.getElementById('plane').getBoundingClientRect().width`);
      expect(plane).toBeGreaterThan(Math.min(280, width));
    }
    const colour = async (scheme: 'light' | 'dark') => {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      return evaluate<string>('getComputedStyle(document.body).backgroundColor');
    };
    expect(await colour('light')).toBe('rgb(255, 255, 255)');
    expect(await colour('dark')).toBe('rgb(13, 17, 23)');
  });

  it('has complained of nothing and asked for nothing but itself', async () => {
    expect(await textOf('sentence')).toMatch(/boundary/); // a page that did not start complains of nothing either
    expect(complaints).toEqual([]);
    expect(requests.length).toBeGreaterThan(0);
    expect(requests.filter((url) => url !== 'about:blank' && !url.startsWith(String(pathToFileURL(file))))).toEqual([]);
  });
});
