/** Verification from the similarities of pairs: by hand, against counting all couples, and at its limits. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateVerification } from '../lib/metrics.ts';
import { errorOf } from './error-of.ts';

const float32 = (values: readonly number[]) => Float32Array.from(values);

/** Genuine scores first. */
function evaluate(genuine: readonly number[], impostor: readonly number[], options = {}) {
  const same = [...genuine.map(() => true), ...impostor.map(() => false)];
  return evaluateVerification(float32([...genuine, ...impostor]), same, options);
}

describe('by hand', () => {
  // Sorted, with (g)enuine and (i)mpostor: .875g .75g .625i .5i .375g .25i .125i.
  const genuine = [0.875, 0.75, 0.375];
  const impostor = [0.625, 0.5, 0.25, 0.125];

  it('accepts what is above the (⌊FAR · impostors⌋ + 1)-th largest impostor', () => {
    const { tarAtFar } = evaluate(genuine, impostor, { falseAcceptRates: [1, 0.5, 0.25, 0.24, 0] });
    expect(tarAtFar).toEqual([
      { far: 1, tar: 1, threshold: Number.NEGATIVE_INFINITY, reachedFar: 1 }, // all four may pass
      { far: 0.5, tar: 1, threshold: 0.25, reachedFar: 0.5 }, // two: the third largest
      { far: 0.25, tar: 2 / 3, threshold: 0.5, reachedFar: 0.25 }, // one
      { far: 0.24, tar: 2 / 3, threshold: 0.625, reachedFar: 0 }, // none: .96 impostors
      { far: 0, tar: 2 / 3, threshold: 0.625, reachedFar: 0 },
    ]);
  });

  it('a genuine score that equals the threshold is rejected', () => {
    const { tarAtFar } = evaluate([0.5, 0.75], [0.5, 0.5, 0.25], { falseAcceptRates: [0, 1 / 3, 0.67] });
    // Of two equal impostors either both pass or none does: one allowed one still leaves the threshold at .5.
    expect(tarAtFar.map(({ tar, reachedFar }) => [tar, reachedFar])).toEqual([
      [0.5, 0],
      [0.5, 0],
      [1, 2 / 3],
    ]);
  });

  it('counts couples in order, ties half', () => {
    expect(evaluate(genuine, impostor).auc).toBe(10 / 12); // 4 + 4 + 2 of 3 × 4
    expect(evaluate([0.5, 0.25], [0.5, 0.25]).auc).toBe(0.5); // (½ + 1) + (0 + ½) of 4
  });

  it('rates meet on the line between operating points', () => {
    // (FAR, FRR): … (1/4, 1/3) at .625, (1/2, 1/3) at .5: FAR passes 1/3 while FRR stays.
    expect(evaluate(genuine, impostor).equalErrorRate).toBeCloseTo(1 / 3, 15);
    // All at one score: from (0, 1) straight to (1, 0).
    expect(evaluate([0.5], [0.5, 0.5]).equalErrorRate).toBe(0.5);
    // (0, 1) at once to (1/2, 1/2) by a tie of one of two each.
    expect(evaluate([0.5, 0.25], [0.5, 0.25]).equalErrorRate).toBe(0.5);
    // (0, 1/2) to (3/4, 0) by a tie: FAR = 3t/4 meets FRR = (1 − t)/2 at t = 2/5.
    expect(evaluate([1, 0.5], [0.5, 0.5, 0.5, 0]).equalErrorRate).toBeCloseTo(0.3, 15);
    expect(evaluate([1], [0]).equalErrorRate).toBe(0);
    expect(evaluate([0], [1]).equalErrorRate).toBe(1);
  });

  it('the nearest point of the ROC may be above or below the wanted rate', () => {
    // Corners (FPR, TPR): (0, 0); .875: (0, 1/3), kept as the first; .75: (0, 2/3); .625: (1/4, 2/3), between two
    // impostor steps: dropped; .5: (1/2, 2/3); .375: (1/2, 1); .25: (3/4, 1), dropped; .125: (1, 1).
    const options = { rule: 'nearest', falseAcceptRates: [0, 0.2, 0.25, 0.3, 0.74, 0.9] };
    expect(evaluate(genuine, impostor, options).tarAtFar).toEqual([
      { far: 0, tar: 2 / 3, threshold: 0.625, reachedFar: 0 },
      { far: 0.2, tar: 2 / 3, threshold: 0.625, reachedFar: 0 },
      { far: 0.25, tar: 1, threshold: 0.25, reachedFar: 0.5 }, // as near to 0 as to 1/2: the one that accepts more
      { far: 0.3, tar: 1, threshold: 0.25, reachedFar: 0.5 },
      { far: 0.74, tar: 1, threshold: 0.25, reachedFar: 0.5 },
      { far: 0.9, tar: 1, threshold: Number.NEGATIVE_INFINITY, reachedFar: 1 },
    ]);
  });

  it('a rate is the decimal that was written', () => {
    // Impostors 0 … 99, of which 0.29 · 100 = 28.999999999999996 lets 29 pass: above 70. And .07 · 100 = 7.000000000000001: above 92.
    const impostors = Array.from({ length: 100 }, (_, i) => i);
    const at = (far: number, scores = impostors) =>
      evaluate([1], scores, { falseAcceptRates: [far] }).tarAtFar[0].threshold;
    expect(at(0.29)).toBe(70);
    expect(at(0.07)).toBe(92);
    expect(at(0.289)).toBe(71);
    const thousand = Array.from({ length: 1000 }, (_, i) => i);
    expect(at(0.001, thousand)).toBe(998);
    expect(at(0.0009999, thousand)).toBe(999);
    // Every percentage and permille, against integers.
    for (let i = 0; i <= 1000; i++) {
      const threshold = i === 1000 ? Number.NEGATIVE_INFINITY : 999 - i;
      expect(at(Number(`${i}e-3`), thousand)).toBe(threshold);
    }
  });

  it('thins the ROC by the logarithm of false accepts', () => {
    const impostors = Array.from({ length: 1000 }, (_, i) => i);
    const { roc } = evaluate([999.5, 994.5, 500.5, -1], impostors, { rocPoints: 5 });
    // None, 1, 10, 100 (1000^(1/3), 1000^(2/3)) and all of them.
    expect([...roc!.far]).toEqual([0, 0.001, 0.01, 0.1, 1]);
    expect([...roc!.threshold]).toEqual([999, 998, 989, 899, Number.NEGATIVE_INFINITY]);
    expect([...roc!.tar]).toEqual([0.25, 0.25, 0.5, 0.5, 1]);
    expect(evaluate([1], [0, 2], { rocPoints: 100 }).roc!.far).toHaveLength(3); // no point twice
    expect(evaluate([1], [0]).roc).toBeUndefined();
  });
});

