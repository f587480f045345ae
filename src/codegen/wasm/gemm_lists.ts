/**
 * The rows' operand as the innermost loops want it: a row's nonzero elements as a list of places in a panel with their values, and rows whose
 * elements lie apart copied so that they do not. Must not know kernels. Used by gemm_operands.ts.
 */
import { byteSize } from "../ir/dtype.js";
import { transpose } from "./gemm_pack.js";
import { get, type LibraryEntry, locals, type Machine, num, params, plus, range, registerOf, set, step, suffix, until } from "./gemm_text.js";

/** Bytes of the table that `listRow` needs, and what it may write beyond a list. */
export const TABLE_BYTES = 256;
export const LIST_SLACK = 16;

/** For each set of four lanes: which bytes bring them to the front. */
export function table(): LibraryEntry {
  const entry = (set: number): string => {
    const lanes = range(4).filter((n) => (set & (1 << n)) !== 0);
    return range(16).map((b) => (lanes[b >> 2] === undefined ? 255 : 4 * (lanes[b >> 2] as number) + (b & 3))).join(" ");
  };
  const stores = range(16).map((n) => `(v128.store offset=${16 * n} ${get("t")} (v128.const i8x16 ${entry(n)}))`);
  return { name: "$gemm.table", text: [`(func $gemm.table ${params("t")}`, ...stores, ")"].join("\n") };
}

/**
 * n elements at a, `ak` bytes apart: byte offsets k * `by` of those that are not 0 (all of them if `all`) at l, their values at x, and how many.
 * Branches would be mispredicted, so every element is written and the place for the next moves on or not.
 */
export function listRow(m: Machine): LibraryEntry {
  const size = byteSize(m.dtype);
  const t = m.dtype === "float64" ? "f64" : "f32";
  const name = `$gemm.nonzero.${t}`;
  const text = [
    `(func ${name} ${params("a", "ak", "n", "by", "l", "x", "all")} (result i32)`, locals("i32", ["k", "first", "one"]), `(local $v ${t})`,
    set("first", get("l")),
    until(`(i32.eqz ${get("n")})`, [
      set("v", `(${t}.load ${get("a")})`), `(i32.store ${get("l")} ${get("k")})`, `(${t}.store ${get("x")} ${get("v")})`,
      set("one", `(i32.or ${get("all")} (${t}.ne ${get("v")} (${t}.const 0)))`),
      step("l", `(i32.shl ${get("one")} ${num(2)})`), step("x", `(i32.shl ${get("one")} ${num(Math.log2(size))})`),
      step("a", get("ak")), step("k", get("by")), step("n", num(-1)),
    ]),
    `(i32.shr_u (i32.sub ${get("l")} ${get("first")}) ${num(2)})`, ")",
  ];
  return { name, text: text.join("\n") };
}

/** The same for float32 side by side, four at a time; `t` is where the table lies. */
export function listContiguous(): LibraryEntry {
  const text = [
    `(func $gemm.nonzero4 ${params("a", "n", "by", "l", "x", "t")} (result i32)`, locals("i32", ["first", "set", "c"]), locals("v128", ["v", "k", "four", "s"]),
    set("first", get("l")),
    set("k", `(i32x4.mul (i32x4.splat ${get("by")}) (v128.const i32x4 0 1 2 3))`), set("four", `(i32x4.splat (i32.shl ${get("by")} ${num(2)}))`),
    until(`(i32.le_s ${get("n")} ${num(0)})`, [
      set("v", `(v128.load ${get("a")})`), set("set", `(i32x4.bitmask (f32x4.ne ${get("v")} (v128.const f32x4 0 0 0 0)))`),
      `(if (i32.lt_s ${get("n")} ${num(4)}) (then ${set("set", `(i32.and ${get("set")} (i32.sub (i32.shl ${num(1)} ${get("n")}) ${num(1)}))`)}))`,
      set("s", `(v128.load ${plus(get("t"), `(i32.shl ${get("set")} ${num(4)})`)})`),
      `(v128.store ${get("x")} (i8x16.swizzle ${get("v")} ${get("s")}))`, `(v128.store ${get("l")} (i8x16.swizzle ${get("k")} ${get("s")}))`,
      set("c", `(i32.shl (i32.popcnt ${get("set")}) ${num(2)})`), step("x", get("c")), step("l", get("c")),
      set("k", `(i32x4.add ${get("k")} ${get("four")})`), step("a", num(16)), step("n", num(-4)),
    ]),
    `(i32.shr_u (i32.sub ${get("l")} ${get("first")}) ${num(2)})`, ")",
  ];
  return { name: "$gemm.nonzero4", text: text.join("\n") };
}

/** n elements at s, sk bytes apart, side by side to d. */
export function copyStrided(m: Machine): LibraryEntry {
  const t = m.dtype === "float64" ? "f64" : "f32";
  const body = [`(${t}.store ${get("d")} (${t}.load ${get("s")}))`, step("s", get("sk")), step("d", num(byteSize(m.dtype))), step("n", num(-1))];
  return { name: `$gemm.copy.${t}`, text: [`(func $gemm.copy.${t} ${params("s", "sk", "n", "d")}`, until(`(i32.eqz ${get("n")})`, body), ")"].join("\n") };
}

/** `rows` rows whose first elements lie side by side at s, n elements of each sk bytes apart: row after row to d, dr bytes apart. */
export function copyTurned(m: Machine): LibraryEntry {
  const { lanes } = registerOf(m);
  const name = `$gemm.rows.${suffix(m)}`;
  const copy = copyStrided(m).name;
  const size = byteSize(m.dtype);
  const text = [
    `(func ${name} ${params("s", "sk", "n", "d", "rows", "dr")}`,
    until(`(i32.lt_s ${get("n")} ${num(lanes)})`, [
      `(drop (call ${transpose(m).name} ${range(lanes).map((i) => plus(get("s"), `(i32.mul ${get("sk")} ${num(i)})`)).join(" ")} ${get("rows")} ${get("d")} ${get("dr")}))`,
      step("s", `(i32.mul ${get("sk")} ${num(lanes)})`), step("d", num(16)), step("n", num(-lanes)),
    ]),
    until(`(i32.eqz ${get("rows")})`, [
      `(call ${copy} ${get("s")} ${get("sk")} ${get("n")} ${get("d")})`, step("s", num(size)), step("d", get("dr")), step("rows", num(-1)),
    ], "rest"),
    ")",
  ];
  return { name, text: text.join("\n") };
}
