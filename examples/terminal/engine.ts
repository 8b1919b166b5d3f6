/** The engine of a run, said aloud. */
import { type EngineName, engines } from 'circle-loss';

export const engineNames: readonly EngineName[] = ['auto', 'cpu', 'cuda', 'reference'];

/** The engine to use; says which it is, and why the fast one is not there. */
export function chooseEngine(asked: EngineName): EngineName {
  const known = engines();
  const chosen = asked === 'auto' ? known.find(({ available }) => available)!.name : asked;
  console.log(`Engine: ${chosen}${variantOf(chosen)}`);
  const cpu = known.find(({ name }) => name === 'cpu');
  if (asked === 'auto' && cpu?.reason) {
    console.log(
      `The cpu engine is missing, and plain TypeScript takes its place: the same, but slower.\n${cpu.reason}`,
    );
  }
  return chosen;
}

export function variantOf(engine: string): string {
  const variant = engines().find(({ name }) => name === engine)?.variant;
  return variant ? ` (${variant})` : '';
}
