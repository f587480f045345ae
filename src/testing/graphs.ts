/**
 * fast-check arbitraries of whole graphs: inputs with values, then steps over what is there. Graphs shrink by losing steps and inputs, and
 * print as code that rebuilds them. Must not know devices. Next: parity.ts compiles them.
 */
import fc from "fast-check";
import { grad } from "../autodiff/grad.js";
import { type DType, type FloatDType, isFloat } from "../codegen/ir/dtype.js";
import { appliesOf } from "../graph/function_graph.js";
import { leavesOf } from "../graph/clone.js";
import type { Op } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { SharedVariable, Variable } from "../graph/variable.js";
import type { NdArray } from "../numpy/ndarray.js";
import { add } from "../ops/elementwise.js";
import { sum } from "../ops/reduce.js";
import { drawArray, seededUniform } from "../ops/samples.js";
import { Chooser } from "./choose.js";
import { type Entry, Pool } from "./pool.js";
import { snippet, type TestGraph } from "./snippet.js";
import { type Kind, KINDS, STEPS } from "./steps.js";
import { Tape } from "./tape.js";

export interface GraphOptions {
  /** dtype of the float variables. Default float32, which every device has. */
  readonly dtype?: FloatDType;
  /** Kinds of steps. Default all. */
  readonly kinds?: readonly Kind[];
  /** Elementwise ops to use. Default all of the registry. */
  readonly ops?: (op: Op) => boolean;
  readonly maxInputs?: number;
  readonly maxSteps?: number;
  /** Let axes be empty (default false). */
  readonly empty?: boolean;
}

/** A generated graph: its inputs, their values, and what its outputs are in float64 and how sure that is. */
export class GeneratedGraph implements TestGraph {
  readonly inputs: readonly Variable[];
  readonly values: readonly NdArray[];
  readonly outputs: readonly Variable[];
  /** The outputs in float64 arithmetic. */
  readonly expected: readonly NdArray[];
  /** How far each output moves when every result is disturbed by a relative 1e-4: rounding moves it in proportion. */
  readonly drifts: readonly number[];
  /** What it was made from: more results than its outputs, with their values. */
  readonly pool: Pool;

  constructor(pool: Pool, inputs: readonly Variable[], outputs: readonly Entry[]) {
    this.pool = pool;
    const used = new Set([...leavesOf(outputs.map((o) => o.v)), ...outputs.map((o) => o.v)]);
    this.inputs = inputs.filter((v) => used.has(v));
    this.values = this.inputs.map((v) => (pool.entry(v) as Entry).value);
    this.outputs = outputs.map((o) => o.v);
    this.expected = outputs.map((o) => o.value);
    this.drifts = outputs.map((o) => o.drift);
  }

  /**
   * The graph's outputs and then the gradients of the sum of its float outputs with respect to its float inputs, those that are well conditioned.
   * The outputs are there because a result that is stored has been rounded, and one computed anew has not.
   */
  gradients(): GeneratedGraph {
    const own = this.outputs.map((v) => this.pool.entry(v) as Entry);
    const costs = this.outputs.filter((v) => isFloat(v.dtype)).map((v) => sum(v));
    const wrt = this.inputs.filter((v) => isFloat(v.dtype));
    if (costs.length === 0 || wrt.length === 0) return new GeneratedGraph(this.pool, this.inputs, own);
    const made = grad(costs.reduce((a, b) => add(a, b)), wrt, { disconnectedInputs: "ignore" });
    return new GeneratedGraph(this.pool, this.inputs, [...own, ...made.flatMap((g) => (this.pool.admit(g) ? [this.pool.entry(g) as Entry] : []))]);
  }

  /** TypeScript that rebuilds the graph. */
  toString(): string {
    return snippet(this);
  }

  [fc.toStringMethod](): string {
    return `a graph of ${appliesOf(this.outputs).map((a) => a.op.name).join(", ")}:\n${this}\n`;
  }
}

interface Recipe {
  readonly seed: number;
  readonly lengths: readonly number[];
  readonly inputs: readonly (readonly number[])[];
  readonly steps: readonly (readonly number[])[];
}

