/**
 * Windows that slide over the last two axes (theano/tensor/signal/pool.py): their maximum and their sum, and what flows back from them. Nothing is
 * scattered: each element of a gradient sums over the windows that cover it. Next: pooling.ts has what users call.
 */
import type { DType } from "../codegen/ir/dtype.js";
import { cast, constant, type Expr, prim } from "../codegen/ir/expr.js";
import { iadd, idiv, imod, imul, int, isub, rangeOf } from "../codegen/ir/index.js";
import type { Lazy, Op, Params, Sample } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import type { Pair } from "./conv_geometry.js";
import { defineOp } from "./define.js";
import { boundDims, givenDims } from "./dims.js";
import { allHold, onAxis } from "./positions.js";
import { asStored } from "./reduce.js";
import { choose, shapeAt } from "./shape.js";

/** Of rows and of columns. */
export interface PoolParams extends Params {
  readonly window: Pair;
  readonly stride: Pair;
  /** Rows and columns around the image that are not there. */
  readonly pad: Pair;
  /** Windows that would end outside are left out; otherwise they are cut. */
  readonly ignoreBorder: boolean;
}

/** How many windows an axis has (theano/tensor/signal/pool.py Pool.out_shape). */
function windowsOn(length: number, p: PoolParams, axis: 0 | 1): number {
  const [window, stride, whole] = [p.window[axis], p.stride[axis], length + 2 * p.pad[axis]];
  if (whole === 0) return 0;
  if (p.ignoreBorder) return Math.max(0, Math.floor((whole - window) / stride) + 1);
  return stride >= window ? Math.floor((whole - 1) / stride) + 1 : Math.max(0, Math.floor((whole - 1 - window) / stride) + 1) + 1;
}

const imageOf = (shape: Shape): Pair => shape.slice(-2) as unknown as Pair;
const pooledShape = (shape: Shape, p: PoolParams): Shape => {
  const [rows, columns] = imageOf(shape);
  return [...shape.slice(0, -2), windowsOn(rows, p, 0), windowsOn(columns, p, 1)];
};

const pooledType = (x: TensorType, dtype: DType): TensorType => new TensorType(dtype, [...x.broadcastable.slice(0, -2), false, false]);

/** Where element `k` of a window is, along one axis. */
const inWindow = (i: Expr, k: Expr, p: PoolParams, axis: 0 | 1): Expr => isub(iadd(imul(i, int(p.stride[axis])), k), int(p.pad[axis]));

/** Of two axes: the index of an image's element in a window, kept inside. What leaves the image meets an element of the same window. */
function clamped(index: readonly Expr[], red: readonly Expr[], p: PoolParams, [rows, columns]: Pair): Expr[] {
  const at = (axis: 0 | 1, length: number): Expr => {
    const place = inWindow(index.at(axis - 2) as Expr, red[axis] as Expr, p, axis);
    const { min, max } = rangeOf(place);
    const low = min < 0 ? prim("max", place, int(0)) : place;
    return max >= length ? prim("min", low, int(length - 1)) : low;
  };
  return [...index.slice(0, -2), at(0, rows), at(1, columns)];
}

/** The index of an image's element in a window, and whether there is one. */
function guarded(index: readonly Expr[], red: readonly Expr[], p: PoolParams, image: Pair): { readonly at: Expr[]; readonly inside: Expr } {
  const places = ([0, 1] as const).map((axis) => inWindow(index.at(axis - 2) as Expr, red[axis] as Expr, p, axis));
  return { at: [...index.slice(0, -2), ...places], inside: allHold(places.flatMap((place, axis) => onAxis(place, image[axis] as number))) };
}

/** How many windows may cover one place of an axis. */
const covering = (p: PoolParams): number[] => p.window.map((w, axis) => Math.ceil(w / (p.stride[axis] as number)));

