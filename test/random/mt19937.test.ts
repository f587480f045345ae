import { expect, test } from "vitest";
import { cloneState, copyState, entropyState, equalStates, fillDoubles, nextDouble, nextUint32, seedState, seedStateFromArray } from "../../src/random/mt19937.js";

test("the first words after seed 5489 and after an array are the reference implementation's", () => {
  const s = seedState(5489);
  expect([nextUint32(s), nextUint32(s), nextUint32(s), nextUint32(s), nextUint32(s)]).toEqual([3499211612, 581869302, 3890346734, 3586334585, 545404204]);
  const a = seedStateFromArray([0x123, 0x234, 0x345, 0x456]);
  expect([nextUint32(a), nextUint32(a), nextUint32(a)]).toEqual([1067595299, 955945823, 477289528]);
});

test("a state is NumPy's get_state: words, position", () => {
  const s = seedState(7);
  expect([...s.key.slice(0, 3)]).toEqual([7, 4097098180, 3572822661]);
  expect(s.pos).toBe(624);
  for (let i = 0; i < 12; i++) nextUint32(s);
  expect([...s.key.slice(0, 3)]).toEqual([2022286329, 1444425037, 2858264774]);
  expect(s.pos).toBe(12);
});

test("a filled block is the same doubles as one by one, also across odd positions and the end of the words", () => {
  for (const skip of [0, 1, 2, 623, 624]) {
    for (const n of [0, 1, 311, 312, 313, 2000]) {
      const a = seedState(99);
      for (let i = 0; i < skip; i++) nextUint32(a);
      const b = cloneState(a);
      const block = fillDoubles(a, new Float64Array(n));
      expect([...block]).toEqual(Array.from({ length: n }, () => nextDouble(b)));
      expect(equalStates(a, b)).toBe(true);
    }
  }
});

test("a clone goes its own way; a copy takes over everything", () => {
  const a = seedState(3);
  const b = cloneState(a);
  nextDouble(a);
  expect(equalStates(a, b)).toBe(false);
  a.hasGauss = true;
  a.gauss = 1.5;
  copyState(a, b);
  expect(equalStates(a, b)).toBe(true);
  a.gauss = 1.25;
  expect(equalStates(a, b)).toBe(false);
});

test("states without a seed differ", () => {
  expect(equalStates(entropyState(), entropyState())).toBe(false);
});

test("seeds outside 32 bits, fractions and empty arrays are refused", () => {
  for (const bad of [-1, 2 ** 32, 0.5, Number.NaN]) {
    expect(() => seedState(bad)).toThrow(/seed-range/);
    expect(() => seedStateFromArray([1, bad])).toThrow(/seed-range/);
  }
  expect(() => seedStateFromArray([])).toThrow(/seed-empty/);
});
