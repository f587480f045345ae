/**
 * NumPy's legacy binomial sampler, bit for bit: inversion when n min(p, 1-p) <= 30, else Kachitvichyanukul & Schmeiser's BTPE (1988)
 * with the Stirling tail as NumPy 1.x has it. One Bernoulli draw uses one double, p = 0 included (numpy/numpy#14578).
 * Must not know arrays or graphs. Next: legacy.ts and random_state.ts.
 */
import { fail } from "../util/fail.js";
import { logExact } from "./log.js";
import { fillDoubles, type MtState, nextDouble } from "./mt19937.js";

/** One value for all elements, or one per element. */
export type Param = number | Float64Array | Float32Array | Int32Array;

type Sampler = (state: MtState) => number;

/**
 * exp(n log q): Math.exp's last bit is the engine's, but it is only compared with doubles on a 2^-53 grid, so two engines
 * disagree once in about 10^15 draws.
 */
const powerOf = (q: number, n: number): number => Math.exp(n * logExact(q));

function inversion(n: number, p: number): Sampler {
  const q = 1 - p;
  const qn = powerOf(q, n);
  const np = n * p;
  const bound = Math.trunc(Math.min(n, np + 10 * Math.sqrt(np * q + 1)));
  return (state) => {
    let x = 0;
    let px = qn;
    let u = nextDouble(state);
    while (u > px) {
      x++;
      if (x > bound) {
        x = 0;
        px = qn;
        u = nextDouble(state);
      } else {
        u -= px;
        px = ((n - x + 1) * p * px) / (x * q);
      }
    }
    return x;
  };
}

/** The paper's constants for one (n, p), p <= 1/2: the four regions of the hat end at p1 … p4. */
interface Btpe {
  readonly n: number; readonly p: number; readonly q: number; readonly m: number; readonly xm: number; readonly xl: number; readonly xr: number;
  readonly c: number; readonly laml: number; readonly lamr: number; readonly p1: number; readonly p2: number; readonly p3: number; readonly p4: number;
}

function btpeConstants(n: number, p: number): Btpe {
  const q = 1 - p;
  const fm = n * p + p;
  const m = Math.floor(fm);
  const p1 = Math.floor(2.195 * Math.sqrt(n * p * q) - 4.6 * q) + 0.5;
  const xm = m + 0.5;
  const xl = xm - p1;
  const xr = xm + p1;
  const c = 0.134 + 20.5 / (15.3 + m);
  const left = (fm - xl) / (fm - xl * p);
  const laml = left * (1 + left / 2);
  const right = (xr - fm) / (xr * q);
  const lamr = right * (1 + right / 2);
  const p2 = p1 * (1 + 2 * c);
  const p3 = p2 + c / laml;
  const p4 = p3 + c / lamr;
  return { n, p, q, m, xm, xl, xr, c, laml, lamr, p1, p2, p3, p4 };
}

/** A point under the hat: the value y and the height v; `sure` in the triangle, where no test is needed; undefined is a rejection. */
function btpeProposal(b: Btpe, state: MtState): { y: number; v: number; sure: boolean } | undefined {
  const u = nextDouble(state) * b.p4;
  let v = nextDouble(state);
  if (u <= b.p1) return { y: Math.floor(b.xm - b.p1 * v + u), v, sure: true };
  if (u <= b.p2) {
    const x = b.xl + (u - b.p1) / b.c;
    v = v * b.c + 1 - Math.abs(b.m - x + 0.5) / b.p1;
    return v > 1 ? undefined : { y: Math.floor(x), v, sure: false };
  }
  if (u <= b.p3) {
    const y = Math.floor(b.xl + logExact(v) / b.laml);
    return y < 0 || v === 0 ? undefined : { y, v: v * (u - b.p2) * b.laml, sure: false };
  }
  const y = Math.floor(b.xr - logExact(v) / b.lamr);
  return y > b.n || v === 0 ? undefined : { y, v: v * (u - b.p3) * b.lamr, sure: false };
}

/** The Stirling correction of log x! in the acceptance test; 13680 (for 13860) and the common sign are NumPy 1.x's. */
const stirling = (x: number): number => {
  const x2 = x * x;
  return (13680 - (462 - (132 - (99 - 140 / x2) / x2) / x2) / x2) / x / 166320;
};