/** Few different scores, so that most are equal to others. */
const score = fc.oneof(fc.integer({ min: -6, max: 6 }), fc.constantFrom(Infinity, -Infinity, -0));
const scores = fc.array(score, { minLength: 1, maxLength: 40 });
/** The threshold −∞ accepts all but −∞, the curve's last point all. */
const aboveNone = scores.map((list) => list.map((s) => Math.max(s, -9)));
const rates = fc.array(fc.integer({ min: 0, max: 64 }), { minLength: 1, maxLength: 5 });

/** scikit-learn's `roc_curve` in so many words: rates at every distinct score, differences of differences, a start. */
function rocCurve(genuine: readonly number[], impostor: readonly number[]) {
  const distinct = [...new Set([...genuine, ...impostor].map((s) => s + 0))].sort((a, b) => (a < b ? 1 : -1));
  const points = distinct.map((s) => ({
    tp: genuine.filter((g) => g >= s).length,
    fp: impostor.filter((i) => i >= s).length,
  }));
  const kept = points.filter((point, at) => {
    const [before, after] = [points[at - 1], points[at + 1]];
    if (!before || !after) return true;
    return after.fp - 2 * point.fp + before.fp !== 0 || after.tp - 2 * point.tp + before.tp !== 0;
  });
  return [{ tp: 0, fp: 0 }, ...kept].map(({ tp, fp }) => ({ tpr: tp / genuine.length, fpr: fp / impostor.length }));
}

