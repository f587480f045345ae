/**
 * ifelse: one of two branches, as a whole (theano/ifelse.py). Where the condition is computed from numbers of the call, a function gets a plan for each
 * branch and runs nothing of the other; where it is computed on the device, or differs from step to step of a loop, both run and elements are
 * selected. T.switch is the elementwise choice. Next room: autodiff.
 */
import type { Expr } from "../codegen/ir/expr.js";
import type { InputGradient, Lazy, Op, Params, Sample, ShapeContext } from "../graph/op.js";
import { constantValue, type Rule } from "../graph/rule.js";
import { tensorType } from "../graph/types.js";
import { apply, apply1, scalarConstant, Variable } from "../graph/variable.js";
import type { Shape } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { asTensor, asTensors, defineOp, type Operand } from "./define.js";
import { neg, neq, sqr } from "./elementwise.js";
import { zeroGradient } from "./fill.js";
import { choose } from "./shape.js";

/** How many variables each branch has. */
interface Branches extends Params { readonly count: number }

/** Which inputs are the taken branch. */
const takenBy = (condition: number, count: number): number[] => Array.from({ length: count }, (_, k) => (condition !== 0 ? 1 : 1 + count) + k);
/** Of what there is one for each input, that of the taken branch. */
const taken = <E>(inputs: readonly E[], condition: number, count: number): E[] => takenBy(condition, count).map((i) => inputs[i] as E);

/** The shapes of the taken branch; of both, which must agree, where it is not known which that is. */
function takenShapes(ctx: ShapeContext<Branches>): readonly Shape[] {
  const { shapes, params: { count } } = ctx;
  const condition = ctx.known(0);
  if (condition !== null) return taken(shapes, condition, count);
  const [then, otherwise] = [taken(shapes, 1, count), taken(shapes, 0, count)];
  const differ = then.some((shape, k) => shape.some((n, a) => n !== otherwise[k]?.[a]));
  return differ ? taken(shapes, ctx.fixed(ctx.ints(0)[0] as Expr), count) : then;
}

const sample = (condition: number, ...shapes: readonly Shape[]): Sample<Branches> => ({
  params: { count: shapes.length },
  inputs: [{ dtype: "bool", shape: [], exact: [condition] }, ...[...shapes, ...shapes].map((shape) => ({ dtype: "float64" as const, shape }))],
});

const op: Op = defineOp<Branches>({
  name: "ifelse",
  doc: "Inputs: a 0-d bool, the variables of the branch that is taken where it is true, those of the other. Outputs: the variables of the branch taken.",
  infer: (inputs, { count }) => inputs.slice(1, 1 + count),
  shape: takenShapes,
  lower: {
    kind: "index",
    at: (ctx) => {
      const { inputs, params: { count } } = ctx;
      const condition = (): Expr => ctx.peek(0)?.[0] ?? (inputs[0] as Lazy).at([]);
      return Array.from({ length: count }, (_, k) => (index) => choose(condition(), () => (inputs[1 + k] as Lazy).at(index), () => (inputs[1 + count + k] as Lazy).at(index)));
    },
  },
  gradient: ({ inputs, params: { count }, cotangents }) => {
    const condition = inputs[0] as Variable;
    const side = (where: 0 | 1): InputGradient[] =>
      taken(inputs, where, count).map((x, k) => {
        const g = cotangents[k] ?? null;
        return g === null ? "disconnected" : apply1(op, where === 1 ? [condition, g, zeroGradient(x)] : [condition, zeroGradient(x), g], { count: 1 });
      });
    return [zeroGradient(condition), ...side(1), ...side(0)];
  },
  reference: (inputs, { count }) => taken(inputs, inputs[0]?.data[0] as number, count),
  branches: ({ data }, { count }) => takenBy(data[0] as number, count),
  samples: [sample(1, [2, 3]), sample(0, [2, 3]), sample(1, [2], [], [0, 2])],
  get rules() {
    return [takeBranch];
  },
  onnx: "If",
});

/** A branch is taken for good where the condition is a constant. */
const takeBranch: Rule = {
  name: "ifelseConstant", phase: "canonicalise", exactness: "exact", source: "if true then a else b = a", roots: [op],
  rewrite: ({ inputs, params }) => {
    const condition = constantValue(inputs[0] as Variable);
    return condition === null ? null : taken(inputs, condition, params.count as number);
  },
  example: () => {
    const x = new Variable(tensorType("float64", 2), { name: "x" });
    return { inputs: [x], before: apply1(op, [scalarConstant(0, "bool"), sqr(x), neg(x)], { count: 1 }) };
  },
};

type Branch = Operand | readonly Operand[];
const isList = (b: Branch): b is readonly Operand[] => Array.isArray(b) && b.some((x) => x instanceof Variable);

/** A pair of values that stand for each other, of one type. */
function paired(a: Operand, b: Operand): readonly [Variable, Variable] {
  const [then, otherwise] = asTensors([a, b]) as [Variable, Variable];
  if (!then.type.equals(otherwise.type)) {
    fail("type", "ifelse-type", {
      what: `The two branches should have identical types, but they are ${then.type} and ${otherwise.type} respectively.`, where: String(otherwise.origin), saw: [`then: ${then}`, `else: ${otherwise}`],
      fix: "cast one of them (T.cast), or change its broadcast flags (T.patternBroadcast)",
    });
  }
  return [then, otherwise];
}

/**
 * `thenBranch` where a 0-d condition is not 0, else `elseBranch`: one variable each, or lists of as many. Types must be identical. What is not taken is
 * not computed where the condition comes from inputs and shared numbers alone, nor by the graph interpreter; a condition computed on the device, or one
 * that changes in a loop, selects among the results of both branches, whose shapes must then agree, or it is computed on the host.
 * Errors: `ifelse-condition`, `ifelse-type` (DamoTypeError), `ifelse-count` (ValueError).
 */
export function ifelse<const B extends readonly Variable[]>(condition: Operand, thenBranch: B, elseBranch: readonly Operand[]): { -readonly [K in keyof B]: Variable };
export function ifelse(condition: Operand, thenBranch: Operand, elseBranch: Operand): Variable;
export function ifelse(condition: Operand, thenBranch: Branch, elseBranch: Branch): Variable | Variable[] {
  const c = asTensor(condition);
  if (c.ndim !== 0) fail("type", "ifelse-condition", { what: `The condition of ifelse has to be a scalar, got ${c}.`, where: String(c.origin), fix: "use T.switch for elementwise choices, or reduce it with T.any or T.all" });
  const many = isList(thenBranch) || isList(elseBranch);
  const listed = (b: Branch): readonly Operand[] => (many && Array.isArray(b) ? (b as readonly Operand[]) : [b as Operand]);
  const [then, otherwise] = [listed(thenBranch), listed(elseBranch)];
  if (then.length !== otherwise.length) {
    fail("value", "ifelse-count", { what: `The branches of ifelse have ${then.length} and ${otherwise.length} variables.`, where: String(c.origin), fix: "give both as many" });
  }
  const pairs = then.map((a, k) => paired(a, otherwise[k] as Operand));
  const made = apply(op, [c.dtype === "bool" ? c : neq(c, 0), ...pairs.map(([a]) => a), ...pairs.map(([, b]) => b)], { count: pairs.length });
  return many ? [...made] : (made[0] as Variable);
}
