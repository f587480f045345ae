/**
 * Panels: columns of an operand side by side, k after k, so that tiles read memory in one direction; columns that are missing in the last panel
 * are zeros or copies, whose results nobody stores. Every function tells whether it saw infinities or NaNs: zeros must not be skipped then.
 * Must not know kernels. Used by gemm_operands.ts.
 */
import { byteSize } from "../ir/dtype.js";
import { get, locals, type Machine, num, params, plus, range, registerOf, set, step, suffix, until } from "./gemm_text.js";
import type { FunctionText } from "./wat.js";

/** A panel of `vectors` registers, of whose columns the first `columns` exist. */
interface Panel { readonly vectors: number; readonly columns: number }

const panelBytes = (m: Machine, vectors: number): number => vectors * registerOf(m).bytes;

const scalarOf = (m: Machine): string => (m.dtype === "float64" ? "f64" : "f32");

/** Of variables, two by two. */
function sumOf(shape: string, names: readonly string[]): string {
  const half = Math.ceil(names.length / 2);
  return names.length === 1 ? get(names[0] as string) : `(${shape}.add ${sumOf(shape, names.slice(0, half))} ${sumOf(shape, names.slice(half))})`;
}

/** x * 0 is 0, or NaN where x is infinite or NaN (or sums of large numbers are, which costs time only): the sum of all shows whether there was one. */
const watch = (shape: string, seen: string, x: string, zero: string): string => set(seen, `(${shape}.add ${get(seen)} (${shape}.mul ${x} ${zero}))`);
const isNan = (m: Machine, text: string): string => (m.simd ? `(v128.any_true (${registerOf(m).shape}.ne ${text} ${text}))` : `(${scalarOf(m)}.ne ${text} ${text})`);

/** Columns lie side by side: n rows, sk bytes apart. */
export function packContiguous(m: Machine, { vectors, columns }: Panel): FunctionText {
  const r = registerOf(m);
  const name = `$gemm.pack${vectors}of${columns}.${suffix(m)}`;
  const whole = Math.floor(columns / r.lanes);
  const mask = range(16 / byteSize(m.dtype)).map((n) => (n < columns % r.lanes ? -1 : 0));
  const masked = `(v128.const ${m.dtype === "float64" ? "i64x2" : "i32x4"} ${mask.join(" ")})`;
  const load = (v: number): string | null => {
    const text = `(${r.load} offset=${r.bytes * v} ${get("s")})`;
    return v < whole ? text : v * r.lanes < columns ? `(v128.and ${text} ${masked})` : null;
  };
  const kept = range(vectors).filter((v) => load(v) !== null).map((v) => `x${v}`);
  const text = [
    `(func ${name} ${params("s", "sk", "n", "d")} (result i32)`, locals(r.type, [...kept, "f"]),
    until(`(i32.eqz ${get("n")})`, [
      ...range(vectors).flatMap((v) => {
        const x = load(v);
        const to = `(${r.store} offset=${r.bytes * v} ${get("d")}`;
        return x === null ? [`${to} ${r.zero})`] : [set(`x${v}`, x), `${to} ${get(`x${v}`)})`];
      }),
      watch(r.shape, "f", sumOf(r.shape, kept), r.zero),
      step("s", get("sk")), step("d", num(panelBytes(m, vectors))), step("n", num(-1)),
    ]),
    isNan(m, get("f")), ")",
  ];
  return { name, text: text.join("\n") };
}

const SHUFFLE = {
  /** Of a, b: a0 b0 a1 b1, and a2 b2 a3 b3. */
  low: "i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23", high: "i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31",
  /** The lower halves of both, and the upper ones. */
  lows: "i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23", highs: "i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31",
};