describe('against counting everything', () => {
  it('TAR at FAR, strict: the best threshold among all that exceeds no rate', () => {
    fc.assert(
      fc.property(scores, scores, rates, (genuine, impostor, sixtyFourths) => {
        const falseAcceptRates = sixtyFourths.map((n) => n / 64);
        const { tarAtFar } = evaluate(genuine, impostor, { falseAcceptRates });
        for (const [at, { tar, threshold, reachedFar }] of tarAtFar.entries()) {
          const shareAbove = (list: readonly number[], t: number) => list.filter((s) => s > t).length / list.length;
          const allowed = [...impostor, -Infinity].filter((t) => shareAbove(impostor, t) <= falseAcceptRates[at]);
          expect(tar).toBe(Math.max(...allowed.map((t) => shareAbove(genuine, t))));
          expect(tar).toBe(shareAbove(genuine, threshold));
          expect(reachedFar).toBe(shareAbove(impostor, threshold));
        }
      }),
    );
  });

  it('TAR at FAR, nearest: the last of the nearest points of the whole curve', () => {
    fc.assert(
      fc.property(aboveNone, aboveNone, rates, (genuine, impostor, sixtyFourths) => {
        const falseAcceptRates = sixtyFourths.map((n) => n / 64);
        const { tarAtFar } = evaluate(genuine, impostor, { falseAcceptRates, rule: 'nearest' });
        const curve = rocCurve(genuine, impostor).reverse();
        for (const { far, tar, threshold, reachedFar } of tarAtFar) {
          const distances = curve.map(({ fpr }) => Math.abs(fpr - far));
          const nearest = curve[distances.indexOf(Math.min(...distances))];
          expect({ tar, reachedFar }).toEqual({ tar: nearest.tpr, reachedFar: nearest.fpr });
          expect(genuine.filter((s) => s > threshold).length / genuine.length).toBe(tar);
        }
      }),
    );
  });

  it('the area is the share of couples in order', () => {
    fc.assert(
      fc.property(scores, scores, (genuine, impostor) => {
        let twice = 0;
        for (const g of genuine) for (const i of impostor) twice += g > i ? 2 : g === i ? 1 : 0;
        expect(evaluate(genuine, impostor).auc).toBe(twice / (2 * genuine.length * impostor.length));
      }),
    );
  });

  it('the equal error rate lies between the best threshold’s worse rate and every threshold’s better one', () => {
    fc.assert(
      fc.property(scores, scores, (genuine, impostor) => {
        const { equalErrorRate } = evaluate(genuine, impostor);
        const curve = rocCurve(genuine, impostor).map(({ tpr, fpr }) => [fpr, 1 - tpr]);
        // 1 − tpr is off by 2⁻⁵³, and the crossing by a few such roundings of numbers up to 1.
        const rounding = 8 * 2 ** -53;
        expect(equalErrorRate).toBeLessThanOrEqual(Math.min(...curve.map((rates) => Math.max(...rates))) + rounding);
        expect(equalErrorRate).toBeGreaterThanOrEqual(Math.max(...curve.map((rates) => Math.min(...rates))) - rounding);
      }),
    );
  });

  it('it is the same seen from the other side: impostors as genuine, negated', () => {
    fc.assert(
      fc.property(scores, scores, (genuine, impostor) => {
        const other = evaluate(
          impostor.map((s) => -s),
          genuine.map((s) => -s),
        );
        expect(evaluate(genuine, impostor).equalErrorRate).toBeCloseTo(other.equalErrorRate, 14);
        expect(evaluate(genuine, impostor).auc).toBe(other.auc);
      }),
    );
  });
});

