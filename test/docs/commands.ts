/** What is wrong with a command of the documentation: does what it names exist? */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { createProgram } from '../../lib/cli/program.ts';
import { type Block, blocksOf, inlineCodeOf, root } from './blocks.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const program = createProgram();
const buildFiles = read('CMakeLists.txt');

/** Sentences and tables name whole commands too. `circle-loss avx512 2t` is a contender of the benchmark. */
const isCommand = /^(?:[A-Z_]+=\S+ )*(?:npm (?:run|test|ci)|npx |node scripts\/|circle-loss (?!\S+ \dt$))/;

/** One line of a shell each. Of `console` blocks, what stands behind the prompt. */
export function commandsOf(page: string): string[] {
  const lines = (block: Block): string[] => {
    if (['sh', 'bash'].includes(block.language)) return block.text.split('\n');
    if (block.language !== 'console') return [];
    return [...block.text.matchAll(/^\$ (.*)$/gm)].map(([, line]) => line);
  };
  return [...blocksOf(page).flatMap(lines), ...inlineCodeOf(page).filter((code) => isCommand.test(code))]
    .flatMap((line) => line.replace(/(?:^|\s)#.*$/, '').split('&&'))
    .map((command) => command.trim())
    .filter((command) => command !== '');
}

/** undefined: nothing. */
export function problemOf(command: string): string | undefined {
  const words = command.match(/'[^']*'|\S+/g)!.map((word) => word.replace(/^'(.*)'$/, '$1'));
  while (/^[A-Z_]+=/.test(words[0])) {
    const [name] = words.shift()!.split('=');
    if (
      name.startsWith('CIRCLE_LOSS_') &&
      !read('lib/engines.ts').concat(read('lib/load-native.ts'), read('lib/cuda.ts')).includes(name)
    ) {
      return `the variable ${name} is read nowhere`;
    }
  }
  const [tool, ...args] = words;
  if (tool === 'npm') return problemOfNpm(args);
  if (isOfReader(args.at(-1)!) && (tool === 'node' || (tool === 'npx' && args[0] === 'tsx'))) return undefined;
  if (tool === 'npx' && args[0] === 'vitest') return args[2].includes('<') ? undefined : missing(args[2]);
  if (tool === 'circle-loss' || (tool === 'npx' && args[0] === 'circle-loss')) {
    return problemOfOurs(tool === 'npx' ? args.slice(1) : args);
  }
  if (tool === 'node') return missing(args[0]);
  if (tool === '.ci/run') return missing(tool);
  if (tool === 'cmake') return unknownDefinition(args);
  if (tool.startsWith('build/steps/'))
    return buildFiles.includes(`add_executable(${tool.slice(12)} `) ? undefined : `no ${tool}`;
  return ['sudo'].includes(tool) ? undefined : `nobody knows ${tool}`;
}

/** A module that a page says to make of its blocks, in a folder of the reader's. */
const isOfReader = (file: string) => /^[\w-]+\.m[jt]s$/.test(file);

const missing = (path: string) => (existsSync(join(root, path)) ? undefined : `no file ${path}`);

function unknownDefinition(args: readonly string[]): string | undefined {
  const name = args
    .flatMap((arg) => /^-D(?:CD)?(CIRCLE_\w+)=/.exec(arg)?.[1] ?? [])
    .find((it) => !buildFiles.includes(it));
  return name && `CMakeLists.txt has no ${name}`;
}

function problemOfNpm(args: readonly string[]): string | undefined {
  if (['ci', 'test', 'install'].includes(args[0])) return undefined;
  if (args[0] !== 'run') return `npm ${args[0]}`;
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const ours = args.slice(1, end);
  const at = ours.indexOf('--workspace');
  const folder = at < 0 ? '.' : ours[at + 1];
  if (at >= 0) ours.splice(at, 2);
  const name = ours.find((arg) => !arg.startsWith('--'));
  if (name === undefined || name.includes('<')) return undefined;
  const script: string | undefined = JSON.parse(read(join(folder, 'package.json'))).scripts[name];
  if (script === undefined) return `package.json of ${folder} has no script ${name}`;
  const passed = args.slice(end + 1);
  const behind = /--workspace (\S+)/.exec(script)?.[1] ?? folder;
  const text = behind === '.' ? `${script} ${textOf('scripts')} ${buildFiles}` : textOf(behind);
  const option = passed
    .filter((arg) => arg.startsWith('--') && !arg.startsWith('--CD'))
    .find((arg) => !text.includes(arg));
  return option
    ? `nothing behind ${name} takes ${option}`
    : unknownDefinition(passed.map((arg) => arg.replace(/^--CD/, '-D')));
}

/** All sources of a folder. */
function textOf(folder: string): string {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(?:m?[jt]s)$/.test(path) && !path.includes('node_modules'))
    .map((path) => read(join(folder, path)))
    .join('\n');
}

function problemOfOurs(args: readonly string[]): string | undefined {
  const [name, ...rest] = args;
  if (name === undefined || name.startsWith('<') || name.startsWith('-')) return undefined;
  const command: Command | undefined = program.commands.find((it) => it.name() === name);
  if (!command) return `circle-loss has no command ${name}`;
  const known = command.options.flatMap(({ short, long }) => [short, long]).concat('--help', '-h');
  const option = rest.find((arg) => /^--?[a-z]/.test(arg) && !known.includes(arg.split('=')[0]));
  return option && `circle-loss ${name} has no option ${option}`;
}
