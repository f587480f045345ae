/** Functions of math.ts in float64, against their series in BigInt; special cases against evalPrim. */
import { describe, expect, test } from "vitest";
import { evalPrim, SIGMOID_SATURATION, SOFTPLUS_SATURATION } from "../../../src/codegen/ir/prims.js";
import type { MathName } from "../../../src/codegen/wasm/math.js";
import { applier, CHUNK, difference, type Floats, NAMES, randoms } from "./math_kit.js";
import { PRECISE, type Precise, ulps } from "./precise.js";

const SLOW = process.env.DAMO_SLOW === "1";
const COUNT = SLOW ? CHUNK : 3000;

/** As math.ts states them. */
const BOUNDS: Readonly<Record<MathName, number>> = {
  exp: 1, log: 1, log1p: 1.5, expm1: 2, tanh: 3, sigmoid: 2, softplus: 2, sin: 1, cos: 1, tan: 2.5, asin: 2.5, acos: 1.5, atan: 2.5, erf: 2, pow: 1.5,
};

type Random = () => number;
type Sampler = (random: Random) => number;
const uniform = (low: number, high: number): Sampler => (random) => low + (high - low) * random();
/** Of either sign, and all sizes between two powers of two. */
const sized = (from: number, to: number): Sampler => (random) => (random() < 0.5 ? -1 : 1) * 2 ** (from + (to - from) * random());
const positive = (of: Sampler): Sampler => (random) => Math.abs(of(random));
/** As near to a point as its digits allow, and less near. */
const near = (point: number, side: -1 | 0 | 1 = 0): Sampler => (random) => point + (side || (random() < 0.5 ? -1 : 1)) * 2 ** (-1 - 51 * random());

const ANGLES = [uniform(-10, 10), uniform(-1e5, 1e5), sized(-60, 1023.9), near(Math.PI / 2), (random: Random) => Math.round(random() * 6e4) * (Math.PI / 2)];
const SIGNED = (limit: number): readonly Sampler[] => [uniform(-limit, limit), uniform(-2, 2), sized(-60, Math.log2(limit))];

/** Where a function is neither constant nor its argument, nor beyond numbers. */
const SAMPLERS: Readonly<Record<Exclude<MathName, "pow">, readonly Sampler[]>> = {
  exp: [uniform(-744, 709.7), ...SIGNED(12)],
  log: [uniform(0.1, 4), positive(sized(-1021, 1023)), near(1)],
  log1p: [uniform(-0.99, 20), positive(sized(-60, 1023)), sized(-60, -0.1), near(-1, 1)],
  expm1: [uniform(-40, 709.7), ...SIGNED(12)],
  tanh: SIGNED(22),
  sigmoid: [uniform(SIGMOID_SATURATION.float64.low, SIGMOID_SATURATION.float64.high), ...SIGNED(18)],
  softplus: [uniform(-744, SOFTPLUS_SATURATION.float64.high), ...SIGNED(15)],
  sin: ANGLES, cos: ANGLES, tan: ANGLES,
  asin: [uniform(-1, 1), sized(-60, 0), near(1, -1), near(-0.5), near(0.5)],
  acos: [uniform(-1, 1), sized(-60, 0), near(1, -1), near(-1, 1), near(0.5)],
  atan: [...SIGNED(4), sized(-60, 60), near(Math.SQRT2 - 1), near(Math.SQRT2 + 1)],
  erf: [...SIGNED(6), near(1)],
};

/** Bases, and powers that give results of all sizes; whole and half ones. */
const BASES = [uniform(0.01, 4), positive(sized(-1021, 1023)), near(1), uniform(1, 1e4)];
const farthest = (base: number): number => 700 / Math.abs(Math.log(base) || 1);
const POWERS: readonly ((base: number, random: Random) => number)[] = [
  (base, random) => uniform(-1, 1)(random) * farthest(base),
  (base, random) => Math.trunc(uniform(-2, 2)(random) * Math.min(15, farthest(base))) / 2,
];

const pick = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;

function argumentsOf(name: MathName): readonly [Float64Array, Float64Array] {
  const random = randoms(name.length + name.charCodeAt(0));
  const x = Float64Array.from({ length: COUNT }, (_, n) => pick(name === "pow" ? BASES : SAMPLERS[name], n)(random));
  return [x, x.map((base, n) => pick(POWERS, n >> 3)(base, random))];
}

const truth = (name: MathName, x: number, y: number): Precise => (PRECISE[name] as (x: number, y: number) => Precise)(x, y);

