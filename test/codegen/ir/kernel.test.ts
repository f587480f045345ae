import { describe, expect, it } from "vitest";
import { acc, axis, cast, constant, type Expr, load, postorder, prim, redAxis, rewrite, scalar } from "../../../src/codegen/ir/expr.js";
import { type BoundKernel, type BufferType, closeKernel, shareEqual, substitute } from "../../../src/codegen/ir/kernel.js";
import { countKernels, finishPlan, type Launch, scalarsIn, type Step } from "../../../src/codegen/ir/plan.js";

const TYPES: Readonly<Record<number, BufferType>> = {
  3: { dtype: "float32", shape: [20, 784] }, 5: { dtype: "float32", shape: [784, 500] }, 8: { dtype: "float32", shape: [500] }, 9: { dtype: "float64", shape: [4] },
};
const typeOf = (b: number): BufferType => TYPES[b] ?? { dtype: "float32", shape: [4] };
const f32 = (x: number): Expr => constant(x, "float32");
const at = (buffer: number): Expr => load(buffer, "float32", [axis(0, 4)]);
const close = (...results: Expr[]): BoundKernel => closeKernel([4], null, results, typeOf);

function layer(x: number, w: number, b: number): BoundKernel {
  const [i, j, k] = [axis(0, 20), axis(1, 500), redAxis(0, 784)];
  const term = prim("mul", load(x, "float32", [i, k]), load(w, "float32", [k, j]));
  const pre = prim("add", acc("float32"), load(b, "float32", [j]));
  return closeKernel([20, 500], { op: "sum", extents: [784], term, dtype: "float32" }, [prim("mul", prim("sigmoid", pre), pre), prim("lt", pre, scalar(2, "float32"))],
    (n) => TYPES[[3, 5, 8][[x, w, b].indexOf(n)] as number] as BufferType);
}

describe("closeKernel", () => {
  it("prints a fused layer", () => {
    expect(layer(3, 5, 8).kernel.text).toMatchInlineSnapshot(`
      "  b0: float32[500]
        b1: float32[20,784]
        b2: float32[784,500]
        s0: float32
        for i0<20, i1<500
        acc: float32 = sum k0<784
          term = mul(b1[i0, k0], b2[k0, i1])
        t0 = add(acc, b0[i1])
        out0: float32 = mul(sigmoid(t0), t0)
        out1: bool = lt(t0, s0)"
    `);
  });

  it("gives equal kernels of different slots equal text, with their slots in order of appearance", () => {
    const [a, b] = [layer(3, 5, 8), layer(11, 12, 13)];
    expect(b.kernel.text).toBe(a.kernel.text);
    expect([a.buffers, b.buffers]).toEqual([[8, 3, 5], [13, 11, 12]]);
  });

  it("makes equal subexpressions one object, computed once", () => {
    const square = (): Expr => prim("mul", prim("exp", at(0)), prim("exp", at(0)));
    const { kernel } = close(prim("add", square(), square()));
    expect(postorder(kernel.results).filter((e) => e.kind === "prim")).toHaveLength(3);
    expect(kernel.text).toBe(close(prim("add", square(), square())).kernel.text);
    const shared = square();
    expect(kernel.text).toBe(close(prim("add", shared, shared)).kernel.text);
  });

  it("hoists what all elements share to scalar parameters, the largest such parts, each once", () => {
    const rate = (): Expr => prim("mul", scalar(4, "float32"), f32(0.5));
    const { kernel, scalars } = close(prim("add", prim("mul", at(0), rate()), prim("exp", prim("neg", rate()))));
    expect(kernel.scalars).toEqual(["float32", "float32"]);
    expect(scalars.map((e) => e.kind === "prim" && e.prim)).toEqual(["mul", "exp"]);
    expect(kernel.text.split("\n").at(-1)).toBe("  out0: float32 = add(mul(b0[i0], s0), s1)");
    expect(close(prim("add", at(0), scalar(0, "float32"))).kernel.text).toBe(close(prim("add", at(0), scalar(7, "float32"))).kernel.text);
  });

  it("hoists a result that is uniform as a whole, and leaves constants in place", () => {
    const { kernel, scalars } = close(prim("exp", scalar(0, "float32")), f32(3));
    expect(scalars).toHaveLength(1);
    expect(kernel.text.split("\n").slice(-2)).toEqual(["  out0: float32 = s0", "  out1: float32 = 3."]);
  });

  it("keeps constants apart that differ in sign, NaN or dtype", () => {
    const consts = [f32(0), f32(-0), f32(Number.NaN), f32(1), constant(1, "float64"), constant(1, "int32"), constant(1, "bool"), constant(0.1, "float64"), f32(0.1), f32(Number.NEGATIVE_INFINITY)];
    const texts = consts.map((c) => close(cast(prim("mul", at(0), c), "float32")).kernel.text);
    expect(new Set(texts).size).toBe(consts.length);
    const { kernel } = close(prim("add", prim("mul", at(0), f32(0)), prim("mul", at(0), f32(-0))));
    expect(kernel.text).toContain("add(mul(t0, 0.), mul(t0, -0.))");
  });

  it("keeps kernels apart that differ in extents, operation or dtypes only", () => {
    const sum = (op: "sum" | "max", n: number, dtype: "float32" | "float64"): string => closeKernel([4], { op, extents: [n], term: at(0), dtype }, [acc(dtype)], typeOf).kernel.text;
    expect(new Set([sum("sum", 2, "float32"), sum("max", 2, "float32"), sum("sum", 3, "float32"), sum("sum", 2, "float64")]).size).toBe(4);
    expect(close(at(0)).kernel.text).not.toBe(closeKernel([4], null, [at(0)], () => ({ dtype: "float32", shape: [5] })).kernel.text);
  });

  it("prints kernels over one point", () => {
    expect(closeKernel([], null, [load(0, "float32", [])], () => ({ dtype: "float32", shape: [] })).kernel.text).toMatchInlineSnapshot(`
      "  b0: float32[]
        for one point
        out0: float32 = b0[]"
    `);
  });
});

