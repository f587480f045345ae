/**
 * The reverse walk: cotangents of variables from those of the start, each apply after all that read its outputs. Zero and undefined
 * cotangents are marks, not graphs, so flat functions cost nothing. Must not know options or errors of grad(); that is grad.ts.
 */
import { isFloat } from "../codegen/ir/dtype.js";
import type { InputGradient } from "../graph/op.js";
import { onBehalfOf } from "../graph/origin.js";
import { constantValue } from "../graph/rule.js";
import type { Apply, Variable } from "../graph/variable.js";
import { add, cast, fill } from "../ops/elementwise.js";
import { gradientDType } from "../ops/elementwise_kit.js";
import { sum } from "../ops/reduce.js";
import { impossible } from "../util/fail.js";
import { toposort } from "../util/order.js";

/** Connected, and zero: the function is flat, as a comparison is. */
export const ZERO = "zero";
/** There is no gradient, because of this op. */
export interface Undefined { readonly node: Apply; readonly input: number }
/** What is known of d cost / d variable; a variable without an entry is disconnected. */
export type Cotangent = Variable | typeof ZERO | Undefined;

export const isUndefined = (c: Cotangent): c is Undefined => c !== ZERO && "node" in c;
const isVariable = (c: Cotangent | undefined): c is Variable => c !== undefined && c !== ZERO && !isUndefined(c);

/** Cotangents of all variables between `start` and `targets`; start's own are kept as given. `stop`: variables through which nothing flows. */
export function walkBack(start: ReadonlyMap<Variable, Cotangent>, targets: readonly Variable[], stop: ReadonlySet<Variable>): Map<Variable, Cotangent> {
  const through = (a: Apply): Variable[] => a.inputs.filter((v) => !stop.has(v));
  const order = toposort([...start.keys()].flatMap((v) => v.owner ?? []), (a) => through(a).flatMap((v) => v.owner ?? []));
  const onPath = new Set<Variable>(targets.filter((v) => !stop.has(v)));
  const nodes = order.filter((a) => {
    const reached = a.inputs.some((v) => onPath.has(v) && !stop.has(v));
    if (reached) for (const o of a.outputs) onPath.add(o);
    return reached;
  });
  const found = new Map<Variable, Cotangent>(start);
  for (const node of nodes.reverse()) {
    if (node.outputs.every((o) => !found.has(o))) continue;
    const wanted = node.inputs.map((v) => onPath.has(v) && !stop.has(v));
    onBehalfOf((node.outputs[0] as Variable).origin, () => {
      inputCotangents(node, node.outputs.map((o) => found.get(o)), wanted).forEach((term, i) => {
        const v = node.inputs[i] as Variable;
        if (term !== undefined && wanted[i] && !start.has(v)) found.set(v, total(found.get(v), term));
      });
    });
  }
  return found;
}

/** What an apply adds to the cotangent of each input; undefined where it is disconnected. */
function inputCotangents(node: Apply, outputs: readonly (Cotangent | undefined)[], wanted: readonly boolean[]): (Cotangent | undefined)[] {
  const broken = outputs.find((c) => c !== undefined && isUndefined(c));
  if (broken !== undefined) return node.inputs.map(() => broken);
  // A cotangent on whole numbers or bools goes no further: every function into them is flat (theano/gradient.py, only_connected_to_int).
  const cotangents = outputs.map((c, i) => (isVariable(c) && isFloat((node.outputs[i] as Variable).dtype) ? c : null));
  if (cotangents.every((c) => c === null)) return node.inputs.map(() => ZERO);
  const { gradient } = node.op.fields;
  if (gradient === undefined) return node.inputs.map((_, input) => ({ node, input }));
  const terms = gradient({ inputs: node.inputs, outputs: node.outputs, params: node.params, cotangents });
  if (terms.length !== node.inputs.length) impossible(`the gradient of ${node.op} has ${terms.length} terms for ${node.inputs.length} inputs`);
  const someZero = outputs.some((c, i) => c !== undefined && cotangents[i] === null);
  return terms.map((term, i) => (wanted[i] ? classified(term, node, i, someZero) : undefined));
}

function classified(term: InputGradient, node: Apply, input: number, someZero: boolean): Cotangent | undefined {
  if (term === "disconnected") return someZero ? ZERO : undefined;
  if (term === "undefined") return { node, input };
  return constantValue(term) === 0 ? ZERO : shapedLike(term, node.inputs[input] as Variable);
}

/** A term as the gradient of `v`: summed over axes that stretched, repeated where it is narrower, in the gradient's dtype. */
function shapedLike(term: Variable, v: Variable): Variable {
  let g = term;
  if (g.ndim < v.ndim || v.broadcastable.some((b, a) => !b && g.broadcastable[a])) g = fill(v, g);
  if (g.ndim > v.ndim) return impossible(`a gradient of type ${term.type} for ${v}`);
  const stretched = v.broadcastable.flatMap((b, a) => (b && !g.broadcastable[a] ? [a] : []));
  if (stretched.length > 0) g = sum(g, { axis: stretched, keepdims: true });
  return cast(g, gradientDType(v));
}

function total(before: Cotangent | undefined, term: Cotangent): Cotangent {
  if (before === undefined || before === ZERO) return term;
  if (term === ZERO) return before;
  if (isUndefined(before)) return before;
  return isUndefined(term) ? term : add(before, term);
}
