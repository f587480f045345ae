/**
 * Integer tensors as indices: gather, and its writes. Kernels cannot scatter, so a write is computed from the written side: each element sums (or
 * takes the last of) the values whose index names it. Next room: indexing.ts and set_subtensor.ts, which users call.
 */
import { castScalar } from "../codegen/ir/dtype.js";
import { constant, type Expr, prim, redAxis } from "../codegen/ir/expr.js";
import { flatten, iadd, int, isub, rangeOf, unflatten } from "../codegen/ir/index.js";
import type { Lazy, LowerContext, Op, Sample, ShapeContext } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, scalarConstant, type Variable } from "../graph/variable.js";
import { NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import { axisPosition } from "./argmax.js";
import { defineOp } from "./define.js";
import { dimshuffle, padLeft } from "./dimshuffle.js";
import { add, cast, eq, fill, mul } from "./elementwise.js";
import { checkIndices, eachGathered, type GatherParams, laidOut, ownFlags, ownLengths, startOf, takenApart } from "./gather_layout.js";
import { inside, wrapped } from "./positions.js";
import { choose } from "./shape.js";
import { stretched, stretchedTo, sumStretched } from "./stretch.js";

const disconnected = (n: number): "disconnected"[] => new Array<"disconnected">(n).fill("disconnected");
const gatheredFlags = (x: TensorType, indices: readonly TensorType[], { axes }: GatherParams): boolean[] => laidOut(x.broadcastable, ownFlags(indices), axes);

/** Rows, pairs, a matrix of rows, axes apart, one index stretched, negative positions, nothing. */
const STRUCTURES: readonly { readonly x: Shape; readonly axes: readonly number[]; readonly indices: readonly (readonly [Shape, readonly number[], (readonly boolean[])?])[]; readonly out: Shape }[] = [
  { x: [4, 3], axes: [0], indices: [[[3], [2, 0, -1]]], out: [3, 3] },
  { x: [3, 4], axes: [0, 1], indices: [[[3], [0, 1, 2]], [[3], [3, 1, 0]]], out: [3] },
  { x: [4, 2], axes: [0], indices: [[[2, 2], [0, 1, 3, 2]]], out: [2, 2, 2] },
  { x: [2, 3], axes: [1], indices: [[[2], [2, 0]]], out: [2, 2] },
  { x: [2, 3, 3], axes: [0, 2], indices: [[[2], [1, 0]], [[1], [2], [true]]], out: [2, 3] },
  { x: [2, 3], axes: [0], indices: [[[0], []]], out: [0, 3] },
];
const samplesOf = (written: "reads" | "writes"): Sample<GatherParams>[] =>
  STRUCTURES.map(({ x, axes, indices, out }) => ({
    params: { axes },
    inputs: [
      { dtype: "float64" as const, shape: x }, ...(written === "writes" ? [{ dtype: "float64" as const, shape: out }] : []),
      ...indices.map(([shape, exact, broadcastable]) => ({ dtype: "int32" as const, shape, exact, ...(broadcastable === undefined ? {} : { broadcastable }) })),
    ],
  }));
/** Two values for one place: increments add up, the last one set stays. */
const DUPLICATES: Sample<GatherParams> = {
  params: { axes: [0] },
  inputs: [{ dtype: "float64", shape: [3, 2] }, { dtype: "float64", shape: [4, 2] }, { dtype: "int32", shape: [4], exact: [1, 0, 1, -2] }],
};
const STRETCHED: Sample<GatherParams> = {
  params: { axes: [0] },
  inputs: [{ dtype: "float64", shape: [3, 2] }, { dtype: "float64", shape: [1, 2], broadcastable: [true, false] }, { dtype: "int32", shape: [2], exact: [2, 0] }],
};

export const advancedSubtensorOp: Op = defineOp<GatherParams>({
  name: "advancedSubtensor",
  doc: "x indexed by integer tensors on some axes, by NumPy's rules (`x[arange(n), y]`, `emb[idx]`). Negative positions count from the end. Positions outside: IndexError `index-range`, on devices the nearest position.",
  infer: ([x, ...indices], params) => [new TensorType((x as TensorType).dtype, gatheredFlags(x as TensorType, indices, params))],
  shape: (ctx) => [laidOut(ctx.shapes[0] as Shape, checkIndices(ctx, 1), ctx.params.axes)],
  lower: {
    kind: "index",
    at: ({ inputs: [x, ...indices], params: { axes } }) => [
      (index) => {
        const { shape } = x as Lazy;
        const { own, rest } = takenApart(index, (indices[0] as Lazy).shape.length, axes);
        let next = 0;
        return (x as Lazy).at(shape.map((n, a) => (axes.includes(a) ? inside(stretched(indices[axes.indexOf(a)] as Lazy, own), n) : (rest[next++] as Expr))));
      },
    ],
  },
  gradient: ({ inputs: [x, ...indices], params, cotangents: [g] }) => [scattered(x as Variable, g as Variable, indices, params), ...disconnected(indices.length)],
  reference: ([x, ...indices], { axes }) => {
    const { shape, data, dtype } = x as NdArray;
    const out = NdArray.zeros(laidOut(shape, ownLengths(indices.map((i) => i.shape)), axes), dtype);
    let n = 0;
    eachGathered(shape, indices, axes, (flat) => {
      out.data[n++] = data[flat] as number;
    });
    return [out];
  },
  samples: samplesOf("reads"),
  onnx: "GatherND",
});

/** x at integer tensors on some axes; other axes whole. Tensors of lower rank are padded on the left. */
export function gather(x: Variable, indices: readonly Variable[], axes: readonly number[], of: GatherParams["of"] = "x"): Variable {
  const ndim = Math.max(...indices.map((i) => i.ndim));
  return apply1(advancedSubtensorOp, [x, ...indices.map((i) => padLeft(i, ndim))], { axes: [...axes], ...(of === "x" ? {} : { of }) });
}

const scattered = (x: Variable, y: Variable, indices: readonly Variable[], { axes }: GatherParams): Variable => apply1(scatterAddOp, [x, y, ...indices], { axes });

function checkWritten(ctx: ShapeContext<GatherParams>): void {
  const region = laidOut(ctx.shapes[0] as Shape, checkIndices(ctx, 2), ctx.params.axes);
  const y = ctx.shapes[1] as Shape;
  if (region.some((n, a) => y[a] !== n && !(y[a] === 1 && ctx.inputs[1]?.broadcastable[a]))) {
    ctx.fail("subtensor-value", `A value of shape (${y.join(", ")}) does not fit the region of shape (${region.join(", ")}).`, "give the value the region's shape, or length 1 on axes that broadcast");
  }
}

function same(a: Expr, b: Expr): Expr {
  const d = isub(a, b);
  return d.kind === "const" ? constant(Number(d.value === 0), "bool") : prim("eq", a, b);
}

/** Conditions under which the value at `own` goes to position `index` of x. */
const names = (indices: readonly Lazy[], axes: readonly number[], x: Shape, own: readonly Expr[], index: readonly Expr[]): Expr =>
  indices.map((t, k) => same(wrapped(stretched(t, own), x[axes[k] as number] as number), index[k] as Expr)).reduce((a, b) => prim("and", a, b));

/** An index tensor that is a range along axis `own` (arange): position p is named at p - offset only, so nothing is searched along that axis. */
interface Ramp { readonly own: number; readonly axis: number; readonly offset: Expr }

function rampOf(indices: readonly Lazy[], axes: readonly number[], lengths: readonly number[]): Ramp | null {
  const symbols = lengths.map((d, a) => redAxis(a, d));
  for (const [k, t] of indices.entries()) {
    const at = stretched(t, symbols);
    for (const [own, s] of symbols.entries()) {
      if (s.kind !== "red") continue;
      const offset = isub(at, s);
      const { min } = rangeOf(at);
      if (offset.kind === "const" && min >= 0) return { own, axis: axes[k] as number, offset };
    }
  }
  return null;
}

function scatterForm({ inputs, params: { axes }, outputs }: LowerContext<GatherParams>): { extents: number[]; term(index: readonly Expr[], red: readonly Expr[]): Expr } {
  const [x, y, ...indices] = inputs as [Lazy, Lazy, ...Lazy[]];
  const lengths = ownLengths(indices.map((i) => i.shape));
  const zero = constant(0, outputs[0]?.dtype ?? y.dtype);
  const ramp = rampOf(indices, axes, lengths);
  const term = (index: readonly Expr[], red: readonly Expr[]): Expr => {
    const own = ramp === null ? red : red.map((r, a) => (a === ramp.own ? isub(index[ramp.axis] as Expr, ramp.offset) : r));
    const value = (): Expr => stretched(y, laidOut(index, own, axes));
    const hit = (): Expr => choose(names(indices, axes, x.shape, own, axes.map((a) => index[a] as Expr)), value, () => zero);
    if (ramp === null) return hit();
    const at = own[ramp.own] as Expr;
    const { min, max } = rangeOf(at);
    const last = (lengths[ramp.own] as number) - 1;
    const below = (): Expr => (max <= last ? hit() : choose(prim("le", at, int(last)), hit, () => zero));
    return min >= 0 ? below() : choose(prim("le", int(0), at), below, () => zero);
  };
  return { extents: lengths.map((d, a) => (ramp?.own === a ? 1 : d)), term };
}

const scatterAddOp: Op = defineOp<GatherParams>({
  name: "scatterAdd",
  doc: "Zeros of x's shape with y added at the positions that integer tensors name; repeated positions accumulate. Does not read x.",
  infer: ([x, y]) => [(x as TensorType).withDType((y as TensorType).dtype)],
  shape: (ctx) => {
    checkWritten(ctx);
    return [ctx.shapes[0] as Shape];
  },
  lower: { kind: "reduce", reduce: (ctx) => ({ op: "sum", dtype: ctx.outputs[0]?.dtype === "float32" ? "float64" : (ctx.outputs[0]?.dtype ?? "float64"), ...scatterForm(ctx) }) },
  gradient: ({ inputs: [, y, ...indices], params, cotangents: [g] }) => ["disconnected", sumStretched(apply1(advancedSubtensorOp, [g as Variable, ...indices], params), y as Variable), ...disconnected(indices.length)],
  reference: ([x, y, ...indices], { axes }) => [written(NdArray.zeros((x as NdArray).shape, (y as NdArray).dtype), y as NdArray, indices, axes, (old, v) => old + v)],
  samples: [...samplesOf("writes"), DUPLICATES, STRETCHED],
});

function written(out: NdArray, y: NdArray, indices: readonly NdArray[], axes: readonly number[], combine: (old: number, value: number) => number): NdArray {
  const value = stretchedTo(y, laidOut(out.shape, ownLengths(indices.map((i) => i.shape)), axes));
  let n = 0;
  // Row-major order of the index tensors' axes is the order in which NumPy writes, also where other axes come first.
  const writes: { flat: number; own: number; value: number }[] = [];
  eachGathered(out.shape, indices, axes, (flat, own) => void writes.push({ flat, own, value: value(n++) }));
  for (const w of writes.sort((a, b) => a.own - b.own)) out.data[w.flat] = castScalar(combine(out.data[w.flat] as number, w.value), out.dtype);
  return out;
}

const lastWriteOp: Op = defineOp<GatherParams>({
  name: "lastWrite",
  doc: "For each position of x's indexed axes: 1 + the last row-major position in the integer tensors that names it, 0 where none does. int32. Reads only the tensors.",
  infer: ([x], { axes }) => [new TensorType("int32", axes.map((a) => (x as TensorType).broadcastable[a] as boolean))],
  shape: (ctx) => {
    checkIndices(ctx, 1);
    return [ctx.params.axes.map((a) => ctx.shapes[0]?.[a] as number)];
  },
  lower: {
    kind: "reduce",
    reduce: ({ inputs: [x, ...indices], params: { axes } }) => {
      const lengths = ownLengths(indices.map((i) => i.shape));
      return {
        op: "max", extents: lengths, dtype: "int32",
        term: (index, red) => choose(names(indices, axes, (x as Lazy).shape, red, index), () => iadd(flatten(red, lengths), int(1)), () => int(0)),
      };
    },
  },
  gradient: ({ inputs }) => disconnected(inputs.length),
  reference: ([x, ...indices], { axes }) => {
    const out = NdArray.zeros(axes.map((a) => (x as NdArray).shape[a] as number), "int32");
    eachGathered(out.shape, indices, out.shape.map((_, a) => a), (flat, own) => {
      out.data[flat] = Math.max(out.data[flat] as number, own + 1);
    });
    return [out];
  },
  samples: [...samplesOf("reads").slice(0, 5), { params: { axes: [0] }, inputs: [{ dtype: "float64", shape: [3, 2] }, { dtype: "int32", shape: [4], exact: [1, 0, 1, -2] }] }],
});

const placeOp: Op = defineOp<GatherParams>({
  name: "placeLast",
  doc: "Inputs x, y, last, integer tensors: x with y's values where `last` (see lastWrite) is not 0. Part of advancedSetSubtensor.",
  infer: ([x]) => [x as TensorType],
  shape: ({ shapes }) => [shapes[0] as Shape],
  lower: {
    kind: "index",
    at: ({ inputs, params: { axes } }) => {
      const [x, y, last, ...indices] = inputs as [Lazy, Lazy, Lazy, ...Lazy[]];
      const lengths = ownLengths(indices.map((i) => i.shape));
      if (sizeOf(lengths) === 0) return [(index) => x.at(index)];
      return [
        (index) => {
          const p = last.at(axes.map((a) => index[a] as Expr));
          return choose(prim("lt", int(0), p), () => stretched(y, laidOut(index, unflatten(isub(p, int(1)), lengths), axes)), () => x.at(index));
        },
      ];
    },
  },
  reference: ([x, y, last, ...indices], { axes }) => {
    const out = (x as NdArray).copy();
    const value = stretchedTo(y as NdArray, laidOut(out.shape, ownLengths(indices.map((i) => i.shape)), axes));
    let n = 0;
    const at = (flat: number): number => axes.reduce((sum, a) => sum * (out.shape[a] as number) + (Math.floor(flat / sizeOf(out.shape.slice(a + 1))) % (out.shape[a] as number)), 0);
    eachGathered(out.shape, indices, axes, (flat, own) => {
      const v = value(n++);
      if (last?.data[at(flat)] === own + 1) out.data[flat] = v;
    });
    return [out];
  },
  samples: [{ params: { axes: [0] }, inputs: [{ dtype: "float64", shape: [3, 2] }, { dtype: "float64", shape: [2, 2] }, { dtype: "int32", shape: [3], exact: [2, 0, 1] }, { dtype: "int32", shape: [2], exact: [2, 0] }] }],
});

export const advancedIncSubtensorOp: Op = defineOp<GatherParams>({
  name: "advancedIncSubtensor",
  doc: "x with y added at the positions that integer tensors name; repeated positions accumulate. A value that does not fit: `subtensor-value`.",
  infer: ([x]) => [x as TensorType],
  shape: (ctx) => {
    checkWritten(ctx);
    return [ctx.shapes[0] as Shape];
  },
  lower: { kind: "graph", expand: ([x, y, ...indices], params) => [cast(add(x as Variable, scattered(x as Variable, y as Variable, indices, params)), (x as Variable).dtype)] },
  gradient: ({ inputs: [, y, ...indices], params, cotangents: [g] }) => [g as Variable, sumStretched(apply1(advancedSubtensorOp, [g as Variable, ...indices], params), y as Variable), ...disconnected(indices.length)],
  reference: ([x, y, ...indices], { axes }) => [written((x as NdArray).copy(), y as NdArray, indices, axes, (old, v) => old + v)],
  samples: [...samplesOf("writes"), DUPLICATES, STRETCHED],
});

/** 1 for each element of y that is still there after all writes, in a shape that stretches to y's region. */
function survivors(x: Variable, indices: readonly Variable[], params: GatherParams): Variable {
  const { axes } = params;
  const last = apply1(lastWriteOp, [x, ...indices], params);
  const kept = gather(last, indices, axes.map((_, k) => k));
  const mask = eq(kept, add(axisPosition(kept, kept.broadcastable.map((_, a) => a)), 1));
  const [before, after] = [startOf(axes), x.ndim - axes.length - startOf(axes)];
  return dimshuffle(mask, ...new Array<"x">(before).fill("x"), ...mask.broadcastable.map((_, a) => a), ...new Array<"x">(after).fill("x"));
}

export const advancedSetSubtensorOp: Op = defineOp<GatherParams>({
  name: "advancedSetSubtensor",
  doc: "x with the positions that integer tensors name set to y; the last of repeated positions stays. A value that does not fit: `subtensor-value`.",
  infer: ([x]) => [x as TensorType],
  shape: (ctx) => {
    checkWritten(ctx);
    return [ctx.shapes[0] as Shape];
  },
  lower: { kind: "graph", expand: ([x, y, ...indices], params) => [apply1(placeOp, [x as Variable, y as Variable, apply1(lastWriteOp, [x as Variable, ...indices], params), ...indices], params)] },
  gradient: ({ inputs: [x, y, ...indices], params, cotangents: [cotangent] }) => {
    const g = cotangent as Variable;
    const read = apply1(advancedSubtensorOp, [g, ...indices], params);
    const zero = fill(read, scalarConstant(0, g.dtype));
    return [apply1(advancedSetSubtensorOp, [g, zero, ...indices], params), sumStretched(mul(read, survivors(x as Variable, indices, params)), y as Variable), ...disconnected(indices.length)];
  },
  reference: ([x, y, ...indices], { axes }) => [written((x as NdArray).copy(), y as NdArray, indices, axes, (_, v) => v)],
  samples: [...samplesOf("writes"), DUPLICATES, STRETCHED],
});

export { scatterAddOp };
