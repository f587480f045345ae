/**
 * The innermost loops of products, as functions over addresses that all kernels of a module share: accumulators in registers, from a tile of
 * results in memory and back. Every element adds its terms in the order of k. Must not know kernels. Used by gemm_panels.ts and gemm_update.ts.
 */
import { byteSize } from "../ir/dtype.js";
import { get, type LibraryEntry, locals, type Machine, num, params, plus, range, type Register, registerOf, set, step, suffix, until } from "./gemm_text.js";

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
export function tile(m: Machine, rows: number, vectors: number): LibraryEntry {
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

/**
 * One row, given as a list: n byte offsets of rows of a panel at l, and what multiplies them at x. Over `panels` panels, `bp` bytes apart; the
 * results of the next panel follow those of the one before.
 */
export function listed(m: Machine, vectors: number): LibraryEntry {
  const r = registerOf(m);
  const name = `$gemm.list${vectors}.${arithmetic(m)}`;
  const s = range(vectors).map((v) => `s${v}`);
  const at = (v: number): string => `offset=${r.bytes * v}`;
  const text = [
    `(func ${name} ${params("l", "x", "n", "b", "bp", "panels", "c", "more")}`,
    locals("i32", ["end", "k", "y", "p"]), locals(r.type, [...s, "v"]),
    set("end", plus(get("l"), `(i32.shl ${get("n")} (i32.const 2))`)),
    until(`(i32.eqz ${get("panels")})`, [
      begin(r, (v) => `${at(v)} ${get("c")}`, s),
      set("k", get("l")), set("y", get("x")),
      until(`(i32.ge_u ${get("k")} ${get("end")})`, [
        set("p", plus(get("b"), `(i32.load ${get("k")})`)),
        set("v", `(${r.splat} ${get("y")})`),
        ...s.map((acc, v) => set(acc, fused(m, get(acc), get("v"), `(${r.load} ${at(v)} ${get("p")})`))),
        step("k", num(4)), step("y", num(byteSize(m.dtype))),
      ]),
      ...s.map((acc, v) => `(${r.store} ${at(v)} ${get("c")} ${get(acc)})`),
      step("b", get("bp")), step("c", num(vectors * r.bytes)), step("panels", num(-1)),
    ], "panel"),
    ")",
  ];
  return { name, text: text.join("\n") };
}