describe("expression walks", () => {
  it("postorder lists children first, each node once, at any depth", () => {
    let e: Expr = at(0);
    for (let n = 0; n < 50_000; n++) e = prim("add", e, e);
    const order = postorder([e]);
    expect(order).toHaveLength(50_002);
    expect(order.at(-1)).toBe(e);
  });

  it("rewrite and substitute keep sharing", () => {
    const x = prim("exp", at(0));
    const [y] = rewrite([prim("add", x, x)], (e) => (e.kind === "load" ? { ...e, buffer: 9 } : e));
    expect(y?.kind === "prim" && y.args[0]).toBe(y?.kind === "prim" && y.args[1]);
    expect(close(y as Expr).buffers).toEqual([9]);
    const [z] = substitute([prim("add", x, f32(1))], (e) => (e === x ? f32(2) : undefined));
    expect(z).toEqual({ kind: "prim", dtype: "float32", prim: "add", args: [f32(2), f32(1)] });
  });

  it("shareEqual merges equal nodes over several roots", () => {
    const [a, b] = shareEqual([prim("exp", at(0)), prim("neg", prim("exp", at(0)))]);
    expect(b?.kind === "prim" && b.args[0]).toBe(a);
  });
});

describe("plans", () => {
  const whole = (slot: number) => ({ slot, row: null });
  const step = (read: number, write: number): Launch => {
    const { kernel } = close(prim("add", at(0), f32(1)));
    return { kind: "launch", kernel, reads: [whole(read)], scalars: [], writes: [whole(write)] };
  };
  const next = prim("add", scalar(1, "int32"), constant(1, "int32"));
  const steps: Step[] = [
    step(0, 1),
    {
      kind: "loop", count: constant(5, "int32"), index: 1, carries: [{ init: 1, current: 2, next: 3, final: 4 }],
      body: [step(2, 3), { kind: "routine", routine: { name: "sort", config: "axis=0", run: () => undefined }, reads: [whole(3)], scalars: [prim("mul", next, next)], writes: [{ slot: 5, row: next }] }],
    },
  ];

  it("print", () => {
    const slot = (label: string) => ({ dtype: "float32", shape: [4], label, stacked: false }) as const;
    const plan = finishPlan({
      slots: [slot("x"), slot("a"), slot("h"), slot("h'"), slot("h*"), { ...slot("rows"), shape: [6, 4], stacked: true }, slot("c"), { ...slot("big"), shape: [9] }],
      scalars: ["int32", "int32"], scalarInputs: 1, inputs: [0], steps, outputs: [4, 5],
      constants: [{ slot: 6, data: Float32Array.of(1, 2, 3, 4) }, { slot: 7, data: new Float32Array(9) }],
    });
    expect(plan.text).toMatchInlineSnapshot(`
      "%0: float32[4]  x
      %1: float32[4]  a
      %2: float32[4]  h
      %3: float32[4]  h'
      %4: float32[4]  h*
      %5: float32[6,4] stacked  rows
      %6: float32[4]  c
      %7: float32[9]  big
      inputs %0 scalars s0:int32
      constant %6 = [1, 2, 3, 4]
      constant %7 = 9 times 0
      %1 = launch(%0)
          b0: float32[4]
          for i0<4
          out0: float32 = add(b0[i0], 1.)
      loop s1 < 5 (%1 -> %2 <- %3 -> %4)
        %3 = launch(%2)
            b0: float32[4]
            for i0<4
            out0: float32 = add(b0[i0], 1.)
        %5[add(s1, 1)] = routine sort axis=0(%3, mul(add(s1, 1), add(s1, 1)))
      outputs %4 %5"
    `);
  });

  it("count kernels, a loop's once per iteration where the count is known", () => {
    expect(countKernels(steps)).toEqual({ distinct: 3, launches: 11, exact: true });
    const [, loop] = steps;
    expect(countKernels([{ ...(loop as Extract<Step, { kind: "loop" }>), count: scalar(0, "int32") }])).toEqual({ distinct: 2, launches: 2, exact: false });
    expect(countKernels([])).toEqual({ distinct: 0, launches: 0, exact: true });
  });

  it("list the scalars that an expression reads", () => {
    expect(scalarsIn(prim("add", prim("mul", scalar(3, "int32"), scalar(1, "int32")), constant(1, "int32")))).toEqual([3, 1]);
  });
});
