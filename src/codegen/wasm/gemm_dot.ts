/**
 * Lanes along the reduction: a few rows times many columns whose elements lie side by side along k (a vector times a transposed matrix), where
 * each column is read once and copying it would cost more than using it. Must not know kernels. Used by gemm_panels.ts.
 */
import { byteSize } from "../ir/dtype.js";
import { get, locals, type Machine, num, params, plus, range, registerOf, set, step, suffix, until } from "./gemm_text.js";
import type { FunctionText } from "./wat.js";

/**
 * `rows` by `columns` sums of n products. a, ar: rows and bytes between them; b, bj: columns and bytes between them; c, cr: results, columns
 * side by side. Lane l adds the terms l, l + lanes, …; the lanes are added from the first to the last, then the terms that fill no register.
 */
export function dotTile(m: Machine, rows: number, columns: number): FunctionText {
  const size = byteSize(m.dtype);
  const { lanes, bytes, type, shape, load, zero } = registerOf(m);
  const t = m.dtype === "float64" ? "f64" : "f32";
  const name = `$gemm.dot${rows}x${columns}.${suffix(m)}${m.fma ? ".fma" : ""}`;
  const s = range(rows).map((i) => range(columns).map((j) => `s${i}_${j}`));
  const [as, bs] = [range(rows).map((i) => (i === 0 ? "a" : `a${i}`)), range(columns).map((j) => (j === 0 ? "b" : `b${j}`))];
  const fused = (acc: string, x: string, y: string): string => (m.fma ? `(${shape}.relaxed_madd ${x} ${y} ${acc})` : `(${shape}.add ${acc} (${shape}.mul ${x} ${y}))`);
  const lane = (acc: string, l: number): string => (m.simd ? `(${shape}.extract_lane ${l} ${get(acc)})` : get(acc));
  const total = (acc: string): string => range(lanes).map((l) => lane(acc, l)).reduce((x, y) => `(${t}.add ${x} ${y})`);
  const each = (write: (acc: string, i: number, j: number) => string): string[] => s.flatMap((row, i) => row.map((acc, j) => write(acc, i, j)));
  const moveAll = (by: number): string[] => [...as, ...bs].map((x) => step(x, num(by)));
  const text = [
    `(func ${name} ${params("a", "ar", "b", "bj", "n", "c", "cr")}`,
    locals("i32", [...as.slice(1), ...bs.slice(1)]), locals(type, [...s.flat(), ...range(rows).map((i) => `x${i}`), "y"]), locals(t, each((_, i, j) => `t${i}_${j}`)),
    ...as.slice(1).map((x, i) => set(x, plus(get(as[i] as string), get("ar")))), ...bs.slice(1).map((x, j) => set(x, plus(get(bs[j] as string), get("bj")))),
    ...each((acc) => set(acc, zero)),
    until(`(i32.lt_s ${get("n")} ${num(lanes)})`, [
      ...as.map((x, i) => set(`x${i}`, `(${load} ${get(x)})`)),
      ...bs.flatMap((y, j) => [set("y", `(${load} ${get(y)})`), ...range(rows).map((i) => set(s[i]?.[j] as string, fused(get(s[i]?.[j] as string), get(`x${i}`), get("y"))))]),
      ...moveAll(bytes), step("n", num(-lanes)),
    ]),
    ...each((acc, i, j) => set(`t${i}_${j}`, total(acc))),
    until(`(i32.le_s ${get("n")} ${num(0)})`, [
      ...each((_, i, j) => set(`t${i}_${j}`, `(${t}.add ${get(`t${i}_${j}`)} (${t}.mul (${t}.load ${get(as[i] as string)}) (${t}.load ${get(bs[j] as string)})))`)),
      ...moveAll(size), step("n", num(-1)),
    ], "rest"),
    ...range(rows).flatMap((i) => [...range(columns).map((j) => `(${t}.store offset=${j * size} ${get("c")} ${get(`t${i}_${j}`)})`), step("c", get("cr"))]),
    ")",
  ];
  return { name, text: text.join("\n") };
}