/** The window that began `red` strides before the last to begin at or before a place, and whether it is there and covers the place. */
function coveringWindow(index: readonly Expr[], red: readonly Expr[], p: PoolParams, windows: Pair): { readonly at: Expr[]; readonly inside: Expr } {
  const conditions: Expr[] = [];
  const places = ([0, 1] as const).map((axis) => {
    const [stride, k] = [p.stride[axis], red[axis] as Expr];
    const from = iadd(index.at(axis - 2) as Expr, int(p.pad[axis]));
    const window = isub(idiv(from, stride), k);
    const within = iadd(imod(from, stride), imul(k, int(stride)));
    conditions.push(...onAxis(window, windows[axis]));
    if (rangeOf(within).max >= p.window[axis]) conditions.push(prim("lt", within, int(p.window[axis])));
    return window;
  });
  return { at: [...index.slice(0, -2), ...places], inside: allHold(conditions) };
}

/** Calls `visit` with the flat positions of each window and of each element in it. */
function eachElement(shape: Shape, p: PoolParams, visit: (window: number, element: number) => void): void {
  const [rows, columns] = imageOf(shape);
  const [down, across] = imageOf(pooledShape(shape, p));
  for (let n = 0; n < sizeOf(shape.slice(0, -2)); n++) {
    for (let i = 0; i < down * across; i++) {
      const [top, left] = [Math.floor(i / across) * p.stride[0] - p.pad[0], (i % across) * p.stride[1] - p.pad[1]];
      for (let y = Math.max(0, top); y < Math.min(rows, top + p.window[0]); y++) {
        for (let x = Math.max(0, left); x < Math.min(columns, left + p.window[1]); x++) visit(n * down * across + i, (n * rows + y) * columns + x);
      }
    }
  }
}

const at = (x: NdArray | undefined, n: number): number => x?.data[n] as number;
/** Adds terms up at the places that `eachElement` names. */
function summing(shape: Shape, type: TensorType | undefined, image: Shape, p: PoolParams, term: (window: number, element: number) => readonly [number, number]): NdArray {
  const out = NdArray.zeros(shape, "float64");
  eachElement(image, p, (w, e) => {
    const [to, value] = term(w, e);
    out.data[to] = at(out, to) + value;
  });
  return out.astype((type as TensorType).dtype);
}

const wide = (d: DType): DType => (d === "float32" ? "float64" : d === "bool" ? "int32" : d);
const CASES: readonly { readonly shape: Shape; readonly p: PoolParams }[] = [
  { shape: [2, 2, 4, 6], p: { window: [2, 3], stride: [2, 3], pad: [0, 0], ignoreBorder: true } },
  { shape: [1, 5, 5], p: { window: [2, 3], stride: [2, 3], pad: [0, 0], ignoreBorder: true } },
  { shape: [5, 5], p: { window: [2, 3], stride: [2, 3], pad: [0, 0], ignoreBorder: false } },
  { shape: [1, 1, 6, 5], p: { window: [3, 2], stride: [2, 1], pad: [0, 0], ignoreBorder: false } },
  { shape: [1, 7, 5], p: { window: [2, 1], stride: [3, 2], pad: [0, 0], ignoreBorder: false } },
  { shape: [4, 5], p: { window: [3, 3], stride: [1, 2], pad: [1, 2], ignoreBorder: true } },
  { shape: [2, 1], p: { window: [3, 1], stride: [3, 1], pad: [0, 0], ignoreBorder: true } },
];
const samples: readonly Sample<PoolParams>[] = CASES.map(({ shape, p }) => ({ inputs: [{ dtype: "float64", shape }], params: p }));

