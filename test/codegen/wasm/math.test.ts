/** Functions of math.ts in float32: bounds over all sizes of arguments, with what lies around the points where a description changes. */
import { describe, expect, test } from "vitest";
import { SIGMOID_SATURATION, SOFTPLUS_SATURATION } from "../../../src/codegen/ir/prims.js";
import type { MathName } from "../../../src/codegen/wasm/math.js";
import { applier, CHUNK, type Floats, NAMES, randoms, worst32 } from "./math_kit.js";

const SLOW = process.env.DAMO_SLOW === "1";

/** As math.ts states them. */
const BOUNDS: Readonly<Record<MathName, number>> = {
  exp: 1, log: 1.5, log1p: 2, expm1: 2, tanh: 2, sigmoid: 2, softplus: 2, sin: 2, cos: 2, tan: 3.5, asin: 2.5, acos: 1.5, atan: 2.5, erf: 1.5, pow: 0.6,
};

const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);
const floatOf = (n: number): number => {
  bits[0] = n;
  return float[0] as number;
};
const bitsOf = (x: number): number => {
  float[0] = x;
  return bits[0] as number;
};

/** Points where something begins, ends or changes, of either sign. */
const CENTRES = [
  ...Array.from({ length: 278 }, (_, n) => 2 ** (n - 149)), 0, 3.4028234663852886e38, SIGMOID_SATURATION.float32.low, SIGMOID_SATURATION.float32.high,
  SOFTPLUS_SATURATION.float32.low, SOFTPLUS_SATURATION.float32.high, 88.72283935546875, 103.97207641601562, 87.33654022216797, 104, 89, 9.010913, 0.26, 3.92, 1048576,
  Math.SQRT2, Math.SQRT1_2, Math.SQRT2 - 1, Math.SQRT2 + 1, ...Array.from({ length: 200 }, (_, n) => ((n + 1) * Math.LN2) / 2), ...Array.from({ length: 60 }, (_, n) => ((n + 1) * Math.PI) / 4),
];

function* chunked(all: Iterable<number>): Generator<[Floats]> {
  let [chunk, n] = [new Float32Array(CHUNK), 0];
  for (const x of all) {
    chunk[n++] = x;
    if (n < CHUNK) continue;
    yield [chunk];
    [chunk, n] = [new Float32Array(CHUNK), 0];
  }
  yield [chunk.subarray(0, n)];
}

/** Every `step`-th float32, which takes all exponents and both signs. */
function* everyFloat(step: number): Generator<number> {
  for (let n = -(2 ** 31); n < 2 ** 31; n += step) yield floatOf(n);
}

function* around(): Generator<number> {
  for (const centre of CENTRES) {
    const middle = bitsOf(centre);
    for (let n = Math.max(-40, -middle); n <= 40; n++) {
      yield floatOf(middle + n);
      yield -floatOf(middle + n);
    }
  }
  for (const x of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) yield x;
}

/** Where results are neither saturated nor their arguments. */
function* middle(): Generator<number> {
  const random = randoms(1);
  for (let n = 0; n < 200_000; n++) yield (random() - 0.5) * 2 ** (n % 7);
}

function* points(): Generator<number> {
  yield* everyFloat(4093);
  yield* around();
  yield* middle();
}

describe("float32", () => {
  test("there are more than a million points", () => {
    let count = 0;
    for (const _ of points()) count++;
    expect(count).toBeGreaterThan(1_200_000);
  });

  test.each(NAMES.filter((name) => name !== "pow"))("%s keeps its bound, and gives the same bits for one element and four", (name) => {
    const worst = worst32(name, chunked(points()));
    expect(worst.ulps, `at ${worst.at}: ${worst.got}`).toBeLessThanOrEqual(BOUNDS[name]);
  });

  test("pow keeps its bound, results of all sizes", () => {
    const random = randoms(2);
    function* pairs(): Generator<[Floats, Floats]> {
      for (let n = 0; n < 16; n++) {
        const x = Float32Array.from({ length: CHUNK }, () => (n % 4 === 0 ? random() * 3 : 2 ** (random() * 250 - 125)));
        yield [x, x.map((v) => (n % 4 === 1 ? Math.round(random() * 40) / 2 - 10 : ((random() - 0.5) * 310) / Math.abs(Math.log2(v) || 1)))];
      }
    }
    const worst = worst32("pow", pairs());
    expect(worst.ulps, `at ${worst.at}: ${worst.got}`).toBeLessThanOrEqual(BOUNDS.pow);
  });

  test("NaN with any payload stays NaN", () => {
    const strange = new Float32Array(new Int32Array([0x7f800001, 0x7fc00001, -1, 0x7fffffff, 0x7fc001ff, 0x7f8000ff, -4194305, 0x7fabcdef]).buffer);
    const none = (values: Floats): readonly number[] => [...values].filter((v) => !Number.isNaN(v));
    const left = NAMES.filter((name) => name !== "pow").flatMap((name) => {
      const { single, wide } = applier(name, "float32")(strange);
      return [...none(single), ...none(wide)].map((v) => `${name}: ${v}`);
    });
    expect(left).toEqual([]);
  });

  test.skipIf(!SLOW).each(["exp", "log", "log1p", "expm1", "tanh", "sigmoid", "softplus"] as const)("%s keeps its bound at every third float32 (opt-in: DAMO_SLOW=1)", (name) => {
    const worst = worst32(name, chunked(everyFloat(3)));
    expect(worst.ulps, `at ${worst.at}: ${worst.got}`).toBeLessThanOrEqual(BOUNDS[name]);
  }, 3_600_000);
});
