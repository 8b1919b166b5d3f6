/** Dependencies go down, never up or sideways: ARCHITECTURE.md, "Layers". */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

function filesOf(folder: string, ending: RegExp): string[] {
  if (!existsSync(join(root, folder))) return []; // cuda, until there are kernels
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => ending.test(name))
    .map((name) => `${folder}/${name}`);
}

function matches(file: string, pattern: RegExp): string[] {
  return [...readFileSync(join(root, file), 'utf8').matchAll(pattern)].map((match) => match[1]);
}

describe('native', () => {
  /** A folder may include itself and what stands before it; `native/cpu` and `cuda` not each other. */
  const layers: Record<string, string[]> = {
    'native/math': [],
    'native/losses': ['native/math'],
    'native/optimizers': ['native/math'],
    'native/core': ['native/math', 'native/losses', 'native/optimizers'],
    'native/cpu': ['native/math', 'native/losses', 'native/optimizers', 'native/core'],
    cuda: ['native/math', 'native/losses', 'native/optimizers', 'native/core'],
    'native/binding': ['native/math', 'native/losses', 'native/optimizers', 'native/core'],
  };
  /** The binding knows no engine; the files of an addon know theirs, and of CUDA's only the outside. */
  const engineOf = (file: string, included: string) =>
    (file.startsWith('native/binding/cpu_') && folderOf(included) === 'native/cpu') ||
    (file.startsWith('native/binding/cuda_') && included === 'cuda/engine.h');
  /** The two doors to the device: what is behind them may be played (cuda/README.md). */
  const isEmulated = (file: string, included: string) =>
    ['cuda/ptx.cuh', 'cuda/launch.cuh'].includes(file) && folderOf(included) === 'test/emulator';
  const folderOf = (file: string) => file.slice(0, file.lastIndexOf('/'));
  const files = ['native', 'cuda'].flatMap((folder) => filesOf(folder, /\.(h|cpp|cc|cuh|cu)$/));

  it('has files in each of its layers', () => {
    for (const layer of Object.keys(layers)) {
      expect(files.some((file) => folderOf(file) === layer)).toBe(true);
    }
  });

  it.each(files)('%s', (file) => {
    const own = folderOf(file);
    for (const included of matches(file, /^\s*#\s*include\s+"(.+)"/gm)) {
      if (engineOf(file, included) || isEmulated(file, included)) continue;
      expect([own, ...layers[own]], `${file} includes ${included}`).toContain(folderOf(included));
    }
    const system = matches(file, /^\s*#\s*include\s+<(.+)>/gm);
    if (own !== 'native/binding') expect(system.filter((name) => /napi|node_api|uv\.h/.test(name))).toEqual([]);
    if (own !== 'cuda') expect(system.filter((name) => /cuda|cublas|mma\.h/.test(name))).toEqual([]);
    // Formulas know neither containers nor allocation nor input and output.
    if (['native/math', 'native/losses', 'native/optimizers'].includes(own)) {
      const pure =
        /^(c?math|cmath|cstdint|cstddef|cstring|limits|type_traits|utility|variant|immintrin\.h|arm_neon\.h)$/;
      expect(system.filter((name) => !pure.test(name))).toEqual([]);
    }
  });
});

describe('lib', () => {
  /** Entries beside `index`: public names, and nothing else. */
  const entries = ['lib/metrics.ts', 'lib/protocols.ts'];

  it.each(entries)('%s only says what is public', (file) => {
    const text = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*.*?\*\//gs, '');
    expect(text.replaceAll(/export (type )?\{[^}]*\} from '\.\/[a-z-]+\/[a-z0-9-]+\.ts';/g, '').trim()).toBe('');
  });

  /** A file may import what stands on lines above its own. */
  const layers = [
    ['errors', 'native', 'random', 'signals', 'binary-file', 'option-names'],
    ['losses', 'arrays', 'load-native', 'fallback-warning', 'native-memory', 'turns', 'class-sampling'],
    ['schemas', 'cuda', 'copies'],
    ['device-matrix', 'pinned'],
    ['options'],
    ['optimizers', 'engine-rows'],
    ['engine', 'results', 'safetensors'],
    ['candidates', 'formulas', 'reference-rows', 'class-head-file', 'class-head-options'],
    ['choice', 'problem', 'reference', 'native-engine'],
    ['reference-search'],
    ['reference-engine', 'run'],
    ['engines'],
    ['session', 'compute', 'similarity', 'nearest', 'memory-bank', 'pk-sampler'],
    ['held-head', 'surrogate'],
    ['class-head'],
    ['index'],
  ];
  const rankOf = (module: string) => layers.findIndex((layer) => layer.includes(module));
  const files = filesOf('lib', /^[^/]*\.ts$/).filter((file) => !entries.includes(file));

  it.each(files)('%s', (file) => {
    const module = file.slice('lib/'.length, -'.ts'.length);
    expect(rankOf(module), `${module} has no layer`).toBeGreaterThanOrEqual(0);
    for (const imported of matches(file, /from '\.\/([^/]+)\.ts'/g)) {
      expect(rankOf(imported), `${module} imports ${imported}`).toBeLessThan(rankOf(module));
    }
    for (const imported of matches(file, /from '([^.].*)'/g)) expect(imported).toMatch(/^(node:.*|zod|pure-rand\/.*)$/);
  });

  /** A file of the metrics may import those on lines above its own, and of lib what is below sessions. */
  const metricLayers = [
    ['evaluation-options', 'greatest', 'rows', 'schemas', 'scores'],
    ['own-matches', 'roc', 'folds', 'templates', 'identification', 'distractors'],
    ['retrieval', 'verification'],
    ['re-identification'],
  ];
  const metricRankOf = (module: string) => metricLayers.findIndex((layer) => layer.includes(module));

  it.each(filesOf('lib/metrics', /\.ts$/))('%s', (file) => {
    const module = file.slice('lib/metrics/'.length, -'.ts'.length);
    expect(metricRankOf(module), `${module} has no layer`).toBeGreaterThanOrEqual(0);
    for (const imported of matches(file, /from '\.\/(.+)\.ts'/g)) {
      expect(metricRankOf(imported), `${module} imports ${imported}`).toBeLessThan(metricRankOf(module));
    }
    for (const imported of matches(file, /from '\.\.\/(.+)\.ts'/g)) {
      if (imported !== 'similarity') expect(rankOf(imported), `${module} imports`).toBeLessThan(rankOf('session'));
    }
    for (const imported of matches(file, /from '([^.].*)'/g)) expect(imported).toBe('zod');
  });

  it('nothing outside the metrics imports one', () => {
    for (const file of files) expect(matches(file, /from '\.\/(metrics\/.+)'/g)).toEqual([]);
  });

  const protocols = filesOf('lib/protocols', /\.ts$/);

  it('nothing outside the protocols imports one', () => {
    expect(protocols).toContain('lib/protocols/market1501.ts');
    for (const file of files) expect(matches(file, /from '\.\/(protocols\/.+)'/g)).toEqual([]);
  });

  /** They know files, names and numbers, and nothing of losses and engines. */
  it.each(protocols)(
    '%s uses each other, errors, arrays and schemas, and parsers only when they are needed',
    (file) => {
      for (const imported of matches(file, /from '(\..+)'/g)) {
        expect(imported).toMatch(/^(\.\/[a-z0-9-]+|\.\.\/(errors|arrays|schemas))\.ts$/);
      }
      for (const imported of matches(file, /from '([^.].*)'/g))
        expect(imported).toMatch(/^(node:.*|zod|pure-rand\/.*)$/);
      for (const imported of matches(file, /import\('(.+?)'\)/g))
        expect(imported).toMatch(/^(csv-parse\/sync|pickleparser)$/);
    },
  );

  const command = filesOf('lib/cli', /\.ts$/);

  it('nothing outside the command imports a file of it', () => {
    expect(command).toContain('lib/cli/main.ts');
    for (const file of filesOf('lib', /\.ts$/).filter((name) => !command.includes(name))) {
      expect(matches(file, /['"](\.[^'"]*cli\/[^'"]+)['"]/g), file).toEqual([]);
    }
  });

  /** What takes time to load, or may not be there, is loaded where it is needed. */
  it.each(command)('%s uses public names, errors and random numbers', (file) => {
    for (const imported of matches(file, /from '(\..+)'/g)) {
      expect(imported).toMatch(/^(\.\/[a-z-]+|\.\.\/(index|metrics|protocols|errors|random))\.ts$/);
    }
    const packages = matches(file, /^import (?!type )[^;]*?from '([^.][^']*)';/gm);
    for (const imported of packages) expect(imported).toMatch(/^(node:.*|commander|markdown-table|pure-rand\/.*)$/);
  });

  const adapters = filesOf('lib/adapters', /\.ts$/);

  it('nothing outside the adapters imports one', () => {
    expect(adapters).toContain('lib/adapters/tfjs.ts');
    for (const file of files) expect(matches(file, /from '\.\/(adapters\/.+)'/g)).toEqual([]);
  });

  /** Types are the compiler's business only: a framework is handed in, and its package may not be there. */
  it.each(adapters)('%s uses public names and errors, and of its framework types only', (file) => {
    const up = '../'.repeat(file.split('/').length - 2);
    for (const imported of matches(file, /from '(\..+)'/g)) {
      if (imported.startsWith(up)) expect([`${up}index.ts`, `${up}errors.ts`]).toContain(imported);
      else expect(imported).toMatch(/^\.\/(tfjs\/)?[a-z-]+\.ts$/);
    }
    const statements = matches(file, /^((?:import|export)\b[^;]*?from '[^.][^']*');/gm);
    for (const statement of statements)
      expect(statement).toMatch(/^import type .*from '@tensorflow\/tfjs-(core|layers)'$/s);
    expect(matches(file, /(import\(|require\()/g)).toEqual([]);
  });
});
