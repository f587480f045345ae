/**
 * Loops of products with few terms: two rows side by side walk along the columns with four terms in registers. Terms are listed where one of the
 * rows is not 0; the list is filled up to whole groups with a row of zeros, which changes no sum. Must not know kernels. Used by gemm_update.ts.
 */
import { byteSize } from "../ir/dtype.js";
import { get, type LibraryEntry, locals, type Machine, num, params, plus, range, registerOf, set, step, suffix, until } from "./gemm_text.js";
import { fused, tile } from "./gemm_tiles.js";

/** Terms of a group. */
export const GROUP = 4;

/**
 * Rows at a and a + ar, n terms `ak` bytes apart: byte offsets k * `by` of terms that are not 0 in both at l, the values of both at x, and how
 * many: a positive multiple of GROUP, the last ones at offset `zero` with zeros. All terms, if `all` or if few could be left out: then as many as
 * n rounded up, and never otherwise.
 */
export function rowPairList(m: Machine): LibraryEntry {
  const size = byteSize(m.dtype);
  // Bits are compared: all but the sign are 0 in zeros only.
  const t = m.dtype === "float64" ? "i64" : "i32";
  const name = `$gemm.pairs.${m.dtype}`;
  const write = (offset: string, v: string, w: string): string[] => [`(i32.store ${get("l")} ${offset})`, `(${t}.store ${get("x")} ${v})`, `(${t}.store offset=${size} ${get("x")} ${w})`];
  const nonzero = `(${t}.ne (${t}.shl (${t}.or ${get("v")} ${get("w")}) (${t}.const 1)) (${t}.const 0))`;
  const few = `(i32.gt_u (i32.mul ${get("m")} ${num(8)}) (i32.mul (i32.sub ${get("n")} ${num(GROUP)}) ${num(5)}))`;
  const text = [
    `(func ${name} ${params("a", "ar", "ak", "n", "by", "l", "x", "all", "zero")} (result i32)`, locals("i32", ["k", "first", "values", "one", "m", "d"]), locals(t, ["v", "w"]),
    set("first", get("l")), set("values", get("x")),
    until("(i32.const 0)", [
      set("l", get("first")), set("x", get("values")), set("k", num(0)), set("d", num(0)), set("m", get("n")),
      until(`(i32.eqz ${get("m")})`, [
        set("v", `(${t}.load ${plus(get("a"), get("d"))})`), set("w", `(${t}.load (i32.add ${plus(get("a"), get("ar"))} ${get("d")}))`), ...write(get("k"), get("v"), get("w")),
        set("one", `(i32.or ${get("all")} ${nonzero})`),
        step("l", `(i32.shl ${get("one")} ${num(2)})`), step("x", `(i32.shl ${get("one")} ${num(Math.log2(2 * size))})`),
        step("d", get("ak")), step("k", get("by")), step("m", num(-1)),
      ]),
      set("m", `(i32.shr_u (i32.sub ${get("l")} ${get("first")}) ${num(2)})`),
      `(br_if $again.out (i32.or ${get("all")} (i32.eqz ${few})))`, set("all", num(1)),
    ], "again"),
    set("n", get("m")),
    until(`(i32.and (i32.ne ${get("n")} ${num(0)}) (i32.eqz (i32.and ${get("n")} ${num(GROUP - 1)})))`, [
      ...write(get("zero"), `(${t}.const 0)`, `(${t}.const 0)`), step("l", num(4)), step("x", num(2 * size)), step("n", num(1)),
    ], "fill"),
    get("n"), ")",
  ];
  return { name, text: text.join("\n") };
}

