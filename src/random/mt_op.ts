/**
 * Draws of NumPy's legacy RandomState as pure ops: state, parameters, size -> next state, samples. They are host routines, since the
 * generator is serial. A Bernoulli draw is split, so that nothing a device computes has to come back for it: the host makes numbers from
 * the state alone, and an elementwise op compares them with p. Next: streams.ts makes variables of them.
 */
import { type DType, type FloatDType, isFloat, type TypedArray } from "../codegen/ir/dtype.js";
import { constant, type Expr, prim } from "../codegen/ir/expr.js";
import { int } from "../codegen/ir/index.js";
import type { HostBuffer, Routine } from "../codegen/ir/plan.js";
import type { Lazy, Op, Params, Sample, ShapeContext } from "../graph/op.js";
import { TensorType, tensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { type Callable, defineOp, type Operand } from "../ops/define.js";
import { ternary } from "../ops/elementwise_kit.js";
import { seedState } from "./mt19937.js";
import { type Arg, type Distribution, DRAWS } from "./mt_draws.js";
import { MT_STATE_SIZE, packState, readState, writeState } from "./mt_state.js";
import { boundSize, type SizeSpec, valueSize } from "./size.js";

export interface MtParams extends Params {
  readonly size: SizeSpec;
  readonly broadcastable: readonly boolean[];
  readonly dtype: DType;
  /** Parameters of the distribution: a number, or null for the next input after the state. */
  readonly args: readonly (number | null)[];
}

const variableArgs = (p: MtParams): number => p.args.filter((a) => a === null).length;

/** Parameters whose own shape is the distribution's business. */
const OWN_SHAPES: ReadonlySet<Distribution> = new Set<Distribution>(["multinomial", "choice", "choiceWithout"]);

function boundShapes(ctx: ShapeContext<MtParams>, name: Distribution): readonly Shape[] {
  const count = variableArgs(ctx.params);
  const shape = boundSize(ctx, ctx.params.size, 1 + count);
  for (const given of OWN_SHAPES.has(name) ? [] : ctx.shapes.slice(1, 1 + count)) {
    if (given.some((d, a) => d !== 1 && d !== shape[a])) {
      ctx.fail("random-broadcast", `A parameter of shape (${given.join(", ")}) does not stretch to the size (${shape.join(", ")}) of a random variable.`, "make them agree; lengths of 1 stretch");
    }
  }
  return [[MT_STATE_SIZE], shape];
}

const computedIn = (dtype: DType): FloatDType => (isFloat(dtype) ? dtype : "float64");

/** Draws into `next` (the state's words) and gives the samples, not yet in their dtype. */
function drawInto(name: Distribution, p: MtParams, state: ArrayLike<number>, given: readonly NdArray[], shape: Shape, next: Int32Array): TypedArray {
  const advancing = readState(state);
  let at = 0;
  const args = p.args.map((a): Arg => a ?? (given[at++] as NdArray));
  const samples = DRAWS[name](advancing, args, shape, computedIn(p.dtype));
  writeState(advancing, next);
  return samples;
}

const arrayOf = (b: HostBuffer): NdArray => new NdArray(b.data, b.shape, b.dtype);

function routineOf(name: Distribution, p: MtParams): Routine {
  return {
    name: `mt19937.${name}`,
    config: `${p.dtype} ${p.args.map((a) => a ?? "_").join(" ")}`.trimEnd(),
    run: (inputs, [next, out]) => {
      const [state, ...rest] = inputs as [HostBuffer, ...HostBuffer[]];
      const samples = drawInto(name, p, state.data, rest.slice(0, variableArgs(p)).map(arrayOf), (out as HostBuffer).shape, (next as HostBuffer).data as Int32Array);
      (out as HostBuffer).data.set(samples);
    },
  };
}

const DOCS: Readonly<Record<Distribution, string>> = {
  uniform: "Uniform on [low, high).",
  normal: "Normal with mean avg and standard deviation std, by the polar method.",
  binomial: "Successes in n trials of probability p.",
  randomIntegers: "Integers from low to high, both included.",
  bernoulliPair: "1 - u and u for uniforms u on [0, 1), as two rows; what a draw of 0 or 1 is decided by (see bernoulli).",
  multinomial: "Counts of n trials over the probabilities in the last axis.",
  permutation: "Random orders of 0 … n-1 along the last axis.",
  choice: "Integers below a, with replacement.",
  choiceWithout: "Integers below a, without replacement.",
};

const sampleOf = (args: readonly number[], lengths: readonly number[], dtype: DType): Sample<MtParams> => ({
  inputs: [{ dtype: "int32", shape: [MT_STATE_SIZE], exact: [...packState(seedState(7)).data] }],
  params: { size: { lengths, vector: false }, broadcastable: lengths.map((n) => n === 1), dtype, args },
});

const SAMPLES: Readonly<Record<Distribution, readonly Sample<MtParams>[]>> = {
  uniform: [sampleOf([-1, 2], [2, 3], "float64"), sampleOf([0, 1], [0], "float64")],
  normal: [sampleOf([1, 2], [3, 1], "float64")],
  binomial: [sampleOf([40, 0.25], [5], "int32")],
  randomIntegers: [sampleOf([-2, 2], [7], "int32")],
  bernoulliPair: [sampleOf([], [2, 3], "float64")],
  multinomial: [multinomialSample()],
  permutation: [sampleOf([], [2, 5], "int32")],
  choice: [sampleOf([4, 0], [6], "int32")],
  choiceWithout: [sampleOf([9, 0], [6], "int32")],
};

function multinomialSample(): Sample<MtParams> {
  const base = sampleOf([], [4, 3], "int32");
  return { inputs: [...base.inputs, { dtype: "float64", shape: [3], exact: [0.5, 0.25, 0.25] }], params: { ...base.params, args: [5, null] } };
}

function drawOp(name: Distribution): Op {
  return defineOp<MtParams>({
    name: `mt19937.${name}`,
    doc: `${DOCS[name]} State int32[${MT_STATE_SIZE}], parameters, lengths of the size -> next state, samples: NumPy's legacy generator, bit for bit.`,
    infer: (_, p) => [tensorType("int32", 1), new TensorType(p.dtype, p.broadcastable)],
    shape: (ctx) => boundShapes(ctx, name),
    lower: { kind: "routine", routine: ({ params }) => routineOf(name, params) },
    gradient: ({ inputs, params }) => inputs.map((_, i) => (i > 0 && i <= variableArgs(params) ? "undefined" : "disconnected")),
    reference: ([state, ...rest], p, types) => {
      const count = variableArgs(p);
      const shape = valueSize(rest.slice(count), p.size);
      const next = new Int32Array(MT_STATE_SIZE);
      const samples = drawInto(name, p, (state as NdArray).data, rest.slice(0, count), shape, next);
      const kept = new NdArray(samples, shape, samples instanceof Int32Array ? "int32" : "float64");
      return [new NdArray(next, [MT_STATE_SIZE], "int32"), kept.astype((types[1] as TensorType).dtype)];
    },
    samples: SAMPLES[name],
  });
}

/** The op of each distribution. */
export const mtOps: Readonly<Record<Distribution, Op>> = Object.fromEntries((Object.keys(DRAWS) as Distribution[]).map((name) => [name, drawOp(name)])) as Record<Distribution, Op>;

interface Row extends Params { readonly row: 0 | 1 }

const pairRow: Op = defineOp<Row>({
  name: "mt19937.pairRow",
  doc: "One of the two rows of bernoulliPair.",
  infer: ([pair]) => [new TensorType((pair as TensorType).dtype, (pair as TensorType).broadcastable.slice(1))],
  shape: ({ shapes }) => [(shapes[0] as Shape).slice(1)],
  lower: { kind: "index", at: ({ inputs: [pair], params: { row } }) => [(index) => (pair as Lazy).at([int(row), ...index])] },
  reference: ([pair], { row }) => {
    const { data, shape, dtype } = pair as NdArray;
    const n = data.length / 2;
    return [new NdArray(data.slice(row * n, row * n + n), shape.slice(1), dtype)];
  },
  samples: [{ inputs: [{ dtype: "float64", shape: [2, 3] }], params: { row: 0 } }, { inputs: [{ dtype: "float64", shape: [2, 2, 3] }], params: { row: 1 } }],
});

/** The two rows of a pair. */
export const pairRows = (pair: Variable): [Variable, Variable] => [apply1(pairRow, [pair], { row: 0 }), apply1(pairRow, [pair], { row: 1 })];

/** Whether a draw is 1: NumPy's inversion for one trial, from 1 - u, u and p. */
export const bernoulli: Callable<[Operand, Operand, Operand]> = ternary({
  name: "bernoulli",
  doc: "1 - u < p where p <= 1/2, else u <= p, as bool: numpy's legacy binomial with n = 1 (it errs where exp(log(1 - p)) is not 1 - p and u lies between, once in 1e15 draws; p outside [0, 1] counts as 0 or 1, NaN as 0).",
  dtype: "compare",
  domain: [[0, 1], [0, 1], [0, 1]],
  expr: (complement, u, p) => prim("select", prim("le", p, constant(0.5, p.dtype)), prim("lt", complement, p), prim("le", u, p)) as Expr,
  reference: (complement, u, p) => Number(p <= 0.5 ? complement < p : u <= p),
});