function btpeAccepts(b: Btpe, y: number, v: number): boolean {
  const { n, p, q, m } = b;
  const nrq = n * p * q;
  const k = Math.abs(y - m);
  if (k <= 20 || k >= nrq / 2 - 1) {
    const s = p / q;
    const a = s * (n + 1);
    let f = 1;
    for (let i = m + 1; i <= y; i++) f *= a / i - s;
    for (let i = y + 1; i <= m; i++) f /= a / i - s;
    return v <= f;
  }
  const rho = (k / nrq) * ((k * (k / 3 + 0.625) + 0.16666666666666666) / nrq + 0.5);
  const t = (-k * k) / (2 * nrq);
  const a = logExact(v);
  if (a < t - rho) return true;
  if (a > t + rho) return false;
  const x1 = y + 1;
  const f1 = m + 1;
  const z = n + 1 - m;
  const w = n - y + 1;
  const bound = b.xm * logExact(f1 / x1) + (n - m + 0.5) * logExact(z / w) + (y - m) * logExact((w * p) / (x1 * q))
    + stirling(f1) + stirling(z) + stirling(x1) + stirling(w);
  return a <= bound;
}

function btpe(n: number, p: number): Sampler {
  const b = btpeConstants(n, p);
  return (state) => {
    for (;;) {
      const at = btpeProposal(b, state);
      if (at !== undefined && (at.sure || btpeAccepts(b, at.y, at.v))) return at.y;
    }
  };
}

/** The sampler of (n, p); p is not checked, since multinomial's conditional probabilities may leave [0, 1] by rounding. */
export function binomialSampler(n: number, p: number): Sampler {
  if (p <= 0.5) return p * n <= 30 ? inversion(n, p) : btpe(n, p);
  const q = 1 - p;
  const few = q * n > 30 ? btpe(n, q) : inversion(n, q);
  return (state) => n - few(state);
}

/** What one uniform decides for n = 1: 0, 1, or -1 when the sampler must draw again. */
function bernoulliExact(u: number, p: number): number {
  const small = p <= 0.5 ? p : 1 - p;
  const q = 1 - small;
  const qn = powerOf(q, 1);
  const hit = u > qn ? 1 : 0;
  if (hit === 1 && u - qn > (small * qn) / q) return -1;
  return p <= 0.5 ? hit : 1 - hit;
}

/** |exp(log q) - q| stays below this for q <= 1, so uniforms further from q than it need no logarithm. */
const NEAR = 1e-15;

function bernoulli(u: number, p: number): number {
  const small = p <= 0.5 ? p : 1 - p;
  const q = 1 - small;
  if (u < q - NEAR) return p <= 0.5 ? 0 : 1;
  if (u > q + NEAR && u < 1 - 4 * NEAR) return p <= 0.5 ? 1 : 0;
  return bernoulliExact(u, p);
}

function badProbability(p: number): never {
  fail("value", "binomial-p", { what: `binomial needs probabilities between 0 and 1, got ${p}.`, fix: "check the values that reach p; NaN means that training diverged" });
}

const at = (x: Param, i: number): number => (typeof x === "number" ? x : (x[i] as number));

/** Uniforms drawn ahead; never more than elements are left, so none is drawn in vain. */
const BLOCK = 4096;

function fillBernoulli(state: MtState, p: Param, out: Int32Array): void {
  const block = new Float64Array(Math.min(BLOCK, out.length));
  let done = 0;
  while (done < out.length) {
    const us = out.length - done < block.length ? block.subarray(0, out.length - done) : block;
    fillDoubles(state, us);
    for (let k = 0; k < us.length; k++) {
      const pi = at(p, done);
      if (!(pi >= 0 && pi <= 1)) badProbability(pi);
      const x = bernoulli(us[k] as number, pi);
      if (x < 0) continue;
      out[done++] = x;
    }
  }
}

/**
 * Fills `out` as `RandomState.binomial(n, p, size)` does, element by element in row-major order; advances `state`.
 * `n` and `p` are single values or hold one value per element of `out`. Throws `binomial-p`, `binomial-n`.
 */
export function fillBinomial(state: MtState, n: Param, p: Param, out: Int32Array): Int32Array {
  if (n === 1) {
    fillBernoulli(state, p, out);
    return out;
  }
  let lastN = Number.NaN;
  let lastP = Number.NaN;
  let sampler: Sampler | undefined;
  for (let i = 0; i < out.length; i++) {
    const ni = at(n, i);
    const pi = at(p, i);
    if (!(pi >= 0 && pi <= 1)) badProbability(pi);
    if (!Number.isInteger(ni) || ni < 0) fail("value", "binomial-n", { what: `binomial needs a number of trials that is an integer >= 0, got ${ni}.`, fix: "pass n >= 0" });
    if (sampler === undefined || ni !== lastN || pi !== lastP) sampler = binomialSampler(ni, pi);
    lastN = ni;
    lastP = pi;
    out[i] = sampler(state);
  }
  return out;
}
