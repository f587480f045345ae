/**
 * The innermost loops of products, as functions over addresses that all kernels of a module share: accumulators in registers, from a tile of
 * results in memory and back. Every element adds its terms in the order of k. Must not know kernels. Used by gemm_panels.ts and gemm_update.ts.
 */
import { byteSize } from "../ir/dtype.js";
import { get, locals, type Machine, num, params, plus, range, type Register, registerOf, set, step, suffix, until } from "./gemm_text.js";
import type { FunctionText } from "./wat.js";

/** `acc + x y`, in one rounding where the machine has it and the user allows it. */
export const fused = (m: Machine, acc: string, x: string, y: string): string => {
  const { shape } = registerOf(m);
  return m.fma ? `(${shape}.relaxed_madd ${x} ${y} ${acc})` : `(${shape}.add ${acc} (${shape}.mul ${x} ${y}))`;
};

const arithmetic = (m: Machine): string => suffix(m) + (m.fma ? ".fma" : "");

/** Accumulators from memory, or zeros for the first terms. */
const begin = (r: Register, c: (n: number) => string, names: readonly string[]): string =>
  `(if ${get("more")} (then ${names.map((s, n) => set(s, `(${r.load} ${c(n)})`)).join(" ")}) (else ${names.map((s) => set(s, r.zero)).join(" ")}))`;

/**
 * `rows` by `vectors` accumulators over n terms. a, ar, ak: the rows' first element, bytes to the next row and the next k; b, bk: likewise the
 * columns; c, cr: the results; more: whether to add to what is there.
 */
export function tile(m: Machine, rows: number, vectors: number): FunctionText {
  const r = registerOf(m);
  const name = `$gemm.tile${rows}x${vectors}.${arithmetic(m)}`;
  const s = range(rows).map((i) => range(vectors).map((v) => `s${i}_${v}`));
  const at = (i: number): string => (i === 0 ? "a" : `a${i}`);
  const to = (i: number): string => (i === 0 ? "c" : `c${i}`);
  const kept = rows > 1;
  const b = range(vectors).map((v) => `(${r.load} offset=${r.bytes * v} ${get("b")})`);
  const text = [
    `(func ${name} ${params("a", "ar", "ak", "n", "b", "bk", "c", "cr", "more")}`,
    locals("i32", range(rows).slice(1).flatMap((i) => [at(i), to(i)])), locals(r.type, [...s.flat(), ...range(vectors).map((v) => `b${v}`), "x"]),
    ...range(rows).slice(1).flatMap((i) => [set(at(i), plus(get(at(i - 1)), get("ar"))), set(to(i), plus(get(to(i - 1)), get("cr")))]),
    begin(r, (n) => `offset=${r.bytes * (n % vectors)} ${get(to(Math.floor(n / vectors)))}`, s.flat()),
    until(`(i32.eqz ${get("n")})`, [
      ...(kept ? b.map((load, v) => set(`b${v}`, load)) : []),
      ...range(rows).flatMap((i) => [
        set("x", `(${r.splat} ${get(at(i))})`),
        ...range(vectors).map((v) => set(s[i]?.[v] as string, fused(m, get(s[i]?.[v] as string), get("x"), kept ? get(`b${v}`) : (b[v] as string)))),
        step(at(i), get("ak")),
      ]),
      step("b", get("bk")), step("n", num(-1)),
    ]),
    ...range(rows).flatMap((i) => range(vectors).map((v) => `(${r.store} offset=${r.bytes * v} ${get(to(i))} ${get(s[i]?.[v] as string)})`)),
    ")",
  ];
  return { name, text: text.join("\n") };
}

/** One row, given as a list of n byte offsets at l of its elements from a; b, c, more: as for tiles. */
export function listed(m: Machine, vectors: number): FunctionText {
  const r = registerOf(m);
  const name = `$gemm.list${vectors}.${arithmetic(m)}`;
  const s = range(vectors).map((v) => `s${v}`);
  const at = (v: number): string => `offset=${r.bytes * v}`;
  const text = [
    `(func ${name} ${params("l", "a", "n", "b", "c", "more")}`,
    locals("i32", ["end", "p"]), locals(r.type, [...s, "x"]),
    set("end", plus(get("l"), `(i32.shl ${get("n")} (i32.const 2))`)),
    begin(r, (v) => `${at(v)} ${get("c")}`, s),
    until(`(i32.ge_u ${get("l")} ${get("end")})`, [
      set("p", `(i32.load ${get("l")})`),
      set("x", `(${r.splat} ${plus(get("a"), get("p"))})`),
      set("p", plus(get("b"), `(i32.mul ${get("p")} ${num((r.bytes * vectors) / byteSize(m.dtype))})`)),
      ...s.map((acc, v) => set(acc, fused(m, get(acc), get("x"), `(${r.load} ${at(v)} ${get("p")})`))),
      step("l", num(4)),
    ]),
    ...s.map((acc, v) => `(${r.store} ${at(v)} ${get("c")} ${get(acc)})`),
    ")",
  ];
  return { name, text: text.join("\n") };
}
