/**
 * Rules of basic indexing: reads of reads become one, and reads move towards the inputs, so that `samples[-1]` computes and keeps one row only.
 * Identities are those of theano/tensor/opt.py. Next: join_rules.ts, advanced_rules.ts.
 */
import { constantValue, inputsOf, type Rule, type RuleContext } from "../graph/rule.js";
import { tensorType } from "../graph/types.js";
import { apply1, type Apply, scalarConstant, Variable } from "../graph/variable.js";
import { isPrivate } from "./algebra.js";
import { alloc } from "./alloc.js";
import { dimShuffleOp } from "./dimshuffle.js";
import type { Dims } from "./dims.js";
import { dot } from "./dot.js";
import { mul } from "./elementwise.js";
import { exp } from "./math.js";
import { patternBroadcast, rebroadcastOp } from "./rebroadcast.js";
import { isWhole, type Item, type RegionParams } from "./region.js";
import { shape, shapeAt, shapeOp } from "./shape.js";
import { elementAt, incSubtensorOp, setSubtensorOp, subtensorOp, WHOLE } from "./subtensor.js";

/** An item with the variables that its "input" parts stand for. */
export interface Taken { readonly item: Item; readonly inputs: readonly Variable[] }
const NOTHING: Taken = { item: WHOLE, inputs: [] };

const symbolic = (i: Item): number => ("at" in i ? [i.at] : [i.start, i.stop, i.step]).filter((q) => q === "input").length;

/** The items of a read or write whose extra inputs start at `first`. */
export function takenOf(node: Apply, first: number): Taken[] {
  let next = first;
  return (node.params as RegionParams).items.map((item) => {
    const from = next;
    next += symbolic(item);
    return { item, inputs: node.inputs.slice(from, next) };
  });
}

/** x[items]. */
export const read = (x: Variable, taken: readonly Taken[]): Variable => apply1(subtensorOp, [x, ...taken.flatMap((t) => t.inputs)], { items: taken.map((t) => t.item) });

const inputOf = (node: Apply, i = 0): Variable => node.inputs[i] as Variable;
const outputOf = (node: Apply): Variable => node.outputs[0] as Variable;

/** The item of x that takes `outer` of what `inner` takes; null where that depends on lengths. */
function composed(inner: Taken, outer: Taken): Taken | null {
  if (isWhole(inner.item)) return outer;
  if (isWhole(outer.item)) return inner;
  const [a, b] = [inner.item, outer.item];
  if ("at" in a || inner.inputs.length > 0 || outer.inputs.length > 0) return null;
  if (a.start === null && a.stop === null && a.step === -1) return "at" in b && typeof b.at === "number" ? { item: { at: -1 - b.at }, inputs: [] } : null;
  if (typeof a.start !== "number" || a.start < 0 || a.stop !== null || (a.step !== null && a.step !== 1)) return null;
  if ("at" in b) return typeof b.at === "number" ? { item: { at: b.at < 0 ? b.at : a.start + b.at }, inputs: [] } : null;
  const forward = (b.start === null || (typeof b.start === "number" && b.start >= 0)) && (b.step === null || (typeof b.step === "number" && b.step > 0));
  if (!forward || b.stop === "input") return null;
  return { item: { start: a.start + ((b.start as number | null) ?? 0), stop: b.stop !== null && b.stop >= 0 ? a.start + b.stop : b.stop, step: b.step }, inputs: [] };
}

function ofSubtensor(node: Apply): Variable | null {
  const inner = inputOf(node).owner;
  if (inner?.op !== subtensorOp) return null;
  const outer = takenOf(node, 1);
  const made: Taken[] = [];
  for (const t of takenOf(inner, 1)) {
    const both = "at" in t.item ? t : composed(t, outer.shift() as Taken);
    if (both === null) return null;
    made.push(both);
  }
  return patternBroadcast(read(inner.inputs[0] as Variable, made), outputOf(node).broadcastable);
}

/** What an item takes of an axis that stretches beside others. */
const stretchedItem = (t: Taken): Taken => ("at" in t.item ? { item: { at: 0 }, inputs: [] } : NOTHING);

