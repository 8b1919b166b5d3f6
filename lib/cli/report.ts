/** The report: one HTML file with everything in it. What it says is here; how it looks is in `report.eta`. */
import { readFile } from 'node:fs/promises';
import { drawCurves } from './chart.ts';
import type { Judgement } from './judgement.ts';
import { writeNewFile } from './new-file.ts';

export type Fact = readonly [name: string, value: string];

export async function writeReport(
  file: string,
  title: string,
  { rows, curves, warnings = [] }: Judgement,
  facts: readonly Fact[],
): Promise<void> {
  const { Eta } = await import('eta');
  // Beside this file among the sources, and in dist, where the build copies it.
  const template = await readFile(new URL('./report.eta', import.meta.url), 'utf8');
  const html = new Eta({ autoEscape: true }).renderString(template, {
    title,
    rows,
    drawings: await drawCurves(curves.filter(({ points }) => points.length > 1)),
    facts,
    warnings,
  });
  await writeNewFile(file, html);
}
