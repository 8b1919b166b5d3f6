/** Two million pairs, evaluated: prints what came out. */
import { evaluateFolds, evaluateVerification } from '../../lib/metrics.ts';

const genuine = 1000;
const impostors = 1_999_000;
const similarities = new Float32Array(genuine + impostors);
const same = new Uint8Array(genuine + impostors).fill(1, 0, genuine);
for (let m = 0; m < genuine; m++) similarities[m] = m * 1999 + 0.5;
// 7919 is prime to the number of impostors: each of 0 … I − 1 comes once.
for (let i = 0; i < impostors; i++) similarities[genuine + i] = (i * 7919) % impostors;

const evaluation = evaluateVerification(similarities, same);
const { tarAtFar } = evaluateVerification(similarities, same, { rule: 'nearest' });
const folds = evaluateFolds(similarities, same, { folds: Int32Array.from(same, (_, pair) => pair % 2) });
console.log(JSON.stringify({ impostors, evaluation, nearest: tarAtFar, folds }));
