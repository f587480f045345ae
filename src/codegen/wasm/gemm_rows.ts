/**
 * All rows of a block against one chunk of a panel: in tiles, or row by row as lists of what is not zero; and the making of those lists.
 * Shared by all kernels of a module, so that a kernel's own text is short. Must not know kernels. Used by gemm_panels.ts.
 */
import { listRow } from "./gemm_lists.js";
import type { PanelShape } from "./gemm_shape.js";
import { get, locals, type Machine, num, params, plus, range, registerOf, set, step, suffix, until } from "./gemm_text.js";
import { listed, tile } from "./gemm_tiles.js";
import type { FunctionText } from "./wat.js";

const nameOf = (what: string, m: Machine, s: PanelShape): string => `$gemm.${what}${s.down}x${s.across}x${s.halves}.${suffix(m)}${m.fma ? ".fma" : ""}`;

/** `rows` rows in tiles: the parameters are those of a tile; results of rows follow each other. */
export function tileRows(m: Machine, s: PanelShape): FunctionText[] {
  const name = nameOf("tiles", m, s);
  const full = tile(m, s.down, s.across);
  const single = tile(m, 1, s.vectors);
  const half = s.across * registerOf(m).bytes;
  const run = (t: FunctionText, count: number): string[] => range(count).map((h) =>
    `(call ${t.name} ${["a", "ar", "ak", "n"].map(get).join(" ")} ${plus(get("b"), num(h * half))} ${get("bk")} ${plus(get("c"), num(h * half))} ${num(s.bytes)} ${get("more")})`);
  const rows = (t: FunctionText, count: number, down: number): string[] => [
    ...run(t, count), step("a", `(i32.mul ${get("ar")} ${num(down)})`), step("c", num(down * s.bytes)), step("rows", num(-down)),
  ];
  const text = [
    `(func ${name} ${params("a", "ar", "ak", "n", "b", "bk", "c", "rows", "more")}`,
    until(`(i32.lt_s ${get("rows")} ${num(s.down)})`, rows(full, s.halves, s.down)), ...(s.down > 1 ? [until(`(i32.eqz ${get("rows")})`, rows(single, 1, 1), "single")] : []), ")",
  ];
  return [{ name, text: text.join("\n") }, full, single];
}

/** `rows` rows by their lists: `l` and `lr` are the first list and bytes to the next, `counts` and `cr` likewise how long they are. */
export function listedRows(m: Machine, s: PanelShape): FunctionText[] {
  const name = nameOf("lists", m, s);
  const row = listed(m, s.vectors);
  const text = [
    `(func ${name} ${params("l", "lr", "counts", "cr", "a", "ar", "b", "c", "rows", "more")}`,
    until(`(i32.eqz ${get("rows")})`, [
      `(call ${row.name} ${get("l")} ${get("a")} (i32.load ${get("counts")}) ${get("b")} ${get("c")} ${get("more")})`,
      step("l", get("lr")), step("counts", get("cr")), step("a", get("ar")), step("c", num(s.bytes)), step("rows", num(-1)),
    ]),
    ")",
  ];
  return [{ name, text: text.join("\n") }, row];
}

/**
 * Lists of the nonzero elements of `rows` rows of n elements, `ar` bytes apart, in chunks: `lc` bytes from list to list, counts side by side.
 * Gives 1 if they have fewer than `most` in a row. Rows of an operand are alike: if the first has `first` or more, the others are not looked at.
 */
export function makeLists(m: Machine): FunctionText[] {
  const name = `$gemm.sparse.${suffix(m)}`;
  const list = listRow(m);
  const size = m.dtype === "float64" ? 8 : 4;
  const text = [
    `(func ${name} ${params("a", "ar", "n", "chunk", "rows", "l", "lc", "counts", "t", "first", "most")} (result i32)`, locals("i32", ["row", "k", "c", "p", "total"]),
    until(`(i32.ge_s ${get("row")} ${get("rows")})`, [
      set("p", get("a")), set("k", get("n")),
      until("(i32.const 0)", [
        set("c", `(select ${get("k")} ${get("chunk")} (i32.lt_s ${get("k")} ${get("chunk")}))`),
        `(i32.store ${get("counts")} (call ${list.name} ${get("p")} ${get("c")} ${get("l")} ${get("t")}))`,
        step("total", `(i32.load ${get("counts")})`), step("counts", num(4)), step("l", get("lc")), step("p", `(i32.mul ${get("c")} ${num(size)})`),
        set("k", `(i32.sub ${get("k")} ${get("c")})`), `(br_if $chunk.out (i32.le_s ${get("k")} ${num(0)}))`,
      ], "chunk"),
      `(if (i32.and (i32.eqz ${get("row")}) (i32.ge_s ${get("total")} ${get("first")})) (then (return ${num(0)})))`,
      step("a", get("ar")), step("row", num(1)),
    ], "row"),
    `(i32.lt_s ${get("total")} (i32.mul ${get("rows")} ${get("most")}))`, ")",
  ];
  return [{ name, text: text.join("\n") }, list];
}
