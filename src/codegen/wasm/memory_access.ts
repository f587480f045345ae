/**
 * Loads and stores of one element and of four, contiguous or not. A bool is a byte in memory.
 * Must not know expressions. Used by elements.ts.
 */
import { byteSize, type DType } from "../ir/dtype.js";
import { joinLanes, laneOf } from "./convert.js";
import type { Value } from "./lanes.js";
import { type Func, i32 } from "./wat.js";

/** An address and the constant that an instruction adds to it. */
export interface Address { readonly text: string; readonly offset: number }

const LOAD: Readonly<Record<DType, string>> = { bool: "i32.load8_u", int32: "i32.load", float32: "f32.load", float64: "f64.load" };
const STORE: Readonly<Record<DType, string>> = { bool: "i32.store8", int32: "i32.store", float32: "f32.store", float64: "f64.store" };

const shifted = (offset: number): string => (offset === 0 ? "" : ` offset=${offset}`);

export const loadOne = (dtype: DType, { text, offset }: Address): Value => ({ dtype, lanes: 1, parts: [`(${LOAD[dtype]}${shifted(offset)} ${text})`] });

export function storeOne(fn: Func, { text, offset }: Address, v: Value): void {
  fn.line(`(${STORE[v.dtype]}${shifted(offset)} ${text} ${v.parts[0]})`);
}

/** Bytes of 0 and 1, widened to a mask. */
const maskOfBytes = (bytes: string): string => `(i32x4.ne (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u ${bytes})) (v128.const i32x4 0 0 0 0))`;

/** Four elements, `stride` elements apart. */
export function loadFour(fn: Func, dtype: DType, address: Address, stride: number): Value {
  const { text, offset } = address;
  if (stride === 1) {
    if (dtype === "bool") return { dtype, lanes: 4, parts: [maskOfBytes(`(v128.load32_zero${shifted(offset)} ${text})`)] };
    const low = `(v128.load${shifted(offset)} ${text})`;
    return { dtype, lanes: 4, parts: dtype === "float64" ? [low, `(v128.load${shifted(offset + 16)} ${text})`] : [low] };
  }
  return assemble(dtype, lanePlaces(fn, dtype, address, stride));
}

/** Addresses of four elements; instructions only add, so those of a negative stride count from the last. */
function lanePlaces(fn: Func, dtype: DType, { text, offset }: Address, stride: number): Address[] {
  const step = stride * byteSize(dtype);
  if (step > 0) return [0, 1, 2, 3].map((n) => ({ text, offset: offset + n * step }));
  const last = fn.let("i32", `(i32.add ${text} ${i32(offset + 3 * step)})`);
  return [0, 1, 2, 3].map((n) => ({ text: last, offset: (n - 3) * step }));
}

function assemble(dtype: DType, places: readonly Address[]): Value {
  if (dtype === "bool") return joinLanes(places.map((p) => loadOne(dtype, p)));
  const bits = dtype === "float64" ? 64 : 32;
  const register = (list: readonly Address[]): string => list.reduce((v, { text, offset }, n) =>
    (n === 0 ? `(v128.load${bits}_zero${shifted(offset)} ${text})` : `(v128.load${bits}_lane${shifted(offset)} ${n} ${text} ${v})`), "");
  return { dtype, lanes: 4, parts: dtype === "float64" ? [register(places.slice(0, 2)), register(places.slice(2))] : [register(places)] };
}

/** Four elements at any positions (an int32 value in variables); those above `last` are read at `last`, negative ones too. */
export function gatherFour(fn: Func, dtype: DType, base: string, positions: Value, last: number | null): Value {
  const [p] = positions.parts as readonly [string];
  const inside = last === null ? p : `(i32x4.min_u ${p} (v128.const i32x4 ${last} ${last} ${last} ${last}))`;
  const bytes = fn.let("v128", `(i32x4.add (i32x4.splat ${base}) (i32x4.shl ${inside} ${i32(Math.log2(byteSize(dtype)))}))`);
  return assemble(dtype, [0, 1, 2, 3].map((n) => ({ text: `(i32x4.extract_lane ${n} ${bytes})`, offset: 0 })));
}

/** Stores four elements, `stride` elements apart. Parts must be variables. */
export function storeFour(fn: Func, address: Address, stride: number, v: Value): void {
  const { text, offset } = address;
  if (stride === 1 && v.dtype === "bool") {
    const ones = `(v128.and ${v.parts[0]} (v128.const i32x4 1 1 1 1))`;
    const bytes = fn.let("v128", ones);
    fn.line(`(v128.store32_lane${shifted(offset)} 0 ${text} (i8x16.shuffle 0 4 8 12 0 0 0 0 0 0 0 0 0 0 0 0 ${bytes} ${bytes}))`);
  } else if (stride === 1) v.parts.forEach((p, n) => { fn.line(`(v128.store${shifted(offset + 16 * n)} ${text} ${p})`); });
  else lanePlaces(fn, v.dtype, address, stride).forEach((p, n) => { storeOne(fn, p, laneOf(v, n)); });
}
