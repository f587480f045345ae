/**
 * A rewrite rule as data, and patterns to write most of them in one line. Rules look at Variables and build Variables with the same
 * functions users call; the engine (src/rewrite) finds where they apply and edits the graph. Must not know any particular op.
 */
import { castScalar } from "../codegen/ir/dtype.js";
import { Constant, type Apply, type Variable } from "./variable.js";
import type { Op } from "./op.js";

export type Phase = "canonicalise" | "stabilise" | "specialise";

/** What a rule does to values: none; the last bits, by another order of operations; finite instead of inf or NaN; NaN or inf dropped. */
export type Exactness = "exact" | "reassociates" | "stabilises" | "ignoresNaN";

export interface RuleContext {
  /** Applies that read a variable. */
  consumers(v: Variable): readonly Apply[];
  /** How many applies read a variable, without listing them. */
  readers(v: Variable): number;
  /** Whether the graph's caller asked for it. */
  isOutput(v: Variable): boolean;
}

export interface Rule {
  /** Unique: `log1pExp`. */
  readonly name: string;
  readonly phase: Phase;
  readonly exactness: Exactness;
  /** The identity, and where it comes from. */
  readonly source: string;
  /** Ops at which it starts. */
  readonly roots: readonly Op[];
  /** The replacement for each output of the node (one variable for one output), or null where the rule does not apply. */
  rewrite(node: Apply, context: RuleContext): Variable | readonly Variable[] | null;
  /** A graph on which it must fire, for the generated test of structure and values. */
  example(): { readonly inputs: readonly Variable[]; readonly before: Variable };
}

/** Whatever stands for an op: the record, or the function users call. */
export type OpRef = Op | { readonly op: Op };
const opOf = (ref: OpRef): Op => ("op" in ref ? ref.op : ref);

/** A string binds any variable (equal names must bind the same one); a number matches a constant all of whose elements have that value. */
export type Pattern = string | number | OpPattern;
export interface OpPattern { readonly op: Op; readonly args: readonly Pattern[] }
export type Bindings = Readonly<Record<string, Variable>>;

/** The pattern "this op on these": `p(log, p(add, 1, p(exp, "x")))`. Commutative ops match in either order. */
export const p = (ref: OpRef, ...args: readonly Pattern[]): OpPattern => ({ op: opOf(ref), args });

/** Whether a variable is made by an op. */
export const isA = (v: Variable, ref: OpRef): boolean => v.owner?.op === opOf(ref);

/** The inputs of the op that made `v`, or null when it was made by another. */
export const inputsOf = (v: Variable, ref: OpRef): readonly Variable[] | null => (v.owner?.op === opOf(ref) ? v.owner.inputs : null);

/** The one value of all elements of a constant, also through ops that only repeat or convert it (fill, alloc, dimshuffle, cast); else null. */
export function constantValue(v: Variable): number | null {
  let at = v;
  const dtypes = [v.dtype];
  for (let owner = at.owner; owner !== null; owner = at.owner) {
    const source = owner.op.fields.repeats;
    if (source === undefined) return null;
    at = owner.inputs[source] as Variable;
    if (at.dtype !== dtypes.at(-1)) dtypes.push(at.dtype);
  }
  if (!(at instanceof Constant) || at.value.size === 0) return null;
  const { data } = at.value;
  const first = data[0] as number;
  for (let i = 1; i < data.length; i++) if (!Object.is(data[i], first)) return null;
  return dtypes.reduceRight(castScalar, first);
}

/** What the pattern's names stand for where it matches `v`; null where it does not. */
export function match(pattern: Pattern, v: Variable, bound: Bindings = {}): Bindings | null {
  if (typeof pattern === "string") {
    const before = bound[pattern];
    return before === undefined ? { ...bound, [pattern]: v } : before === v ? bound : null;
  }
  if (typeof pattern === "number") return constantValue(v) === pattern ? bound : null;
  const inputs = v.owner?.op === pattern.op ? v.owner.inputs : null;
  if (inputs === null || inputs.length !== pattern.args.length) return null;
  const straight = matchAll(pattern.args, inputs, bound);
  return straight ?? (pattern.op.fields.commutative === true && inputs.length === 2 ? matchAll(pattern.args, [...inputs].reverse(), bound) : null);
}

function matchAll(patterns: readonly Pattern[], vs: readonly Variable[], bound: Bindings): Bindings | null {
  let all: Bindings | null = bound;
  for (let i = 0; i < patterns.length && all !== null; i++) all = match(patterns[i] as Pattern, vs[i] as Variable, all);
  return all;
}

/** A rule from a pattern and what to put in its place. `build` may return null to decline. */
export function patternRule(fields: Omit<Rule, "roots" | "rewrite"> & { readonly from: OpPattern; build(bound: Bindings): Variable | null }): Rule {
  const { from, build, ...rest } = fields;
  return {
    ...rest,
    roots: [from.op],
    rewrite: (node) => {
      const bound = match(from, node.outputs[0] as Variable);
      return bound === null ? null : build(bound);
    },
  };
}
