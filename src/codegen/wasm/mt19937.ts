/**
 * MT19937 (Matsumoto & Nishimura 1998) as WebAssembly functions on a state of 628 words: 624 of key, the position, and two that only normals
 * use. New words depend on words 397 on and the next one, so four are made at once, and tempered at once. Must not know distributions.
 * Next: routines.ts draws with it.
 */
import { laneLoops } from "./loops.js";
import { add, call, Func, i32, times, type WasmType } from "./wat.js";
import { type Words, wordsOf } from "./words.js";

const N = 624;
const M = 397;
const MATRIX_A = 0x9908b0df | 0;
const TEMPER_B = 0x9d2c5680 | 0;
const TEMPER_C = 0xefc60000 | 0;
const UPPER = 0x80000000 | 0;
/** Bytes of the state, and the place of the position in it. */
export const STATE_BYTES = 628 * 4;
const POSITION = N * 4;

const get = (name: string): string => `(local.get $${name})`;
const param = (name: string, type: WasmType = "i32") => ({ name: `$${name}`, type });

/** Places of words in bytes from an address. */
interface Places { readonly word: number; readonly next: number; readonly far: number }

/** Replaces a word, or four, by the next of the recurrence: far ^ y >>> 1 ^ (A where y is odd), y the word's top bit with the next word's others. */
function regenerated(fn: Func, w: Words, address: string, { word, next, far }: Places): void {
  const at = (offset: number): string => fn.let(w.type, `(${w.type}.load offset=${offset} ${address})`, "k");
  const following = at(next);
  const top = w.and(at(word), w.constant(UPPER));
  const y = w.or(top, w.and(following, w.constant(~UPPER)));
  const odd = w.and(w.sub(w.constant(0), w.and(following, w.constant(1))), w.constant(MATRIX_A));
  fn.line(`(${w.type}.store offset=${word} ${address} ${w.xor(w.xor(at(far), w.shr(y, 1)), odd)})`);
}

/** `$mt_regenerate(state)`: the next 624 words. Three words before the wrap and the last one are made alone. */
function regenerate(simd: boolean): string {
  const fn = new Func("$mt_regenerate", [param("s")]);
  const run = (from: number, to: number, ahead: number): void => {
    const back = Math.min(0, ahead) * 4;
    const places = { word: -back, next: 4 - back, far: ahead * 4 - back };
    const each = (first: number, last: number, lanes: 1 | 4): void =>
      fn.loop(i32(first * 4 + back), i32(last * 4 + back), lanes * 4, (i) => regenerated(fn, wordsOf(lanes), fn.let("i32", add(get("s"), i), "p"), places));
    const whole = simd ? to - ((to - from) % 4) : from;
    each(from, whole, 4);
    each(whole, to, 1);
  };
  run(0, N - M, M);
  run(N - M, N - 1, M - N);
  regenerated(fn, wordsOf(1), get("s"), { word: (N - 1) * 4, next: 0, far: (M - 1) * 4 });
  fn.line(`(i32.store offset=${POSITION} ${get("s")} (i32.const 0))`);
  return fn.text();
}

function tempered(fn: Func, w: Words, word: string): string {
  const kept = (text: string): string => fn.let(w.type, text, "y");
  const x = kept(word);
  const a = kept(w.xor(x, w.shr(x, 11)));
  const b = kept(w.xor(a, w.and(w.shl(a, 7), w.constant(TEMPER_B))));
  const c = kept(w.xor(b, w.and(w.shl(b, 15), w.constant(TEMPER_C))));
  return kept(w.xor(c, w.shr(c, 18)));
}

const wide = (x: number): string => `(v128.const f64x2 ${x} ${x})`;

/**
 * Two doubles of two pairs of words: 27 bits a of the first and 26 bits b of the second as a 2^-27 + b 2^-53. Set into the lowest bits of 2^25
 * and of 1/2, whose last places are 2^-27 and 2^-53, they need no conversion, and no sum rounds.
 */
