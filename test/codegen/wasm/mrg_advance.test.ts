/** Steps of MRG31k3p's states: the kernels that draws really make, against the reference device, and kernels that only look like them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { axis, type Expr, load, prim } from "../../../src/codegen/ir/expr.js";
import { int } from "../../../src/codegen/ir/index.js";
import { closeKernel, type Kernel } from "../../../src/codegen/ir/kernel.js";
import { allSteps, type Plan } from "../../../src/codegen/ir/plan.js";
import { buildKernel, renderKernel } from "../../../src/codegen/reference/render.js";
import type { Features } from "../../../src/codegen/wasm/code.js";
import { mrgAdvance } from "../../../src/codegen/wasm/mrg_advance.js";
import { device as open } from "../../../src/compile/devices.js";
import { compile, MRGRandomStreams, NdArray, T } from "../../../src/index.js";
import { runner } from "./run_code.js";

const PLAIN: Features = { simd: true, fma: false, threads: false };

/** The kernels that write rows of six in the plan of a draw. */
async function advances(size: readonly number[], nstreams: number, symbolic = false): Promise<Kernel[]> {
  const { backend } = await open("reference");
  const plans: Plan[] = [];
  const compilePlan = backend.compile.bind(backend);
  backend.compile = (plan) => {
    plans.push(plan);
    return compilePlan(plan);
  };
  try {
    const x = T.matrix("x");
    const draw = new MRGRandomStreams(7).uniform({ size: symbolic ? x.shape : size, ndim: size.length, nstreams });
    await compile([x], draw.add(x.sum()), { device: "reference" })(NdArray.zeros(symbolic ? size : [1, 1], "float32"));
  } finally {
    backend.compile = compilePlan;
  }
  return plans.flatMap((p) => [...allSteps(p.steps)]).flatMap((s) => (s.kind === "launch" && s.kernel.domain.length === 2 && s.kernel.domain[1] === 6 ? [s.kernel] : []));
}

const state = fc.integer({ min: 0, max: 2 ** 31 - 1 });

function check(kernel: Kernel, fill: (n: number) => number): void {
  const inputs = kernel.params.map(({ shape }, p) => Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => fill(n + 7919 * p)));
  const want = new Int32Array((kernel.domain[0] as number) * 6);
  buildKernel(renderKernel(kernel))(inputs, [], [want]);
  for (const simd of [true, false]) {
    const code = mrgAdvance(kernel, "k", { ...PLAIN, simd });
    if (code === null) throw new Error(`not recognised: ${kernel.text}`);
    const places = [[], ...(code.inPlace[0] ?? []).map((p) => [[0, p] as const])];
    for (const place of places) {
      for (const backwards of [false, true]) {
        const { reads, writes, run } = runner(code, kernel.params, [{ dtype: "int32", shape: kernel.domain }], place);
        inputs.forEach((x, p) => { reads[p]?.set(x); });
        run(backwards);
        expect(writes[0]?.every((x, n) => x === want[n]), `simd ${simd}, backwards ${backwards}, in place ${JSON.stringify(place)}`).toBe(true);
        if (place.length === 0) inputs.forEach((x, p) => { expect(Buffer.compare(Buffer.from(x.buffer), Buffer.from(Int32Array.from(reads[p] as Int32Array).buffer))).toBe(0); });
      }
    }
  }
}

/** Size, streams, kernels that step states. */
const DRAWS: readonly (readonly [readonly number[], number, number])[] = [
  [[4, 12], 15360, 1],
  [[7, 3], 3, 1],
  [[30, 20], 100, 1],
  [[13, 11], 50, 1],
  [[5, 103], 517, 1],
  [[20, 98], 1024, 1],
  [[1, 2], 2, 1],
];

describe("the states after a draw", () => {
  test.each(DRAWS)("of size %j from %i streams", async (size, streams, count) => {
    const kernels = await advances(size, streams);
    expect(kernels).toHaveLength(count);
    for (const kernel of kernels) fc.assert(fc.property(fc.array(state, { minLength: 61, maxLength: 61 }), (some) => check(kernel, (n) => some[n % 61] as number)), { numRuns: 3 });
  });

  test("of more steps than a kernel unrolls: the steps of the scan, no steps, and what follows them", async () => {
    const kernels = await advances([40, 25], 9, true);
    expect(kernels.map((k) => mrgAdvance(k, "k", PLAIN)?.inPlace)).toEqual([[[0]], undefined, [[0]]]);
    for (const kernel of [kernels[0], kernels[2]]) check(kernel as Kernel, (n) => (n * 2654435761) % 2 ** 31);
  });

  test("is cut into blocks of streams", async () => {
    const [kernel] = await advances([4, 12], 15360);
    expect(mrgAdvance(kernel as Kernel, "k", PLAIN)?.passes.map((p) => p.units)).toEqual([30]);
  });
});

describe("kernels that are no step of states are left to others", () => {
  const S = 8;
  const [row, column] = [axis(0, S), axis(1, 6)];
  const at = (c: number, r: Expr = row): Expr => load(0, "int32", [r, int(c)]);
  const kernel = (e: Expr, domain: readonly number[] = [S, 6], results = [e]): Kernel => closeKernel(domain, null, results, () => ({ dtype: "int32", shape: [S, 6] })).kernel;
  const step = prim("mrgNext1", at(1), at(2));
  const stepped = prim("select", prim("eq", column, int(0)), step, load(0, "int32", [row, column]));
  const two = prim("select", prim("eq", column, int(0)), prim("select", prim("lt", row, int(3)), step, at(0)), prim("select", prim("lt", row, int(4)), step, at(1)));

  test("though one that is passes", () => {
    check(kernel(stepped), (n) => n * 1000003);
  });
  test.each<[string, Kernel]>([
    ["a copy", kernel(load(0, "int32", [row, column]))],
    ["another row", kernel(prim("select", prim("eq", column, int(0)), step, load(0, "int32", [prim("sub", int(S - 1), row), column])))],
    ["another operation", kernel(prim("add", stepped, int(1)))],
    ["a constant", kernel(prim("select", prim("eq", column, int(0)), step, int(0)))],
    ["a row's number", kernel(prim("select", prim("eq", column, int(0)), step, row))],
    ["a step of a row's number", kernel(prim("select", prim("eq", column, int(0)), prim("mrgNext1", row, at(2)), at(1)))],
    ["two bounds", kernel(two)],
    ["two results", kernel(stepped, [S, 6], [stepped, stepped])],
    ["rows of five", kernel(prim("mrgNext1", at(1), at(2)), [S, 5])],
    ["fewer rows than the states", kernel(prim("select", prim("eq", axis(1, 6), int(0)), prim("mrgNext1", load(0, "int32", [axis(0, 4), int(1)]), int(1)), load(0, "int32", [axis(0, 4), axis(1, 6)])), [4, 6])],
  ])("%s", (_, k) => {
    expect(mrgAdvance(k, "k", PLAIN)).toBeNull();
  });
});