const maxPoolOp: Op = defineOp<PoolParams>({
  name: "maxPool",
  doc: "The greatest element of each window of the last two axes; NaN if any is. Every maximum of a window gets its gradient.",
  infer: ([x]) => [pooledType(x as TensorType, (x as TensorType).dtype)],
  shape: ({ shapes: [x], params: p }) => [pooledShape(x as Shape, p)],
  lower: {
    kind: "reduce",
    reduce: ({ inputs: [x], params: p }) => {
      const image = x as Lazy;
      return { op: "max", extents: p.window, dtype: image.dtype === "bool" ? "int32" : image.dtype, term: (index, red) => image.at(clamped(index, red, p, imageOf(image.shape))) };
    },
  },
  gradient: ({ inputs: [x], outputs: [y], params: p, cotangents: [g] }) => [apply1(maxPoolGradOp, [asStored(x as Variable), y as Variable, g as Variable], p)],
  reference: ([x], p, [type]) => {
    const out = NdArray.zeros(pooledShape((x as NdArray).shape, p), "float64");
    out.data.fill(Number.NEGATIVE_INFINITY);
    eachElement((x as NdArray).shape, p, (w, e) => {
      out.data[w] = Math.max(at(out, w), at(x, e));
    });
    return [out.astype((type as TensorType).dtype)];
  },
  samples: [...samples, { inputs: [{ dtype: "float64", shape: [1, 0, 4, 4], broadcastable: [true, false, false, false] }], params: (CASES[0] as { p: PoolParams }).p }],
  onnx: "MaxPool",
});

/** Whether an element of x is a maximum of a window. */
const isMaximum = (x: Expr, y: Expr): Expr => prim("eq", x, y);

/** Images and their maxima as whole numbers, so that they meet, and are not differentiated. */
const tied = (of: "windows" | "elements"): readonly Sample<PoolParams>[] =>
  CASES.map(({ shape, p }) => {
    const x = Int32Array.from({ length: sizeOf(shape) }, (_, n) => (n * 7) % 3);
    const out = pooledShape(shape, p);
    const y = new Int32Array(sizeOf(out));
    eachElement(shape, p, (w, e) => {
      y[w] = Math.max(y[w] as number, x[e] as number);
    });
    return { inputs: [{ dtype: "int32", shape, exact: [...x] }, { dtype: "int32", shape: out, exact: [...y] }, { dtype: "float64", shape: of === "windows" ? out : shape }], params: p };
  });

const maxPoolGradOp: Op = defineOp<PoolParams>({
  name: "maxPoolGrad",
  doc: "The gradient of maxPool in x: from x, its maxima and their gradient. Each element that equals a maximum gets all of that window's gradient (theano/tensor/signal/pool.py MaxPoolGrad).",
  infer: ([x, , g]) => [(x as TensorType).withDType((g as TensorType).dtype)],
  shape: ({ shapes: [x] }) => [x as Shape],
  lower: {
    kind: "reduce",
    reduce: ({ inputs, params: p }) => {
      const [x, y, g] = inputs as [Lazy, Lazy, Lazy];
      const zero = constant(0, g.dtype);
      return {
        op: "sum", extents: covering(p), dtype: wide(g.dtype),
        term: (index, red) => {
          if (y.shape.includes(0)) return zero;
          const window = coveringWindow(index, red, p, imageOf(y.shape));
          return choose(window.inside, () => prim("select", isMaximum(x.at(index), y.at(window.at)), g.at(window.at), zero), () => zero);
        },
      };
    },
  },
  gradient: ({ inputs: [x, y], params: p, cotangents: [c] }) => ["disconnected", "disconnected", apply1(maxPoolGradGradOp, [x as Variable, y as Variable, c as Variable], p)],
  reference: ([x, y, g], p, [type]) => [summing((x as NdArray).shape, type, (x as NdArray).shape, p, (w, e) => [e, at(x, e) === at(y, w) ? at(g, w) : 0])],
  samples: tied("windows"),
});

