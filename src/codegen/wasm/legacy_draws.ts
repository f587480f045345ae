/**
 * Draws of NumPy's legacy RandomState over MT19937, as src/random/legacy.ts and binomial.ts have them: integers by masked rejection, shuffles,
 * the binomial by inversion, and uniforms handed in blocks to whoever writes samples. Must not know routines. Used by routines.ts.
 */
import { byteSize, type DType } from "../ir/dtype.js";
import { convert, literal, settle } from "./convert.js";
import { partType, type Value } from "./lanes.js";
import { laneLoops } from "./loops.js";
import { storeFour, storeOne } from "./memory_access.js";
import { add, call, Func, i32, lesser, times } from "./wat.js";

/** Where samples are drawn: texts of addresses, in variables. */
export interface Site {
  readonly fn: Func;
  /** The state, which the draw advances. */
  readonly state: string;
  readonly out: string;
  /** Memory for the draw itself. */
  readonly own: string;
  readonly dtype: DType;
  readonly simd: boolean;
}

/** Uniforms drawn ahead of what is made of them. */
const BLOCK = 1024;
export const BLOCK_BYTES = BLOCK * 8;

/** Hands each of the next `count` doubles, with the number of the first of them, to `write`. */
export function eachUniform({ fn, state, own, simd }: Site, count: number, write: (place: string, u: Value) => void): void {
  fn.loop(i32(0), i32(count), BLOCK, (start) => {
    const left = fn.let("i32", `(i32.sub ${i32(count)} ${start})`, "left");
    const n = fn.let("i32", lesser(left, i32(BLOCK)), "n");
    fn.line(call("$mt_fill", state, own, n));
    const at = (i: string, lanes: 1 | 4): void => {
      const from = fn.let("i32", add(own, times(i, 8)), "p");
      const type = partType("float64", lanes);
      const parts = (lanes === 4 ? [0, 16] : [0]).map((offset) => fn.let(type, `(${type}.load offset=${offset} ${from})`, "u"));
      write(fn.let("i32", add(start, i), "i"), { dtype: "float64", lanes, parts });
    };
    if (simd) laneLoops(fn, i32(0), n, false, at);
    else fn.loop(i32(0), n, 1, (i) => at(i, 1));
  });
}

/** Stores samples `rest` elements after a place. */
export function storeSamples({ fn, out, dtype }: Site, place: string, v: Value, rest = 0): void {
  const made = settle(fn, convert(fn, v, dtype));
  const address = { text: add(out, times(place, byteSize(dtype))), offset: rest * byteSize(dtype) };
  if (made.lanes === 4) storeFour(fn, address, 1, made);
  else storeOne(fn, address, made);
}

/** float64 arithmetic on a part of a value. */
export const float64 = (lanes: 1 | 4) => ({
  constant: (x: number): string => (lanes === 4 ? `(v128.const f64x2 ${literal(x)} ${literal(x)})` : `(f64.const ${literal(x)})`),
  operation: (name: string, a: string, b: string): string => `(${lanes === 4 ? "f64x2" : "f64"}.${name} ${a} ${b})`,
});

/** Bits of a float64 below the last place of a float32. */
const EXCESS = 0x1fffffff;

/** The float32 next to numbers of [0, 1], none between 0 and 2^-126, that is not above (-1) or not below (1), as float64. */
export function float32Beside(fn: Func, v: Value, side: -1 | 1): Value {
  const { lanes } = v;
  const bits = (x: number): string => (lanes === 4 ? `(v128.const i64x2 ${x} ${x})` : `(i64.const ${x})`);
  const parts = v.parts.map((x) => {
    const whole = lanes === 4 ? x : `(i64.reinterpret_f64 ${x})`;
    const raised = side < 0 ? whole : `(${lanes === 4 ? "i64x2" : "i64"}.add ${whole} ${bits(EXCESS)})`;
    const cut = `(${lanes === 4 ? "v128" : "i64"}.and ${raised} ${bits(~EXCESS)})`;
    return fn.let(partType("float64", lanes), lanes === 4 ? cut : `(f64.reinterpret_i64 ${cut})`, "f");
  });
  return { ...v, parts };
}

/** `$mt_interval(state, max)`: an integer of 0 … max, both unsigned, from the words whose low bits are no larger; max 0 takes none. */
const interval = `(func $mt_interval (param $s i32) (param $max i32) (result i32)
  (local $mask i32) (local $x i32)
  (if (i32.eqz (local.get $max)) (then (return (i32.const 0))))
  (local.set $mask (i32.shr_u (i32.const -1) (i32.clz (local.get $max))))
  (loop $again
    (local.set $x (i32.and (call $mt_word (local.get $s)) (local.get $mask)))
    (br_if $again (i32.gt_u (local.get $x) (local.get $max))))
  (local.get $x)
)`;

/** `$mt_order(state, out, n)`: a random order of 0 … n-1, by Fisher and Yates from the last down. */
function order(): string {
  const [s, out, n] = ["(local.get $s)", "(local.get $out)", "(local.get $n)"];
  const fn = new Func("$mt_order", ["$s", "$out", "$n"].map((name) => ({ name, type: "i32" })));
  fn.loop(i32(0), n, 1, (i) => fn.line(`(i32.store ${add(out, times(i, 4))} ${i})`));
  fn.loop(i32(1), n, 1, (k) => {
    const last = fn.let("i32", `(i32.sub ${n} ${k})`, "last");
    const a = fn.let("i32", add(out, times(last, 4)), "a");
    const b = fn.let("i32", add(out, times(call("$mt_interval", s, last), 4)), "b");
    const kept = fn.let("i32", `(i32.load ${a})`, "kept");
    fn.line(`(i32.store ${a} (i32.load ${b}))`);
    fn.line(`(i32.store ${b} ${kept})`);
  });
  return fn.text();
}

/** `$mt_inversion(state, n, p, q, qn, bound)`: successes in n trials by adding probabilities, q = 1 - p and qn = q^n; starts anew above bound. */
const inversion = `(func $mt_inversion (param $s i32) (param $n f64) (param $p f64) (param $q f64) (param $qn f64) (param $bound f64) (result f64)
  (local $x f64) (local $px f64) (local $u f64)
  (local.set $px (local.get $qn))
  (local.set $u (call $mt_double (local.get $s)))
  (block $done (loop $more
    (br_if $done (f64.le (local.get $u) (local.get $px)))
    (local.set $x (f64.add (local.get $x) (f64.const 1)))
    (if (f64.gt (local.get $x) (local.get $bound))
      (then
        (local.set $x (f64.const 0))
        (local.set $px (local.get $qn))
        (local.set $u (call $mt_double (local.get $s))))
      (else
        (local.set $u (f64.sub (local.get $u) (local.get $px)))
        (local.set $px (f64.div
          (f64.mul (f64.mul (f64.add (f64.sub (local.get $n) (local.get $x)) (f64.const 1)) (local.get $p)) (local.get $px))
          (f64.mul (local.get $x) (local.get $q))))))
    (br $more)))
  (local.get $x)
)`;

/** The functions above by name; they call those of mt19937.ts. */
export const drawFunctions: ReadonlyMap<string, string> = new Map([["$mt_interval", interval], ["$mt_order", order()], ["$mt_inversion", inversion]]);