function ofElementwise(node: Apply, context: RuleContext): Variable | null {
  const whole = inputOf(node);
  const f = whole.owner;
  if (f === null || f.op.fields.lower.kind !== "elementwise" || !isPrivate(whole, context)) return null;
  const taken = takenOf(node, 1);
  const inputs = f.inputs.map((x) => read(x, taken.map((t, a) => (x.broadcastable[a] && !whole.broadcastable[a] ? stretchedItem(t) : t))));
  return patternBroadcast(apply1(f.op, inputs, f.params), outputOf(node).broadcastable);
}

/** x.dimshuffle(order)[items] = x[items, reordered].dimshuffle(what is left). */
function ofDimshuffle(node: Apply): Variable | null {
  const shuffle = inputOf(node).owner;
  if (shuffle?.op !== dimShuffleOp) return null;
  const order = shuffle.params.order as readonly (number | null)[];
  const x = shuffle.inputs[0] as Variable;
  const taken = takenOf(node, 1);
  if (order.some((a, k) => a === null && !isWhole(taken[k]?.item as Item) && !isFirst(taken[k]?.item))) return null;
  const own = x.broadcastable.map((_, a) => (order.includes(a) ? (taken[order.indexOf(a)] as Taken) : NOTHING));
  const position = own.map((_, a) => own.slice(0, a).filter((t) => !("at" in t.item)).length);
  const left = order.flatMap((a, k) => ("at" in (taken[k] as Taken).item ? [] : [a === null ? null : (position[a] as number)]));
  return patternBroadcast(apply1(dimShuffleOp, [read(x, own)], { order: left }), outputOf(node).broadcastable);
}
const isFirst = (i: Item | undefined): boolean => i !== undefined && "at" in i && (i.at === 0 || i.at === -1);

/** alloc(v, lengths)[items] for whole axes and single positions. */
function ofAlloc(node: Apply): Variable | null {
  const made = inputOf(node).owner;
  const taken = takenOf(node, 1);
  if (made?.op !== alloc.op || taken.some((t) => !("at" in t.item) && !isWhole(t.item))) return null;
  const lengths = made.params.lengths as Dims["lengths"];
  let next = 1;
  const sizes = lengths.map((d) => d ?? (made.inputs[next++] as Variable)).filter((_, a) => !("at" in (taken[a] as Taken).item));
  const v = made.inputs[0] as Variable;
  const own = taken.slice(taken.length - v.ndim).map((t, a) => (v.broadcastable[a] ? stretchedItem(t) : t));
  const value = own.every((t) => isWhole(t.item)) ? v : read(v, own);
  return patternBroadcast(alloc(value, sizes), outputOf(node).broadcastable);
}

const sameRegion = (node: Apply, write: Apply): boolean =>
  JSON.stringify(node.params) === JSON.stringify(write.params) && write.inputs.slice(2).every((v, i) => v === node.inputs[1 + i]);

/** Reading back what was just written. */
function ofWrite(node: Apply): Variable | null {
  const write = inputOf(node).owner;
  if (write === null || (write.op !== setSubtensorOp && write.op !== incSubtensorOp) || !sameRegion(node, write)) return null;
  const [x, y] = write.inputs as [Variable, Variable];
  if (write.op === incSubtensorOp && constantValue(x) !== 0) return null;
  return y.type.equals(outputOf(node).type) ? y : null;
}

/** dot(x, y)[i, j] = dot(x[i], y[:, j]). */
function ofDot(node: Apply, context: RuleContext): Variable | null {
  const product = inputOf(node).owner;
  if (product?.op !== dot.op || !isPrivate(inputOf(node), context)) return null;
  const [x, y] = product.inputs as [Variable, Variable];
  const taken = takenOf(node, 1);
  const rows = taken.slice(0, x.ndim - 1);
  const columns = y.ndim === 2 ? taken[x.ndim - 1] : undefined;
  const left = rows.every((t) => isWhole(t.item)) ? x : read(x, [...rows, NOTHING]);
  const right = columns === undefined || isWhole(columns.item) ? y : read(y, [NOTHING, columns]);
  return patternBroadcast(apply1(dot.op, [left, right]), outputOf(node).broadcastable);
}

function ofShape(node: Apply): Variable | null {
  const [item] = (node.params as RegionParams).items;
  const x = inputOf(node).owner?.op === shapeOp ? inputOf(node).owner?.inputs[0] : undefined;
  if (x === undefined || item === undefined || !("at" in item) || typeof item.at !== "number") return null;
  return item.at >= -x.ndim && item.at < x.ndim ? shapeAt(x, item.at) : null;
}

