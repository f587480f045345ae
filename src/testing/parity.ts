/**
 * A graph on devices against the graph in float64: the check that every device, rewriting mode and way of feeding values gives what the
 * references say. Must not know any concrete device. graphs.ts makes graphs to check.
 */
import { interpret } from "../autodiff/interpret.js";
import { backendFactory, backendNames } from "../codegen/backend.js";
import { isFloat } from "../codegen/ir/dtype.js";
import { compile, type CompileOptions, type Result } from "../compile/compile.js";
import { substituteVariables } from "../graph/clone.js";
import { TensorType } from "../graph/types.js";
import { SharedVariable, Variable } from "../graph/variable.js";
import { asarray } from "../numpy/convert.js";
import { type ArrayLike, NdArray } from "../numpy/ndarray.js";
import { config } from "../util/config.js";
import { fail } from "../util/fail.js";
import { sharedValues } from "./graphs.js";
import { DISTURBANCE } from "./pool.js";
import { snippet, type TestGraph } from "./snippet.js";

export type Mode = NonNullable<CompileOptions["mode"]>;

export interface ParityOptions {
  /** Names of devices. Default: every registered device that can be had (`import "damo"` registers them). */
  readonly devices?: readonly string[];
  /** Default `none` (the graph as written) and `fast_run` (all rewrites). */
  readonly modes?: readonly Mode[];
  /** Results agree when they differ by at most this, relatively or (below 1) absolutely. Default 1e-5. */
  readonly tolerance?: number;
  /** How values reach the function: as inputs of the call, or as shared variables that live on the device. Default `inputs`. */
  readonly feed?: "inputs" | "shared";
}

/** A graph that may know its results and how sure they are, as generated graphs do. */
export interface ParityGraph extends TestGraph {
  readonly expected?: readonly NdArray[];
  readonly drifts?: readonly number[];
}

type Builder = (...inputs: Variable[]) => Variable | readonly Variable[];

const probed = new Map<string, Promise<boolean>>();

/** The registered devices that can be had here. */
export async function availableDevices(): Promise<string[]> {
  const names = backendNames();
  const answers = await Promise.all(names.map((n) => {
    const known = probed.get(n) ?? backendFactory(n).probe().then((a) => a.available);
    probed.set(n, known);
    return known;
  }));
  return names.filter((_, i) => answers[i]);
}

/**
 * Throws `parity` unless each device gives the graph's float64 results in each mode. Takes a graph `{ inputs, values, outputs }`, or a function
 * of variables and the points to give it. The message names the device, the element, and code that rebuilds the graph.
 */
export async function backendParity(graph: ParityGraph, options?: ParityOptions): Promise<void>;
export async function backendParity(fn: Builder, points: readonly ArrayLike[], options?: ParityOptions): Promise<void>;
export async function backendParity(first: ParityGraph | Builder, second?: readonly ArrayLike[] | ParityOptions, third?: ParityOptions): Promise<void> {
  const [graph, options]: [ParityGraph, ParityOptions] = typeof first === "function" ? [graphOf(first, second as readonly ArrayLike[]), third ?? {}] : [first, (second as ParityOptions | undefined) ?? {}];
  const shared = sharedValues(graph.outputs);
  const expected = graph.expected ?? interpret(graph.outputs, new Map(graph.inputs.map((v, i) => [v, graph.values[i] as NdArray])), { exactDTypes: false });
  for (const device of options.devices ?? (await availableDevices())) {
    for (const mode of options.modes ?? (["none", "fast_run"] as const)) {
      const got = await resultsOn(graph, shared, { device, mode }, options.feed ?? "inputs");
      got.forEach((g, i) => {
        const trouble = difference(g, expected[i] as NdArray, options.tolerance ?? 1e-5, graph.drifts?.[i] ?? 0);
        if (trouble !== null) report(graph, `Output ${i} (${graph.outputs[i]}) on ${device} in mode ${mode}: ${trouble}.`);
      });
    }
  }
}

/** The failure of a check, with code that shows it again. */
export function report(graph: TestGraph, what: string): never {
  fail("value", "parity", { what, saw: [`\n${snippet(graph)}\n`], fix: "make the op's lowering agree with its reference, or the rewrite with the identity it states; the code above rebuilds what failed" });
}

/** A function's graph at points: numbers that are not whole and float arrays are floatX. */
function graphOf(fn: Builder, points: readonly ArrayLike[]): TestGraph {
  const values = points.map((p) => asarray(p)).map((a) => (isFloat(a.dtype) ? a.astype(config.floatX) : a));
  const inputs = values.map((v, i) => new Variable(new TensorType(v.dtype, v.shape.map(() => false)), { name: `x${i}` }));
  const made = fn(...inputs);
  return { inputs, values, outputs: made instanceof Variable ? [made] : made };
}

export const asArray = (r: Result, v: Variable): NdArray => (r instanceof NdArray ? r : NdArray.scalar(r, v.dtype));

/** What a device gives for the graph once; shared variables get their values back. */
export async function resultsOn(graph: TestGraph, shared: ReadonlyMap<SharedVariable, NdArray>, how: { readonly device: string; readonly mode: Mode }, feed: "inputs" | "shared"): Promise<NdArray[]> {
  const restore = (): void => shared.forEach((value, v) => v.setValue(value));
  restore();
  const cells = new Map(feed === "shared" ? graph.inputs.map((v, i) => [v, new SharedVariable(graph.values[i] as NdArray, { name: v.name, broadcastable: v.broadcastable })] as const) : []);
  const outputs = substituteVariables(graph.outputs, cells);
  const f = compile(feed === "shared" ? [] : graph.inputs, outputs, { ...how, onUnusedInput: "ignore" });
  try {
    const results = (await f(...(feed === "shared" ? [] : graph.values))) as readonly Result[];
    return results.map((r, i) => asArray(r, graph.outputs[i] as Variable));
  } finally {
    f.dispose();
    restore();
    for (const c of cells.values()) c.cell.remote?.release();
  }
}

/** What is wrong with a result, or null. NaN agrees with NaN, infinities with themselves. */
export function difference(got: NdArray, want: NdArray, tolerance: number, drift = 0): string | null {
  if (got.shape.join() !== want.shape.join()) return `it has shape (${got.shape.join(", ")}) and should have (${want.shape.join(", ")})`;
  for (let n = 0; n < want.size; n++) {
    const [g, w] = [got.data[n] as number, want.data[n] as number];
    const rounded = got.dtype === "float32" ? Math.fround(w) : w;
    if (Object.is(g, w) || g === w || g === rounded || (Number.isNaN(g) && Number.isNaN(w))) continue;
    const allowed = isFloat(got.dtype) ? tolerance * (Math.max(1, Math.abs(w)) + drift / DISTURBANCE) : 0;
    if (!(Math.abs(g - w) <= allowed)) return `element ${n} is ${g} and should be ${w} (within ${allowed})`;
  }
  return null;
}

/** Whether a device gives the same bits each time the graph is compiled and called on the same values. */
export async function isDeterministic(graph: TestGraph, { device = "reference", mode = "fast_run", runs = 2 }: { readonly device?: string; readonly mode?: Mode; readonly runs?: number } = {}): Promise<boolean> {
  const shared = sharedValues(graph.outputs);
  const all: string[] = [];
  for (let i = 0; i < Math.max(2, runs); i++) {
    const results = await resultsOn(graph, shared, { device, mode }, "inputs");
    all.push(results.map((r) => `${r}:${Array.from(new Uint8Array(r.data.buffer, r.data.byteOffset, r.data.byteLength)).join()}`).join(";"));
  }
  return all.every((a) => a === all[0]);
}
