/**
 * fast-check arbitraries of whole functions: a generated graph, some of whose inputs are shared variables with updates, called several times.
 * What each call gives, and the values after the last, are known in float64. Must not know devices. Next: function_parity.ts calls them.
 */
import fc from "fast-check";
import { interpret } from "../autodiff/interpret.js";
import { isFloat } from "../codegen/ir/dtype.js";
import { leavesOf, substituteVariables } from "../graph/clone.js";
import { Constant, SharedVariable, scalarConstant, type Variable } from "../graph/variable.js";
import type { NdArray } from "../numpy/ndarray.js";
import { mul } from "../ops/elementwise.js";
import { type GeneratedGraph, type GraphOptions, graphs } from "./graphs.js";
import type { Entry, Pool } from "./pool.js";
import { snippet, type TestGraph, type Update } from "./snippet.js";
import { Tape } from "./tape.js";

/** A function that is called several times on the same values. `expected[c]` are the outputs of call `c`, `after` the updated values after the last. */
export interface TestFunction extends TestGraph {
  readonly updates: readonly Update[];
  readonly calls: number;
  readonly expected?: readonly (readonly NdArray[])[];
  readonly after?: readonly NdArray[];
  /** As of GeneratedGraph, for each element of `expected` and of `after`. */
  readonly drifts?: { readonly expected: readonly (readonly number[])[]; readonly after: readonly number[] };
}

const MOST_CALLS = 3;

type Pair = readonly [Variable, Variable];
/** The outputs of a call, and the updated values after it. */
interface Call { readonly outputs: readonly Variable[]; readonly states: readonly Variable[] }

/** Each call in expressions over the values before the first. */
function unrolled(outputs: readonly Variable[], updates: readonly Pair[], calls: number): Call[] {
  const all = [...outputs, ...updates.map(([, next]) => next)];
  const steps: Call[] = [];
  for (let states: Variable[] | null = null, c = 0; c < calls; c++) {
    const before: Variable[] | null = states;
    const made: Variable[] = before === null ? all : substituteVariables(all, new Map(updates.map(([v], i) => [v, before[i] as Variable])));
    states = made.slice(outputs.length);
    steps.push({ outputs: made.slice(0, outputs.length), states });
  }
  return steps;
}

/** A generated function. Its outputs and updates are well conditioned in every call. */
export class GeneratedFunction implements TestFunction {
  readonly inputs: readonly Variable[];
  readonly values: readonly NdArray[];
  readonly outputs: readonly Variable[];
  readonly updates: readonly Update[];
  readonly calls: number;
  readonly expected: readonly (readonly NdArray[])[];
  readonly after: readonly NdArray[];
  readonly drifts: { readonly expected: readonly (readonly number[])[]; readonly after: readonly number[] };

  constructor(g: GeneratedGraph, updates: readonly Pair[], steps: readonly Call[], shared: readonly Variable[]) {
    const { pool } = g;
    const last = (steps.at(-1) as Call).states;
    const env = new Map(pool.entries.flatMap((e) => (e.v.owner === null ? [[e.v, e.value] as const] : [])));
    const entries = steps.map((s) => s.outputs.map((v) => pool.entry(v) as Entry));
    this.expected = entries.map((es) => es.map((e) => e.value));
    this.after = interpret(last, env, { exactDTypes: false });
    this.drifts = { expected: entries.map((es) => es.map((e) => e.drift)), after: last.map((v) => pool.entry(v)?.drift ?? 0) };
    const cells = new Map(shared.map((v) => [v, new SharedVariable((pool.entry(v) as Entry).value.astype(v.dtype), { name: v.name, broadcastable: v.broadcastable })]));
    const made = substituteVariables([...g.outputs, ...updates.map(([, next]) => next)], cells);
    this.outputs = made.slice(0, g.outputs.length);
    this.updates = updates.map(([v], i) => [cells.get(v) ?? (v as SharedVariable), made[g.outputs.length + i] as Variable]);
    // An update may read what no output does.
    this.inputs = leavesOf(made).filter((v) => !(v instanceof SharedVariable || v instanceof Constant));
    this.values = this.inputs.map((v) => (pool.entry(v) as Entry).value);
    this.calls = steps.length;
  }

  /** TypeScript that rebuilds the function. */
  toString(): string {
    return snippet(this);
  }

  [fc.toStringMethod](): string {
    return `a function of ${this.inputs.length} inputs with ${this.updates.length} updates, called ${this.calls} times:\n${this}\n`;
  }
}

const sameKind = (a: Entry, b: Entry): boolean => a.v.type.equals(b.v.type) && a.value.shape.join() === b.value.shape.join();

/** What an input may become after a call: a result of its type and lengths, or half of it. */
function nextOf(v: Variable, pool: Pool, tape: Tape): Variable | null {
  const own = pool.entry(v) as Entry;
  const found = tape.oneOf(pool.entries.filter((e) => e.v !== v && sameKind(e, own)).reverse());
  return found?.v ?? (isFloat(v.dtype) ? mul(v, scalarConstant(0.5, v.dtype)) : null);
}

/** The default updates of the draws that expressions read. */
function drawsOf(vs: readonly Variable[]): Pair[] {
  return leavesOf(vs).flatMap((v) => (v instanceof SharedVariable && v.defaultUpdate !== null ? [[v, v.defaultUpdate] as const] : []));
}

/** The calls, if what they give can be relied on in each. */
function sound(pool: Pool, outputs: readonly Variable[], own: readonly Pair[], draws: readonly Pair[]): Call[] | null {
  const steps = unrolled(outputs, [...own, ...draws], MOST_CALLS);
  return steps.every((s) => [...s.outputs, ...s.states.slice(0, own.length)].every((v) => pool.admit(v))) ? steps : null;
}

function makeFunction(g: GeneratedGraph, numbers: readonly number[]): GeneratedFunction {
  const tape = new Tape(numbers);
  const shared = g.inputs.filter(() => tape.chance(2));
  let own = shared.flatMap((v): Pair[] => {
    const next = nextOf(v, g.pool, tape);
    return next === null ? [] : [[v, next]];
  });
  for (;;) {
    const draws = drawsOf([...g.outputs, ...own.map(([, next]) => next)]);
    const steps = sound(g.pool, g.outputs, own, draws);
    if (steps !== null) return new GeneratedFunction(g, [...own, ...draws], steps, shared);
    if (own.length === 0) return new GeneratedFunction(g, draws, unrolled(g.outputs, draws, 1), shared);
    own = own.slice(0, -1);
  }
}

/** Functions with up to three outputs, of inputs and shared variables, with updates and random draws, called up to three times. */
export const functions = (options: GraphOptions = {}): fc.Arbitrary<GeneratedFunction> =>
  fc.tuple(graphs(options), fc.array(fc.nat({ max: 9999 }), { minLength: 12, maxLength: 12 })).map(([g, numbers]) => makeFunction(g, numbers));