const tensor = (name: string, ndim = 2): Variable => new Variable(tensorType("float64", ndim), { name });
const at = (x: Variable, ...items: readonly Item[]): Variable => apply1(subtensorOp, [x], { items });
const example = (build: (x: Variable, y: Variable) => Variable) => () => {
  const [x, y] = [tensor("x"), tensor("y")];
  return { inputs: [x, y], before: build(x, y) };
};
const from = (start: number): Item => ({ start, stop: null, step: null });
const rule = (name: string, source: string, rewrite: Rule["rewrite"], build: (x: Variable, y: Variable) => Variable, exactness: Rule["exactness"] = "exact"): Rule => ({
  name, phase: "canonicalise", exactness, source: `${source}; theano/tensor/opt.py`, roots: [subtensorOp], rewrite, example: example(build),
});

export const SUBTENSOR_RULES: readonly Rule[] = [
  rule("subtensorOfSubtensor", "x[1:][0] = x[1]: local_subtensor_merge", ofSubtensor, (x) => at(at(x, from(1), WHOLE), { at: 0 }, from(1))),
  rule("subtensorOfElementwise", "f(x, y)[i] = f(x[i], y[i]) where nothing else reads f(x, y): local_subtensor_lift", ofElementwise, (x, y) => at(exp(mul(x, y)), { at: -1 }, WHOLE)),
  rule("subtensorOfDimshuffle", "x.T[i] = x[:, i]: local_subtensor_lift", ofDimshuffle, (x) => at(x.T, { at: 1 }, from(1))),
  rule("subtensorOfAlloc", "alloc(v, n, m)[i] = alloc(v, m): local_subtensor_of_alloc", ofAlloc, (x, y) => at(alloc(scalarConstant(2, "float64"), shapeAt(x, 0), shapeAt(y, 1)), { at: 0 }, WHOLE)),
  rule("subtensorOfWrite", "setSubtensor(x[i], y)[i] = y: local_subtensor_inc_subtensor", ofWrite, (x, y) => at(apply1(setSubtensorOp, [x, y], { items: [from(0), WHOLE] }), from(0), WHOLE)),
  rule("subtensorOfDot", "dot(x, y)[i] = dot(x[i], y): local_subtensor_of_dot", ofDot, (x, y) => at(dot(x, y), from(1), { at: 0 }), "reassociates"),
  rule("subtensorOfShape", "x.shape[0] is the length of axis 0: local_shape_to_shape_i", ofShape, (x) => elementAt(shape(x), 1)),
  rule(
    "subtensorOfRebroadcast", "reads pass what only changes flags: local_subtensor_lift",
    (node) => {
      const x = inputsOf(inputOf(node), { op: rebroadcastOp })?.[0];
      return x === undefined ? null : patternBroadcast(read(x, takenOf(node, 1)), outputOf(node).broadcastable);
    },
    (x) => at(patternBroadcast(at(x, { start: 0, stop: 1, step: null }, WHOLE), [true, false]), { at: 0 }, WHOLE),
  ),
  {
    name: "incOfZeros", phase: "canonicalise", exactness: "exact", source: "adding to zeros is setting; theano/tensor/opt.py local_incsubtensor_of_zeros_to_setsubtensor",
    roots: [incSubtensorOp],
    rewrite: (node) => (constantValue(inputOf(node)) === 0 ? apply1(setSubtensorOp, node.inputs, node.params) : null),
    example: example((x, y) => apply1(incSubtensorOp, [alloc(scalarConstant(0, "float64"), shapeAt(x, 0), shapeAt(x, 1)), at(y, { at: 0 }, WHOLE)], { items: [{ at: 1 }, WHOLE] })),
  },
  {
    name: "writeWhole", phase: "canonicalise", exactness: "exact", source: "setting all of x gives what it is set to; theano/tensor/opt.py local_useless_inc_subtensor",
    roots: [setSubtensorOp],
    rewrite: (node) => ((node.params as RegionParams).items.every(isWhole) && inputOf(node, 1).type.equals(outputOf(node).type) ? inputOf(node, 1) : null),
    example: example((x, y) => apply1(setSubtensorOp, [x, y], { items: [WHOLE, WHOLE] })),
  },
];

