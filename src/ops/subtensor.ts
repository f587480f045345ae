/**
 * Reading and writing the region that a basic index names: the records subtensor, setSubtensor and incSubtensor, each the gradient of another.
 * indexing.ts makes them from what users write. Must not know slices as users write them.
 */
import { castScalar } from "../codegen/ir/dtype.js";
import { type Expr, prim } from "../codegen/ir/expr.js";
import { isub } from "../codegen/ir/index.js";
import type { Lazy, LowerContext, Op, Sample, ShapeContext } from "../graph/op.js";
import type { Rule } from "../graph/rule.js";
import { type TensorType, tensorType } from "../graph/types.js";
import { apply1, scalarConstant, Variable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { defineOp } from "./define.js";
import { padLeft } from "./dimshuffle.js";
import { fill } from "./elementwise.js";
import { flatPositions, intoTensor, isWhole, type Item, regionGiven, regionIn, regionOf, type RegionParams, regionShape, regionType, type Taken } from "./region.js";
import { choose } from "./shape.js";
import { allHold, inSteps } from "./positions.js";
import { stretched, stretchedTo, sumStretched } from "./stretch.js";

const disconnected = (n: number): "disconnected"[] => new Array<"disconnected">(n).fill("disconnected");

/** x[:] is x; Theano's local_useless_subtensor. */
const dropWhole = (op: () => Op): Rule => ({
  name: "subtensorWhole", phase: "canonicalise", exactness: "exact", source: "x[:, :] = x (theano/tensor/opt.py local_useless_subtensor)",
  get roots() {
    return [op()];
  },
  rewrite: (node) => ((node.params as RegionParams).items.every(isWhole) ? (node.inputs[0] as Variable) : null),
  example: () => {
    const x = new Variable(tensorType("float64", 2), { name: "x" });
    return { inputs: [x], before: apply1(op(), [x], { items: [WHOLE, WHOLE] }) };
  },
});

export const WHOLE: Item = { start: null, stop: null, step: null };
const from = (start: number | null, stop: number | null, step: number | null = null): Item => ({ start, stop, step });

/** Structures that samples read and write: integers, steps, negative and symbolic bounds, nothing. */
const STRUCTURES: readonly { readonly shape: Shape; readonly items: readonly Item[]; readonly region: Shape; readonly extra: readonly number[] }[] = [
  { shape: [4, 3], items: [{ at: -2 }, WHOLE], region: [3], extra: [] },
  { shape: [4, 3], items: [WHOLE, { at: 1 }], region: [4], extra: [] },
  { shape: [5, 3], items: [from(1, -1), from(null, null, -2)], region: [3, 2], extra: [] },
  { shape: [6], items: [from(4, 0, -3)], region: [2], extra: [] },
  { shape: [6], items: [{ start: "input", stop: "input", step: null }], region: [3], extra: [2, 5] },
  { shape: [6, 2], items: [{ at: "input" }, { at: "input" }], region: [], extra: [-1, 1] },
  { shape: [3, 2], items: [from(2, 1), WHOLE], region: [0, 2], extra: [] },
  { shape: [1, 2], items: [from(0, 1), from(-1, null)], region: [1, 1], extra: [] },
];
const samplesOf = (written: "reads" | "writes"): Sample<RegionParams>[] =>
  STRUCTURES.map(({ shape, items, region, extra }) => ({
    params: { items },
    inputs: [
      { dtype: "float64" as const, shape }, ...(written === "writes" ? [{ dtype: "float64" as const, shape: region }] : []),
      ...extra.map((e) => ({ dtype: "int32" as const, shape: [], exact: [e] })),
    ],
  }));

export const subtensorOp: Op = defineOp<RegionParams>({
  name: "subtensor",
  doc: "x[items]: integers drop their axis, slices (Python's clipping, any step) keep it; extra inputs are the symbolic numbers. Positions outside their axis: IndexError `index-range`.",
  infer: ([x], { items }) => [regionType(x as TensorType, items)],
  shape: (ctx) => [regionShape(regionOf(ctx, ctx.params.items, 1))],
  lower: {
    kind: "index",
    at: (ctx) => {
      const taken = regionIn(ctx, ctx.params.items, 1);
      return [(index) => (ctx.inputs[0] as Lazy).at(intoTensor(taken, index))];
    },
  },
  gradient: ({ inputs: [x, ...rest], params, cotangents: [g] }) => {
    const zeros = fill(x as Variable, scalarConstant(0, (g as Variable).dtype));
    return [apply1(incSubtensorOp, [zeros, g as Variable, ...rest], params), ...disconnected(rest.length)];
  },
  reference: ([x, ...rest], { items }) => {
    const { shape, data, dtype } = x as NdArray;
    const taken = regionGiven(items, shape, rest);
    const out = NdArray.zeros(regionShape(taken), dtype);
    flatPositions(taken, shape).forEach((p, n) => {
      out.data[n] = data[p] as number;
    });
    return [out];
  },
  samples: samplesOf("reads"),
  rules: [dropWhole(() => subtensorOp)],
  onnx: "Slice",
});

/** Where a point of x is in the region, and whether it is; null for the condition means always. */
function intoRegion(taken: readonly Taken[], index: readonly Expr[]): { readonly conditions: readonly Expr[]; readonly at: readonly Expr[] } {
  const conditions: Expr[] = [];
  const at: Expr[] = [];
  taken.forEach((t, a) => {
    const i = index[a] as Expr;
    if (t.kind === "one") {
      conditions.push(prim("eq", i, t.at));
      return;
    }
    const found = inSteps(t.step > 0 ? isub(i, t.start) : isub(t.start, i), Math.abs(t.step), t.length);
    conditions.push(...found.conditions);
    at.push(found.at);
  });
  return { conditions, at };
}

function checkWritten(ctx: ShapeContext<RegionParams>, region: Shape): void {
  const y = ctx.shapes[1] as Shape;
  const bad = region.findIndex((n, a) => y[a] !== n && !(y[a] === 1 && ctx.inputs[1]?.broadcastable[a]));
  if (bad >= 0) {
    ctx.fail("subtensor-value", `A value of shape (${y.join(", ")}) does not fit the region of shape (${region.join(", ")}).`, "give the value the region's shape, or length 1 on axes that broadcast");
  }
}

function writeAt(ctx: LowerContext<RegionParams>, combine: (old: () => Expr, value: Expr) => Expr): (index: readonly Expr[]) => Expr {
  const [x, y] = ctx.inputs as [Lazy, Lazy];
  const taken = regionIn(ctx, ctx.params.items, 2);
  if (regionShape(taken).includes(0)) return (index) => x.at(index);
  return (index) => {
    const { conditions, at } = intoRegion(taken, index);
    const old = (): Expr => x.at(index);
    return choose(allHold(conditions), () => combine(old, stretched(y, at)), old);
  };
}

interface WriteFields {
  readonly name: string;
  readonly doc: string;
  combine(old: () => Expr, value: Expr): Expr;
  number(old: number, value: number): number;
  /** d cost / d x. */
  throughX(g: Variable, rest: readonly Variable[], params: RegionParams): Variable;
}

function writeOp(f: WriteFields): Op {
  return defineOp<RegionParams>({
    name: f.name,
    doc: f.doc,
    infer: ([x]) => [x as TensorType],
    shape: (ctx) => {
      checkWritten(ctx, regionShape(regionOf(ctx, ctx.params.items, 2)));
      return [ctx.shapes[0] as Shape];
    },
    lower: { kind: "index", at: (ctx) => [writeAt(ctx, f.combine)] },
    gradient: ({ inputs: [, y, ...rest], params, cotangents: [cotangent] }) => {
      const g = cotangent as Variable;
      return [f.throughX(g, rest, params), sumStretched(apply1(subtensorOp, [g, ...rest], params), y as Variable), ...disconnected(rest.length)];
    },
    reference: ([x, y, ...rest], { items }) => {
      const out = (x as NdArray).copy();
      const taken = regionGiven(items, out.shape, rest);
      const region = regionShape(taken);
      const value = stretchedTo(y as NdArray, region);
      flatPositions(taken, out.shape).forEach((p, n) => {
        out.data[p] = castScalar(f.number(out.data[p] as number, value(n)), out.dtype);
      });
      return [out];
    },
    samples: [...samplesOf("writes"), { inputs: [{ dtype: "float64", shape: [3, 4] }, { dtype: "float64", shape: [1, 4], broadcastable: [true, false] }], params: { items: [from(1, null), WHOLE] } }],
  });
}

export const setSubtensorOp: Op = writeOp({
  name: "setSubtensor",
  doc: "x with the region set to y, which stretches on axes that broadcast; x is not changed. A value that does not fit: `subtensor-value`.",
  combine: (_, value) => value,
  number: (_, value) => value,
  throughX: (g, rest, params) => apply1(setSubtensorOp, [g, padLeft(scalarConstant(0, g.dtype), regionType(g.type, params.items).ndim), ...rest], params),
});

export const incSubtensorOp: Op = writeOp({
  name: "incSubtensor",
  doc: "x with y added in the region; otherwise as setSubtensor.",
  combine: (old, value) => prim("add", old(), value),
  number: (old, value) => old + value,
  throughX: (g) => g,
});

/** One element of a vector, for shapes given as vectors. */
export const elementAt = (v: Variable, at: number): Variable => apply1(subtensorOp, [v], { items: [{ at }, ...v.broadcastable.slice(1).map(() => WHOLE)] });
