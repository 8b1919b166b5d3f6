/** What the numbers of a pair come to, in words. */
import type { PairNumbers } from './pair.ts';
import { hasGamma, type State } from './state.ts';

/** Gradients, over γ, that are not worth a word. */
const negligible = 0.01;

export function sentenceOf(state: State, { sum, gradientN, gradientP }: PairNumbers): string {
  const scale = hasGamma(state.loss) ? state.gamma : 1;
  const [negative, positive] = [Math.abs(gradientN) / scale, Math.abs(gradientP) / scale];
  const where = sum > 0 ? 'Outside the boundary' : sum < 0 ? 'Inside the boundary' : 'On the boundary';
  if (Math.max(negative, positive) < negligible) return `${where}: the loss leaves this pair alone.`;
  const ratio = positive / negative;
  if (Math.abs(ratio - 1) < 0.02) return `${where}: both similarities are pushed alike.`;
  if (ratio > 50) return `${where}: only sₚ is pushed, up.`;
  if (ratio < 1 / 50) return `${where}: only sₙ is pushed, ${gradientN > 0 ? 'down' : 'up'}.`;
  const times = (value: number) => (value < 10 ? value.toFixed(1) : value.toFixed(0));
  return ratio > 1
    ? `${where}: sₚ is pushed ${times(ratio)} times as hard as sₙ.`
    : `${where}: sₙ is pushed ${times(1 / ratio)} times as hard as sₚ.`;
}
