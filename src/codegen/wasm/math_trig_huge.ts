/**
 * sin, cos and tan of one huge float64, as functions that math_trig.ts calls: the argument times 2/pi, modulo 4, in integers (Payne and Hanek,
 * Radian reduction for trigonometric functions, 1983). Must not know kernels.
 */
import { Machine } from "./machine.js";
import { product, quickSum } from "./math_double.js";
import { atAngle, hugeName, type TrigName } from "./math_trig.js";
import { call, Func, type FunctionText, i32 } from "./wat.js";

/** 2/pi: 1216 bits, as float64 reaches to 2^1024 and 192 bits after that are looked at. */
const TWO_OVER_PI = [
  "a2f9836e4e441529", "fc2757d1f534ddc0", "db6295993c439041", "fe5163abdebbc561", "b7246e3a424dd2e0", "06492eea09d1921c", "fe1deb1cb129a73e",
  "e88235f52ebb4484", "e99c7026b45f7e41", "3991d639835339f4", "9c845f8bbdf9283b", "1ff897ffde05980f", "ef2f118b5a0a6d1f", "6d367ecf27cb09b7",
  "4f463f669e5fea2d", "7527bac7ebe5f17b", "3d0739f78a5292ea", "6bfb5fb11f8d5d08", "56033046fc7b6bab",
] as const;

/** The 64 bits at an index; 0 before the first. */
const WORD: FunctionText = {
  name: "$twoOverPi.word",
  text: `(func $twoOverPi.word (param $n i32) (result i64)
${TWO_OVER_PI.map((word, n) => `  (if (i32.eq (local.get $n) (i32.const ${n})) (then (return (i64.const 0x${word}))))`).join("\n")}
  (i64.const 0)
)`,
};

/** The 64 bits from a bit on. */
const BITS: FunctionText = {
  name: "$twoOverPi",
  text: `(func $twoOverPi (param $at i32) (result i64)
  (local $shift i64)
  (local.set $shift (i64.extend_i32_u (i32.and (local.get $at) (i32.const 63))))
  (local.set $at (i32.shr_s (local.get $at) (i32.const 6)))
  (i64.or
    (i64.shl (call $twoOverPi.word (local.get $at)) (local.get $shift))
    (i64.shr_u (i64.shr_u (call $twoOverPi.word (i32.add (local.get $at) (i32.const 1))) (i64.const 1)) (i64.sub (i64.const 63) (local.get $shift))))
)`,
};

/** The upper half of a product of 64-bit integers. */
const MUL_HIGH: FunctionText = {
  name: "$mulHigh",
  text: `(func $mulHigh (param $a i64) (param $b i64) (result i64)
  (local $al i64) (local $ah i64) (local $bl i64) (local $bh i64) (local $m i64) (local $n i64)
  (local.set $al (i64.and (local.get $a) (i64.const 0xffffffff)))
  (local.set $ah (i64.shr_u (local.get $a) (i64.const 32)))
  (local.set $bl (i64.and (local.get $b) (i64.const 0xffffffff)))
  (local.set $bh (i64.shr_u (local.get $b) (i64.const 32)))
  (local.set $m (i64.add (i64.mul (local.get $ah) (local.get $bl)) (i64.shr_u (i64.mul (local.get $al) (local.get $bl)) (i64.const 32))))
  (local.set $n (i64.add (i64.mul (local.get $al) (local.get $bh)) (i64.and (local.get $m) (i64.const 0xffffffff))))
  (i64.add (i64.mul (local.get $ah) (local.get $bh)) (i64.add (i64.shr_u (local.get $m) (i64.const 32)) (i64.shr_u (local.get $n) (i64.const 32))))
)`,
};

/** x = ±m 2^e: x (2/pi) modulo 4 is m times 192 bits of 2/pi from bit e - 2 on, modulo 2^192; its upper 128 bits are computed. */
function huge(name: TrigName): FunctionText {
  const fn = new Func(hugeName(name), [{ name: "$x", type: "f64" }], "f64");
  const m = new Machine(fn, "float64", false);
  const x = "(local.get $x)";
  fn.line(`(if (f64.eq (f64.abs ${x}) (f64.const inf)) (then (return (f64.const nan))))`);
  const bits = fn.let("i64", m.bits(x));
  const integer = fn.let("i64", `(i64.or (i64.and ${bits} (i64.const 0xfffffffffffff)) (i64.const 0x10000000000000))`);
  const at = fn.let("i32", `(i32.sub (i32.and (i32.wrap_i64 (i64.shr_u ${bits} (i64.const 52))) (i32.const 2047)) (i32.const 1077))`);
  const [first, second, third] = [0, 64, 128].map((n) => fn.let("i64", call("$twoOverPi", `(i32.add ${at} ${i32(n)})`))) as [string, string, string];
  const carried = fn.let("i64", call("$mulHigh", integer, third));
  const lower = fn.let("i64", `(i64.add (i64.mul ${integer} ${second}) ${carried})`);
  const carry = `(i64.extend_i32_u (i64.lt_u ${lower} ${carried}))`;
  const upper = fn.let("i64", `(i64.add (i64.add (i64.mul ${integer} ${first}) ${call("$mulHigh", integer, second)}) ${carry})`);
  const turns = fn.let("i64", `(i64.shr_u (i64.add ${upper} (i64.const ${2n ** 61n})) (i64.const 62))`);
  const negative = fn.let("i32", `(f64.lt ${x} (f64.const 0))`);
  const { high, low } = restOf(m, fn.let("i64", `(i64.sub ${upper} (i64.shl ${turns} (i64.const 62)))`), lower);
  const either = (text: string, minus: string): string => fn.let("f64", `(select ${minus} ${text} ${negative})`);
  const signedTurns = `(select (i64.sub (i64.const 0) ${turns}) ${turns} ${negative})`;
  const counted = fn.let("i64", name === "cos" ? `(i64.add ${signedTurns} (i64.const 1))` : signedTurns);
  return { name: fn.name, text: fn.text(atAngle(m, name, { turns: counted, r: either(high, m.neg(high)), low: either(low, m.neg(low)) })) };
}

/** A signed fraction of a right angle, 62 bits and 64 more, as an angle in two float64. */
function restOf(m: Machine, fraction: string, more: string): { high: string; low: string } {
  const rounded = m.keep(`(f64.convert_i64_s ${fraction})`);
  const left = `(f64.convert_i64_s (i64.sub ${fraction} (i64.trunc_sat_f64_s ${rounded})))`;
  const part = quickSum(m, rounded, m.keep(m.add(left, m.mul(`(f64.convert_i64_u ${more})`, m.constant(2 ** -64)))));
  const unit = 2 ** -62;
  const angle = product(m, part.high, m.constant((Math.PI / 2) * unit));
  const small = m.add(m.mul(part.high, m.constant(6.123233995736766e-17 * unit)), m.mul(part.low, m.constant((Math.PI / 2) * unit)));
  return quickSum(m, angle.high, m.keep(m.add(angle.low, small)));
}

/** Functions that the text of sin, cos or tan calls. */
export const trigCalls = (name: TrigName): readonly FunctionText[] => [huge(name), BITS, WORD, MUL_HIGH];
