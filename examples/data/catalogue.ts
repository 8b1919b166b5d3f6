/**
 * Emoji as six vendors draw them: a class is an emoji, its pictures are the vendors' drawings.
 *
 * The drawings are SVG bodies in the packages `@iconify-json/*`. A picture is 32 × 32 RGB on white, drawn once and
 * then kept in `.cache/` under a name that changes with the packages' versions.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { IconifyInfo, IconifyJSON } from '@iconify/types';
import sharp from 'sharp';

export const pictureSize = 32;
const channels = 3;
export const picturePixels = pictureSize * pictureSize * channels;

const prefixes = ['noto', 'noto-v1', 'twemoji', 'fluent-emoji-flat', 'emojione', 'openmoji'] as const;
export type VendorPrefix = (typeof prefixes)[number];

/** A class needs this many vendors: one to ask with, and others to find. */
const vendorsPerClass = 4;

export interface Vendor {
  readonly prefix: VendorPrefix;
  readonly info: IconifyInfo;
  readonly version: string;
  readonly icons: IconifyJSON;
}

export interface Catalogue {
  readonly vendors: readonly Vendor[];
  /** Names of the classes; a label is an index here. */
  readonly names: readonly string[];
  /** The class of each picture. */
  readonly labels: Int32Array;
  /** Who drew each picture: indices into `vendors`. */
  readonly drawnBy: Uint8Array;
}

/** All classes, or `classLimit` of them taken evenly from the alphabet. */
export function readCatalogue(classLimit = Number.POSITIVE_INFINITY): Catalogue {
  const vendors = prefixes.map(readVendor);
  const drawers = new Map<string, number[]>();
  vendors.forEach(({ icons }, vendor) => {
    for (const name of Object.keys(icons.icons).filter(isClass)) {
      const others = drawers.get(name);
      if (others) others.push(vendor);
      else drawers.set(name, [vendor]);
    }
  });
  const shared = [...drawers.keys()].filter((name) => drawers.get(name)!.length >= vendorsPerClass).sort();
  const count = Math.min(classLimit, shared.length);
  const names = Array.from({ length: count }, (_, i) => shared[Math.floor((i * shared.length) / count)]);
  return {
    vendors,
    names,
    labels: Int32Array.from(names.flatMap((name, label) => drawers.get(name)!.map(() => label))),
    drawnBy: Uint8Array.from(names.flatMap((name) => drawers.get(name)!)),
  };
}

function readVendor(prefix: VendorPrefix): Vendor {
  const require = createRequire(import.meta.url);
  return {
    prefix,
    info: require(`@iconify-json/${prefix}/info.json`),
    version: require(`@iconify-json/${prefix}/package.json`).version,
    icons: require(`@iconify-json/${prefix}/icons.json`),
  };
}

/** Skin tones repeat one drawing in five colours, and all flags are the same shape: neither is a class of its own. */
function isClass(name: string): boolean {
  return !name.includes('skin-tone') && !name.startsWith('flag');
}

/** Pixels of all pictures, count × 32 × 32 × 3: from the cache, or drawn now. */
export async function loadPixels(
  catalogue: Catalogue,
  cacheFolder: string,
  onPicture: () => void,
): Promise<Uint8Array> {
  const file = join(cacheFolder, `pixels-${cacheKey(catalogue)}.rgb`);
  if (existsSync(file)) return readFile(file);
  const pixels = await drawAll(catalogue, onPicture);
  // Renamed when complete, so that an interrupted run leaves no half-written cache.
  await mkdir(cacheFolder, { recursive: true });
  await writeFile(`${file}.part`, pixels);
  await rename(`${file}.part`, file);
  return pixels;
}

/** Whatever pixels depend on. */
function cacheKey({ vendors, names }: Catalogue): string {
  const versions = vendors.map(({ prefix, version }) => [prefix, version]);
  const key = JSON.stringify({ versions, sharp: sharp.versions, pictureSize, names });
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}

async function drawAll(catalogue: Catalogue, onPicture: () => void): Promise<Uint8Array> {
  const count = catalogue.labels.length;
  const pixels = new Uint8Array(count * picturePixels);
  let next = 0;
  const drawUntilDone = async () => {
    while (next < count) {
      const picture = next++;
      pixels.set(await draw(catalogue, picture, pictureSize).removeAlpha().raw().toBuffer(), picture * picturePixels);
      onPicture();
    }
  };
  sharp.concurrency(1); // a picture is too small to be shared among threads
  await Promise.all(Array.from({ length: 2 * availableParallelism() }, drawUntilDone));
  return pixels;
}

/** A picture in any size as a PNG, for the eye. */
export async function drawPng(catalogue: Catalogue, picture: number, size: number): Promise<Buffer> {
  return draw(catalogue, picture, size).png({ palette: true }).toBuffer();
}

function draw({ vendors, names, labels, drawnBy }: Catalogue, picture: number, size: number): sharp.Sharp {
  const { icons } = vendors[drawnBy[picture]];
  const icon = icons.icons[names[labels[picture]]];
  const width = icon.width ?? icons.width ?? 16; // 16 is the format's default
  const height = icon.height ?? icons.height ?? 16;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
    viewBox="${icon.left ?? 0} ${icon.top ?? 0} ${width} ${height}" width="${size}" height="${size}">${icon.body}</svg>`;
  return sharp(Buffer.from(svg)).flatten({ background: '#ffffff' }).toColourspace('srgb');
}