function worst(name: MathName, [x, y]: readonly [Float64Array, Float64Array], values: ArrayLike<number>): { readonly ulps: number; readonly at: readonly number[] } {
  let found = { ulps: 0, at: [] as readonly number[] };
  for (let n = 0; n < x.length; n++) {
    const exact = truth(name, x[n] as number, y[n] as number);
    if (exact.value === 0n) continue;
    const distance = ulps(values[n] as number, exact);
    if (distance > found.ulps) found = { ulps: distance, at: [x[n] as number, y[n] as number] };
  }
  return found;
}

const SPECIAL = [
  0, 5e-324, 2.2250738585072014e-308, 1e-300, 2 ** -60, 2 ** -55, 2 ** -30, 0.25, 0.5, 1, 1.5, 2, 3, 15, 16, 17, 18.9999, 19, 19.0001, 20, 36, 40, 708, 709, 709.1, 709.782712893384, 709.7827128933841,
  710, 744, 745, 745.1, 745.13321910194122, 745.2, 1e5, 100000.1, 2 ** 20, 2 ** 53, 2 ** 53 + 2, 2 ** 100, 2 ** 101, 1e22, 1e300, Number.MAX_VALUE, Number.POSITIVE_INFINITY,
].flatMap((x) => [x, -x]).concat(Number.NaN);

/** The same, or near: the last digits are the other tests' matter. The signs of zeros count. */
const alike = (got: number, want: number): boolean =>
  Object.is(got, want) || (Number.isFinite(got) && got !== want && Math.abs(got - want) <= Math.abs(want) * 1e-14 + 5e-324 && Math.sign(1 / got) === Math.sign(1 / want));

describe("float64", () => {
  test.each(NAMES)("%s keeps its bound, and gives the same bits for one element and two", (name) => {
    const [x, y] = argumentsOf(name);
    const { single, wide } = applier(name, "float64")(x, y);
    expect(difference(single, wide)).toBe(-1);
    const { ulps: distance, at } = worst(name, [x, y], wide);
    expect(distance, `at ${at}`).toBeLessThanOrEqual(BOUNDS[name]);
  }, SLOW ? 3_600_000 : 60_000);

  test.each(NAMES.filter((name) => name !== "pow" && name !== "erf"))("the truth about %s is what Math says, to 2 ulp", (name) => {
    const [x, y] = argumentsOf(name).map((all) => all.subarray(0, 400)) as [Float64Array, Float64Array];
    const { ulps: distance, at } = worst(name, [x, y], Array.from(x, (v) => evalPrim(name, [v], "float64")));
    expect(distance, `at ${at}`).toBeLessThanOrEqual(2);
  });

  test.each(NAMES.filter((name) => name !== "pow"))("%s of zeros, infinities, NaN, the smallest, the largest, saturation points", (name) => {
    const x = Float64Array.from(SPECIAL);
    const { single, wide } = applier(name, "float64")(x);
    const wrong = (values: Floats): readonly string[] => SPECIAL.flatMap((v, n) => (alike(values[n] as number, evalPrim(name, [v], "float64")) ? [] : [`${name}(${v}) is not ${values[n]}`]));
    expect([...wrong(single), ...wrong(wide)]).toEqual([]);
  });

  test.each(["float32", "float64"] as const)("pow of all pairs of special numbers in %s", (dtype) => {
    const numbers = [0, 1, 2, 0.5, 3, 2.5, 1e30, 1e-45, 1.0000001192092896, 0.9999999, 8388609, 16777217, 2 ** 53 - 1, 2 ** 53, 1e300, 1e-320, Number.POSITIVE_INFINITY].flatMap((x) => [x, -x]).concat(Number.NaN);
    const pairs = numbers.flatMap((x) => numbers.map((y) => [x, y] as const));
    const make = (n: 0 | 1): Floats => new (dtype === "float32" ? Float32Array : Float64Array)(pairs.map((p) => p[n]));
    const [x, y] = [make(0), make(1)];
    const { single, wide } = applier("pow", dtype)(x, y);
    const round = dtype === "float32" ? Math.fround : (v: number): number => v;
    const wrong = pairs.flatMap((_, n) => {
      const want = round(evalPrim("pow", [x[n] as number, y[n] as number], dtype));
      const tolerance = dtype === "float32" ? 1e-7 : 1e-13;
      return [single[n] as number, wide[n] as number].filter((got) => !Object.is(got, want) && !(Math.abs(got - want) <= Math.abs(want) * tolerance && got !== 0)).map((got) => `${x[n]} to the ${y[n]} is ${want}, not ${got}`);
    });
    expect(wrong).toEqual([]);
  });
});