function twoDoubles(words: string): string {
  const a = `(v128.or (i64x2.shr_u (i64x2.shl ${words} (i32.const 32)) (i32.const 37)) ${wide(2 ** 25)})`;
  const b = `(v128.or (i64x2.shr_u ${words} (i32.const 38)) ${wide(0.5)})`;
  return `(f64x2.add (f64x2.sub ${a} ${wide(2 ** 25 + 0.5)}) ${b})`;
}

/** One double of two tempered words. */
const double = (first: string, second: string): string => {
  const part = (word: string, drop: number): string => `(f64.convert_i32_u (i32.shr_u ${word} (i32.const ${drop})))`;
  return `(f64.mul (f64.add (f64.mul ${part(first, 5)} (f64.const 67108864)) ${part(second, 6)}) (f64.const ${2 ** -53}))`;
};

/** `$mt_convert(words, out, n)`: n doubles of 2 n words. */
function convert(simd: boolean): string {
  const fn = new Func("$mt_convert", [param("words"), param("out"), param("n")]);
  const write = (i: string, lanes: 1 | 4): void => {
    const from = fn.let("i32", add(get("words"), times(i, 8)), "p");
    const to = fn.let("i32", add(get("out"), times(i, 8)), "q");
    const w = wordsOf(lanes);
    const word = (offset: number): string => tempered(fn, w, `(${w.type}.load offset=${offset} ${from})`);
    if (lanes === 1) fn.line(`(f64.store ${to} ${double(word(0), word(4))})`);
    else for (const offset of [0, 16]) fn.line(`(v128.store offset=${offset} ${to} ${twoDoubles(word(offset))})`);
  };
  if (simd) laneLoops(fn, i32(0), get("n"), false, write);
  else fn.loop(i32(0), get("n"), 1, (i) => write(i, 1));
  return fn.text();
}

/** `$mt_word(state)`: the next word. */
function word(): string {
  const fn = new Func("$mt_word", [param("s")], "i32");
  const position = `(i32.load offset=${POSITION} ${get("s")})`;
  fn.when(`(i32.ge_u ${position} (i32.const ${N}))`, () => fn.line(call("$mt_regenerate", get("s"))));
  const at = fn.let("i32", position, "at");
  fn.line(`(i32.store offset=${POSITION} ${get("s")} (i32.add ${at} (i32.const 1)))`);
  return fn.text(tempered(fn, wordsOf(1), `(i32.load ${add(get("s"), times(at, 4))})`));
}

/** `$mt_double(state)`: the next double of [0, 1). */
const nextDouble = `(func $mt_double (param $s i32) (result f64)
  ${double(call("$mt_word", get("s")), call("$mt_word", get("s")))}
)`;

/** `$mt_fill(state, out, n)`: the next n doubles. What a block has is converted at once; a double of two blocks' words is drawn alone. */
const fill = `(func $mt_fill (param $s i32) (param $out i32) (param $n i32)
  (local $at i32) (local $m i32)
  (block $done (loop $more
    (br_if $done (i32.le_s (local.get $n) (i32.const 0)))
    (local.set $at (i32.load offset=${POSITION} (local.get $s)))
    (local.set $m (i32.const 1))
    (if (i32.ge_u (local.get $at) (i32.const ${N - 1}))
      (then (f64.store (local.get $out) (call $mt_double (local.get $s))))
      (else
        (local.set $m (i32.shr_u (i32.sub (i32.const ${N}) (local.get $at)) (i32.const 1)))
        (local.set $m (select (local.get $m) (local.get $n) (i32.lt_u (local.get $m) (local.get $n))))
        (call $mt_convert (i32.add (local.get $s) (i32.shl (local.get $at) (i32.const 2))) (local.get $out) (local.get $m))
        (i32.store offset=${POSITION} (local.get $s) (i32.add (local.get $at) (i32.shl (local.get $m) (i32.const 1))))))
    (local.set $n (i32.sub (local.get $n) (local.get $m)))
    (local.set $out (i32.add (local.get $out) (i32.shl (local.get $m) (i32.const 3))))
    (br $more)))
)`;

/** The functions above by name. */
export const generator = (simd: boolean): ReadonlyMap<string, string> => new Map([
  ["$mt_regenerate", regenerate(simd)], ["$mt_convert", convert(simd)], ["$mt_word", word()], ["$mt_double", nextDouble], ["$mt_fill", fill],
]);
