/** Native draws against the routines' own `run`: the same bits, from any state, of any size. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allocate, type DType, type TypedArray } from "../../../src/codegen/ir/dtype.js";
import type { BufferType } from "../../../src/codegen/ir/kernel.js";
import type { Routine } from "../../../src/codegen/ir/plan.js";
import type { Features } from "../../../src/codegen/wasm/code.js";
import { partType } from "../../../src/codegen/wasm/lanes.js";
import { float32Beside } from "../../../src/codegen/wasm/legacy_draws.js";
import { nativeRoutine } from "../../../src/codegen/wasm/routines.js";
import { Func, i32, times } from "../../../src/codegen/wasm/wat.js";
import type { LowerContext, Params } from "../../../src/graph/op.js";
import { nextGauss } from "../../../src/random/legacy.js";
import { nextUint32, seedState } from "../../../src/random/mt19937.js";
import type { Distribution } from "../../../src/random/mt_draws.js";
import { mtOps } from "../../../src/random/mt_op.js";
import { packState } from "../../../src/random/mt_state.js";
import { instantiate, memoryOf, runner } from "./run_code.js";

const SIMD: Features = { simd: true, fma: false, threads: false };
const SCALAR: Features = { ...SIMD, simd: false };
const STATE: BufferType = { dtype: "int32", shape: [628] };

/** The routine that the op of a distribution lowers to. */
function routineOf(name: Distribution, args: readonly (number | null)[], dtype: DType): Routine {
  const { lower } = mtOps[name].fields;
  if (lower.kind !== "routine") throw new Error(`${name} is no routine`);
  return lower.routine({ params: { args, dtype } as Params } as LowerContext<Params>);
}

interface Draw { readonly name: Distribution; readonly args: readonly (number | null)[]; readonly dtype: DType; readonly shape: readonly number[] }

const readsOf = ({ shape }: Draw): BufferType[] => [STATE, ...shape.map((): BufferType => ({ dtype: "int32", shape: [] }))];
const native = (d: Draw, features: Features): ReturnType<typeof nativeRoutine> => nativeRoutine(routineOf(d.name, d.args, d.dtype), readsOf(d), [STATE, d], "draw", features);

const bytes = (x: TypedArray): Buffer => Buffer.from(x.buffer, x.byteOffset, x.byteLength);
const sameBits = (a: TypedArray, b: TypedArray): boolean => a.length === b.length && Buffer.compare(bytes(a), bytes(b)) === 0;

/** Some draws one after the other, each from the state before; natively once with both states kept and once with the next in its place. */
function check(d: Draw, state: Int32Array, features: Features): void {
  const reads = readsOf(d);
  const code = native(d, features);
  if (code === null) throw new Error(`the host draws ${JSON.stringify(d)}`);
  const host = (data: TypedArray, type: BufferType) => ({ data, ...type });
  const size = d.shape.reduce((a, b) => a * b, 1);
  for (const place of [[], [[0, 0] as const]]) {
    const wasm = runner(code, reads, [STATE, d], place);
    let before = state;
    d.shape.forEach((n, i) => { wasm.reads[i + 1]?.fill(n); });
    for (let call = 0; call < 3; call++) {
      const [next, samples] = [new Int32Array(628), allocate(d.dtype, size)] as const;
      routineOf(d.name, d.args, d.dtype).run(reads.map((t, i) => host(i === 0 ? before : Int32Array.of(d.shape[i - 1] as number), t)), [host(next, STATE), host(samples, d)], []);
      wasm.reads[0]?.set(before);
      wasm.run();
      expect(sameBits(wasm.writes[1] as TypedArray, samples), `samples of call ${call}: ${wasm.writes[1]?.slice(0, 8)} for ${samples.slice(0, 8)}`).toBe(true);
      expect(sameBits(wasm.writes[0] as TypedArray, next), `next state of call ${call}`).toBe(true);
      if (place.length === 0) expect(sameBits(wasm.reads[0] as TypedArray, before)).toBe(true);
      before = next;
    }
  }
}

