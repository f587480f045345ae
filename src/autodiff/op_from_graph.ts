/**
 * OpFromGraph: a graph as an op of its own, with a gradient that its maker may replace (theano/compile/builders.py). One record serves all: the graph
 * is a param. It is a composition, expanded after rewriting, or before it where it is inlined. Must not know how functions are compiled.
 */
import { leavesOf, substituteVariables } from "../graph/clone.js";
import { FrozenGraph } from "../graph/function_graph.js";
import type { GradientContext, InputGradient, Keyed, Op, Params } from "../graph/op.js";
import type { Rule } from "../graph/rule.js";
import { type TensorType, tensorType } from "../graph/types.js";
import { apply, Constant, SharedVariable, Variable } from "../graph/variable.js";
import { asTensors, defineOp, type Operand } from "../ops/define.js";
import { mul, sqr } from "../ops/elementwise.js";
import { zeroGradient } from "../ops/fill.js";
import { tensorCopy } from "../ops/identities.js";
import { patternBroadcast } from "../ops/rebroadcast.js";
import { fail, impossible } from "../util/fail.js";
import { grad } from "./grad.js";
import { interpret } from "./interpret.js";

type Gradients = Variable | InputGradient | readonly (Variable | InputGradient)[];
/** From inputs and the gradients of outputs, the gradient of an input, or of all. */
export type GradOverride = (inputs: readonly Variable[], outputGrads: readonly Variable[]) => Gradients;
/** The same, knowing the outputs. */
export type LopOverride = (inputs: readonly Variable[], outputs: readonly Variable[], outputGrads: readonly Variable[]) => Gradients;

/** What stands for one gradient, or for all: the graph's own, a function, an op made from a graph, or that there is none. */
type Override<F> = "default" | "disconnected" | "undefined" | F | Pick<OpMadeFromGraph, "graph">;
/** For each input, or one for all. */
type Given<F> = Override<F> | readonly Override<F>[];
export interface OpFromGraphOptions {
  /** Whether rewriting sees the graph instead of one node. Default false. */
  readonly inline?: boolean | undefined;
  readonly gradOverrides?: Given<GradOverride> | undefined;
  /** As `gradOverrides`, and not beside it. Functions get the outputs too. */
  readonly lopOverrides?: Given<LopOverride> | undefined;
  /** For prints. */
  readonly name?: string | undefined;
}

type ResultOf<O extends readonly Variable[]> = number extends O["length"] ? Variable | Variable[] : O extends readonly [Variable] ? Variable : { -readonly [K in keyof O]: Variable };

/** An op that is called with variables, one for each input of its graph; gives its output, or a list of several. */
export interface OpMadeFromGraph<O extends readonly Variable[] = readonly Variable[]> {
  (...inputs: readonly Operand[]): ResultOf<O>;
  /** Its inputs, those that were found by themselves last, and its outputs. */
  readonly graph: FrozenGraph;
}

/** How gradients are replaced; ops are equal only if they have the same. */
class Overrides implements Keyed {
  static #made = 0;
  readonly key = `overrides ${Overrides.#made++}`;
  readonly gradients: (ctx: GradientContext<GraphParams>) => readonly InputGradient[];

  constructor(gradients: Overrides["gradients"]) {
    this.gradients = gradients;
  }
}

interface GraphParams extends Params {
  readonly body: FrozenGraph;
  readonly inline: boolean;
  readonly overrides: Overrides | null;
}

const expanded = (body: FrozenGraph, inputs: readonly Variable[]): Variable[] => substituteVariables(body.outputs, new Map(body.inputs.map((v, i) => [v, inputs[i] as Variable])));

/** Types of the outputs over inputs of types that need not be those the graph was written with. */
const typesOver = (body: FrozenGraph, inputs: readonly TensorType[]): readonly TensorType[] =>
  (inputs.every((t, i) => t.dtype === body.inputs[i]?.dtype) ? body.outputs : expanded(body, inputs.map((t) => new Variable(t)))).map((o) => o.type);

