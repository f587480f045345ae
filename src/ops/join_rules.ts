/**
 * Rules of join: reads find the part they need, where lengths are known. Identities are those of theano/tensor/opt.py. Next: advanced_rules.ts.
 */
import { isA, type Rule, type RuleContext } from "../graph/rule.js";
import { tensorType } from "../graph/types.js";
import { apply1, type Apply, Variable } from "../graph/variable.js";
import { isPrivate } from "./algebra.js";
import { cast } from "./elementwise.js";
import { join, joinOp } from "./join.js";
import { patternBroadcast } from "./rebroadcast.js";
import { isWhole, type Item } from "./region.js";
import { shapePadaxis } from "./reshape.js";
import { subtensorOp } from "./subtensor.js";
import { read, type Taken, takenOf } from "./subtensor_rules.js";

const outputOf = (node: Apply): Variable => node.outputs[0] as Variable;

/** The part that position `at` is in, and where in it; null where lengths would have to be known. Parts that broadcast have length 1. */
function partAt(parts: readonly Variable[], axis: number, at: number): { readonly part: Variable; readonly at: number } | null {
  const [order, k] = at >= 0 ? [parts, at] : [[...parts].reverse(), -1 - at];
  const first = order.findIndex((v) => !v.broadcastable[axis]);
  const units = first < 0 ? order.length : first;
  if (k < units) return { part: order[k] as Variable, at: 0 };
  if (units !== order.length - 1) return null;
  return { part: order[units] as Variable, at: at >= 0 ? k - units : -1 - (k - units) };
}

/** What is left of the parts from position `start` on. */
function partsFrom(parts: readonly Variable[], axis: number, item: Item): readonly Variable[] | null {
  if ("at" in item || typeof item.start !== "number" || item.start < 0 || item.stop !== null || (item.step !== null && item.step !== 1)) return null;
  const { start } = item;
  return start < parts.length && parts.slice(0, start).every((v) => v.broadcastable[axis]) ? parts.slice(start) : null;
}

function ofJoin(node: Apply, context: RuleContext): Variable | null {
  const whole = node.inputs[0] as Variable;
  const joined = whole.owner;
  if (joined?.op !== joinOp) return null;
  const axis = joined.params.axis as number;
  const parts = joined.inputs.map((v) => cast(v, whole.dtype));
  const taken = takenOf(node, 1);
  const along = taken[axis] as Taken;
  const rest = (at: Taken): Taken[] => taken.map((t, a) => (a === axis ? at : t));
  const out = (v: Variable): Variable => patternBroadcast(v, outputOf(node).broadcastable);
  if ("at" in along.item) {
    const found = typeof along.item.at === "number" ? partAt(parts, axis, along.item.at) : null;
    return found === null ? null : out(read(found.part, rest({ item: { at: found.at }, inputs: [] })));
  }
  const left = isWhole(along.item) ? (isPrivate(whole, context) ? parts : null) : partsFrom(parts, axis, along.item);
  if (left === null) return null;
  const everything: Taken = { item: { start: null, stop: null, step: null }, inputs: [] };
  const newAxis = taken.slice(0, axis).filter((t) => !("at" in t.item)).length;
  return out(join(newAxis, ...left.map((v) => read(v, rest(everything)))));
}

const vector = (name: string): Variable => new Variable(tensorType("float64", 1), { name });

export const JOIN_RULES: readonly Rule[] = [
  {
    name: "subtensorOfJoin", phase: "canonicalise", exactness: "exact", source: "join(0, x, y)[i] is a read of x or of y, where the lengths say so; theano/tensor/opt.py local_subtensor_make_vector, local_join_1",
    roots: [subtensorOp], rewrite: ofJoin,
    example: () => {
      const [x, y] = [vector("x"), vector("y")];
      return { inputs: [x, y], before: apply1(subtensorOp, [join(0, shapePadaxis(x, 0), shapePadaxis(y, 0))], { items: [{ at: -1 }, { start: 1, stop: null, step: null }] }) };
    },
  },
  {
    name: "joinOfOne", phase: "canonicalise", exactness: "exact", source: "a join of one tensor is the tensor; theano/tensor/opt.py local_join_1",
    roots: [joinOp], rewrite: (node) => (node.inputs.length === 1 && !isA(node.inputs[0] as Variable, { op: joinOp }) ? patternBroadcast(node.inputs[0] as Variable, outputOf(node).broadcastable) : null),
    example: () => {
      const x = vector("x");
      return { inputs: [x], before: join(0, x) };
    },
  },
];