interface Start { readonly seed: number; readonly words: number; readonly gauss: boolean }

/** Any position, the first use after seeding included. */
const start: fc.Arbitrary<Start> = fc.record({ seed: fc.nat(), words: fc.oneof(fc.nat(1300), fc.constantFrom(0, 1, 622, 623, 624, 625)), gauss: fc.boolean() });

/** The state of a seed after a normal or none, and after words. */
function stateOf({ seed, words, gauss }: Start): Int32Array {
  const s = seedState(seed);
  if (gauss) nextGauss(s);
  for (let i = 0; i < words; i++) nextUint32(s);
  return packState(s).data as Int32Array;
}

const size = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 300, max: 700 }), fc.constantFrom(0, 1, 311, 312, 313, 624, 1024, 1027, 2500));
const float = fc.constantFrom<DType>("float32", "float64");
const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const bound = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

const DRAWS: Readonly<Record<string, fc.Arbitrary<Draw>>> = {
  "uniform on [0, 1)": fc.record({ name: fc.constant("uniform"), args: fc.constant([0, 1]), dtype: float, shape: fc.tuple(size) }),
  "uniform on other ranges": fc.record({ name: fc.constant("uniform"), args: fc.tuple(fc.oneof(finite, fc.constantFrom(0, -0, -1)), finite).map(([low, high]) => [low, low === 0 ? Math.abs(high) : high]), dtype: float, shape: fc.tuple(fc.constantFrom(1, 2), size) }),
  bernoulliPair: fc.record({ name: fc.constant("bernoulliPair"), args: fc.constant([]), dtype: float, shape: fc.tuple(fc.constant(2), size) }),
  randomIntegers: fc.record({
    name: fc.constant("randomIntegers"), dtype: fc.constant("int32"), shape: fc.tuple(size),
    args: fc.oneof(fc.tuple(bound, bound).map(([a, b]) => [Math.min(a, b), Math.max(a, b)]), fc.tuple(fc.integer({ min: -9, max: 9 }), fc.nat(20)).map(([a, n]) => [a, a + n])),
  }),
  binomial: fc.record({
    name: fc.constant("binomial"), dtype: fc.constant("int32"), shape: fc.tuple(size),
    args: fc.tuple(fc.oneof(fc.nat(30), fc.constantFrom(0, 1)), fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.5, 1, 1e-9, 1 - 1e-9))),
  }),
  "binomial of many rare successes": fc.record({ name: fc.constant("binomial"), dtype: fc.constant("int32"), shape: fc.tuple(size), args: fc.double({ min: 0, max: 29.99, noNaN: true }).chain((np) => fc.integer({ min: 61, max: 2 ** 31 - 1 }).map((n) => [n, np / n])) }),
  permutation: fc.record({ name: fc.constant("permutation"), args: fc.constant([]), dtype: fc.constant("int32"), shape: fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 700 })) }),
  choice: fc.record({ name: fc.constant("choice"), args: fc.integer({ min: 1, max: 2 ** 31 - 1 }).map((n) => [n]), dtype: fc.constant("int32"), shape: fc.tuple(size) }),
  choiceWithout: fc.record({ name: fc.constant("choiceWithout"), args: fc.integer({ min: 2500, max: 3000 }).map((n) => [n, 0]), dtype: fc.constant("int32"), shape: fc.tuple(size) }),
} as Readonly<Record<string, fc.Arbitrary<Draw>>>;

describe.each([["SIMD", SIMD], ["one by one", SCALAR]] as const)("%s", (_, features) => {
  test.each(Object.keys(DRAWS))("%s draws what its routine draws", (name) => {
    fc.assert(fc.property(DRAWS[name] as fc.Arbitrary<Draw>, start, (d, s) => check(d, stateOf(s), features)), { numRuns: 30 });
  });
});

