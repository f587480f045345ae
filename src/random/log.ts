/**
 * Correctly rounded natural logarithm (up to about one case in 10^6), for distributions whose bits must not depend on the engine:
 * JavaScript leaves Math.log's last bit open. Must not know states or distributions.
 * Method: log x = e log 2 + log c + 2 atanh((m - c) / (m + c)), c the nearest multiple of 1/128, in double-double arithmetic.
 */

const STEPS = 128;
/** Bits of the fixed-point constants. */
const BITS = 160n;

/** atanh(p / q) in fixed point, from its power series. */
function atanhFixed(p: bigint, q: bigint): bigint {
  let term = (p << BITS) / q;
  let sum = 0n;
  for (let k = 1n; term !== 0n; k += 2n) {
    sum += term / k;
    term = (term * p * p) / (q * q);
  }
  return sum;
}

/** A fixed-point number as an unevaluated sum hi + lo, `hi` with at most `bits` significant bits. */
function split(x: bigint, bits: number): readonly [number, number] {
  if (x === 0n) return [0, 0];
  const negative = x < 0n;
  const abs = negative ? -x : x;
  const drop = BigInt(Math.max(0, abs.toString(2).length - bits));
  const hi = (abs >> drop) << drop;
  const scale = 2 ** -Number(BITS);
  const sign = negative ? -1 : 1;
  return [sign * Number(hi) * scale, sign * Number(abs - hi) * scale];
}

/** log 2 = 2 atanh(1/3); its high part has room for an 11-bit exponent. */
const [LN2_HI, LN2_LO] = split(2n * atanhFixed(1n, 3n), 40);

/** log(j / 128) for the j that a significand in [1/sqrt 2, sqrt 2) can be near. */
const FIRST = 90;
const LAST = 182;
const LOG_C = Array.from({ length: LAST - FIRST + 1 }, (_, i) => split(2n * atanhFixed(BigInt(FIRST + i - STEPS), BigInt(FIRST + i + STEPS)), 53));

/** Veltkamp's splitting constant for exact products. */
const SPLITTER = 134217729;

/** a - b * c with one rounding error far below an ulp of b * c (Dekker's exact product). */
function residual(a: number, b: number, c: number): number {
  const tb = SPLITTER * b;
  const bh = tb - (tb - b);
  const bl = b - bh;
  const tc = SPLITTER * c;
  const ch = tc - (tc - c);
  const cl = c - ch;
  const product = b * c;
  const error = bl * cl - (product - bh * ch - bl * ch - bh * cl);
  return a - product - error;
}

const view = new DataView(new ArrayBuffer(8));

/** log(x): NaN below zero, -Infinity at zero, as Math.log. */
export function logExact(x: number): number {
  if (!(x > 0) || x === Infinity || x === 1) return Math.log(x);
  const scaled = x < 2.2250738585072014e-308 ? x * 18014398509481984 : x;
  view.setFloat64(0, scaled);
  const high = view.getUint32(0);
  let e = (high >>> 20) - 1023 - (scaled === x ? 0 : 54);
  view.setUint32(0, (high & 0xfffff) | 0x3ff00000);
  let m = view.getFloat64(0);
  if (m >= Math.SQRT2) {
    m /= 2;
    e++;
  }
  const j = Math.round(m * STEPS);
  const c = j / STEPS;
  const top = m - c;
  const sum = m + c;
  const sumLow = m > c ? c - (sum - m) : m - (sum - c);
  const s = top / sum;
  const sLow = (residual(top, s, sum) - s * sumLow) / sum;
  const s2 = s * s;
  const tail = 2 * (sLow + s * (s2 * (1 / 3 + s2 * (1 / 5 + s2 * (1 / 7 + s2 * (1 / 9))))));
  const [cHigh, cLow] = LOG_C[j - FIRST] as readonly [number, number];
  return addAll(e * LN2_HI, cHigh, 2 * s, tail + cLow + e * LN2_LO);
}

/** The rounded sum of terms of falling magnitude: two exact additions, then the errors. */
function addAll(a: number, b: number, c: number, small: number): number {
  const ab = a + b;
  const abBack = ab - a;
  const abErr = a - (ab - abBack) + (b - abBack);
  const abc = ab + c;
  const abcBack = abc - ab;
  const abcErr = ab - (abc - abcBack) + (c - abcBack);
  return abc + (abcErr + (abErr + small));
}
