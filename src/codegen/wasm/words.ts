/**
 * Instructions on 32-bit integers, one or four at a time, for writers that do the same to both. Must not know what is computed.
 * Used by mrg.ts and mt19937.ts.
 */
export interface Words {
  readonly lanes: 1 | 4;
  readonly type: "i32" | "v128";
  readonly constant: (n: number) => string;
  readonly add: (a: string, b: string) => string;
  readonly sub: (a: string, b: string) => string;
  readonly and: (a: string, b: string) => string;
  readonly or: (a: string, b: string) => string;
  readonly xor: (a: string, b: string) => string;
  readonly shl: (a: string, bits: number) => string;
  /** Unsigned. */
  readonly shr: (a: string, bits: number) => string;
}

const two = (name: string) => (a: string, b: string): string => `(${name} ${a} ${b})`;
const shift = (name: string) => (a: string, bits: number): string => `(${name} ${a} (i32.const ${bits}))`;

const ONE: Words = {
  lanes: 1, type: "i32", constant: (n) => `(i32.const ${n})`,
  add: two("i32.add"), sub: two("i32.sub"), and: two("i32.and"), or: two("i32.or"), xor: two("i32.xor"), shl: shift("i32.shl"), shr: shift("i32.shr_u"),
};

const FOUR: Words = {
  lanes: 4, type: "v128", constant: (n) => `(v128.const i32x4 ${n} ${n} ${n} ${n})`,
  add: two("i32x4.add"), sub: two("i32x4.sub"), and: two("v128.and"), or: two("v128.or"), xor: two("v128.xor"), shl: shift("i32x4.shl"), shr: shift("i32x4.shr_u"),
};

export const wordsOf = (lanes: 1 | 4): Words => (lanes === 4 ? FOUR : ONE);
