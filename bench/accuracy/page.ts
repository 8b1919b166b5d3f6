/** The tables of docs/accuracy.md. */
import { markdownTable } from 'markdown-table';
import { median } from 'simple-statistics';
import type { Contender } from './contenders.ts';
import { type Figures, type Measured, withNumbers, worst, worstCell } from './figures.ts';
import { type Cell, cells, groups, sweeps } from './grid.ts';

export const short = (value: number) =>
  Number.isFinite(value)
    ? value === 0
      ? '0'
      : value >= 0.1 && value < 1000
        ? `${Number(value.toPrecision(2))}`
        : value.toExponential(1)
    : '∞';

export const table = (header: string[], body: string[][]) =>
  markdownTable([header, ...body], { align: ['l', ...header.slice(1).map(() => 'r')] });

const denormal = 'denormal numbers';
/** Whose error is known without looking: see the page. */
const isForetold = ({ kind, picks }: Cell) => picks || kind === denormal;

function summary(measured: Measured): string {
  const body = measured.contenders.map((contender) => {
    const errors = measured.errors(contender);
    const numbers = withNumbers(errors);
    const last = worstCell(numbers.filter(({ cell }) => !isForetold(cell)))!;
    return [
      contender.name,
      `${errors.length}`,
      ...(['loss', 'gradient', 'units'] as const).map((key) => short(median(numbers.map((error) => error[key])))),
      short(last.units),
      last.cell.name,
    ];
  });
  return table(
    ['engine', 'cells', 'loss, median', 'gradient, median', 'units, median', 'units, worst', 'worst cell'],
    body,
  );
}

function foretold(measured: Measured): string {
  const body = measured.contenders.map((contender) => [
    contender.name,
    ...[({ kind, picks }: Cell) => kind === denormal && !picks, ({ picks }: Cell) => picks].flatMap((belongs) => {
      const last = worstCell(measured.errors(contender, cells.filter(belongs)));
      return last ? [short(last.units), last.cell.name] : ['–', '–'];
    }),
  ]);
  return table(['engine', 'units', `worst cell of ${denormal}`, 'units', 'worst cell of triplet loss'], body);
}

function perData(measured: Measured): string {
  const body = groups.map((group) => [
    group.name,
    ...measured.contenders.map((contender) => {
      const errors = measured.errors(contender, group.cells);
      return errors.length > 0 ? `${short(worst(errors, 'gradient'))} (${short(worst(errors, 'units'))})` : '–';
    }),
  ]);
  return table(['', ...measured.contenders.map(({ name }) => name)], body);
}

function perSweep(measured: Measured): string[] {
  return sweeps.map(({ name, rest, groups: swept }) => {
    const body = swept.map((group) => [
      group.name,
      ...measured.contenders.map((contender) => {
        const errors = measured.errors(contender, group.cells);
        return errors.length > 0 ? short(worst(errors, 'gradient')) : '–';
      }),
    ]);
    const header = [`${name} (${rest})`, ...measured.contenders.map((contender) => contender.name)];
    return table(header, body);
  });
}

/** Of those who mean to be exact. */
function worstOfSweeps(measured: Measured): string {
  const swept = sweeps.flatMap((sweep) => sweep.groups.flatMap((group) => group.cells));
  const exact = measured.contenders.filter(isExact);
  const last = worstCell(exact.flatMap((contender) => measured.errors(contender, swept)))!;
  const contender = exact.find((each) => measured.errors(each, [last.cell]).some(({ units }) => units === last.units))!;
  return `In units of rounding the worst of these, apart from \`cuda fast\` and plain float32, is ${short(last.units)}: ${contender.name}, ${last.cell.name}.`;
}

const plain = 'plain float32';
const isExact = ({ name }: Contender) => name !== plain && name !== 'cuda fast';

/** In a cell that both take, by more than the rounding of the inputs. */
function worseThanPlain(measured: Measured): string {
  const base = measured.contenders.find(({ name }) => name === plain)!;
  const lines = measured.contenders.filter(isExact).flatMap((contender) => {
    const worse = measured.errors(contender).filter((error) => {
      const [held] = measured.errors(base, [error.cell]);
      return held && !isForetold(error.cell) && error.units > Math.max(1, 2 * held.units);
    });
    const last = worstCell(worse);
    const kinds = [...new Set(worse.map(({ cell }) => cell.kind))].join('; ');
    return last
      ? [`${contender.name} in ${worse.length} (${kinds}; the worst is ${last.cell.name}, ${short(last.units)} units)`]
      : [];
  });
  const found = lines.length === 0 ? 'no cell' : lines.join('; ');
  return `More than a unit off, and more than twice as far as plain float32, apart from ${denormal} and triplets: ${found}.`;
}

function refusals(measured: Measured): string[] {
  const lines = measured.contenders.flatMap((contender) =>
    measured
      .errors(contender)
      .flatMap(({ cell, refused }) => (refused ? [`- ${contender.name}: ${cell.name}: \`${refused}\``] : [])),
  );
  return lines.length > 0 ? [`Refused:\n\n${lines.join('\n')}`] : [];
}

function truth({ truth: figures }: Figures): string {
  const body = Object.entries(figures).map(([group, { loss, gradient, units }]) => [
    group,
    ...[loss, gradient, units].map(short),
  ]);
  return table(['', 'loss', 'gradient', 'units'], body);
}

export function measuredText(measured: Measured, figures: Figures): string {
  return [
    `${cells.length} cells, on ${figures.machine}.`,
    summary(measured),
    `The worst cells are the worst apart from those with ${denormal} and those of triplet loss. Of these the worst are:`,
    foretold(measured),
    '### By data',
    'The worst error of the gradient for each kind of data, relative to the greatest number in it, and in brackets in units of rounding:',
    perData(measured),
    `At 32 × 16 the worst errors of variants of \`cpu\`, of the loss or the gradient, are at most ${short(figures.spread)} times apart in a kind of data.`,
    worseThanPlain(measured),
    ...refusals(measured),
    '### By γ, m, N and D',
    'The worst error of the gradient, relative to the greatest number in it, of Circle loss on random rows and on clusters; – is beyond the time of an emulator, or of plain JavaScript:',
    ...perSweep(measured),
    worstOfSweeps(measured),
    '### Double precision itself',
    'The errors of double precision, against which all the others are measured, in the cells of 32 × 16:',
    truth(figures),
  ].join('\n\n');
}
