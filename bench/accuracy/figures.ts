/** Errors of cells as the worst of each group: what docs/accuracy.json holds, and what a later run is held to. */
import type { Contender } from './contenders.ts';
import { type CellErrors, type ContenderErrors, type Errors, truthErrorsIn } from './errors.ts';
import { type Cell, cells, type Group, groups, sweeps } from './grid.ts';

type PerGroup = Record<string, Errors>;

export interface Figures {
  readonly machine: string;
  /** Of a contender in a table, 'data' or a sweep's name: the worst errors of each group. */
  readonly worst: Record<string, Record<string, PerGroup>>;
  /** Of a contender: the worst errors of each group of data, of the smallest shape only. */
  readonly small: Record<string, PerGroup>;
  /** How many times the least of these the greatest is, among variants of `cpu`: see `spreadOf`. */
  readonly spread: number;
  /** Of double precision against 256 digits: the worst errors of each group of data, of the smallest shape. */
  readonly truth: PerGroup;
}

const keys = ['loss', 'gradient', 'units'] as const;
export type Key = (typeof keys)[number];

/** A run: of each cell, by name, the errors of all contenders in their order. */
export class Measured {
  readonly contenders: readonly Contender[];
  readonly #errors: ReadonlyMap<string, readonly (ContenderErrors | undefined)[]>;

  constructor(contenders: readonly Contender[], errors: ReadonlyMap<string, readonly (ContenderErrors | undefined)[]>) {
    this.contenders = contenders;
    this.#errors = errors;
  }

  /** Of one contender in those cells that it has taken. */
  errors(contender: Contender, among: readonly Cell[] = cells): CellErrors[] {
    const at = this.contenders.indexOf(contender);
    return among.flatMap((cell) => {
      const errors = this.#errors.get(cell.name)?.[at];
      return errors ? [{ cell, ...errors }] : [];
    });
  }
}

export const withNumbers = (errors: readonly CellErrors[]) => errors.filter(({ refused }) => !refused);

export const worst = (errors: readonly CellErrors[], key: Key) =>
  withNumbers(errors).reduce((most, error) => Math.max(most, error[key]), 0);

export const worstCell = (errors: readonly CellErrors[]): CellErrors | undefined =>
  withNumbers(errors).reduce<CellErrors | undefined>((a, b) => (a && a.units >= b.units ? a : b), undefined);

/** JSON has no ∞: what is no number has no bound to be held to. */
function worstOf(wanted: readonly Group[], errorsOf: (group: Group) => readonly CellErrors[]): PerGroup {
  return Object.fromEntries(
    wanted.flatMap((group) => {
      const errors = errorsOf(group);
      const [loss, gradient, units] = keys.map((key) => worst(errors, key));
      return errors.length > 0 && [loss, gradient, units].every(Number.isFinite)
        ? [[group.name, { loss, gradient, units }]]
        : [];
    }),
  );
}

export const small = (among: readonly Cell[]) => among.filter(({ isSmall }) => isSmall);

/** What pairs are picked is no matter of precision. */
const truthGroups = groups.filter(({ cells: [{ picks }] }) => !picks);

export const truthOf = (among: (cell: Cell) => boolean): PerGroup =>
  worstOf(truthGroups, (group) => small(group.cells).filter(among).map(truthErrorsIn));

/** An error of less than half of the last digit of the greatest number is the rounding of the result: it says nothing. */
export const roundingOfResult = 2 ** -24;

/**
 * Variants of `cpu` differ in the order of their sums, and in nothing that should matter. How far apart their errors are
 * tells how much is chance, and so what another compiler, which fuses other operations, may change.
 */
function spreadOf(figures: Figures['small']): number {
  const variants = Object.keys(figures).filter((name) => name.startsWith('cpu'));
  const ratios = groups.flatMap(({ name }) =>
    (['loss', 'gradient'] as const).map((key) => {
      const found = variants.map((variant) => Math.max(figures[variant][name][key], roundingOfResult));
      return Math.max(...found) / Math.min(...found);
    }),
  );
  return Math.max(...ratios);
}

export function figuresOf(measured: Measured, machine: string): Figures {
  const perContender = <T>(of: (contender: Contender) => T) =>
    Object.fromEntries(measured.contenders.map((contender) => [contender.name, of(contender)]));
  const smallFigures = perContender((contender) =>
    worstOf(groups, (group) => measured.errors(contender, small(group.cells))),
  );
  const tables = [{ name: 'data', groups }, ...sweeps];
  return {
    machine,
    worst: perContender((contender) =>
      Object.fromEntries(
        tables.map((table) => [table.name, worstOf(table.groups, (group) => measured.errors(contender, group.cells))]),
      ),
    ),
    small: smallFigures,
    spread: spreadOf(smallFigures),
    truth: truthOf(() => true),
  };
}
