/** Numbers with 256 binary digits after the point, as integers: what double precision is held against. */

export const digits = 256n;
export const one = 1n << digits;

export const multiply = (a: bigint, b: bigint) => (a * b) >> digits;
export const divide = (a: bigint, b: bigint) => (a << digits) / b;
export const atLeast = (a: bigint, least: bigint) => (a > least ? a : least);

const bits = new DataView(new ArrayBuffer(8));

/** x · 2^shift, exactly where that is an integer. */
export function scaled(x: number, shift: bigint): bigint {
  bits.setFloat64(0, Math.abs(x));
  const word = bits.getBigUint64(0);
  const exponent = word >> 52n;
  const fraction = word & ((1n << 52n) - 1n);
  const mantissa = exponent === 0n ? fraction : fraction | (1n << 52n);
  const by = (exponent === 0n ? 1n : exponent) - 1075n + shift;
  const value = by >= 0n ? mantissa << by : mantissa >> -by;
  return x < 0 ? -value : value;
}

export const fixed = (x: number) => scaled(x, digits);

export const toNumber = (x: bigint) => Number(x) * 2 ** -Number(digits);

/** ⌊√x⌋ of an integer, by Newton's method from above. */
export function integerRoot(x: bigint): bigint {
  if (x === 0n) return 0n;
  let root = 1n << BigInt((x.toString(16).length * 4) / 2 + 1);
  for (;;) {
    const next = (root + x / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export const squareRoot = (x: bigint) => integerRoot(x << digits);

/** Σ term, each made from the one before, until they vanish. */
function series(first: bigint, next: (term: bigint, index: bigint) => bigint): bigint {
  let sum = 0n;
  for (let [term, index] = [first, 1n]; term !== 0n && term !== -1n; index++) {
    sum += term;
    term = next(term, index);
  }
  return sum;
}

/** 2 artanh ⅓ = 2 Σ 3^−(2k+1) / (2k+1). */
const ln2 = (() => {
  let sum = 0n;
  for (let [power, k] = [one / 3n, 1n]; power > 0n; power /= 9n, k += 2n) sum += power / k;
  return 2n * sum;
})();

const halvings = 8n;

/** eˣ = 2^−k e^r, and e^r by its series at r / 2⁸. */
export function exponential(x: bigint): bigint {
  const k = -x / ln2 + 1n;
  const r = x + k * ln2;
  let power = series(one, (term, n) => multiply(term, r >> halvings) / n);
  for (let i = 0n; i < halvings; i++) power = multiply(power, power);
  return power >> k;
}

/** log x of x ≥ 1, by Newton's method on eʸ = x: each step doubles the digits, of which a double has 53. */
export function logarithm(x: bigint): bigint {
  let y = fixed(Math.log(toNumber(x)));
  for (let step = 0; step < 3; step++) y += multiply(x, exponential(-y)) - one;
  return y;
}

export const cosine = (x: bigint) =>
  series(one, (term, n) => -multiply(multiply(term, x), x) / (2n * n * (2n * n - 1n)));
export const sine = (x: bigint) => series(x, (term, n) => -multiply(multiply(term, x), x) / (2n * n * (2n * n + 1n)));
