/**
 * `x.get(…)`: reads what users write between brackets into nodes. Slices, integers and new axes become one subtensor (and a dimshuffle);
 * integer tensors a gather on what is left, by NumPy's rules; a bool tensor stands for the positions where it is true, on as many axes as it has.
 */
import { apply1, Constant, Variable } from "../graph/variable.js";
import { type NdArray, type Nested } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { gather } from "./advanced.js";
import { asTensor, method, type Operand } from "./define.js";
import { dimshuffle } from "./dimshuffle.js";
import type { Item, Part } from "./region.js";
import { maskPositions } from "./selection.js";
import { shapeAt } from "./shape.js";
import { specifyShape } from "./specify_shape.js";
import { all, type Bound, ellipsis, newAxis, Slice } from "./slices.js";
import { subtensorOp, WHOLE } from "./subtensor.js";

/** What may stand between the brackets: numbers, 0-d int variables, slices, newAxis (or null), ellipsis, integer and bool tensors and lists. */
export type Index = number | Variable | Slice | typeof newAxis | typeof ellipsis | null | NdArray | Int32Array | readonly Nested[];

/** An index for one axis of x: a position, a slice, or an integer tensor. */
type AxisIndex = number | Variable | Slice;

/** What is left of an index when arrays are variables. */
type Read = number | Variable | Slice | typeof newAxis | typeof ellipsis | null;

function readIndex(x: Variable, i: Index): Read {
  if (typeof i === "number" || i instanceof Slice || i === newAxis || i === ellipsis || i === null) return i;
  // Python tells x[(i, j)] from x[[i, j]]; a list here could mean either.
  if (Array.isArray(i) && (i as readonly unknown[]).some((e) => e instanceof Variable)) {
    fail("type", "index-list", { what: `A list of variables is no index of ${x}.`, where: String(x.origin), fix: "one index for each axis: x.get(...list), as in x.get(...mask.nonzero()); positions along one axis: x.get(T.stack(list))" });
  }
  return asTensor(i);
}
const isMask = (i: Read): i is Variable => i instanceof Variable && i.dtype === "bool";
/** How many axes of x an index uses. */
const widthOf = (i: Read): number => (i === newAxis || i === null || i === ellipsis ? 0 : isMask(i) ? i.ndim : 1);

/** Positions where a mask is true; the mask has to be as long as the axes of x from `at` on. */
function maskIndices(x: Variable, mask: Variable, at: number): Variable[] {
  return maskPositions(mask instanceof Constant ? mask : specifyShape(mask, mask.broadcastable.map((_, a) => shapeAt(x, at + a))));
}

function axisIndex(x: Variable, i: number | Variable | Slice): AxisIndex {
  if (i instanceof Slice) return i;
  if (typeof i === "number") {
    return Number.isInteger(i) ? i : fail("type", "index-fraction", { what: `${i} is no index of ${x}.`, where: String(x.origin), fix: "index with whole numbers" });
  }
  const v = i instanceof Constant && i.value.size === 0 ? new Constant(i.value.astype("int32"), { broadcastable: i.broadcastable }) : i;
  if (v.dtype !== "int32") fail("type", "index-dtype", { what: `Tensors index with integers, got ${v}.`, where: String(x.origin), fix: "use T.cast(i, 'int32')" });
  return v instanceof Constant && v.ndim === 0 ? (v.value.data[0] as number) : v;
}

interface Reading {
  /** One per axis of x. */
  readonly axes: readonly AxisIndex[];
  /** For each axis of the result before gathering: an axis of x, or "x". */
  readonly order: readonly (number | "x")[];
}

/** Spreads the ellipsis and adds whole axes at the end. Errors: `index-ellipsis`, `index-many`. */
function reading(x: Variable, indices: readonly Index[]): Reading {
  const read = indices.map((i) => readIndex(x, i));
  const used = read.reduce<number>((n, i) => n + widthOf(i), 0);
  const dots = indices.filter((i) => i === ellipsis).length;
  if (dots > 1) fail("index", "index-ellipsis", { what: "An index can have only one ellipsis.", where: String(x.origin), fix: "write the other axes as all" });
  if (used > x.ndim) fail("index", "index-many", { what: `too many indices for array: ${x} has ${x.ndim} axes and got ${used} indices.`, where: String(x.origin), fix: `use at most ${x.ndim}` });
  const axes: AxisIndex[] = [];
  const order: (number | "x")[] = [];
  const whole = (): void => void order.push(axes.push(all) - 1);
  for (const i of read) {
    if (i === newAxis || i === null) order.push("x");
    else if (i === ellipsis) for (let n = x.ndim - used; n > 0; n--) whole();
    else if (isMask(i)) for (const p of maskIndices(x, i, axes.length)) order.push(axes.push(p) - 1);
    else order.push(axes.push(axisIndex(x, i)) - 1);
  }
  while (axes.length < x.ndim) whole();
  return { axes, order };
}

const isArray = (i: AxisIndex): i is Variable => i instanceof Variable && i.ndim > 0;

function basicRead(x: Variable, axes: readonly AxisIndex[]): Variable {
  const inputs: Variable[] = [];
  const part = (b: Bound): Part => {
    const known = b instanceof Constant ? (b.value.data[0] as number) : b;
    if (!(known instanceof Variable)) return known;
    inputs.push(known);
    return "input";
  };
  const items = axes.map((i): Item => (i instanceof Slice ? (i.isAll ? WHOLE : { start: part(i.start), stop: part(i.stop), step: part(i.step) }) : { at: part(i) }));
  return apply1(subtensorOp, [x, ...inputs], { items });
}

/**
 * x[…]. A mask's true elements are counted on the host at each call. Errors: `index-many`, `index-ellipsis`, `index-fraction`, `index-dtype`, `index-list`; positions outside their axis are the IndexError `index-range` when the
 * function runs (integer tensors of device data are kept inside the axis).
 */
export function get(x: Operand, ...indices: readonly Index[]): Variable {
  const v = asTensor(x);
  if (indices.length === 0) return v;
  const { axes, order } = reading(v, indices);
  const gathers = axes.some(isArray);
  // Where integer tensors are, single positions broadcast with them, as in NumPy.
  const basic = axes.map((i) => (isArray(i) || (gathers && !(i instanceof Slice)) ? all : i));
  const plain = basic.every((i) => i instanceof Slice && i.isAll) && (gathers || order.includes("x"));
  const read = plain ? v : basicRead(v, basic);
  const kept = basic.map((i) => i instanceof Slice);
  const left = order.filter((a) => a === "x" || kept[a]);
  let next = 0;
  const shuffled = dimshuffle(read, ...left.map((a) => (a === "x" ? a : next++)));
  if (!gathers) return shuffled;
  const found = left.flatMap((a, at) => {
    const i = a === "x" ? all : (axes[a] as AxisIndex);
    return i instanceof Slice ? [] : [{ at, index: asTensor(i) }];
  });
  return gather(shuffled, found.map((f) => f.index), found.map((f) => f.at), shuffled === v ? "x" : "region");
}

declare module "../graph/variable.js" {
  interface Variable {
    /** x[…]: numbers, int variables, `slice(a, b, c)`, `all`, `newAxis`, `ellipsis`, integer and bool tensors. */
    get(...indices: readonly Index[]): Variable;
  }
}
method({ get });
