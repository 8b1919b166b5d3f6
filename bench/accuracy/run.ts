/**
 * Errors of every engine against double precision, over a grid of data, losses and shapes. Writes docs/accuracy.json and the
 * tables in docs/accuracy.md; `--quick` compares the smallest shape with what is stored, `--case` shows some cells.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describeMachine } from '../machine.ts';
import { contenders } from './contenders.ts';
import { type Figures, figuresOf, roundingOfResult, small, truthOf, worst } from './figures.ts';
import { type Cell, cells, groups } from './grid.ts';
import { measureHere, measureOnAllCores } from './measure.ts';
import { measuredText, short, table } from './page.ts';

const docs = join(import.meta.dirname, '../../docs');
const { quick, case: asked } = new Command('npm run accuracy --')
  .description('Measures how far results are from double precision.')
  .option('--quick', 'compare the smallest shape with what docs/accuracy.json has')
  .option('--case <name>', 'show the cells whose name has this in it')
  .parse()
  .opts<{ quick?: boolean; case?: string }>();

const stored = () => JSON.parse(readFileSync(join(docs, 'accuracy.json'), 'utf8')) as Figures;

if (asked) show(cells.filter(({ name }) => name.includes(asked)));
else if (quick) check();
else await write();

function show(chosen: readonly Cell[]): void {
  if (chosen.length === 0) throw new Error(`--case must be part of a cell's name, such as "${cells[0].name}".`);
  const measured = measureHere(chosen, contenders);
  for (const cell of chosen) {
    console.log(`\n${cell.name}\n`);
    const body = contenders.flatMap((contender) =>
      measured
        .errors(contender, [cell])
        .map(({ loss, gradient, units, refused }) => [
          contender.name,
          short(loss),
          short(gradient),
          refused ?? short(units),
        ]),
    );
    console.log(table(['', 'loss', 'gradient', 'units of rounding'], body));
  }
}

function complain(text: string): void {
  console.error(text);
  process.exitCode = 1;
}

/**
 * The same variant gives the same bits on any processor, but for what a compiler chooses to fuse: its errors are those of
 * the file, or as far from them as those of variants are from one another.
 */
function check(): void {
  const { small: bounds, spread } = stored();
  const taking = contenders.filter(({ name }) => bounds[name]);
  if (!taking.some(({ name }) => name.startsWith('cpu'))) {
    throw new Error('docs/accuracy.json has none of the instruction sets of this machine.');
  }
  const chosen = small(cells);
  const measured = measureHere(chosen, taking);
  let compared = 0;
  for (const contender of taking) {
    for (const group of groups) {
      const bound = bounds[contender.name][group.name];
      const errors = measured.errors(contender, small(group.cells));
      if (bound === undefined) continue; // no number there, or a loss that plain float32 does not have
      compared++;
      const refused = errors.filter((error) => error.refused).length;
      if (errors.length === 0 || refused > 0) {
        complain(`${contender.name}, ${group.name}: ${refused} of ${errors.length} refused.`);
      }
      for (const what of ['loss', 'gradient'] as const) {
        const found = worst(errors, what);
        if (found <= spread * Math.max(bound[what], roundingOfResult)) continue;
        complain(
          `${contender.name}, ${group.name}: the ${what} is off by ${short(found)}, docs/accuracy.json has ${short(bound[what])}.`,
        );
      }
    }
  }
  const names = taking.map(({ name }) => name).join(', ');
  const skipped = Object.keys(bounds).filter((name) => !taking.some((contender) => contender.name === name));
  console.log(`${chosen.length} cells; ${compared} worst errors of ${names} compared with docs/accuracy.json.`);
  if (skipped.length > 0) console.log(`Skipped, because they are not built or cannot run here: ${skipped.join(', ')}.`);
  checkTruth();
}

/**
 * A logit, at γ = 1024 up to 2¹², and the sums of two log-sum-exps are rounded to 2⁻⁵³ of themselves, in all less than
 * eight times: 2⁻³⁸ of a weight, and so of the loss where it is small. A unit is 2⁻²⁴ of the gradient at least, and what is
 * due to rounded similarities is 2⁻²⁹ of what it is in float32.
 */
function checkTruth(): void {
  for (const [group, { loss, units }] of Object.entries(truthOf(({ isPairWise }) => isPairWise))) {
    if (loss <= 2 ** -38 && units <= 2 ** -14) continue;
    complain(`double precision, ${group}: the loss is off by ${short(loss)}, the gradient by ${short(units)} units.`);
  }
}

async function write(): Promise<void> {
  const start = performance.now();
  const missing = Object.keys(stored().worst).filter(
    (name) => !contenders.some((contender) => contender.name === name),
  );
  if (missing.length > 0) {
    throw new Error(
      `${missing.join(', ')} must run here too: a row of docs/accuracy.md would be lost. \`node scripts/native-tests.mjs neon\` builds NEON, \`node scripts/emulator-build.mjs\` CUDA; instruction sets need their CPU.`,
    );
  }
  const { cpu, node } = describeMachine();
  const measured = await measureOnAllCores(cells, contenders);
  const figures = figuresOf(measured, `${cpu}, Node.js ${node}`);
  const text = measuredText(measured, figures);
  const path = join(docs, 'accuracy.md');
  const page = readFileSync(path, 'utf8');
  const marked = /(<!-- measured -->\n).*(\n<!-- \/measured -->)/s;
  if (!marked.test(page)) throw new Error(`${path} must have the marks <!-- measured --> and <!-- /measured -->.`);
  writeFileSync(join(docs, 'accuracy.json'), `${JSON.stringify(figures, undefined, 2)}\n`);
  writeFileSync(
    path,
    page.replace(marked, (_, open, close) => `${open}\n${text}\n${close}`),
  );
  console.log(text);
  console.log(`\n${Math.round((performance.now() - start) / 60e3)} minutes.`);
}
