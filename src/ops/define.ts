/**
 * How an op's record is made and registered: `defineOp` for any op, `elementwise` for those that compute each element from the broadcast
 * elements of their inputs. Variable methods are installed from records. Must not know any particular op but dimShuffle (for padding).
 * Read elementwise.ts to see records; the next room is autodiff.
 */
import { type DType, isFloat, promote } from "../codegen/ir/dtype.js";
import { cast, type Expr } from "../codegen/ir/expr.js";
import { Op, type GradientContext, type InputGradient, type OpFields, type Params, type Sample, type ShapeContext } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, Constant, scalarConstant, Variable } from "../graph/variable.js";
import { asarray } from "../numpy/convert.js";
import { type ArrayLike, NdArray, type Shape, sizeOf, stridesOf } from "../numpy/ndarray.js";
import { config } from "../util/config.js";
import { fail, impossible } from "../util/fail.js";

/** What ops take: variables, values that become constants, and lists in which variables are, which are stacked. */
export type Operand = Variable | ArrayLike | readonly Operand[];

const registry = new Map<string, Op>();

/** Makes and registers an op; names are unique. `P` is the type of its params. */
export function defineOp<P extends Params = Params>(fields: OpFields<P>): Op {
  if (registry.has(fields.name)) fail("value", "op-twice", { what: `An op named '${fields.name}' is defined already.`, fix: "give the new op another name" });
  const op = new Op(fields);
  registry.set(fields.name, op);
  return op;
}

/** Every op defined so far, in order of definition. */
export const allOps = (): readonly Op[] => [...registry.values()];

/** Installs functions as methods of Variable: `method({ exp })` makes `x.exp()` mean `exp(x)`. */
export function method(functions: Readonly<Record<string, (self: Variable, ...rest: never[]) => unknown>>): void {
  for (const [name, f] of Object.entries(functions)) {
    Object.defineProperty(Variable.prototype, name, {
      configurable: true,
      value(this: Variable, ...rest: never[]) {
        return f(this, ...rest);
      },
    });
  }
}

/** Likewise for properties without arguments: `x.T`, `x.shape`. */
export function property(functions: Readonly<Record<string, (self: Variable) => unknown>>): void {
  for (const [name, f] of Object.entries(functions)) {
    Object.defineProperty(Variable.prototype, name, {
      configurable: true,
      get(this: Variable) {
        return f(this);
      },
    });
  }
}

type OperandList = readonly Operand[];
let stacked: (list: OperandList) => Variable = () => impossible("no op stacks lists of variables yet");

/** join.ts says how a list in which variables are becomes one: its op is made with what is here. */
export function stackListsBy(stack: (list: OperandList) => Variable): void {
  stacked = stack;
}

const holdsVariables = (x: Operand): boolean => x instanceof Variable || (Array.isArray(x) && (x as OperandList).some(holdsVariables));

/** A variable from an operand; values become constants of their own dtype (whole numbers int32, others floatX). */
export function asTensor(x: Operand, name?: string): Variable {
  if (x instanceof Variable) return x;
  if (holdsVariables(x)) return stacked(x as OperandList);
  const array = asarray(x as ArrayLike);
  const value = array.dtype === "float64" && !(x instanceof NdArray) && !ArrayBuffer.isView(x) ? array.astype(config.floatX) : array;
  return new Constant(value, { name: name ?? null });
}

/**
 * Variables from operands that meet in one op. A JS number cannot say 1 or 1.0: it takes the dtype of the tensors it meets if it fits
 * (integral with integers stays integer; 0.5 with an integer tensor is floatX).
 */
export function asTensors(xs: readonly Operand[]): Variable[] {
  const tensors = xs.filter((x) => typeof x !== "number").map((x) => asTensor(x));
  const dtype = tensors.length > 0 ? promote(...tensors.map((t) => t.dtype)) : null;
  let next = 0;
  return xs.map((x) => (typeof x === "number" ? literal(x, dtype) : (tensors[next++] as Variable)));
}

function literal(x: number, beside: DType | null): Constant {
  const integral = Number.isInteger(x) && Math.abs(x) <= 2147483647 && !Object.is(x, -0);
  if (beside !== null && isFloat(beside)) return scalarConstant(x, beside);
  return scalarConstant(x, integral ? "int32" : config.floatX);
}