/** The chain rule through the graph. An output may be another's input: each is walked from a name of its own. */
function ownGradients({ inputs, cotangents, params: { body } }: GradientContext<GraphParams>): InputGradient[] {
  const knownGrads = body.outputs.flatMap((o, k) => (cotangents[k] ? [[tensorCopy(o), cotangents[k] as Variable] as const] : []));
  const found = grad(null, body.inputs, { knownGrads, disconnectedInputs: "ignore", returnDisconnected: "disconnected", nullGradients: "return", addNames: false });
  const to = new Map(body.inputs.map((v, i) => [v, inputs[i] as Variable]));
  return found.map((g) => (g instanceof Variable ? (substituteVariables([g], to)[0] as Variable) : (g ?? "disconnected")));
}

/** x^2 y and y, for tests. */
function sampleBody(): FrozenGraph {
  const [x, y] = [new Variable(tensorType("float64", 1), { name: "x" }), new Variable(tensorType("float64", 1), { name: "y" })];
  return new FrozenGraph([x, y], [mul(sqr(x), y), y]);
}

const op: Op = defineOp<GraphParams>({
  name: "opFromGraph",
  doc: "The outputs of a graph over the inputs. Its gradient is the graph's, unless it was made with another.",
  infer: (inputs, { body }) => typesOver(body, inputs),
  shape: () => impossible("an op made from a graph is expanded before shapes are bound"),
  lower: { kind: "graph", expand: (inputs, { body }) => expanded(body, inputs) },
  gradient: (ctx) => ctx.params.overrides?.gradients(ctx) ?? ownGradients(ctx),
  reference: (inputs, { body }, types) => interpret(body.outputs, new Map(body.inputs.map((v, i) => [v, inputs[i] as never])), { exactDTypes: types.every((t, i) => t.dtype === body.outputs[i]?.dtype) }),
  samples: [{ inputs: [{ dtype: "float64", shape: [3] }, { dtype: "float64", shape: [3] }], params: { body: sampleBody(), inline: false, overrides: null } }],
  get rules() {
    return [inlined];
  },
});

const inlined: Rule = {
  name: "inlineOpFromGraph", phase: "canonicalise", exactness: "exact", source: "theano/compile/builders.py inline_ofg_expansion", roots: [op],
  rewrite: ({ inputs, params }) => (params.inline === true ? expanded(params.body as FrozenGraph, inputs) : null),
  example: () => {
    const inputs = sampleBody().inputs;
    return { inputs, before: apply(op, inputs, { body: sampleBody(), inline: true, overrides: null })[0] as Variable };
  },
};

const listed = (g: Gradients): readonly InputGradient[] => (Array.isArray(g) ? (g as readonly InputGradient[]) : [g as InputGradient]);

/** Overrides for each of `count` inputs, or one for all; inputs that the graph found by itself (shared variables) have their own gradients. */
function overridden(count: number, given: Given<LopOverride>, call: (o: LopOverride | Pick<OpMadeFromGraph, "graph">, ctx: GradientContext<GraphParams>) => Gradients): Overrides {
  const isEach = (g: Given<LopOverride>): g is readonly Override<LopOverride>[] => Array.isArray(g);
  return new Overrides((ctx) => {
    let found: readonly InputGradient[] | null = null;
    const own = (i: number): InputGradient => {
      found ??= ownGradients(ctx);
      return found[i] as InputGradient;
    };
    if (isEach(given)) {
      return ctx.inputs.map((_, i) => {
        const o = given[i] ?? "default";
        if (o === "default") return own(i);
        return typeof o === "string" ? o : (listed(call(o, ctx))[0] as InputGradient);
      });
    }
    const all = typeof given === "string" ? new Array<InputGradient>(count).fill(given as InputGradient) : listed(call(given, ctx));
    if (all.length !== count) {
      fail("value", "op-from-graph-gradients", { what: `The gradient of an op made from a graph of ${count} inputs has ${all.length} terms.`, where: String(ctx.outputs[0]?.origin), fix: "return one for each input" });
    }
    return ctx.inputs.map((_, i) => (i < count ? (all[i] as InputGradient) : own(i)));
  });
}

const isMade = (o: LopOverride | Pick<OpMadeFromGraph, "graph">): o is Pick<OpMadeFromGraph, "graph"> => "graph" in o;
const filledGrads = ({ outputs, cotangents }: GradientContext<GraphParams>): Variable[] => cotangents.map((g, k) => g ?? zeroGradient(outputs[k] as Variable));