/** Adds a group of terms to n bytes of sums of one or two rows: read at s and s + sr, written at c and c + cr. */
export function rowGroup(m: Machine, rows: 1 | 2): LibraryEntry {
  const { load, store, splat } = registerOf(m);
  const size = byteSize(m.dtype);
  const name = `$gemm.group${rows}.${suffix(m)}${m.fma ? ".fma" : ""}`;
  const [terms, lines] = [range(GROUP), range(rows)];
  const text = [
    `(func ${name} ${params("b", "l", "x", "n", "s", "sr", "c", "cr")}`,
    locals("i32", [...terms.map((i) => `p${i}`), "o"]), locals("v128", [...terms.flatMap((i) => lines.map((r) => `v${i}_${r}`)), ...lines.map((r) => `s${r}`), "x0"]),
    ...terms.flatMap((i) => [
      set(`p${i}`, plus(get("b"), `(i32.load offset=${4 * i} ${get("l")})`)), ...lines.map((r) => set(`v${i}_${r}`, `(${splat} offset=${size * (2 * i + r)} ${get("x")})`)),
    ]),
    set("sr", plus(get("sr"), get("s"))), set("cr", plus(get("cr"), get("c"))),
    until(`(i32.ge_u ${get("o")} ${get("n")})`, [
      ...lines.map((r) => set(`s${r}`, `(${load} ${plus(get(r === 0 ? "s" : "sr"), get("o"))})`)),
      ...terms.flatMap((i) => [set("x0", `(${load} ${plus(get(`p${i}`), get("o"))})`), ...lines.map((r) => set(`s${r}`, fused(m, get(`s${r}`), get(`v${i}_${r}`), get("x0"))))]),
      ...lines.map((r) => `(${store} ${plus(get(r === 0 ? "c" : "cr"), get("o"))} ${get(`s${r}`)})`),
      step("o", num(16)),
    ]),
    ")",
  ];
  return { name, text: text.join("\n") };
}

/**
 * All terms but the last group, for `bytes` bytes of columns of one or two rows: sums to c and c + cr where there is more than one group; gives how
 * many terms come before the last group in the lists at l and x. a … `all`: as for lists; zero: as many bytes of zeros as columns have.
 */
export function rowTerms(m: Machine, rows: 1 | 2): LibraryEntry[] {
  const size = byteSize(m.dtype);
  const name = `$gemm.terms${rows}.${suffix(m)}${m.fma ? ".fma" : ""}`;
  const [list, group, wide, narrow] = [rowPairList(m), rowGroup(m, rows), tile(m, rows, 4), tile(m, rows, 1)];
  const across = (t: LibraryEntry, bytes: number): string[] => [
    `(call ${t.name} ${["a", "ar", "ak", "rest"].map(get).join(" ")} ${plus(get("b"), get("o"))} ${get("by")} ${plus(get("c"), get("o"))} ${get("cr")} ${num(0)})`, step("o", num(bytes)),
  ];
  const first = (then: string): string => `(select ${then} ${get("o")})`;
  const text = [
    `(func ${name} ${params("a", "ar", "ak", "n", "by", "l", "x", "all", "b", "bytes", "zero", "c", "cr")} (result i32)`, locals("i32", ["rest", "o"]),
    set("rest", `(i32.sub (call ${list.name} ${["a", "ar", "ak", "n", "by", "l", "x", "all"].map(get).join(" ")} (i32.sub ${get("zero")} ${get("b")})) ${num(GROUP)})`),
    `(if (i32.eqz ${get("rest")}) (then (return ${num(0)})))`,
    // No term is left out: their places are known, and tiles are faster.
    `(if (i32.eq ${get("rest")} (i32.and (i32.sub ${get("n")} ${num(1)}) ${num(-GROUP)})) (then`,
    until(`(i32.gt_s (i32.add ${get("o")} ${num(64)}) ${get("bytes")})`, across(wide, 64)), until(`(i32.ge_s ${get("o")} ${get("bytes")})`, across(narrow, 16), "narrow"),
    `(return ${get("rest")})))`,
    until(`(i32.ge_s ${get("o")} ${get("rest")})`, [
      `(call ${group.name} ${get("b")} ${plus(get("l"), `(i32.shl ${get("o")} ${num(2)})`)} ${plus(get("x"), `(i32.shl ${get("o")} ${num(Math.log2(2 * size))})`)} ${get("bytes")} ` +
        `${first(`${get("c")} ${get("zero")}`)} ${first(`${get("cr")} ${num(0)}`)} ${get("c")} ${get("cr")})`,
      step("o", num(GROUP)),
    ], "group"),
    get("rest"), ")",
  ];
  return [{ name, text: text.join("\n") }, list, group, wide, narrow];
}

/** Whether `rows` rows of n bytes at b, bk bytes apart, hold infinities or NaNs; what fills the last register may be read too. */
export function notFinite(m: Machine): LibraryEntry {
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
