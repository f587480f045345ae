/**
 * Draws of MRG31k3p as a pure op: states, size -> next states, samples. Element i is what stream i mod S gives at its step floor(i / S), as
 * in Theano's rng_mrg, so every element is an expression of one state row: the recurrence unrolled as far as the draw needs, and no device
 * keeps a generator of its own. mrg31k3p.ts is the same on the host and serves as reference. Next: mrg_long.ts for draws of many steps.
 */
import { cast, constant, type Expr, prim } from "../codegen/ir/expr.js";
import type { FloatDType } from "../codegen/ir/dtype.js";
import { flatten, iadd, idiv, imod, int, rangeOf } from "../codegen/ir/index.js";
import { type HostBuffer, MRG_UNIFORM, type Routine } from "../codegen/ir/plan.js";
import { MRG_NORM } from "../codegen/ir/prims.js";
import type { InputGradient, Lazy, LowerContext, Op, Params } from "../graph/op.js";
import { TensorType, tensorType } from "../graph/types.js";
import type { Variable } from "../graph/variable.js";
import { NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import { defineOp } from "../ops/define.js";
import { fillMrg, mrgSeed, mrgStep, mrgSubstreams } from "./mrg31k3p.js";
import { boundSize, type SizeSpec, valueSize } from "./size.js";

/** Steps that one kernel unrolls: all that a draw of fixed size takes from 18 to 122880 elements (its streams are a sixth of its elements). */
export const MRG_BLOCK = 8;

export interface MrgParams extends Params {
  readonly size: SizeSpec;
  readonly broadcastable: readonly boolean[];
  readonly dtype: FloatDType;
  readonly distribution: "uniform" | "normal";
  /** Whether the second input is the states after each further MRG_BLOCK steps, [blocks-1,S,6]: then no more than MRG_BLOCK are unrolled. */
  readonly blocked: boolean;
}

/** The states of all blocks, the first apart. */
interface States { readonly first: Lazy; readonly later: Lazy | null }

/** The values of both components at steps -2 … count, given those at -2 … 0 (a state row, newest first). */
interface Chain { readonly y1: (step: number) => Expr; readonly y2: (step: number) => Expr }

function chainOf(row: (component: number) => Expr, count: number): Chain {
  const y1 = [2, 1, 0].map(row);
  const y2 = [5, 4, 3].map(row);
  const at = (ys: readonly Expr[], k: number): Expr => ys[k + 2] as Expr;
  for (let k = 1; k <= count; k++) {
    y1.push(prim("mrgNext1", at(y1, k - 2), at(y1, k - 3)));
    y2.push(prim("mrgNext2", at(y2, k - 1), at(y2, k - 3)));
  }
  return { y1: (k) => at(y1, k), y2: (k) => at(y2, k) };
}

/** Component `j` of the state row after `steps` steps. */
function component(j: Expr, chain: Chain, steps: number): Expr {
  const parts = [0, 1, 2, 3, 4, 5].map((c) => (c < 3 ? chain.y1(steps - c) : chain.y2(steps - c + 3)));
  if (j.kind === "const") return parts[j.value] as Expr;
  return parts.slice(0, 5).reduceRight<Expr>((rest, e, c) => prim("select", prim("eq", j, int(c)), e, rest), parts[5] as Expr);
}

/** `yes` where a < n, an integer expression of known range deciding it for good where it can. */
function whereBelow(a: Expr, n: number, yes: Expr, no: () => Expr): Expr {
  const { min, max } = rangeOf(a);
  return max < n ? yes : min >= n ? no() : prim("select", prim("lt", a, int(n)), yes, no());
}

const rowsOf = ({ first, later }: States, block: Expr, stream: Expr) => (c: number): Expr => {
  const start = first.at([stream, int(c)]);
  return later === null ? start : whereBelow(block, 1, start, () => later.at([iadd(block, int(-1)), stream, int(c)]));
};
const streamsOf = (states: States): number => states.first.shape[0] as number;

/** How many numbers a draw takes: normals come in pairs. */
const drawn = (shape: Shape, p: MrgParams): number => (p.distribution === "normal" ? Math.ceil(sizeOf(shape) / 2) * 2 : sizeOf(shape));

/** Uniform number `flat` of `count`. Theano multiplies in the sample's dtype: in float32 the integer is rounded first. */
function uniformAt(states: States, flat: Expr, count: number, dtype: FloatDType): Expr {
  const streams = streamsOf(states);
  const step = idiv(flat, streams);
  const needed = Math.max(1, Math.ceil(count / streams));
  const [steps, block, within] = states.later === null ? [needed, int(0), step] : [Math.min(needed, MRG_BLOCK), idiv(step, MRG_BLOCK), imod(step, MRG_BLOCK)];
  const chain = chainOf(rowsOf(states, block, imod(flat, streams)), steps);
  const output = (k: number): Expr => prim("mrgOutput", chain.y1(k), chain.y2(k));
  let z = output(steps);
  for (let k = steps - 1; k >= 1; k--) {
    const rest = z;
    z = whereBelow(within, k, output(k), () => rest);
  }
  return prim("mul", cast(z, dtype), constant(MRG_NORM[dtype], dtype));
}

/** Box and Muller (1958) as Theano pairs them: the first half of the uniforms with the second, cosines first, then sines. */
function normalAt(states: States, flat: Expr, count: number, dtype: FloatDType): Expr {
  const half = count / 2;
  const of = (x: number): Expr => constant(x, dtype);
  const pair = imod(flat, half);
  const radius = prim("sqrt", prim("mul", of(-2), prim("log", uniformAt(states, pair, count, dtype))));
  const angle = prim("mul", of(2 * Math.PI), uniformAt(states, iadd(pair, int(half)), count, dtype));
  return prim("mul", radius, whereBelow(flat, half, prim("cos", angle), () => prim("sin", angle)));
}

/** Component `j` of a stream's state after the draw: streams below the remainder have taken one step more. */
function nextStateAt(states: States, count: number, [stream, j]: readonly [Expr, Expr]): Expr {
  const streams = streamsOf(states);
  const block = states.later?.shape[0] ?? 0;
  const steps = Math.floor(count / streams) - block * MRG_BLOCK;
  const more = count % streams;
  const chain = chainOf(rowsOf(states, int(block), stream), more > 0 ? steps + 1 : steps);
  const after = (): Expr => (steps === 0 && block === 0 ? states.first.at([stream, j]) : component(j, chain, steps));
  return more === 0 ? after() : whereBelow(stream, more, component(j, chain, steps + 1), after);
}

function lowerDraw({ inputs, outputs, params }: LowerContext<MrgParams>): readonly ((index: readonly Expr[]) => Expr)[] {
  const states = { first: inputs[0] as Lazy, later: params.blocked ? (inputs[1] as Lazy) : null };
  const { shape } = outputs[1] as { shape: Shape };
  const count = drawn(shape, params);
  const sample = params.distribution === "normal" ? normalAt : uniformAt;
  return [
    (index) => nextStateAt(states, count, index as readonly [Expr, Expr]),
    (index) => sample(states, flatten(index, shape), Math.max(count, 1), params.dtype),
  ];
}

/** A draw as a routine from the first states alone, where streams give several numbers: each is stepped once. */
function nativeDraw({ inputs, outputs, params: p }: LowerContext<MrgParams>): { readonly routine: Routine; readonly reads: readonly number[] } | null {
  const { shape } = outputs[1] as { shape: Shape };
  const [count, streams] = [drawn(shape, p), (inputs[0] as Lazy).shape[0] as number];
  if (p.distribution !== "uniform" || count <= streams) return null;
  const run: Routine["run"] = ([states], [next, samples]) => {
    const rows = (next as HostBuffer).data as Int32Array;
    rows.set((states as HostBuffer).data);
    fillMrg(rows, (samples as HostBuffer).data as Float32Array | Float64Array);
  };
  return { routine: { name: MRG_UNIFORM, config: p.dtype, run }, reads: [0] };
}

/** The same on the host, from the first states alone. */
function hostDraw(states: NdArray, shape: Shape, p: MrgParams): { rows: Int32Array; samples: Float64Array } {
  const rows = Int32Array.from(states.data);
  const raw = p.dtype === "float32" ? new Float32Array(drawn(shape, p)) : new Float64Array(drawn(shape, p));
  fillMrg(rows, raw);
  const us = Float64Array.from(raw);
  if (p.distribution === "uniform") return { rows, samples: us };
  const half = us.length / 2;
  const samples = us.map((_, i) => {
    const radius = Math.sqrt(-2 * Math.log(us[i % half] as number));
    const angle = 2 * Math.PI * (us[(i % half) + half] as number);
    return radius * (i < half ? Math.cos(angle) : Math.sin(angle));
  });
  return { rows, samples: samples.slice(0, sizeOf(shape)) };
}

const sampleRows = (streams: number): readonly number[] => [...mrgSubstreams(mrgSeed(12345), streams)];
const sampleParams = (lengths: readonly number[], distribution: MrgParams["distribution"]): MrgParams => ({
  size: { lengths, vector: false }, broadcastable: lengths.map((n) => n === 1), dtype: "float64", distribution, blocked: false,
});

const firstLength = (p: MrgParams): number => (p.blocked ? 2 : 1);

const inferDraw = (_: readonly TensorType[], p: MrgParams): readonly TensorType[] => [tensorType("int32", 2), new TensorType(p.dtype, p.broadcastable)];

/** The reference of a draw whose size's inputs start at `first`. */
export function referenceDraw(inputs: readonly NdArray[], p: MrgParams, types: readonly TensorType[], first: number): NdArray[] {
  const shape = valueSize(inputs.slice(first), p.size);
  const { rows, samples } = hostDraw(inputs[0] as NdArray, shape, p);
  return [new NdArray(rows, [rows.length / 6, 6], "int32"), new NdArray(samples, shape, "float64").astype((types[1] as TensorType).dtype)];
}

/** What both draw ops share. */
export const drawFields = {
  infer: inferDraw,
  gradient: ({ inputs }: { readonly inputs: readonly Variable[] }): InputGradient[] => inputs.map(() => "disconnected"),
} as const;

export const mrgDraw: Op = defineOp<MrgParams>({
  ...drawFields,
  name: "mrg31k3p",
  doc: "States [S,6] and the lengths of a size -> the next states and samples of that size, uniform on (0, 1] or standard normal, the same numbers as Theano's rng_mrg.",
  shape: (ctx) => [ctx.shapes[0] as Shape, boundSize(ctx, ctx.params.size, firstLength(ctx.params))],
  lower: { kind: "index", at: lowerDraw, native: nativeDraw },
  reference: (inputs, p, types) => referenceDraw(inputs, p, types, firstLength(p)),
  samples: [
    { inputs: [{ dtype: "int32", shape: [4, 6], exact: sampleRows(4) }], params: sampleParams([2, 5], "uniform") },
    { inputs: [{ dtype: "int32", shape: [6, 6], exact: sampleRows(6) }], params: sampleParams([3], "normal") },
    { inputs: [{ dtype: "int32", shape: [6, 6], exact: sampleRows(6) }], params: sampleParams([1, 0], "uniform") },
  ],
});

/** Every stream MRG_BLOCK steps on. */
export const mrgAdvance: Op = defineOp({
  name: "mrg31k3p.advance",
  doc: `States [S,6] -> the states ${MRG_BLOCK} steps on, for draws of more steps than one kernel unrolls.`,
  infer: ([states]) => [states as TensorType],
  shape: ({ shapes }) => [shapes[0] as Shape],
  lower: {
    kind: "index",
    at: ({ inputs: [states] }) => [([stream, j]) => component(j as Expr, chainOf(rowsOf({ first: states as Lazy, later: null }, int(0), stream as Expr), MRG_BLOCK), MRG_BLOCK)],
  },
  gradient: () => ["disconnected"],
  reference: ([states]) => {
    const rows = Int32Array.from((states as NdArray).data);
    for (let at = 0; at < rows.length; at += 6) for (let k = 0; k < MRG_BLOCK; k++) mrgStep(rows, at);
    return [new NdArray(rows, (states as NdArray).shape, "int32")];
  },
  samples: [{ inputs: [{ dtype: "int32", shape: [3, 6], exact: sampleRows(3) }], params: {} }],
});