/** Broadcast flags of elementwise results; throws `ndim` unless all have the same rank. */
function broadcastFlags(inputs: readonly TensorType[]): boolean[] {
  const first = inputs[0] as TensorType;
  if (inputs.some((t) => t.ndim !== first.ndim)) {
    fail("type", "elementwise-ndim", { what: "An elementwise op got inputs of different ranks.", saw: inputs.map((t, i) => `input ${i}: ${t}`), fix: "pad with dimshuffle('x', …)" });
  }
  return first.broadcastable.map((_, a) => inputs.every((t) => t.broadcastable[a]));
}

/** Static broadcasting: axes whose flag is set stretch; all others must agree. Theano's message (tensor/elemwise_cgen.py). */
function broadcastShape(ctx: ShapeContext<Params>): Shape {
  const ndim = ctx.inputs[0]?.ndim ?? 0;
  return Array.from({ length: ndim }, (_, a) => {
    let found: { input: number; length: number } | null = null;
    for (let i = 0; i < ctx.inputs.length; i++) {
      if (ctx.inputs[i]?.broadcastable[a]) continue;
      const length = ctx.shapes[i]?.[a] as number;
      if (found === null) found = { input: i, length };
      else if (found.length !== length) {
        ctx.fail(
          "dimension-mismatch", `Input dimension mis-match. (input[${found.input}].shape[${a}] = ${found.length}, input[${i}].shape[${a}] = ${length})`,
          "make the lengths equal; a length of 1 stretches only where the type says so (T.row, T.col, dimshuffle('x'), T.addbroadcast)",
        );
      }
    }
    return found?.length ?? 1;
  });
}

/** Result dtype of an elementwise op, and the dtype in which its inputs are read. */
export type DTypeRule =
  /** promote(inputs); bool counts as int32. */
  | "arithmetic"
  /** promote(inputs), as it is. */
  | "same"
  /** A float: integers become floatX. */
  | "float"
  /** bool from inputs promoted together. */
  | "compare"
  /** bool from bools (others are tested against 0). */
  | "logical";

const floatOf = (ds: readonly DType[]): DType => {
  const d = promote(...ds);
  return isFloat(d) ? d : config.floatX;
};

function resultDType(rule: DTypeRule, ds: readonly DType[]): DType {
  if (rule === "float") return floatOf(ds);
  if (rule === "compare" || rule === "logical") return "bool";
  const d = promote(...ds);
  return rule === "arithmetic" && d === "bool" ? "int32" : d;
}

export interface ElementwiseFields {
  readonly name: string;
  readonly doc: string;
  readonly dtype: DTypeRule | ((inputs: readonly DType[]) => DType);
  /** The element: inputs are already converted to the dtype that the rule reads them in. */
  expr(...args: Expr[]): Expr;
  /** The element in float64, written without the kernel language. */
  reference(...args: number[]): number;
  /** The same where the result is int32, if float64 is not wide enough to wrap as C does. */
  readonly integers?: (...args: number[]) => number;
  /** d cost / d input for each input, of the result's shape (the walk sums over stretched axes). Absent: not differentiable. */
  gradient?(ctx: GradientContext<Params>): readonly InputGradient[];
  /** Interval that tests draw each input from; default [-2, 2]. */
  readonly domain?: readonly (readonly [number, number])[];
  /** dtypes of the inputs in generated tests; default all float64. */
  readonly sampleDTypes?: readonly DType[];
  readonly tolerance?: number;
  readonly rules?: OpFields<Params>["rules"];
  readonly commutative?: boolean;
  readonly repeats?: number;
  readonly infix?: string;
  readonly onnx?: string;
}

/** An op as users call it, with its record. */
export type Callable<A extends readonly unknown[]> = ((...args: A) => Variable) & { readonly op: Op };
export type Unary = Callable<[Operand]>;
export type Binary = Callable<[Operand, Operand]>;
export type Ternary = Callable<[Operand, Operand, Operand]>;

/** Pads ranks on the left with stretching axes, as NumPy does. Set by dimshuffle's record; a function so that define.ts knows no op. */
export type Pad = (x: Variable, ndim: number) => Variable;

/** Which dtype the inputs are read in; select-like ops read their first input as bool. */
function readDType(rule: ElementwiseFields["dtype"], ds: readonly DType[], out: DType): DType {
  if (rule === "compare") return promote(...ds);
  return rule === "logical" ? "bool" : out;
}

