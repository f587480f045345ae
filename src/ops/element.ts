/**
 * What user code writes elementwise ops with: the kernel language as functions, and a maker of records whose gradient is written as Theano's
 * `grad(inputs, output_grads)` is. Must not know any op. docs/OPS.md teaches it; next: the public door.
 */
import { type DType, promote } from "../codegen/ir/dtype.js";
import { cast, constant, type Expr, prim } from "../codegen/ir/expr.js";
import { type Prim, PRIMS } from "../codegen/ir/prims.js";
import type { InputGradient } from "../graph/op.js";
import type { Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import type { Binary, ElementwiseFields, Ternary, Unary } from "./define.js";
import { binary, ternary, unary } from "./elementwise_kit.js";

/** Steps of the generator MRG31k3p, which only its own op means. */
type Hidden = "mrgNext1" | "mrgNext2" | "mrgOutput";
const HIDDEN: readonly string[] = ["mrgNext1", "mrgNext2", "mrgOutput"] satisfies Hidden[];

/** An element, or a number, which takes the dtype of the elements beside it. */
export type Element = Expr | number;
type Primitives = Readonly<Record<Exclude<Prim, Hidden>, (...args: readonly Element[]) => Expr>>;

function applied(name: Prim, args: readonly Element[]): Expr {
  const { arity } = PRIMS[name];
  if (args.length !== arity) fail("type", "element-arity", { what: `element.${name} takes ${arity} arguments, got ${args.length}.`, fix: "look it up in docs/OPS.md" });
  // The condition of a select says nothing of what it selects.
  const beside = args.slice(name === "select" ? 1 : 0).flatMap((a) => (typeof a === "number" ? [] : [a.dtype]));
  if (beside.length === 0) fail("type", "element-dtype", { what: `element.${name} got nothing but numbers, which have no dtype.`, fix: "write one as element.constant(value, x.dtype)" });
  const dtype = promote(...beside);
  return prim(name, ...args.map((a) => (typeof a === "number" ? constant(a, dtype) : a)));
}

const names = (Object.keys(PRIMS) as Prim[]).filter((name) => !HIDDEN.includes(name));

/**
 * The primitives that every device has, on elements: `element.mul(x, element.exp(y))`, `element.select(element.lt(x, 0), 0, x)`; `constant(value, dtype)` and
 * `cast(x, dtype)` beside them. Errors: `element-arity`, `element-dtype`.
 */
export const element = {
  ...(Object.fromEntries(names.map((name) => [name, (...args: readonly Element[]) => applied(name, args)])) as Primitives),
  constant: (value: number, dtype: DType): Expr => constant(value, dtype),
  cast: (x: Expr, dtype: DType): Expr => cast(x, dtype),
};

/** An elementwise op: see the fields. Its gradient is a function of the cotangent (d cost / d result) and the inputs. */
export interface ElementwiseDefinition extends Omit<ElementwiseFields, "gradient"> {
  /** d cost / d input for each input, of the result's shape (sums over stretched axes are made for it). Absent: not differentiable. */
  gradient?(cotangent: Variable, ...inputs: Variable[]): readonly InputGradient[];
}

/**
 * Defines and registers an op that computes each element from the broadcast elements of its inputs, and gives the function that applies it:
 * `const axpb = defineElementwise(3, { name: "axpb", … }); axpb(a, x, b)`. It fuses into kernels like any other. Error: `op-twice`.
 */
export function defineElementwise(arity: 1, fields: ElementwiseDefinition): Unary;
export function defineElementwise(arity: 2, fields: ElementwiseDefinition): Binary;
export function defineElementwise(arity: 3, fields: ElementwiseDefinition): Ternary;
export function defineElementwise(arity: 1 | 2 | 3, { gradient, ...fields }: ElementwiseDefinition): Unary | Binary | Ternary {
  const record: ElementwiseFields = gradient === undefined ? fields : { ...fields, gradient: ({ cotangents, inputs }) => gradient(cotangents[0] as Variable, ...inputs) };
  return arity === 1 ? unary(record) : arity === 2 ? binary(record) : ternary(record);
}