const LEAF_DTYPES: readonly [DType, ...DType[]] = ["float32", "float32", "float32", "float32", "int32", "bool"];

/** An input: dtype, up to three axes of one of the graph's lengths or 1, flags where the length is 1. The first has two axes. */
function makeInput(pool: Pool, numbers: readonly number[], n: number, recipe: Recipe): Variable {
  const tape = new Tape(numbers);
  const choice = n === 0 ? "float32" : tape.oneOf(LEAF_DTYPES);
  const dtype = isFloat(choice) ? pool.dtype : choice;
  const shape = Array.from({ length: n === 0 ? 2 : dtype === "int32" ? tape.pick(2) : tape.pick(4) }, (_, a) => recipe.lengths[n === 0 ? a : tape.pick(recipe.lengths.length)] as number);
  const v = new Variable(new TensorType(dtype, shape.map((d) => d === 1 && !tape.chance(3))), { name: `x${n}` });
  pool.add(v, drawArray(dtype, shape, seededUniform(recipe.seed + n), dtype === "int32" ? { low: -4, high: 5 } : {}));
  return v;
}

/** Results that no other step read, newest first; an input where there is none. */
function sinks(pool: Pool, inputs: readonly Variable[], most: number): Entry[] {
  const results = pool.entries.filter((e) => e.v.owner !== null);
  const read = new Set(appliesOf(results.map((e) => e.v)).flatMap((a) => a.inputs));
  const free = results.filter((e) => !read.has(e.v)).reverse();
  return free.length > 0 ? free.slice(0, most) : [pool.entry(inputs[0] as Variable) as Entry];
}

function build(recipe: Recipe, options: GraphOptions, mostOutputs: number): GeneratedGraph {
  const pool = new Pool(options.dtype ?? "float32", recipe.seed);
  const inputs = recipe.inputs.map((numbers, n) => makeInput(pool, numbers, n, recipe));
  const kinds = options.kinds ?? KINDS;
  for (const numbers of recipe.steps) {
    const tape = new Tape(numbers);
    // Half of all steps are elementwise where those are wanted.
    const kind = kinds[0] === "elementwise" && tape.chance(2) ? "elementwise" : (tape.oneOf(kinds) ?? "elementwise");
    const made = STEPS[kind](new Chooser(pool, tape), options.ops ?? (() => true));
    if (made !== null) pool.admit(made);
  }
  return new GeneratedGraph(pool, inputs, sinks(pool, inputs, mostOutputs));
}

function recipes({ maxInputs = 5, maxSteps = 10, empty = false }: GraphOptions): fc.Arbitrary<Recipe> {
  const numbers = (length: number): fc.Arbitrary<number[]> => fc.array(fc.nat({ max: 9999 }), { minLength: length, maxLength: length });
  return fc.record({
    seed: fc.nat({ max: 1_000_000 }),
    lengths: fc.tuple(fc.integer({ min: empty ? 0 : 1, max: 4 }), fc.integer({ min: 1, max: 4 }), fc.constant(1)),
    inputs: fc.array(numbers(6), { minLength: 1, maxLength: maxInputs, size: "max" }),
    steps: fc.array(numbers(10), { maxLength: maxSteps, size: "max" }),
  });
}

/** Graphs with up to three outputs. */
export const graphs = (options: GraphOptions = {}): fc.Arbitrary<GeneratedGraph> => recipes(options).map((r) => build(r, options, 3));

/** Graphs with one output. */
export const expressions = (options: GraphOptions = {}): fc.Arbitrary<GeneratedGraph> => recipes(options).map((r) => build(r, options, 1));

/** Values of the shared variables that a graph reads, to put back between runs. */
export function sharedValues(outputs: readonly Variable[]): Map<SharedVariable, NdArray> {
  const found = leavesOf(outputs).filter((v): v is SharedVariable => v instanceof SharedVariable);
  return new Map(found.flatMap((v) => (v.cell.host === null ? [] : [[v, v.cell.host.copy()] as const])));
}
