/**
 * What ptxas gives each kernel on each architecture: a table of registers, and exit status 1 where one of them spills or has
 * a stack frame. Compiles the kernels, or reads the log of a build that did with
 * -Xptxas=-v (`npm run build:cuda -- --CDCIRCLE_CUDA_REPORT=ON`).
 *
 *   node scripts/cuda-resources.mjs [--log build.log] [--arch 90] [--out table.md]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const { values: options } = parseArgs({
  options: { log: { type: 'string' }, arch: { type: 'string', multiple: true }, out: { type: 'string' } },
});
const architectures = options.arch ?? ['75', '80', '86', '89', '90', '100', '120'];
const folder = mkdtempSync(join(tmpdir(), 'circle-loss-cuda-'));

/** Standard output and error of a command that has to succeed. */
function output(command, args, input) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (data) => {
        text += data;
      });
    }
    child.on('error', reject);
    child.on('close', (status) => (status === 0 ? resolve(text) : reject(new Error(`${command} failed:\n${text}`))));
    child.stdin.end(input);
  });
}

/** One entry a kernel of ptxas's report. */
function kernelsIn(log) {
  const pattern =
    /entry function '(\S+)' for 'sm_(\d+)'[\s\S]*?(\d+) bytes stack frame, (\d+) bytes spill stores[\s\S]*?Used (\d+) registers/g;
  return [...log.matchAll(pattern)].map(([, symbol, architecture, stack, spill, registers]) => ({
    symbol,
    architecture,
    stack: Number(stack),
    spill: Number(spill),
    registers: Number(registers),
  }));
}

async function compile(source, architecture) {
  const code = `-gencode=arch=compute_${architecture},code=sm_${architecture}`;
  const object = join(folder, `${source}.${architecture}.o`);
  const flags = ['-std=c++17', '--expt-relaxed-constexpr', '-O3', '-Xptxas=-v', '-I.', code];
  return kernelsIn(await output('nvcc', [...flags, '-c', join('cuda', source), '-o', object]));
}

async function compileAll() {
  const sources = readdirSync('cuda').filter((name) => name.endsWith('.cu'));
  const jobs = architectures.flatMap((architecture) => sources.map((source) => [source, architecture]));
  const found = [];
  const work = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) found.push(...(await compile(...job)));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return found;
}

/** statistics_kernel<kExact, CircleLoss> out of what the compiler calls it. */
function readable(name) {
  const cores = ['kFfma', 'kFast', 'kExact'];
  return name
    .replace(/circle::(cuda::)?(\(anonymous namespace\)::)?|\(anonymous namespace\)::|^void /g, '')
    .replace(/\((?:cuda::)?Core\)(\d)/g, (_, core) => cores[core])
    .replace(/\((?:cuda::)?Along\)(\d)/g, (_, along) => ['kRows', 'kColumns'][along])
    .replace(/\((?![^<]*>).*$/, '');
}

async function main() {
  const found = options.log ? kernelsIn(readFileSync(options.log, 'utf8')) : await compileAll();
  const symbols = [...new Set(found.map(({ symbol }) => symbol))];
  const names = (await output('c++filt', [], symbols.join('\n'))).trim().split('\n').map(readable);
  const rows = symbols.map((symbol, i) => {
    const cells = architectures.map((architecture) => {
      const kernel = found.find((entry) => entry.symbol === symbol && entry.architecture === architecture);
      return kernel ? `${kernel.registers}${kernel.spill || kernel.stack ? ' **spills**' : ''}` : '–';
    });
    return `| ${names[i]} | ${cells.join(' | ')} |`;
  });
  const header = `| registers a thread | ${architectures.map((architecture) => `sm_${architecture}`).join(' | ')} |`;
  const table = [header, `|---${'|--:'.repeat(architectures.length)}|`, ...rows.sort()].join('\n');
  console.log(table);
  if (options.out) writeFileSync(options.out, `${table}\n`);
  const bad = found.filter(({ stack, spill }) => stack > 0 || spill > 0);
  console.log(`\n${found.length - bad.length} kernels without spills or stack frames, ${bad.length} with.`);
  if (found.length === 0 || bad.length > 0) process.exitCode = 1;
}

try {
  await main();
} finally {
  rmSync(folder, { recursive: true });
}
