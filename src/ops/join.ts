/**
 * Putting tensors together along an axis: join (concatenate), stack, and split, which takes them apart again. Next room: autodiff.
 */
import { promote } from "../codegen/ir/dtype.js";
import { type Expr, prim } from "../codegen/ir/expr.js";
import { int, isub } from "../codegen/ir/index.js";
import type { Lazy, Op, Params, Sample } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, Variable } from "../graph/variable.js";
import { NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensor, asTensors, defineOp, type Operand, stackListsBy } from "./define.js";
import { lengthList } from "./dims.js";
import { add } from "./elementwise.js";
import { get } from "./indexing.js";
import { patternBroadcast } from "./rebroadcast.js";
import { shapePadaxis } from "./reshape.js";
import { choose, normaliseAxis, shapeAt, type ShapeLike } from "./shape.js";
import { all, slice } from "./slices.js";

interface JoinParams extends Params { readonly axis: number }

const sample = (axis: number, ...shapes: readonly Shape[]): Sample<JoinParams> => ({ params: { axis }, inputs: shapes.map((shape) => ({ dtype: "float64", shape })) });

/** Where each tensor starts and ends along the axis. */
function endsOf(lengths: readonly number[]): number[] {
  let end = 0;
  return lengths.map((n) => (end += n));
}

const joinOp: Op = defineOp<JoinParams>({
  name: "join",
  doc: "The tensors one after another along an axis, in their common dtype. Other lengths that differ: `join-shape`.",
  infer: (inputs, { axis }) => {
    const flags = (inputs[0] as TensorType).broadcastable.map((_, a) => a !== axis && inputs.some((t) => t.broadcastable[a]));
    return [new TensorType(promote(...inputs.map((t) => t.dtype)), flags)];
  },
  shape: (ctx) => {
    const { axis } = ctx.params;
    const first = ctx.shapes[0] as Shape;
    const bad = ctx.shapes.findIndex((s) => s.some((d, a) => a !== axis && d !== first[a]));
    if (bad >= 0) {
      ctx.fail("join-shape", `all the input array dimensions except for the concatenation axis must match exactly: input 0 has shape (${first.join(", ")}), input ${bad} has (${ctx.shapes[bad]?.join(", ")}), axis ${axis}.`, "make the other lengths equal");
    }
    return [first.map((d, a) => (a === axis ? ctx.shapes.reduce((n, s) => n + (s[axis] as number), 0) : d))];
  },
  lower: {
    kind: "index",
    at: ({ inputs, params: { axis } }) => {
      const filled = inputs.filter((x) => x.shape[axis] !== 0);
      const parts = filled.length > 0 ? filled : inputs.slice(0, 1);
      const ends = endsOf(parts.map((x) => x.shape[axis] as number));
      const element = (k: number, index: readonly Expr[]): Expr => {
        const part = parts[k] as Lazy;
        const i = index[axis] as Expr;
        const own = (): Expr => part.at(index.map((e, a) => (a !== axis ? e : part.shape[axis] === 1 ? int(0) : isub(i, int((ends[k] as number) - (part.shape[axis] as number))))));
        return k === parts.length - 1 ? own() : choose(prim("lt", i, int(ends[k] as number)), own, () => element(k + 1, index));
      };
      return [(index) => element(0, index)];
    },
  },
  gradient: ({ inputs, params: { axis }, cotangents: [g] }) => {
    const lengths = inputs.map((x) => shapeAt(x, axis));
    return split(g as Variable, lengths, { axis }).map((part, i) => patternBroadcast(part, (inputs[i] as Variable).broadcastable));
  },
  reference: (inputs, { axis }, outputs) => {
    const shape = (inputs[0] as NdArray).shape.map((d, a) => (a === axis ? inputs.reduce((n, x) => n + (x.shape[axis] as number), 0) : d));
    const out = NdArray.zeros(shape, "float64");
    const inner = sizeOf(shape.slice(axis + 1));
    const row = inner * (shape[axis] as number);
    let at = 0;
    for (const x of inputs) {
      const own = inner * (x.shape[axis] as number);
      for (let n = 0; n < x.size; n++) out.data[Math.floor(n / own) * row + at + (n % own)] = x.data[n] as number;
      at += own;
    }
    return [out.astype((outputs[0] as TensorType).dtype)];
  },
  samples: [sample(0, [2, 3], [1, 3]), sample(1, [2, 1], [2, 3], [2, 2]), sample(0, [0, 2], [2, 2]), sample(0, [3], [0])],
  onnx: "Concat",
  associative: true,
});

