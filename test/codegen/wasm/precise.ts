/**
 * The elementary functions of a float64 to 300 bits, in BigInt fixed point by their series: the truth that float64 polynomials are measured against.
 * Numbers are integers in units of 2^-P.
 */
const P = 400n;
const ONE = 1n << P;

/** x = value * 2^-scale; results far from 1 keep their leading digits so. */
export interface Precise { readonly value: bigint; readonly scale: number }

const view = new DataView(new ArrayBuffer(8));

/** x * 2^scale as an integer; what does not fit is cut. */
function scaled(x: number, scale: number): bigint {
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const field = Number((bits >> 52n) & 2047n);
  const fraction = bits & ((1n << 52n) - 1n);
  const size = field === 0 ? fraction : fraction | (1n << 52n);
  const shift = BigInt(Math.max(field, 1) - 1075 + scale);
  const all = shift >= 0n ? size << shift : size >> -shift;
  return bits >> 63n ? -all : all;
}

const fixed = (x: number): bigint => scaled(x, Number(P));
const mul = (a: bigint, b: bigint): bigint => (a * b) >> P;
const div = (a: bigint, b: bigint): bigint => (a << P) / b;
const size = (a: bigint): bigint => (a < 0n ? -a : a);

function root(a: bigint): bigint {
  const n = a << P;
  let r = 1n << BigInt(Math.ceil(n.toString(2).length / 2) + 1);
  for (;;) {
    const next = (r + n / r) >> 1n;
    if (next >= r) return r;
    r = next;
  }
}

/** Sum of terms t0, t0 * step(1), … until they vanish. */
function series(first: bigint, step: (term: bigint, n: bigint) => bigint, weight: (term: bigint, n: bigint) => bigint = (t) => t): bigint {
  let sum = weight(first, 0n);
  let term = first;
  for (let n = 1n; term !== 0n && term !== -1n; n++) {
    term = step(term, n);
    sum += weight(term, n);
  }
  return sum;
}

/** atan by its series, after halving the angle until it is small. */
function atan(t: bigint): bigint {
  if (size(t) > ONE >> 3n) return 2n * atan(div(t, ONE + root(ONE + mul(t, t))));
  const square = mul(t, t);
  return series(t, (term) => -mul(term, square), (term, n) => term / (2n * n + 1n));
}

const PI = 4n * atan(ONE);

/** 2 atanh((m - 1) / (m + 1)). */
function logNearOne(m: bigint): bigint {
  const s = div(m - ONE, m + ONE);
  const square = mul(s, s);
  return 2n * series(s, (term) => mul(term, square), (term, n) => term / (2n * n + 1n));
}

const LN2 = logNearOne(2n * ONE);

function log(a: bigint): bigint {
  const k = BigInt(a.toString(2).length) - P;
  return k * LN2 + logNearOne(k >= 0n ? a >> k : a << -k);
}

const expSmall = (r: bigint): bigint => series(ONE, (term, n) => mul(term, r) / n);

function exp(a: bigint): Precise {
  const k = (a + LN2 / 2n) / LN2 - (a < 0n ? 1n : 0n);
  return { value: expSmall(a - k * LN2), scale: Number(P - k) };
}

const plain = (value: bigint): Precise => ({ value, scale: Number(P) });
const flat = ({ value, scale }: Precise): bigint => {
  const up = P - BigInt(scale);
  return up >= 0n ? value << up : value >> -up;
};

/** sin of x + quarter turns. Arguments are cut to the turn in whole numbers of pi / 2 with 1100 more bits. */
function sine(x: number, quarters: bigint): bigint {
  const more = 1100n;
  const half = WIDE_PI >> 1n;
  const a = scaled(x, Number(P + more));
  const n = (2n * a + half) / (2n * half) - (a < 0n ? 1n : 0n);
  const r = (a - n * half) >> more;
  const square = mul(r, r);
  const turn = (((n + quarters) % 4n) + 4n) % 4n;
  const first = turn % 2n === 0n ? r : ONE;
  const value = series(first, (term, i) => -mul(term, square) / (turn % 2n === 0n ? 2n * i * (2n * i + 1n) : 2n * i * (2n * i - 1n)));
  return turn >= 2n ? -value : value;
}

/** pi to 1500 bits, by Machin's formula. */
const WIDE_PI = ((): bigint => {
  const one = ONE << 1100n;
  const arc = (inverse: bigint): bigint => {
    let [term, sum] = [one / inverse, 0n];
    for (let n = 1n; term !== 0n; n += 2n) {
      sum += n % 4n === 1n ? term / n : -(term / n);
      term /= inverse * inverse;
    }
    return sum;
  };
  return 4n * (4n * arc(5n) - arc(239n));
})();

function erf(a: bigint): bigint {
  const square = mul(a, a);
  return div(2n * series(a, (term, n) => -mul(term, square) / n, (term, n) => term / (2n * n + 1n)), root(PI));
}

export const PRECISE: Readonly<Record<string, (x: number, y: number) => Precise>> = {
  exp: (x) => exp(fixed(x)),
  log: (x) => { const up = x < 1e-60 ? 1000 : 0; return plain(log(scaled(x, Number(P) + up)) - BigInt(up) * LN2); },
  log1p: (x) => plain(log(ONE + fixed(x))),
  expm1: (x) => (Math.abs(x) < 1 ? plain(expSmall(fixed(x)) - ONE) : x > 0 ? shifted(exp(fixed(x)), -1) : plain(flat(exp(fixed(x))) - ONE)),
  tanh: (x) => { const e = flat(exp(-2n * size(fixed(x)))); return plain((x < 0 ? -1n : 1n) * div(ONE - e, ONE + e)); },
  sigmoid: (x) => (x > 0 ? plain(div(ONE, ONE + flat(exp(-fixed(x))))) : quotient(exp(fixed(x)))),
  softplus: (x) => (x > 0 ? plain(fixed(x) + log(ONE + flat(exp(-fixed(x))))) : x < -60 ? exp(fixed(x)) : plain(log(ONE + flat(exp(fixed(x)))))),
  sin: (x) => plain(sine(x, 0n)),
  cos: (x) => plain(sine(x, 1n)),
  tan: (x) => plain(div(sine(x, 0n), sine(x, 1n))),
  atan: (x) => plain(atan(fixed(x))),
  asin: (x) => plain(arcsine(x)),
  acos: (x) => plain(PI / 2n - arcsine(x)),
  erf: (x) => plain(erf(fixed(x))),
  pow: (x, y) => exp((logOf(x) * fixed(y)) >> P),
};

const logOf = (x: number): bigint => flat((PRECISE.log as (x: number, y: number) => Precise)(x, 0));
const arcsine = (x: number): bigint => (Math.abs(x) === 1 ? (BigInt(x) * PI) / 2n : atan(div(fixed(x), root(ONE - mul(fixed(x), fixed(x))))));
/** e + n, in e's units. */
const shifted = ({ value, scale }: Precise, n: number): Precise => ({ value: value + scaled(n, scale), scale });
/** e / (1 + e), in e's units. */
const quotient = ({ value, scale }: Precise): Precise => ({ value: div(value, ONE + flat({ value, scale })), scale });

/** Distance of a float64 from the truth, in units of the truth's last place. */
export function ulps(got: number, { value, scale }: Precise): number {
  const digits = size(value).toString(2).length;
  const exponent = Math.max(digits - scale - 1, -1022);
  const difference = size(scaled(got, scale) - value);
  const shift = scale + exponent - 52;
  return Number((difference << 60n) >> BigInt(shift)) / 2 ** 60;
}