/** Makes an elementwise op and the function users call. `arity` inputs (what `list.map(exp)` passes beyond them is ignored); ranks are padded by `pad`. */
export function elementwiseOp<A extends readonly Operand[]>(arity: number, pad: Pad, f: ElementwiseFields): Callable<A> {
  const dtypeOf = (ds: readonly DType[]): DType => (typeof f.dtype === "function" ? f.dtype(ds) : resultDType(f.dtype, ds));
  const op = defineOp<Params>({
    name: f.name,
    doc: f.doc,
    infer: (inputs) => [new TensorType(dtypeOf(inputs.map((t) => t.dtype)), broadcastFlags(inputs))],
    shape: (ctx) => [broadcastShape(ctx)],
    lower: {
      kind: "elementwise",
      expr: (args, _, out) => {
        const read = readDType(f.dtype, args.map((a) => a.dtype), out);
        const plain = typeof f.dtype === "function";
        return cast(f.expr(...args.map((a) => (plain ? a : cast(a, read)))), out);
      },
    },
    reference: (inputs, _, outputs) => {
      const { dtype } = outputs[0] as TensorType;
      return [mapElements(dtype === "int32" ? (f.integers ?? f.reference) : f.reference, inputs, dtype)];
    },
    samples: elementwiseSamples(arity, f),
    ...(f.gradient === undefined ? {} : { gradient: f.gradient }),
    ...(f.tolerance === undefined ? {} : { tolerance: f.tolerance }),
    ...(f.rules === undefined ? {} : { rules: f.rules }),
    ...(f.commutative === undefined ? {} : { commutative: f.commutative }),
    ...(f.repeats === undefined ? {} : { repeats: f.repeats }),
    ...(f.infix === undefined ? {} : { infix: f.infix }),
    ...(f.onnx === undefined ? {} : { onnx: f.onnx }),
  });
  const call = (...args: A): Variable => {
    const xs = asTensors(args.slice(0, arity));
    const ndim = Math.max(0, ...xs.map((x) => x.ndim));
    return apply1(op, xs.map((x) => (x.ndim === ndim ? x : pad(x, ndim))));
  };
  return Object.assign(call, { op });
}

/** Applies a function of numbers to the broadcast elements of arrays of one rank. */
export function mapElements(f: (...args: number[]) => number, inputs: readonly NdArray[], dtype: DType): NdArray {
  const ndim = inputs[0]?.ndim ?? 0;
  const shape = Array.from({ length: ndim }, (_, a) => inputs.map((x) => x.shape[a] as number).reduce((n, d) => (d === 1 ? n : d), 1));
  const out = NdArray.zeros(shape, "float64");
  const steps = inputs.map((x) => stridesOf(x.shape).map((s, a) => (x.shape[a] === 1 ? 0 : s)));
  const index = new Array<number>(ndim).fill(0);
  for (let n = 0; n < sizeOf(shape); n++) {
    const args = inputs.map((x, i) => x.data[index.reduce((at, p, a) => at + p * (steps[i]?.[a] as number), 0)] as number);
    out.data[n] = Number(f(...args));
    for (let a = ndim - 1; a >= 0; a--) {
      index[a] = (index[a] as number) + 1;
      if ((index[a] as number) < (shape[a] as number)) break;
      index[a] = 0;
    }
  }
  return out.astype(dtype);
}

/** Full shapes, stretched axes, size 1 and size 0, scalars. */
function elementwiseSamples(arity: number, f: ElementwiseFields): Sample<Params>[] {
  const shapes: readonly (readonly (readonly number[])[])[] =
    arity === 1 ? [[[2, 3]], [[]], [[1]], [[0, 2]]] : [Array.from({ length: arity }, () => [2, 3]), Array.from({ length: arity }, (_, i) => (i === 0 ? [2, 3] : [1, 3])), Array.from({ length: arity }, (_, i) => (i === 1 ? [2, 3] : [2, 1])), Array.from({ length: arity }, () => []), Array.from({ length: arity }, () => [0, 2])];
  return shapes.map((of) => ({
    params: {},
    inputs: of.map((shape, i) => {
      const [low, high] = f.domain?.[i] ?? f.domain?.[0] ?? [-2, 2];
      return { dtype: f.sampleDTypes?.[i] ?? "float64", shape, low, high, broadcastable: shape.map((d) => d === 1) };
    }),
  }));
}
