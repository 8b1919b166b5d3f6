/** `circle-loss engines`: what computes here, and why the rest does not. */
import type { Command } from 'commander';
import { type EngineInfo, engines } from '../index.ts';
import { exitCodes } from './exit-codes.ts';
import { jsonOption } from './options.ts';
import { print, printJson, tableOf } from './output.ts';

export function addEngines(program: Command): void {
  program
    .command('engines')
    .description('List the engines, best first: which of them work here, and why the others do not.')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  $ circle-loss engines
  $ circle-loss engines --json
${exitCodes}`,
    )
    .action(({ json }: { json?: boolean }) => {
      const known = engines();
      if (json) return printJson(known);
      print(tableOf(['engine', 'works', 'runs', 'also there'], known.map(rowOf)));
      for (const { name, reason } of known) if (reason !== undefined) print(`\n${name}: ${reason}`);
    });
}

function rowOf({ name, available, variant, variants = [], devices = [] }: EngineInfo): string[] {
  const gpus = devices.map((device, number) => `GPU ${number} ${device.name} ${device.computeCapability}`);
  const others = [...variants.filter((other) => other !== variant), ...gpus];
  const runs = variant ?? (name === 'reference' ? 'TypeScript' : '');
  return [name, available ? 'yes' : 'no', runs, others.join(', ')];
}
