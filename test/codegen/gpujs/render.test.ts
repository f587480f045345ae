import { describe, expect, it } from "vitest";
import { peelPlan } from "../../../src/codegen/gpujs/peel.js";
import { renderKernel } from "../../../src/codegen/gpujs/render.js";
import { stagePlan } from "../../../src/codegen/gpujs/stages.js";
import { TARGETS, type TargetName } from "../../../src/codegen/gpujs/target.js";
import { acc, axis, constant, type Expr, load, prim, redAxis, scalar } from "../../../src/codegen/ir/expr.js";
import { int } from "../../../src/codegen/ir/index.js";
import { type BufferType, closeKernel, type Kernel, type Reduction } from "../../../src/codegen/ir/kernel.js";
import type { Launch, Plan } from "../../../src/codegen/ir/plan.js";
import { f32, onePlan } from "./devices.js";

const F = "float32";

function kernelOf(types: readonly BufferType[], domain: readonly number[], reduction: Reduction | null, results: readonly Expr[]): Kernel {
  return closeKernel(domain, reduction, results, (b) => types[b] as BufferType).kernel;
}

/** sigmoid(x w + b), 20x784 by 784x500. */
function layer(n = 20, m = 784, p = 500): Kernel {
  const term = prim("mul", load(0, F, [axis(0, n), redAxis(0, m)]), load(1, F, [redAxis(0, m), axis(1, p)]));
  return kernelOf([f32(n, m), f32(m, p), f32(p)], [n, p], { op: "sum", extents: [m], term, dtype: F }, [prim("sigmoid", prim("add", acc(F), load(2, F, [axis(1, p)])))]);
}

const source = (k: Kernel, target: TargetName): string => renderKernel(k, 0, TARGETS[target]).source;