test.each([1, 4] as const)("float32 numbers beside float64 ones, %i at a time", (lanes) => {
  const edges = [0, 2 ** -53, 2 ** -30, 0.25, 0.5, 1].flatMap((x) => [x, x * (1 + 2 ** -52), x * (1 - 2 ** -53), x * (1 + 2 ** -23), x * (1 - 2 ** -24), x * (1 + 2 ** -24)]).filter((x) => x <= 1);
  const four = edges.flatMap((x) => [x, 1 - x]).slice(0, Math.floor((edges.length * 2) / 4) * 4);
  const memory = memoryOf(65536);
  const doubles = new Float64Array(memory.buffer);
  for (const side of [-1, 1] as const) {
    const fn = new Func("$round", []);
    fn.loop(i32(0), i32(four.length), lanes, (i) => {
      const type = partType("float64", lanes);
      const at = times(i, 8);
      const parts = lanes === 4 ? [0, 16] : [0];
      const made = float32Beside(fn, { dtype: "float64", lanes, parts: parts.map((o) => `(${type}.load offset=${o} ${at})`) }, side);
      made.parts.forEach((p, n) => { fn.line(`(${type}.store offset=${1024 + (parts[n] as number)} ${at} ${p})`); });
    });
    doubles.set(four);
    instantiate([fn.text()], ["$round"], memory).round?.();
    four.forEach((x, n) => {
      const y = doubles[128 + n] as number;
      expect(Math.fround(y), `${x}`).toBe(y);
      const [bits, other] = [new Int32Array(1), new Float32Array(1)];
      other[0] = y;
      bits.set(new Int32Array(other.buffer));
      bits[0] = (bits[0] as number) - side;
      const further = new Float32Array(bits.buffer)[0] as number;
      expect(side < 0 ? y <= x && (y === x || further > x) : y >= x && (y === x || further < x), `${y} beside ${x}`).toBe(true);
    });
  }
});

test("a pass is one unit, and runs only where it has that unit", () => {
  const d: Draw = { name: "uniform", args: [0, 1], dtype: "float64", shape: [3] };
  const code = native(d, SIMD);
  expect(code?.passes.map((p) => p.units)).toEqual([1]);
  const { writes, run } = runner({ ...code as NonNullable<typeof code>, passes: (code?.passes ?? []).map((p) => ({ ...p, units: 0 })) }, readsOf(d), [STATE, d]);
  const before = writes.map((w) => w.slice());
  run();
  writes.forEach((w, n) => { expect(sameBits(w, before[n] as TypedArray)).toBe(true); });
});

describe("the host draws", () => {
  test.each<[string, Distribution, readonly (number | null)[], DType]>([
    ["normals", "normal", [0, 1], "float32"],
    ["counts of categories", "multinomial", [1, null], "int32"],
    ["uniforms on ranges that only a call knows", "uniform", [0, null], "float32"],
    ["uniforms on ranges that are refused", "uniform", [0, Number.POSITIVE_INFINITY], "float32"],
    ["uniforms below a zero", "uniform", [0, -1], "float32"],
    ["integers up to what only a call knows", "randomIntegers", [0, null], "int32"],
    ["integers from an empty range, which are refused", "randomIntegers", [1, 0], "int32"],
    ["integers from bounds that are none", "randomIntegers", [0, 1.5], "int32"],
    ["binomials with many successes", "binomial", [100, 0.4], "int32"],
    ["binomials of what only a call knows", "binomial", [3, null], "int32"],
    ["binomials of no probability, which are refused", "binomial", [3, 1.5], "int32"],
    ["choices by probabilities", "choice", [3, null], "int32"],
    ["choices from nothing, which are refused", "choice", [0], "int32"],
    ["choices of more than there are, which are refused", "choiceWithout", [3], "int32"],
  ])("%s", (_, name, args, dtype) => {
    expect(native({ name, args, dtype, shape: [2, 2] }, SIMD)).toBeNull();
  });
  test("routines of other names", () => {
    expect(nativeRoutine({ name: "other", config: "float32 0 1", run: () => {} }, [STATE], [STATE, { dtype: "float32", shape: [2] }], "x", SIMD)).toBeNull();
  });
});
