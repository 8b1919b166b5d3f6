/** The vector exponential of each instruction set, number by number: bounds of whole losses would let a wrong digit through. */
import { describe, expect, it } from 'vitest';
import { loadCpu } from '../lib/load-native.ts';

const { module } = loadCpu();

const smallestNormal = 2 ** -126;

/** Distance from the exact value in units of its last float32 digit. */
const ulps = (found: number, exact: number) => Math.abs(found - exact) / 2 ** (Math.floor(Math.log2(exact)) - 23);

/**
 * Rounding, in units of 2⁻²⁴ of a fraction eʳ from √½ to √2: the result ½ ulp; r by 2⁻²⁶, and 1 + (r + r²q) is off by as
 * much times eʳ; r + r²q, below ½ in size, by 2⁻²⁶; r²q, below 1/16, by three roundings of its size, 3/16 · ½; the
 * polynomial by 3.1e-9. Below 1, where an ulp is 2⁻²⁴, that is 0.5 + 0.25 + 0.25 + 0.1 + 0.05 = 1.15; above 1 it is less.
 */
const bound = 1.15;

describe.each(module?.variants ?? [])('e^x on %s (needs the native engine)', (variant) => {
  const exponential = (values: Float32Array) => {
    const out = new Float32Array(values.length);
    module!.exponential(variant, values, out);
    return out;
  };

  it('is right to the last digit or so, from the smallest normal number to e^88', () => {
    const count = 2 ** 20;
    const spread = Float32Array.from({ length: count }, (_, i) => -87.33654 + (i / (count - 1)) * (88 + 87.33654));
    const tiny = Float32Array.from({ length: 2 ** 12 }, (_, i) => (i % 2 === 0 ? -1 : 1) * 2 ** (-i / 40));
    for (const values of [spread, tiny]) {
      const found = exponential(values);
      let worst = 0;
      let signed = 0;
      for (const [i, x] of values.entries()) {
        const exact = Math.exp(x);
        worst = Math.max(worst, ulps(found[i], exact));
        signed += (found[i] - exact) / exact;
      }
      expect(worst).toBeLessThanOrEqual(bound);
      // Rounding has no direction and leaves the mean of many; the polynomial's 3.1e-9, 0.052 of 2⁻²⁴, may have one.
      expect(Math.abs(signed) / values.length).toBeLessThan(2 ** -24 / 10);
    }
  });

  it('is 0 below the smallest normal number, and exact where it can be', () => {
    const edge = Math.log(smallestNormal);
    const near = Float32Array.from({ length: 64 }, (_, i) => edge + (i - 32) * 2 ** -17);
    const expected = Array.from(near, (x) => Math.exp(x) >= smallestNormal);
    expect(new Set(expected).size).toBe(2);
    const found = exponential(near);
    expect(Array.from(found, (value) => value >= smallestNormal)).toEqual(expected);
    expect(Array.from(found, (value) => value === 0)).toEqual(expected.map((isNormal) => !isNormal));
    expect(Array.from(exponential(Float32Array.of(0, -0, -100, -1e6, -3.4e38, -Infinity)))).toEqual([1, 1, 0, 0, 0, 0]);
  });

  it('leaves NaN as it is, in every lane and beside numbers', () => {
    for (let lane = 0; lane < 37; lane++) {
      const values = new Float32Array(37);
      values[lane] = Number.NaN;
      expect(Array.from(exponential(values), Number.isNaN)).toEqual(Array.from(values, Number.isNaN));
    }
  });
});