function readOverrides(count: number, { gradOverrides, lopOverrides }: OpFromGraphOptions): Overrides | null {
  if (gradOverrides !== undefined && lopOverrides !== undefined) {
    fail("value", "op-from-graph-overrides", { what: "OpFromGraph() got gradOverrides and lopOverrides.", fix: "give one of them" });
  }
  const given = (lopOverrides ?? gradOverrides ?? "default") as Given<LopOverride>;
  if (Array.isArray(given) && given.length !== count) {
    fail("value", "op-from-graph-overrides", { what: `OpFromGraph() got ${given.length} overrides for ${count} inputs.`, fix: "give one for each input, or one for all" });
  }
  if (given === "default") return null;
  return overridden(count, given, (o, ctx) => {
    const [inputs, outputs, grads] = [ctx.inputs.slice(0, count), ctx.outputs, filledGrads(ctx)];
    if (isMade(o)) return (o as OpMadeFromGraph)(...inputs, ...(lopOverrides === undefined ? [] : outputs), ...grads);
    return lopOverrides === undefined ? (o as unknown as GradOverride)(inputs, grads) : o(inputs, outputs, grads);
  });
}

function madeFromGraph(inputs: readonly Variable[], outputs: readonly Variable[], options: OpFromGraphOptions = {}): OpMadeFromGraph {
  const bad = inputs.find((v) => !(v instanceof Variable) || v instanceof Constant || v instanceof SharedVariable || v.owner !== null);
  if (bad !== undefined || new Set(inputs).size !== inputs.length) {
    fail("type", "op-from-graph-inputs", { what: `OpFromGraph() needs different variables that nothing computes as inputs, got ${inputs.map(String).join(", ")}.`, fix: "make them with T.matrix() and the like; shared variables are found by themselves" });
  }
  const free = leavesOf(outputs).filter((v) => !(v instanceof Constant) && !inputs.includes(v));
  const unknown = free.find((v) => !(v instanceof SharedVariable));
  if (unknown !== undefined) fail("missing", "op-from-graph-missing", { what: `The graph of OpFromGraph() reads ${unknown}, which is not among its inputs.`, where: String(unknown.origin), fix: "add it to the inputs" });
  const body = new FrozenGraph([...inputs, ...free], outputs);
  const params: GraphParams = { body, inline: options.inline ?? false, overrides: readOverrides(inputs.length, options), ...(options.name === undefined ? {} : { name: options.name }) };
  const call = (...given: readonly Operand[]): Variable | Variable[] => {
    if (given.length !== inputs.length) fail("type", "op-from-graph-count", { what: `An op of ${inputs.length} inputs was called with ${given.length}.`, fix: "pass one variable for each" });
    const made = apply(op, [...given.map((x, i) => fitted(x, inputs[i] as Variable)), ...free], params);
    return made.length === 1 ? (made[0] as Variable) : [...made];
  };
  return Object.assign(call as OpMadeFromGraph, { graph: body });
}

/** An argument in its input's type; a number takes its dtype. */
function fitted(x: Operand, input: Variable): Variable {
  const v = asTensors([x, input])[0] as Variable;
  if (v.dtype !== input.dtype || v.ndim !== input.ndim) fail("type", "op-from-graph-type", { what: `An op made from a graph got ${v} for its input ${input}.`, where: String(v.origin), fix: "cast it, or give it the input's rank" });
  return patternBroadcast(v, input.broadcastable);
}

/**
 * An op that computes `outputs` from `inputs`: `const op = OpFromGraph([x, y], [e]); op(a, b)`, with or without `new`. Shared variables that the graph
 * reads go with it. `gradOverrides` gives it another gradient, for each input or for all. Errors: `op-from-graph-inputs`, `op-from-graph-missing`,
 * `op-from-graph-overrides`; when called `op-from-graph-count`, `op-from-graph-type`; in gradients `op-from-graph-gradients`.
 */
export const OpFromGraph = madeFromGraph as unknown as {
  <const O extends readonly Variable[]>(inputs: readonly Variable[], outputs: O, options?: OpFromGraphOptions): OpMadeFromGraph<O>;
  new <const O extends readonly Variable[]>(inputs: readonly Variable[], outputs: O, options?: OpFromGraphOptions): OpMadeFromGraph<O>;
};
