/**
 * Errors of every engine against double precision, over a grid of data, losses and shapes. Writes docs/accuracy.json and the
 * tables in docs/accuracy.md; `--quick` compares the smallest shape with what is stored, `--case` shows one cell.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { markdownTable } from 'markdown-table';
import { median } from 'simple-statistics';
import { describeMachine } from '../machine.ts';
import { type Cell, type CellError, cells, contenders, errorsIn } from './cells.ts';
import { kinds } from './data.ts';

interface Stored {
  readonly machine: string;
  /** Of contender and group of cells: the worst errors, relative, and of the gradient in units of rounding. */
  readonly worst: Record<string, Record<string, { loss: number; gradient: number; units: number }>>;
}

const docs = join(import.meta.dirname, '../../docs');
const { quick, case: asked } = new Command('npm run accuracy --')
  .description('Measures how far results are from double precision.')
  .option('--quick', 'compare the smallest shape with what docs/accuracy.json has')
  .option('--case <name>', 'show the cells whose name has this in it')
  .parse()
  .opts<{ quick?: boolean; case?: string }>();

const chosen = cells.filter(({ name, isSmall }) => (asked ? name.includes(asked) : !quick || isSmall));
if (chosen.length === 0) throw new Error(`--case must be part of a cell's name, such as "${cells[0].name}".`);
// What a GPU's emulator needs a minute for is not for --quick.
const taking = contenders.filter(({ isEmulated }) => !(quick && isEmulated));
const rows = chosen.map((cell) => errorsIn(cell, taking));
/** Kinds of data, and the loss that would hide them. */
const groups: Readonly<Record<string, (cell: Cell) => boolean>> = {
  ...Object.fromEntries(
    Object.keys(kinds).map((kind) => [kind, (cell: Cell) => cell.kind === kind && !cell.picks] as const),
  ),
  'triplet loss, of any of these': ({ picks }) => picks,
};
const errorsOf = (at: number, belongs: (cell: Cell) => boolean = () => true) =>
  rows.map((row) => row[at]).filter((error): error is CellError => error !== undefined && belongs(error.cell));
/** Whose error is known without looking: see the page. */
const isForetold = ({ kind, picks }: Cell) => picks || kind === 'denormal numbers';

const short = (value: number) =>
  Number.isFinite(value)
    ? value === 0
      ? '0'
      : value >= 0.1 && value < 1000
        ? value.toPrecision(2)
        : value.toExponential(1)
    : '∞';
const worst = (errors: readonly CellError[], key: 'gradient' | 'units' | 'loss') =>
  errors.filter(({ refused }) => !refused).reduce((most, error) => Math.max(most, error[key]), 0);
const table = (header: string[], body: string[][]) =>
  markdownTable([header, ...body], { align: ['l', ...header.slice(1).map(() => 'r')] });

if (asked) {
  for (const [i, cell] of chosen.entries()) {
    console.log(`\n${cell.name}\n`);
    const body = taking.flatMap(({ name }, at) => {
      const error = rows[i][at];
      return error ? [[name, short(error.loss), short(error.gradient), error.refused ?? short(error.units)]] : [];
    });
    console.log(table(['', 'loss', 'gradient', 'units of rounding'], body));
  }
} else if (quick) {
  check();
} else {
  write();
}

/**
 * Another processor, or another variant of this one, adds in another order: errors of the same cells may be another draw
 * from what rounding does, which a factor of four covers, and 2⁻²² the rounding of an error that was next to none.
 */
function check(): void {
  const { worst: stored } = JSON.parse(readFileSync(join(docs, 'accuracy.json'), 'utf8')) as Stored;
  let compared = 0;
  for (const [at, { name }] of taking.entries()) {
    for (const [group, belongs] of Object.entries(groups)) {
      const bound = stored[name]?.[group];
      if (bound === undefined) continue; // a variant that the machine of the file does not have
      compared++;
      const errors = errorsOf(at, belongs);
      const refused = errors.filter(({ refused }) => refused).length;
      if (errors.length === 0 || refused > 0) complain(`${name}, ${group}: ${refused} of ${errors.length} refused.`);
      for (const what of ['loss', 'gradient'] as const) {
        const found = worst(errors, what);
        if (found <= 4 * bound[what] + 2 ** -22) continue;
        complain(
          `${name}, ${group}: the ${what} is off by ${short(found)}, docs/accuracy.json has ${short(bound[what])}.`,
        );
      }
    }
  }
  function complain(text: string): void {
    console.error(text);
    process.exitCode = 1;
  }
  if (compared === 0) throw new Error('docs/accuracy.json has none of the engines of this machine.');
  console.log(`${rows.length} cells; ${compared} worst errors compared with docs/accuracy.json.`);
}

function write(): void {
  const { cpu, node } = describeMachine();
  const machine = `${cpu}, Node.js ${node}`;
  const stored: Stored = { machine, worst: {} };
  for (const [at, { name }] of taking.entries()) {
    stored.worst[name] = {};
    for (const [group, belongs] of Object.entries(groups)) {
      const errors = errorsOf(at, belongs);
      // JSON has no ∞: what is no number has no bound to be held to.
      const [loss, gradient, units] = (['loss', 'gradient', 'units'] as const).map((key) => worst(errors, key));
      if (errors.length > 0 && Number.isFinite(gradient)) stored.worst[name][group] = { loss, gradient, units };
    }
  }
  writeFileSync(join(docs, 'accuracy.json'), `${JSON.stringify(stored, undefined, 2)}\n`);

  const perGroup = Object.entries(groups).map(([group, belongs]) => [
    group,
    ...taking.map((_, at) => {
      const errors = errorsOf(at, belongs);
      return errors.length > 0 ? `${short(worst(errors, 'gradient'))} (${short(worst(errors, 'units'))})` : '–';
    }),
  ]);
  const summary = taking.map(({ name }, at) => {
    const errors = errorsOf(at);
    const numbers = errors.filter(({ refused }) => !refused);
    const last = numbers.filter(({ cell }) => !isForetold(cell)).sort((a, b) => b.units - a.units)[0];
    return [
      name,
      `${errors.length}`,
      short(median(numbers.map(({ loss }) => loss))),
      short(median(numbers.map(({ gradient }) => gradient))),
      short(median(numbers.map(({ units }) => units))),
      short(last.units),
      `${last.cell.name}`,
    ];
  });
  const refused = taking.flatMap(({ name }, at) =>
    errorsOf(at).flatMap(({ cell, refused: code }) => (code ? [`- ${name}: ${cell.name}: \`${code}\``] : [])),
  );
  const text = [
    `${cells.length} cells, on ${machine}.`,
    table(
      ['engine', 'cells', 'loss, median', 'gradient, median', 'units, median', 'units, worst', 'worst cell'],
      summary,
    ),
    'The worst cells are those beside denormal numbers and triplets.',
    'The worst error of the gradient for each kind of data, relative to the greatest number in it, and in brackets in units of rounding:',
    table(['', ...taking.map(({ name }) => name)], perGroup),
    ...(refused.length > 0 ? [`Refused:\n\n${refused.join('\n')}`] : []),
  ].join('\n\n');
  const path = join(docs, 'accuracy.md');
  const page = readFileSync(path, 'utf8');
  const marked = /(<!-- measured -->\n).*(\n<!-- \/measured -->)/s;
  if (!marked.test(page)) throw new Error(`${path} must have the marks <!-- measured --> and <!-- /measured -->.`);
  writeFileSync(
    path,
    page.replace(marked, (_, open, close) => `${open}\n${text}\n${close}`),
  );
  console.log(text);
}
