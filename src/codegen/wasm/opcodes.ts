/**
 * The instructions of WebAssembly (core, SIMD, relaxed SIMD, threads) and what is written after each, by the numbers of the specification's
 * appendix. Must not know text. Used by assemble.ts.
 */

/** What follows an instruction's opcode. */
export type Immediate =
  | "none" | "local" | "label" | "function" | "i32" | "i64" | "f32" | "f64" | "v128" | "lane" | "lanes" | "memory" | "memoryLane" | "zero" | "zeros" | "block" | "fence";

export interface Instruction {
  readonly bytes: readonly number[];
  readonly immediate: Immediate;
  /** log2 of the bytes that an access touches. */
  readonly align: number;
}

export const TYPES: Readonly<Record<string, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** Names in the order of their numbers, from the first; `-` is a number without an instruction. */
type Row = readonly [first: number, names: string, immediate?: Immediate];

const INT = "clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr";
const COMPARE = "eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u";
const FLOAT = "abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign";
const FLOAT_COMPARE = "eq ne lt gt le ge";
/** The same operations of a type. */
const of = (type: string, names: string): string => names.split(" ").map((n) => (n === "-" ? n : `${type}.${n}`)).join(" ");

const CORE: readonly Row[] = [
  [0x00, "unreachable nop"], [0x02, "block loop if", "block"], [0x0c, "br br_if", "label"], [0x0f, "return"], [0x10, "call", "function"], [0x1a, "drop select"],
  [0x20, "local.get local.set local.tee", "local"],
  [0x28, "i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u", "memory"],
  [0x36, "i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8 i64.store16 i64.store32", "memory"], [0x3f, "memory.size memory.grow", "zero"],
  [0x41, "i32.const", "i32"], [0x42, "i64.const", "i64"], [0x43, "f32.const", "f32"], [0x44, "f64.const", "f64"],
  [0x45, of("i32", COMPARE)], [0x50, of("i64", COMPARE)], [0x5b, of("f32", FLOAT_COMPARE)], [0x61, of("f64", FLOAT_COMPARE)],
  [0x67, of("i32", INT)], [0x79, of("i64", INT)], [0x8b, of("f32", FLOAT)], [0x99, of("f64", FLOAT)],
  [0xa7, "i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u i64.extend_i32_s i64.extend_i32_u i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u"],
  [0xb2, "f32.convert_i32_s f32.convert_i32_u f32.convert_i64_s f32.convert_i64_u f32.demote_f64 f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s f64.convert_i64_u f64.promote_f32"],
  [0xbc, "i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64 i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s"],
];

const MISC: readonly Row[] = [
  [0x00, "i32.trunc_sat_f32_s i32.trunc_sat_f32_u i32.trunc_sat_f64_s i32.trunc_sat_f64_u i64.trunc_sat_f32_s i64.trunc_sat_f32_u i64.trunc_sat_f64_s i64.trunc_sat_f64_u"],
  [0x0a, "memory.copy", "zeros"], [0x0b, "memory.fill", "zero"],
];

const VECTOR_COMPARE = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u";