/** The tensors one after another along an axis: `T.join(0, x, y)`. All need one rank, at least 1: errors `join-rank`, `join-none`. */
export function join(axis: number, ...tensors: readonly Operand[]): Variable {
  if (tensors.length === 0) fail("value", "join-none", { what: "join needs at least one tensor.", fix: "pass the tensors to join" });
  const vs = asTensors(tensors);
  const [first] = vs as [Variable];
  if (vs.some((v) => v.ndim !== first.ndim) || first.ndim === 0) {
    fail("type", "join-rank", { what: "Join() can only join tensors with the same number of dimensions, at least 1.", where: String(first.origin), saw: vs.map(String), fix: "use T.stack for scalars, dimshuffle to add axes" });
  }
  return apply1(joinOp, vs, { axis: normaliseAxis(first, axis) });
}

export interface AxisOption {
  /** 0 by default; negative axes count from the end. */
  readonly axis?: number | undefined;
}

const axisOf = (given: AxisOption | number): number => (typeof given === "number" ? given : (given.axis ?? 0));

/** `T.concatenate([x, y], { axis })` or `T.concatenate([x, y], axis)`. Errors as `join`, and `join-list`. */
export function concatenate(tensors: readonly Operand[], axis: AxisOption | number = {}): Variable {
  if (!Array.isArray(tensors)) fail("type", "join-list", { what: `concatenate() joins a list of tensors, got ${String(tensors)}.`, fix: "write T.concatenate([x, y], { axis }) or T.join(axis, x, y)" });
  return join(axisOf(axis), ...tensors);
}

/** The tensors along a new axis: `T.stack([x, y], { axis })`, `T.stack([x, y], axis)`, or along the first, `T.stack(x, y)`. */
export function stack(tensors: readonly Operand[], given?: AxisOption | number): Variable;
export function stack(...tensors: readonly Variable[]): Variable;
export function stack(first: readonly Operand[] | Variable, given: AxisOption | number | Variable = {}, ...more: readonly Variable[]): Variable {
  if (first instanceof Variable) return stack([first, ...(given instanceof Variable ? [given] : []), ...more]);
  const tensors = first;
  const axis = axisOf(given as AxisOption | number);
  const vs = asTensors(tensors);
  const at = vs[0] === undefined ? 0 : normaliseAxis(vs[0], axis, vs[0].ndim + 1);
  return join(at, ...vs.map((v) => shapePadaxis(v, at)));
}

/**
 * x cut along an axis into pieces of the given lengths: `T.split(x, [2, 3], { axis })`, or with their number as in Theano, which an int vector of
 * lengths needs: `T.split(x, lengths, 2, { axis })`. Error: `shape-ndim`.
 */
export function split(x: Operand, lengths: ShapeLike, count: number | AxisOption = {}, more: AxisOption | number = {}): Variable[] {
  const v = asTensor(x);
  const at = normaliseAxis(v, axisOf(typeof count === "number" ? more : count));
  let start: number | Variable = 0;
  return lengthList(lengths, typeof count === "number" ? count : undefined).map((n) => {
    const from: number | Variable = start;
    const to: number | Variable = typeof from === "number" && typeof n === "number" ? from + n : add(from, n);
    start = to;
    return get(v, ...new Array<typeof all>(at).fill(all), slice(from, to));
  });
}

/** A variable from whatever stands for one: lists that contain variables are stacked. */
export function asTensorVariable(x: Operand, { name = null }: { readonly name?: string | null } = {}): Variable {
  return asTensor(x, name ?? undefined);
}

/** Lists of lists of tensors as one tensor, an axis for each level: `T.stacklists([[a, b], [c, d]])`. */
export const stacklists = (x: Operand): Variable => asTensor(x);

/** Matrices side by side. */
export const horizontalStack = (...tensors: readonly Operand[]): Variable => join(1, ...tensors);
/** Matrices one below another. */
export const verticalStack = (...tensors: readonly Operand[]): Variable => join(0, ...tensors);

stackListsBy((list) => stack(list));

export { joinOp };