describe('limits', () => {
  it('needs pairs of either kind', () => {
    const none = errorOf(() => evaluateVerification(float32([1, 2]), [true, true]));
    expect([none.code, none.message]).toEqual([
      'ERR_CIRCLE_SHAPE',
      'same must be false of at least one pair; received none of 2. Add pairs of two identities: without them every threshold is right.',
    ]);
    expect(errorOf(() => evaluateVerification(float32([1, 2]), [false, false])).message).toBe(
      'same must be true of at least one pair; received none of 2. Add pairs of one identity: without them there is nothing to accept.',
    );
    expect(errorOf(() => evaluateVerification(float32([]), [])).code).toBe('ERR_CIRCLE_SHAPE');
  });

  it('takes one of each, and all equal', () => {
    expect(evaluate([0.5], [0.5])).toMatchObject({ genuine: 1, impostor: 1, auc: 0.5, equalErrorRate: 0.5 });
    expect(evaluate([0.5], [0.5]).tarAtFar.map(({ far, tar }) => [far, tar])).toEqual(
      [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6].map((far) => [far, 0]),
    );
  });

  it.each<[string, () => unknown, string, string]>([
    [
      'NaN',
      () => evaluate([1, Number.NaN], [0]),
      'ERR_CIRCLE_NOT_FINITE',
      'similarities[1] must be a number; received NaN.',
    ],
    [
      'lengths',
      () => evaluateVerification(float32([1, 2]), [true]),
      'ERR_CIRCLE_SHAPE',
      'same must be as long as similarities, 2; received 1.',
    ],
    [
      'an array',
      () => evaluateVerification([1] as never, [true]),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'similarities must be a Float32Array',
    ],
    [
      'a byte',
      () => evaluateVerification(float32([1, 2]), Uint8Array.of(1, 2)),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'same[1] must be 0 or 1; received 2.',
    ],
    [
      'a number',
      () => evaluateVerification(float32([1, 2]), [1, 0] as never),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'same[0] must be true or false; received 1.',
    ],
    [
      'labels',
      () => evaluateVerification(float32([1, 2]), Int32Array.of(1, 0) as never),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'same must be a Uint8Array or an array of booleans; received Int32Array(2).',
    ],
    [
      'a rate',
      () => evaluate([1], [0], { falseAcceptRates: [0.1, 2] }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.falseAcceptRates.1 must be a number from 0 to 1; received 2.',
    ],
    [
      'no rate',
      () => evaluate([1], [0], { falseAcceptRates: [] }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.falseAcceptRates must be an array',
    ],
    [
      'a rule',
      () => evaluate([1], [0], { rule: 'lax' }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      "options.rule must be 'strict' or 'nearest'; received 'lax'.",
    ],
    [
      'a typo',
      () => evaluate([1], [0], { falseAcceptRate: [0.1] }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      "Did you mean 'falseAcceptRates'?",
    ],
    [
      'two points',
      () => evaluate([1], [0], { rocPoints: 2 }),
      'ERR_CIRCLE_INVALID_ARGUMENT',
      'options.rocPoints must be an integer from 3; received 2.',
    ],
  ])('refuses %s', (_, call, code, message) => {
    const error = errorOf(call);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  it('refuses a transferred array', () => {
    const similarities = float32([1, 2]);
    structuredClone(similarities, { transfer: [similarities.buffer] });
    expect(errorOf(() => evaluateVerification(similarities, [true, false])).code).toBe('ERR_CIRCLE_DETACHED');
  });

  it('refuses transferred bytes, also where nothing is left of either', () => {
    const same = Uint8Array.of(1, 0);
    structuredClone(same, { transfer: [same.buffer] });
    const error = errorOf(() => evaluateVerification(float32([]), same));
    expect([error.code, error.message.split(' ')[0]]).toEqual(['ERR_CIRCLE_DETACHED', 'same']);
  });

  it('leaves the arguments as they are', () => {
    const similarities = float32([0.5, 0.1, 0.9, 0.3]);
    evaluateVerification(similarities, Uint8Array.of(0, 1, 1, 0));
    expect(similarities).toEqual(float32([0.5, 0.1, 0.9, 0.3]));
  });

  /**
   * 2,000,000 pairs in a heap of 64 MiB: typed arrays are outside it; one object a pair, of 40 bytes, would not fit.
   * Impostors are 0 … I − 1 in another order, genuine ones halves between them, so that all rates are known.
   */
  it('takes two million pairs without an object for each', () => {
    const program = fileURLToPath(new URL('programs/pairs.ts', import.meta.url));
    const arguments_ = ['--max-old-space-size=64', '--import', 'tsx', program];
    const { stdout, stderr } = spawnSync(process.execPath, arguments_, { encoding: 'utf8' });
    expect(stderr).toBe('');
    const { impostors, evaluation, nearest, folds } = JSON.parse(stdout);
    // Genuine m, of 1000, is m · 1999 + .5 and greater than m · 1999 + 1 impostors.
    let inOrder = 0;
    for (let m = 0; m < 1000; m++) inOrder += m * 1999 + 1;
    expect(evaluation.auc).toBe(inOrder / (1000 * impostors));
    // At FAR 1e-2 19990 impostors pass, those from 1979010 on: above 1979009. So does m · 1999 + .5 from m = 990 on (1979010.5).
    expect(evaluation.tarAtFar[1]).toEqual({ far: 0.01, tar: 0.01, threshold: 1979009, reachedFar: 0.01 });
    // The ROC has corners at genuine scores only: m = 990 has 19989 impostors above it, m = 989 has 21988.
    expect(nearest[1]).toEqual({ far: 0.01, tar: 0.01, threshold: 1979010, reachedFar: 19989 / impostors });
    // Nothing beats accepting nothing of the other fold: 500 of a million pairs wrong, and an impostor above its greatest.
    expect(folds.accuracy).toBeGreaterThanOrEqual(1 - 501 / 1e6);
    expect(folds.accuracy).toBeLessThanOrEqual(1 - 500 / 1e6);
  });
});