/** As many streams as a register has lanes, n elements of each; element k of all streams goes to d + k dk. */
export function transpose(m: Machine): FunctionText {
  const size = byteSize(m.dtype);
  const { lanes, shape, zero } = registerOf(m);
  const name = `$gemm.transpose.${suffix(m)}`;
  const s = range(lanes).map((i) => `s${i}`);
  const x = range(lanes).map((i) => `x${i}`);
  const f = s.map((_, i) => `f${i}`);
  const apply = (op: string, a: string, b: string): string => `(${op} ${get(a)} ${get(b)})`;
  const turned = lanes === 2 ? [apply(SHUFFLE.lows, "x0", "x1"), apply(SHUFFLE.highs, "x0", "x1")] : [
    apply(SHUFFLE.lows, "y0", "y1"), apply(SHUFFLE.highs, "y0", "y1"), apply(SHUFFLE.lows, "y2", "y3"), apply(SHUFFLE.highs, "y2", "y3"),
  ];
  const mixed = lanes === 2 ? [] : [
    set("y0", apply(SHUFFLE.low, "x0", "x1")), set("y1", apply(SHUFFLE.low, "x2", "x3")), set("y2", apply(SHUFFLE.high, "x0", "x1")), set("y3", apply(SHUFFLE.high, "x2", "x3")),
  ];
  const single = scalarOf(m);
  const text = [
    `(func ${name} ${params(...s, "n", "d", "dk")} (result i32)`, locals("v128", [...x, ...f, "y0", "y1", "y2", "y3"]), locals("i32", ["e"]),
    until(`(i32.lt_s ${get("n")} ${num(lanes)})`, [
      ...s.flatMap((p, i) => [set(x[i] as string, `(v128.load ${get(p)})`), step(p, num(16)), watch(shape, f[i] as string, get(x[i] as string), zero)]),
      ...mixed,
      ...turned.flatMap((t) => [`(v128.store ${get("d")} ${t})`, step("d", get("dk"))]),
      step("n", num(-lanes)),
    ]),
    until(`(i32.le_s ${get("n")} ${num(0)})`, [
      set("x0", zero), ...s.flatMap((p, i) => [set("x0", `(${shape}.replace_lane ${i} ${get("x0")} (${single}.load ${get(p)}))`), step(p, num(size))]),
      watch(shape, "f0", get("x0"), zero), `(v128.store ${get("d")} ${get("x0")})`, step("d", get("dk")), step("n", num(-1)),
    ], "rest"),
    set("f0", sumOf(shape, f)), isNan(m, get("f0")), ")",
  ];
  return { name, text: text.join("\n") };
}

/** Each column's elements lie side by side along k, columns sj bytes apart: n of each. */
export function packTransposed(m: Machine, { vectors, columns }: Panel): FunctionText {
  const { lanes, bytes } = registerOf(m);
  const name = `$gemm.turn${vectors}of${columns}.${suffix(m)}`;
  const column = (i: number): string => {
    const j = plus(get("j"), num(i));
    return plus(get("s"), `(i32.mul ${get("sj")} (select ${j} ${num(columns - 1)} (i32.lt_s ${j} ${num(columns - 1)})))`);
  };
  const text = [
    `(func ${name} ${params("s", "sj", "n", "d")} (result i32) (local $j i32) (local $f i32)`,
    until(`(i32.ge_s ${get("j")} ${num(vectors * lanes)})`, [
      set("f", `(i32.or ${get("f")} (call ${transpose(m).name} ${range(lanes).map(column).join(" ")} ${get("n")} ${get("d")} ${num(panelBytes(m, vectors))}))`),
      step("d", num(bytes)), step("j", num(lanes)),
    ], "j"),
    get("f"), ")",
  ];
  return { name, text: text.join("\n") };
}

/** Any strides, in bytes, from column to column and from k to k. */
export function packStrided(m: Machine, { vectors, columns }: Panel): FunctionText {
  const size = byteSize(m.dtype);
  const t = scalarOf(m);
  const name = `$gemm.gather${vectors}of${columns}.${suffix(m)}`;
  const padding = vectors * registerOf(m).lanes - columns;
  const text = [
    `(func ${name} ${params("s", "sj", "sk", "n", "d")} (result i32) (local $p i32) (local $end i32) (local $x ${t}) (local $f ${t})`,
    until(`(i32.eqz ${get("n")})`, [
      set("p", get("s")), set("end", plus(get("d"), num(columns * size))),
      until(`(i32.ge_u ${get("d")} ${get("end")})`, [
        set("x", `(${t}.load ${get("p")})`), `(${t}.store ${get("d")} ${get("x")})`, watch(t, "f", get("x"), `(${t}.const 0)`), step("p", get("sj")), step("d", num(size)),
      ], "j"),
      ...(padding > 0 ? [`(memory.fill ${get("d")} ${num(0)} ${num(padding * size)})`, step("d", num(padding * size))] : []),
      step("s", get("sk")), step("n", num(-1)),
    ]),
    `(${t}.ne ${get("f")} ${get("f")})`, ")",
  ];
  return { name, text: text.join("\n") };
}
