/**
 * cumsum and cumprod, and diff, which undoes the first (theano/tensor/extra_ops.py CumOp, DiffOp). A long axis is cut in blocks: totals of all blocks
 * before, and a running total inside one, so that the work is far below the square of the length. Next room: autodiff.
 */
import { type DType, isFloat } from "../codegen/ir/dtype.js";
import { constant, type Expr, prim } from "../codegen/ir/expr.js";
import { REDUCE_IDENTITY } from "../codegen/ir/kernel.js";
import type { Lazy, Op, Params, Sample } from "../graph/op.js";
import { TensorType, tensorType } from "../graph/types.js";
import { apply1, scalarConstant, type Variable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { alloc } from "./alloc.js";
import { asTensor, defineOp, method, type Operand } from "./define.js";
import { withAxisLast } from "./dimshuffle.js";
import { add, cast, div, floorDiv, mul, sub } from "./elementwise.js";
import { get } from "./indexing.js";
import { join } from "./join.js";
import { type AxisArgs, prod, readOptions, type ReduceOptions, sum } from "./reduce.js";
import { flatten, reshape, shapePadright } from "./reshape.js";
import { choose, lengthsOf, normaliseAxis, shapeAt } from "./shape.js";
import { all, ellipsis, slice } from "./slices.js";

interface RunningParams extends Params { readonly by: "sum" | "prod" }

/** Running totals along the last axis, by numbers. */
function running(x: NdArray, by: RunningParams["by"], dtype: DType): NdArray {
  const n = x.shape[x.ndim - 1] as number;
  let total = 0;
  const step = (before: number, e: number): number => (by === "sum" ? before + e : dtype === "int32" ? Math.imul(before, e) : before * e);
  const data = Float64Array.from(x.data, (e, i) => (total = i % n === 0 ? e : step(total, e)));
  return new NdArray(data, x.shape, "float64").astype(dtype);
}

const SAMPLES: readonly Sample<RunningParams>[] = ([[[2, 3], "sum"], [[2, 3], "prod"], [[1], "sum"], [[0], "sum"], [[2, 0], "prod"]] as const).map(([shape, by]) => ({
  inputs: [{ dtype: "float64", shape, low: 0.5, high: 2 }], params: { by },
}));

const prefixesOp: Op = defineOp<RunningParams>({
  name: "prefixes",
  doc: "The sum or product of the first 1, 2, … elements along the last axis, each computed apart; float32 accumulates in float64 where the device has it.",
  infer: ([x]) => [x as TensorType],
  shape: ({ shapes }) => [shapes[0] as Shape],
  lower: {
    kind: "reduce",
    reduce: ({ inputs, params: { by } }) => {
      const x = inputs[0] as Lazy;
      const wide = x.dtype === "float32" ? "float64" : x.dtype;
      const identity = constant(REDUCE_IDENTITY[by], x.dtype);
      const term = (index: readonly Expr[], [k]: readonly Expr[]): Expr => {
        const last = index[index.length - 1] as Expr;
        return choose(prim("le", k as Expr, last), () => x.at([...index.slice(0, -1), k as Expr]), () => identity);
      };
      return { op: by, extents: [x.shape[x.shape.length - 1] as number], dtype: wide, term };
    },
  },
  reference: ([x], { by }, [type]) => [running(x as NdArray, by, (type as TensorType).dtype)],
  samples: SAMPLES,
});

/** Running sums along the last axis where it is short; the work is the square of its length. */
export const prefixes = (x: Variable, by: RunningParams["by"] = "sum"): Variable => apply1(prefixesOp, [x], { by });

/** Elements in a block. */
const BLOCK = 64;

function byBlocks(x: Variable, by: RunningParams["by"]): Variable {
  const [n, rest] = [shapeAt(x, -1), lengthsOf(x).slice(0, -1)];
  const count = floorDiv(add(n, BLOCK - 1), BLOCK);
  const neutral = (...lengths: readonly (number | Variable)[]): Variable => alloc(scalarConstant(REDUCE_IDENTITY[by], x.dtype), [...rest, ...lengths]);
  const padded = join(x.ndim - 1, x, neutral(sub(mul(count, BLOCK), n)));
  const blocks = reshape(padded, [...rest, count, BLOCK]);
  const totals = prefixes((by === "sum" ? sum : prod)(blocks, { axis: x.ndim }), by);
  const before = get(join(x.ndim - 1, neutral(1), totals), ellipsis, slice(0, count));
  const within = prefixes(blocks, by);
  const made = by === "sum" ? add(shapePadright(before), within) : mul(shapePadright(before), within);
  return get(reshape(made, [...rest, mul(count, BLOCK)]), ellipsis, slice(0, n));
}

const backwards = (x: Variable): Variable => get(x, ellipsis, slice(null, null, -1));

const runningOp: Op = defineOp<RunningParams>({
  name: "cumulate",
  doc: "Running sums or products along the last axis. The gradient of products divides by x, as Theano's does: it is NaN where x is 0.",
  infer: ([x]) => [tensorType((x as TensorType).dtype, (x as TensorType).ndim)],
  shape: ({ shapes }) => [shapes[0] as Shape],
  lower: { kind: "graph", expand: ([x], { by }) => [byBlocks(x as Variable, by)] },
  gradient: ({ inputs: [x], outputs: [y], params: { by }, cotangents: [g] }) => {
    const weighted = by === "sum" ? (g as Variable) : mul(y as Variable, g as Variable);
    const found = backwards(apply1(runningOp, [backwards(weighted)], { by: "sum" }));
    return [by === "sum" ? found : div(found, x as Variable)];
  },
  reference: ([x], { by }, [type]) => [running(x as NdArray, by, (type as TensorType).dtype)],
  samples: [...SAMPLES, { inputs: [{ dtype: "float64", shape: [2, 130] }], params: { by: "sum" } }, { inputs: [{ dtype: "int32", shape: [70], low: 1, high: 3 }], params: { by: "prod" } }],
  onnx: "CumSum",
});

function cumulated(x: Operand, { axis }: ReduceOptions, by: RunningParams["by"]): Variable {
  const read = asTensor(x);
  if (Array.isArray(axis)) fail("type", "cumulate-axis", { what: `Running totals go along one axis, got [${axis.join(", ")}].`, where: String(read.origin), fix: "name one axis, or none for all elements in order" });
  const counted = read.dtype === "bool" ? cast(read, "int32") : read;
  const v = axis === undefined || axis === null ? flatten(counted) : counted;
  return withAxisLast(v, normaliseAxis(v, (axis as number | null | undefined) ?? 0), (rows) => apply1(runningOp, [rows], { by }));
}

/** Sums of the first 1, 2, … elements along an axis, or of all elements in order without one. bools count as int32. Error: `cumulate-axis`. */
export const cumsum = (x: Operand, ...options: AxisArgs<ReduceOptions>): Variable => cumulated(x, readOptions(options), "sum");
/** Products of the first 1, 2, … elements; otherwise as `cumsum`. */
export const cumprod = (x: Operand, ...options: AxisArgs<ReduceOptions>): Variable => cumulated(x, readOptions(options), "prod");

export interface DiffOptions {
  /** How often neighbours are subtracted; 1 by default. */
  readonly n?: number | undefined;
  /** The last axis by default. */
  readonly axis?: number | undefined;
}

/** x[i + 1] - x[i] along an axis, `n` times over. Error: `diff-times`. */
export function diff(x: Operand, { n = 1, axis = -1 }: DiffOptions = {}): Variable {
  const v = asTensor(x);
  if (!Number.isInteger(n) || n < 0) fail("value", "diff-times", { what: `Differences of order ${n} do not exist.`, where: String(v.origin), fix: "use whole numbers from 0" });
  const at = normaliseAxis(v, axis);
  const before = new Array<typeof all>(at).fill(all);
  let made = isFloat(v.dtype) || n === 0 ? v : cast(v, "int32");
  for (let k = 0; k < n; k++) made = sub(get(made, ...before, slice(1, null)), get(made, ...before, slice(null, -1)));
  return made;
}

declare module "../graph/variable.js" {
  interface Variable {
    /** Running sums along an axis, or of all elements in order. */
    cumsum(...options: AxisArgs<ReduceOptions>): Variable;
    cumprod(...options: AxisArgs<ReduceOptions>): Variable;
  }
}
method({ cumsum, cumprod });
