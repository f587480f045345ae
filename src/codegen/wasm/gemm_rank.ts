/**
 * What products with few terms need to know of their operands: which terms are 0 in two rows at once, and whether zeros may be skipped at all.
 * Must not know kernels. Used by gemm_update.ts.
 */
import { byteSize } from "../ir/dtype.js";
import { get, locals, type Machine, num, params, plus, registerOf, set, step, suffix, until } from "./gemm_text.js";
import type { FunctionText } from "./wat.js";

/**
 * Rows at a and a + ar, n terms `ak` bytes apart: byte offsets k * `by` of terms that are not 0 in both at l, or of all, if `all`; the values of
 * both at x; gives the end of the list. Both may be written one term too far.
 */
export function rowPairList(m: Machine): FunctionText {
  const size = byteSize(m.dtype);
  // Bits are compared: all but the sign are 0 in zeros only.
  const t = m.dtype === "float64" ? "i64" : "i32";
  const name = `$gemm.pairs.${m.dtype}`;
  const nonzero = `(${t}.ne (${t}.shl (${t}.or ${get("v")} ${get("w")}) (${t}.const 1)) (${t}.const 0))`;
  const text = [
    `(func ${name} ${params("a", "ar", "ak", "n", "by", "l", "x", "all")} (result i32)`, locals("i32", ["k", "one"]), locals(t, ["v", "w"]),
    set("ar", plus(get("a"), get("ar"))),
    until(`(i32.eqz ${get("n")})`, [
      set("v", `(${t}.load ${get("a")})`), set("w", `(${t}.load ${get("ar")})`),
      `(i32.store ${get("l")} ${get("k")})`, `(${t}.store ${get("x")} ${get("v")})`, `(${t}.store offset=${size} ${get("x")} ${get("w")})`,
      set("one", `(i32.or (i32.ne ${get("all")} ${num(0)}) ${nonzero})`),
      step("l", `(i32.shl ${get("one")} ${num(2)})`), step("x", `(i32.shl ${get("one")} ${num(Math.log2(2 * size))})`),
      step("a", get("ak")), step("ar", get("ak")), step("k", get("by")), step("n", num(-1)),
    ]),
    get("l"), ")",
  ];
  return { name, text: text.join("\n") };
}

/** Whether `rows` rows of n bytes at b, bk bytes apart, hold infinities or NaNs; what fills the last register may be read too. */
export function notFinite(m: Machine): FunctionText {
  const { shape, zero } = registerOf(m);
  const name = `$gemm.unsafe.${suffix(m)}`;
  const text = [
    `(func ${name} ${params("b", "bk", "rows", "n")} (result i32)`, locals("i32", ["p", "end"]), locals("v128", ["f"]),
    until(`(i32.eqz ${get("rows")})`, [
      set("p", get("b")), set("end", plus(get("b"), get("n"))),
      until(`(i32.ge_u ${get("p")} ${get("end")})`, [set("f", `(${shape}.add ${get("f")} (${shape}.mul (v128.load ${get("p")}) ${zero}))`), step("p", num(16))]),
      step("b", get("bk")), step("rows", num(-1)),
    ], "row"),
    `(v128.any_true (${shape}.ne ${get("f")} ${get("f")}))`, ")",
  ];
  return { name, text: text.join("\n") };
}