const maxPoolGradGradOp: Op = defineOp<PoolParams>({
  name: "maxPoolGradGrad",
  doc: "For each window, the sum of v where x is the window's maximum: from x, its maxima and v (theano/tensor/signal/pool.py DownsampleFactorMaxGradGrad).",
  infer: ([, y, v]) => [(y as TensorType).withDType((v as TensorType).dtype)],
  shape: ({ shapes: [, y] }) => [y as Shape],
  lower: {
    kind: "reduce",
    reduce: ({ inputs, params: p }) => {
      const [x, y, v] = inputs as [Lazy, Lazy, Lazy];
      const zero = constant(0, v.dtype);
      return {
        op: "sum", extents: p.window, dtype: wide(v.dtype),
        term: (index, red) => {
          const { at: place, inside } = guarded(index, red, p, imageOf(x.shape));
          return choose(inside, () => prim("select", isMaximum(x.at(place), y.at(index)), v.at(place), zero), () => zero);
        },
      };
    },
  },
  gradient: ({ inputs: [x, y], params: p, cotangents: [c] }) => ["disconnected", "disconnected", apply1(maxPoolGradOp, [x as Variable, y as Variable, c as Variable], p)],
  reference: ([x, y, v], p, [type]) => [summing((y as NdArray).shape, type, (x as NdArray).shape, p, (w, e) => [w, at(x, e) === at(y, w) ? at(v, e) : 0])],
  samples: tied("elements"),
});

const sumPoolOp: Op = defineOp<PoolParams>({
  name: "sumPool",
  doc: "The sum of each window of the last two axes; float32 accumulates in float64 where the device has it, bool gives int32.",
  infer: ([x]) => [pooledType(x as TensorType, (x as TensorType).dtype === "bool" ? "int32" : (x as TensorType).dtype)],
  shape: ({ shapes: [x], params: p }) => [pooledShape(x as Shape, p)],
  lower: {
    kind: "reduce",
    reduce: ({ inputs: [x], params: p }) => {
      const image = x as Lazy;
      return {
        op: "sum", extents: p.window, dtype: wide(image.dtype),
        term: (index, red) => {
          const { at: place, inside } = guarded(index, red, p, imageOf(image.shape));
          return choose(inside, () => cast(image.at(place), wide(image.dtype)), () => constant(0, wide(image.dtype)));
        },
      };
    },
  },
  gradient: ({ inputs: [x], params: p, cotangents: [g] }) => [apply1(sumPoolGradOp, [g as Variable, shapeAt(x as Variable, -2), shapeAt(x as Variable, -1)], p)],
  reference: ([x], p, [type]) => [summing(pooledShape((x as NdArray).shape, p), type, (x as NdArray).shape, p, (w, e) => [w, at(x, e)])],
  samples: [...samples, { inputs: [{ dtype: "bool", shape: [4, 4] }], params: (CASES[0] as { p: PoolParams }).p }],
});

const sumPoolGradOp: Op = defineOp<PoolParams>({
  name: "sumPoolGrad",
  doc: "The gradient of sumPool: for each place of an image of given rows and columns (two integers), the sum of g over the windows that cover it.",
  infer: ([g]) => [pooledType(g as TensorType, (g as TensorType).dtype)],
  shape: (ctx) => [[...(ctx.shapes[0] as Shape).slice(0, -2), ...boundDims(ctx, [null, null], 1)]],
  lower: {
    kind: "reduce",
    reduce: ({ inputs, params: p }) => {
      const [g] = inputs as [Lazy];
      const zero = constant(0, g.dtype);
      return {
        op: "sum", extents: covering(p), dtype: wide(g.dtype),
        term: (index, red) => {
          if (g.shape.includes(0)) return zero;
          const window = coveringWindow(index, red, p, imageOf(g.shape));
          return choose(window.inside, () => g.at(window.at), () => zero);
        },
      };
    },
  },
  gradient: ({ params: p, cotangents: [c] }) => [apply1(sumPoolOp, [c as Variable], p), "disconnected", "disconnected"],
  reference: ([g, ...size], p, [type]) => {
    const shape = [...(g as NdArray).shape.slice(0, -2), ...givenDims([null, null], size)];
    return [summing(shape, type, shape, p, (w, e) => [e, at(g, w)])];
  },
  samples: CASES.map(({ shape, p }) => ({
    inputs: [{ dtype: "float64", shape: pooledShape(shape, p) }, ...shape.slice(-2).map((n) => ({ dtype: "int32" as const, shape: [], exact: [n] }))], params: p,
  })),
});

export { maxPoolGradOp, maxPoolOp, sumPoolOp };
