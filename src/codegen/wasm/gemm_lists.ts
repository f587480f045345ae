/**
 * The rows' operand as the innermost loops want it: where a row's nonzero elements are, as a list, and rows whose
 * elements lie apart copied so that they do not. Must not know kernels. Used by gemm_operands.ts.
 */
import { byteSize } from "../ir/dtype.js";
import { transpose } from "./gemm_pack.js";
import { get, locals, type Machine, num, params, plus, range, registerOf, set, step, suffix, until } from "./gemm_text.js";
import type { FunctionText } from "./wat.js";

/** Bytes of the table that `listRow` needs, and what it may write beyond a list. */
export const TABLE_BYTES = 256;
export const LIST_SLACK = 16;

/** For each set of four lanes: their byte offsets, the first of them first. */
export function table({ dtype }: Machine): FunctionText {
  const entry = (chosen: number): string => {
    const lanes = range(4).filter((n) => (chosen & (1 << n)) !== 0);
    return range(4).map((n) => (lanes[n] ?? 0) * byteSize(dtype)).join(" ");
  };
  const name = `$gemm.table.${dtype}`;
  const stores = range(16).map((n) => `(v128.store offset=${16 * n} ${get("t")} (v128.const i32x4 ${entry(n)}))`);
  return { name, text: [`(func ${name} ${params("t")}`, ...stores, ")"].join("\n") };
}

/** Byte offsets of those of n elements side by side at a that are not 0, to l; how many. `t` is where the table lies. */
export function listRow(m: Machine): FunctionText {
  return m.simd ? listFour(m) : listSingle(m);
}

/** Branches would be mispredicted: four offsets are written, and the place for the next moves on by as many as count. */
function listFour(m: Machine): FunctionText {
  const { shape, zero } = registerOf(m);
  const size = byteSize(m.dtype);
  const name = `$gemm.nonzero.${suffix(m)}`;
  const nonzero = (n: number, at: string): string => `(${size === 8 ? "i64x2" : "i32x4"}.bitmask (${shape}.ne (v128.load offset=${16 * n} ${at}) ${zero}))`;
  const chosen = (second: string): string => (size === 8 ? `(i32.or ${nonzero(0, get("a"))} (i32.shl ${nonzero(1, second)} ${num(2)}))` : nonzero(0, get("a")));
  // What follows the last elements may be read for 16 bytes, so a register that has none of them is read elsewhere.
  const inside = `(select ${get("a")} ${plus(get("a"), num(-16))} (i32.gt_s ${get("n")} ${num(2)}))`;
  const four = (mask: string): string[] => [
    set("set", mask), `(v128.store ${get("l")} (i32x4.add ${get("k")} (v128.load ${plus(get("t"), `(i32.shl ${get("set")} ${num(4)})`)})))`,
    step("l", `(i32.shl (i32.popcnt ${get("set")}) ${num(2)})`),
  ];
  const text = [
    `(func ${name} ${params("a", "n", "l", "t")} (result i32)`, locals("i32", ["first", "set"]), locals("v128", ["k"]),
    set("first", get("l")),
    until(`(i32.lt_s ${get("n")} ${num(4)})`, [...four(chosen(get("a"))), set("k", `(i32x4.add ${get("k")} (v128.const i32x4 ${range(4).map(() => 4 * size).join(" ")}))`), step("a", num(4 * size)), step("n", num(-4))]),
    `(if (i32.gt_s ${get("n")} ${num(0)}) (then`, ...four(`(i32.and ${chosen(inside)} (i32.sub (i32.shl ${num(1)} ${get("n")}) ${num(1)}))`), "))",
    `(i32.shr_u (i32.sub ${get("l")} ${get("first")}) ${num(2)})`, ")",
  ];
  return { name, text: text.join("\n") };
}

function listSingle(m: Machine): FunctionText {
  const t = registerOf(m).shape;
  const name = `$gemm.nonzero.${suffix(m)}`;
  const text = [
    `(func ${name} ${params("a", "n", "l", "t")} (result i32)`, locals("i32", ["k", "first"]),
    set("first", get("l")),
    until(`(i32.eqz ${get("n")})`, [
      `(i32.store ${get("l")} ${get("k")})`, step("l", `(i32.shl (${t}.ne (${t}.load ${plus(get("a"), get("k"))}) (${t}.const 0)) ${num(2)})`), step("k", num(byteSize(m.dtype))), step("n", num(-1)),
    ]),
    `(i32.shr_u (i32.sub ${get("l")} ${get("first")}) ${num(2)})`, ")",
  ];
  return { name, text: text.join("\n") };
}

/** n elements at s, sk bytes apart, side by side to d. */
export function copyStrided(m: Machine): FunctionText {
  const t = m.dtype === "float64" ? "f64" : "f32";
  const body = [`(${t}.store ${get("d")} (${t}.load ${get("s")}))`, step("s", get("sk")), step("d", num(byteSize(m.dtype))), step("n", num(-1))];
  return { name: `$gemm.copy.${t}`, text: [`(func $gemm.copy.${t} ${params("s", "sk", "n", "d")}`, until(`(i32.eqz ${get("n")})`, body), ")"].join("\n") };
}

/** `rows` rows whose first elements lie side by side at s, n elements of each sk bytes apart: row after row to d, dr bytes apart. */
export function copyTurned(m: Machine): FunctionText {
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
