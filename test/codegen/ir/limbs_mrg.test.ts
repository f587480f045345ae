import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LimbArith, type Limbs, mrgCombineLimbs, mrgStep1Limbs, mrgStep2Limbs } from "../../../src/codegen/ir/limbs_mrg.js";

const M1 = 2147483647;
const M2 = 2147462579;

/** Refuses whatever a float32 could not hold exactly. */
function exact(x: number): number {
  if (!Number.isInteger(x) || Math.abs(x) > 2 ** 24) throw new Error(`${x} is not an integer of magnitude <= 2^24`);
  return x;
}
const natural = (x: number): number => {
  if (x < 0) throw new Error(`${x} is negative`);
  return x;
};
const STRICT: LimbArith<number> = {
  add: (a, b) => exact(a + b),
  sub: (a, b) => exact(a - b),
  mul: (a, b) => exact(a * b),
  floorDiv: (a, k) => exact(Math.floor(natural(a) / k)),
  mod: (a, k) => exact(natural(a) % k),
  lt: (a, b) => (a < b ? 1 : 0),
  select: (c, a, b) => (c !== 0 ? a : b),
  const: exact,
};

const split = (x: number): Limbs<number> => ({ hi: Math.floor(x / 65536), lo: x % 65536 });
function join({ hi, lo }: Limbs<number>): number {
  expect([hi >= 0, hi < 32768, lo >= 0, lo < 65536]).toEqual([true, true, true, true]);
  return hi * 65536 + lo;
}

const want1 = (x12: number, x13: number): number => Number((BigInt(x12) * 4194304n + BigInt(x13) * 129n) % BigInt(M1));
const want2 = (x21: number, x23: number): number => Number((BigInt(x21) * 32768n + BigInt(x23) * 32769n) % BigInt(M2));
const wantZ = (y1: number, y2: number): number => (y1 <= y2 ? y1 - y2 + M1 : y1 - y2);

const edges = (m: number): number[] => [0, 1, 2, 255, 256, 511, 512, 65535, 65536, 65537, 16777215, 16777216, 21069, 1 << 30, m - 65536, m - 21069, m - 2, m - 1];

describe("one MRG31k3p step in limbs", () => {
  test("equals the recurrence at the extremes, every intermediate exact in float32", () => {
    for (const a of edges(M1)) for (const b of edges(M1)) expect(join(mrgStep1Limbs(STRICT, split(a), split(b)))).toBe(want1(a, b));
    for (const a of edges(M2)) for (const b of edges(M2)) expect(join(mrgStep2Limbs(STRICT, split(a), split(b)))).toBe(want2(a, b));
    for (const a of edges(M1)) for (const b of edges(M2)) expect(join(mrgCombineLimbs(STRICT, split(a), split(b)))).toBe(wantZ(a, b));
  });

  test("equals the recurrence for 100000 states", () => {
    let seed = 20261124;
    const word = (m: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return Math.floor((seed / 4294967296) * m);
    };
    let wrong = 0;
    for (let i = 0; i < 100000; i++) {
      const [a, b, c, d] = [word(M1), word(M1), word(M2), word(M2)] as [number, number, number, number];
      const y1 = mrgStep1Limbs(STRICT, split(a), split(b));
      const y2 = mrgStep2Limbs(STRICT, split(c), split(d));
      const z = mrgCombineLimbs(STRICT, y1, y2);
      if (y1.hi * 65536 + y1.lo !== want1(a, b) || y2.hi * 65536 + y2.lo !== want2(c, d) || z.hi * 65536 + z.lo !== wantZ(want1(a, b), want2(c, d))) wrong++;
    }
    expect(wrong).toBe(0);
  });

  test("and for states that a shrinker can pick", () => {
    const x1 = fc.integer({ min: 0, max: M1 - 1 });
    const x2 = fc.integer({ min: 0, max: M2 - 1 });
    fc.assert(fc.property(x1, x1, x2, x2, (a, b, c, d) => {
      expect(join(mrgStep1Limbs(STRICT, split(a), split(b)))).toBe(want1(a, b));
      expect(join(mrgStep2Limbs(STRICT, split(c), split(d)))).toBe(want2(c, d));
      expect(join(mrgCombineLimbs(STRICT, split(a), split(c)))).toBe(wantZ(a, c));
    }));
  });
});