describe("sources", () => {
  it("of a layer on webgpu: two-dimensional launch, pointers that step, the bias loaded outside of the loop", () => {
    expect(source(layer(), "webgpu")).toBe(`function(b0, b1, b2) {
  let acc0 = 0;
  let p0 = this.output.x; p0++; p0 = this.thread.y * 784;
  let p1 = this.output.x; p1++; p1 = this.thread.x;
  const t2 = b2[this.thread.x];
  for (let k0 = 0; k0 < 784; k0++) {
    acc0 += (b0[p0]) * (b1[p1]);
    p0 += 1;
    p1 += 500;
  }
  const t3 = acc0 + t2;
  const t4 = -t3;
  return (t3 < -88 ? 0 : (t3 > 15 ? 1 : 1 / (1 + (t4 === t4 ? Math.exp(t4) : t4))));
}`);
  });

  it("of a layer on webasm: one memory, places as integers, four rows to a cell that share the weights", () => {
    const r = renderKernel(layer(), 0, TARGETS.webasm);
    expect(r).toMatchObject({ output: [500, 5], tile: 4, columns: 500, types: ["Input", "Integer", "Integer", "Integer", "Integer"] });
    expect(r.source.slice(0, r.source.indexOf("  return"))).toBe(`function(m, b0, b1, b2, o) {
  let acc0 = 0;
  let acc1 = 0;
  let acc2 = 0;
  let acc3 = 0;
  let p0 = this.output.x; p0++; p0 = this.thread.y - o;
  let p1 = this.output.x; p1++; p1 = b0 + p0 * 3136;
  let p2 = this.output.x; p2++; p2 = b1 + this.thread.x;
  const t4 = m[b2 + this.thread.x];
  for (let k0 = 0; k0 < 784; k0++) {
    const t3 = m[p2];
    acc0 += (m[p1]) * t3;
    acc1 += (m[p1 + 784]) * t3;
    acc2 += (m[p1 + 1568]) * t3;
    acc3 += (m[p1 + 2352]) * t3;
    p1 += 1;
    p2 += 500;
  }
  const t5 = acc0 + t4;
  const t6 = acc1 + t4;
  const t7 = acc2 + t4;
  const t8 = acc3 + t4;
`);
  });

  it("of a short sum on cpu: four accumulators, one-dimensional", () => {
    const k = kernelOf([f32(6, 12)], [6], { op: "sum", extents: [12], term: load(0, F, [axis(0, 6), redAxis(0, 12)]), dtype: F }, [acc(F)]);
    const r = renderKernel(k, 0, TARGETS.cpu);
    expect(r.output).toEqual([6]);
    expect(r.source).toContain("sum3 += b0[p0 + 3];");
    expect(r.source).toContain("for (let k0 = 0; k0 < 3; k0++) {");
    expect(r.source).toContain("const acc0 = sum0 + sum1 + sum2 + sum3;");
  });

  it("of a layer on GL: integers from floats go through toInt", () => {
    expect(source(layer(), "gl")).toContain("= toInt(");
  });

  it("merge axes that every load walks as one, and keep those that are broadcast", () => {
    const both = prim("add", load(0, F, [axis(0, 4), axis(1, 6)]), load(1, F, [axis(0, 4), axis(1, 6)]));
    expect(renderKernel(kernelOf([f32(4, 6), f32(4, 6)], [4, 6], null, [both]), 0, TARGETS.webgpu)).toMatchObject({ output: [24], source: expect.stringContaining("return (b0[this.thread.x]) + (b1[this.thread.x]);") });
    const row = prim("add", load(0, F, [axis(0, 4), axis(1, 6)]), load(1, F, [axis(1, 6)]));
    expect(renderKernel(kernelOf([f32(4, 6), f32(6)], [4, 6], null, [row]), 0, TARGETS.webgpu).output).toEqual([6, 4]);
  });

  it("hold a guarded load inside its buffer on webasm, where outside traps", () => {
    const value = prim("select", prim("lt", axis(0, 7), int(3)), load(0, F, [axis(0, 7)]), constant(0, F));
    const k = kernelOf([f32(3)], [7], null, [value]);
    expect(source(k, "webasm")).toContain("Math.min(");
    expect(source(k, "gl")).not.toContain("Math.min(");
  });

  it("pass infinities and integers above 2^24 as arguments", () => {
    const k = kernelOf([f32(3)], [3], null, [prim("min", load(0, F, [axis(0, 3)]), constant(Number.POSITIVE_INFINITY, F))]);
    expect(renderKernel(k, 0, TARGETS.cpu)).toMatchObject({ specials: [Number.POSITIVE_INFINITY], types: ["Input", "Float"] });
    expect(renderKernel(kernelOf([], [2], null, [constant(3e7, "int32")]), 0, TARGETS.cpu).specials).toEqual([3e7]);
  });

  it("are the same for the same kernel", () => {
    for (const t of Object.keys(TARGETS) as TargetName[]) expect(source(layer(), t)).toBe(source(layer(), t));
  });
});

const launches = (plan: Plan): Launch[] => plan.steps.filter((s): s is Launch => s.kind === "launch");

describe("plans for a device", () => {
  it("cut long reductions in two stages, and leave short ones alone", () => {
    const long = onePlan([f32(70001)], [], { op: "max", extents: [70001], term: load(0, F, [redAxis(0, 70001)]), dtype: F }, [acc(F)]);
    const staged = launches(stagePlan(long));
    expect(staged.map((s) => [s.kernel.domain, s.kernel.reduction?.extents])).toEqual([[[265], [265]], [[], [265]]]);
    const short = onePlan([f32(900)], [], { op: "sum", extents: [900], term: load(0, F, [redAxis(0, 900)]), dtype: F }, [acc(F)]);
    expect(stagePlan(short)).toBe(short);
  });

  it("peel long parts of an epilogue that do not need the reduction", () => {
    const [i, k] = [axis(0, 5), redAxis(0, 40)];
    let chain: Expr = load(1, F, [i]);
    for (let n = 0; n < 30; n++) chain = prim("sin", prim("add", chain, scalar(0, F)));
    const reduction: Reduction = { op: "sum", extents: [40], term: load(0, F, [i, k]), dtype: F };
    const plan = onePlan([f32(5, 40), f32(5)], [5], reduction, [prim("lt", chain, acc(F))], [F]);
    const [first, second, ...none] = launches(peelPlan(plan, 8));
    expect(none).toEqual([]);
    expect(first?.kernel.reduction).toBeNull();
    expect(second?.kernel.results[0]).toMatchObject({ prim: "lt", args: [{ kind: "load" }, { kind: "acc" }] });
    expect(peelPlan(plan, 41)).toBe(plan);
  });
});