const SIMD: readonly Row[] = [
  [0x00, "v128.load v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u v128.load32x2_s v128.load32x2_u v128.load8_splat v128.load16_splat v128.load32_splat v128.load64_splat v128.store", "memory"],
  [0x0c, "v128.const", "v128"], [0x0d, "i8x16.shuffle", "lanes"], [0x0e, "i8x16.swizzle i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat"],
  [0x15, "i8x16.extract_lane_s i8x16.extract_lane_u i8x16.replace_lane i16x8.extract_lane_s i16x8.extract_lane_u i16x8.replace_lane i32x4.extract_lane i32x4.replace_lane i64x2.extract_lane i64x2.replace_lane f32x4.extract_lane f32x4.replace_lane f64x2.extract_lane f64x2.replace_lane", "lane"],
  [0x23, of("i8x16", VECTOR_COMPARE)], [0x2d, of("i16x8", VECTOR_COMPARE)], [0x37, of("i32x4", VECTOR_COMPARE)], [0x41, of("f32x4", FLOAT_COMPARE)], [0x47, of("f64x2", FLOAT_COMPARE)],
  [0x4d, "v128.not v128.and v128.andnot v128.or v128.xor v128.bitselect v128.any_true"],
  [0x54, "v128.load8_lane v128.load16_lane v128.load32_lane v128.load64_lane v128.store8_lane v128.store16_lane v128.store32_lane v128.store64_lane", "memoryLane"],
  [0x5c, "v128.load32_zero v128.load64_zero", "memory"], [0x5e, "f32x4.demote_f64x2_zero f64x2.promote_low_f32x4"],
  [0x60, `${of("i8x16", "abs neg popcnt all_true bitmask narrow_i16x8_s narrow_i16x8_u")} ${of("f32x4", "ceil floor trunc nearest")}`],
  [0x6b, `${of("i8x16", "shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u")} f64x2.ceil f64x2.floor ${of("i8x16", "min_s min_u max_s max_u")} f64x2.trunc i8x16.avgr_u`],
  [0x7c, "i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u"],
  [0x80, of("i16x8", "abs neg q15mulr_sat_s all_true bitmask narrow_i32x4_s narrow_i32x4_u extend_low_i8x16_s extend_high_i8x16_s extend_low_i8x16_u extend_high_i8x16_u shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u")],
  [0x94, `f64x2.nearest ${of("i16x8", "mul min_s min_u max_s max_u - avgr_u extmul_low_i8x16_s extmul_high_i8x16_s extmul_low_i8x16_u extmul_high_i8x16_u")}`],
  [0xa0, of("i32x4", "abs neg - all_true bitmask - - extend_low_i16x8_s extend_high_i16x8_s extend_low_i16x8_u extend_high_i16x8_u shl shr_s shr_u add - - sub - - - mul min_s min_u max_s max_u dot_i16x8_s - extmul_low_i16x8_s extmul_high_i16x8_s extmul_low_i16x8_u extmul_high_i16x8_u")],
  [0xc0, of("i64x2", "abs neg - all_true bitmask - - extend_low_i32x4_s extend_high_i32x4_s extend_low_i32x4_u extend_high_i32x4_u shl shr_s shr_u add - - sub - - - mul eq ne lt_s gt_s le_s ge_s extmul_low_i32x4_s extmul_high_i32x4_s extmul_low_i32x4_u extmul_high_i32x4_u")],
  [0xe0, of("f32x4", "abs neg - sqrt add sub mul div min max pmin pmax")], [0xec, of("f64x2", "abs neg - sqrt add sub mul div min max pmin pmax")],
  [0xf8, "i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u"],
  [0x100, "i8x16.relaxed_swizzle i32x4.relaxed_trunc_f32x4_s i32x4.relaxed_trunc_f32x4_u i32x4.relaxed_trunc_f64x2_s_zero i32x4.relaxed_trunc_f64x2_u_zero f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd"],
  [0x109, "i8x16.relaxed_laneselect i16x8.relaxed_laneselect i32x4.relaxed_laneselect i64x2.relaxed_laneselect f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max"],
];

const SIZES = "i32. i64. i32.8 i32.16 i64.8 i64.16 i64.32";
const rmw = (name: string): string => SIZES.split(" ").map((s) => {
  const [type, bits] = s.split(".") as [string, string];
  return `${type}.atomic.rmw${bits}.${name}${bits === "" ? "" : "_u"}`;
}).join(" ");

const ATOMIC: readonly Row[] = [
  [0x00, "memory.atomic.notify memory.atomic.wait32 memory.atomic.wait64", "memory"], [0x03, "atomic.fence", "fence"],
  [0x10, "i32.atomic.load i64.atomic.load i32.atomic.load8_u i32.atomic.load16_u i64.atomic.load8_u i64.atomic.load16_u i64.atomic.load32_u", "memory"],
  [0x17, "i32.atomic.store i64.atomic.store i32.atomic.store8 i32.atomic.store16 i64.atomic.store8 i64.atomic.store16 i64.atomic.store32", "memory"],
  ...["add", "sub", "and", "or", "xor", "xchg", "cmpxchg"].map((name, n): Row => [0x1e + 7 * n, rmw(name), "memory"]),
];

/** From the sizes in a name: `v128.load32_zero` 4 bytes, `i64.atomic.rmw16.add_u` 2, `v128.load8x8_s` 8, `f64.load` 8. */
function alignOf(name: string): number {
  const [type = "", ...rest] = name.split(".");
  const lanes = /(?:load|store)(\d+)x(\d+)/.exec(name);
  if (lanes) return 3;
  const bits = /(?:load|store|rmw|wait)(\d+)/.exec(rest.join("."))?.[1];
  if (bits !== undefined) return Math.log2(Number(bits) / 8);
  return type === "v128" ? 4 : type === "i64" || type === "f64" ? 3 : 2;
}

function unsigned(n: number): number[] {
  return n < 0x80 ? [n] : [(n & 0x7f) | 0x80, ...unsigned(n >>> 7)];
}

function rowsOf(rows: readonly Row[], prefix: number | null): [string, Instruction][] {
  return rows.flatMap(([first, names, immediate = "none"]) => names.split(" ").flatMap((name, n): [string, Instruction][] =>
    (name.endsWith("-") ? [] : [[name, { bytes: prefix === null ? [first + n] : [prefix, ...unsigned(first + n)], immediate, align: alignOf(name) }]])));
}

export const INSTRUCTIONS: ReadonlyMap<string, Instruction> = new Map([...rowsOf(CORE, null), ...rowsOf(MISC, 0xfc), ...rowsOf(SIMD, 0xfd), ...rowsOf(ATOMIC, 0xfe)]);
