/** The browser that pages are tried in, where this machine has one. */
import { existsSync } from 'node:fs';

const usualPaths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** undefined: tests in a browser are skipped. */
export function findChromium(): string | undefined {
  const asked = process.env.CHROMIUM_PATH;
  // One that is asked for and not there would skip every test of it.
  if (asked && !existsSync(asked)) throw new Error(`CHROMIUM_PATH must name a file; received ${asked}.`);
  return asked || usualPaths.find((path) => existsSync(path));
}
