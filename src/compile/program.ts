/**
 * Program: one compiled function's life. Rewrites the graph once; for each set of shapes makes a plan and an executable; per call uploads
 * what is newer on the host, runs, downloads what was asked for, commits updates together. A call that throws changes nothing.
 * Must not know concrete devices. Next: compile.ts gives it the user's face.
 */
import type { Backend, Executable, Handle } from "../codegen/backend.js";
import { evaluate } from "../codegen/ir/evaluate.js";
import { countKernels } from "../codegen/ir/plan.js";
import { interpret } from "../autodiff/interpret.js";
import { fillGraph } from "../graph/edit.js";
import { leavesOf } from "../graph/clone.js";
import { FunctionGraph } from "../graph/function_graph.js";
import { Constant, SharedVariable, type Variable } from "../graph/variable.js";
import { NdArray } from "../numpy/ndarray.js";
import { debug } from "../util/debug.js";
import { impossible } from "../util/fail.js";
import { rewriteGraph, type Report, type RewriteOptions } from "../rewrite/engine.js";
import { type Device, device, turn } from "./devices.js";
import { expandCompositions } from "./expand.js";
import type { Prepared } from "./prepare.js";
import { type Bound, isBound, type Leaf, MORE_SCALARS, type Specialised, specialiseFor } from "./specialise.js";
import { commitValue, DeviceValue, hostValue, valueOn } from "./storage.js";

/** A plan compiled for a device, and when it holds. */
export interface Ready { readonly made: Specialised; readonly executable: Executable }

/** Plans kept per function, the last used; a function of ever new lengths makes ever new ones. */
const MOST_PLANS = 256;

const FREE: Bound = { scalars: "free", values: new Map() };

export class Program {
  readonly report: Report;
  readonly outputs: readonly Variable[];
  readonly leaves: readonly Variable[];
  /** The plan of the last call, for explain(). */
  last: Ready | null = null;
  lastDevice: Device | null = null;
  /** Milliseconds: building happens once, the others at the last call that needed them. */
  readonly times = { rewrite: 0, specialise: 0, compile: 0, run: 0 };
  readonly #prepared: Prepared;
  readonly #device: string;
  readonly #name: string;
  readonly #ready = new Map<string, Ready>();
  /** What has to be bound for leaves of these shapes. */
  readonly #bounds = new Map<string, Bound>();
  readonly #inputs: ReadonlyMap<Variable, number>;
  /** Calls that run or wait for their turn. */
  #running = 0;
  #isDisposed = false;
  /** What the executables belong to: closed devices are opened anew, as another backend. */
  #backend: Backend | null = null;

  constructor(prepared: Prepared, options: { readonly device: string; readonly name: string; readonly rewriting: RewriteOptions }) {
    this.#prepared = prepared;
    this.#device = options.device;
    this.#name = options.name;
    this.#inputs = new Map(prepared.inputs.map((i, n) => [i.variable, n]));
    const start = performance.now();
    const g = new FunctionGraph();
    fillGraph(g, prepared.inputs.map((i) => i.variable), prepared.outputs);
    this.report = rewriteGraph(g, options.rewriting);
    expandCompositions(g);
    this.outputs = g.tables.outputs.map((o) => g.view(o));
    this.leaves = leavesOf(this.outputs).filter((v) => !(v instanceof Constant));
    this.times.rewrite = performance.now() - start;
  }

  /** Runs a call: values of the prepared inputs in order; gives values of the user's outputs. */
  async call(args: readonly NdArray[]): Promise<NdArray[]> {
    const sets = this.#prepared.updated.map((s) => s.cell.sets);
    this.#running++;
    try {
      return await turn.run(async () => this.#run(await device(this.#device), args, sets));
    } finally {
      this.#running--;
      if (this.#isDisposed) this.dispose();
    }
  }

  /** `sets`: how often each updated variable had been set by hand when the call was made. What is set later stays. */
  async #run(on: Device, args: readonly NdArray[], sets: readonly number[]): Promise<NdArray[]> {
    if (on.backend !== this.#backend) this.#ready.clear();
    this.#backend = on.backend;
    const leaves = await Promise.all(this.leaves.map((v) => this.#leaf(v, args)));
    const ready = await this.#prepareFor(on, leaves, args);
    const { made, executable } = ready;
    this.last = ready;
    this.lastDevice = on;
    const start = performance.now();
    const scalars = made.scalarFeeds.map((i) => leaves[i]?.scalar as number);
    const temporary: Handle[] = [];
    const used: DeviceValue[] = [];
    let results: readonly Handle[] = [];
    const wanted = this.#prepared.outputs.length - this.#prepared.updated.length;
    try {
      const inputs: Handle[] = [];
      for (const i of made.feeds) inputs.push(await this.#feed(on, this.leaves[i] as Variable, args, temporary, used));
      results = made.plan.steps.length === 0 && made.plan.outputs.length === 0 ? [] : await executable.run(inputs, scalars);
      const values = await Promise.all(made.results.slice(0, wanted).map((_, n) => this.#download(on, made, results, scalars, n)));
      const kept = new Set(this.#commit(on, made, results, scalars, sets));
      temporary.push(...results.filter((h) => !kept.has(h)));
      results = [];
      return values;
    } finally {
      for (const h of [...temporary, ...results]) on.backend.free(h);
      for (const value of used) value.release();
      this.times.run = performance.now() - start;
    }
  }

  async #leaf(v: Variable, args: readonly NdArray[]): Promise<Leaf> {
    const at = this.#inputs.get(v);
    if (at !== undefined) {
      const value = args[at] as NdArray;
      return { variable: v, shape: value.shape, scalar: value.ndim === 0 ? (value.data[0] as number) : null };
    }
    if (!(v instanceof SharedVariable)) return impossible(`${v} is neither an input nor shared`);
    const asScalar = v.ndim === 0 && (v.dtype === "int32" || v.dtype === "bool");
    return { variable: v, shape: v.valueShape, scalar: asScalar ? ((await hostValue(v.cell)).data[0] as number) : null };
  }

  /** The plan for these leaves: from the cache if its guards hold, else made. */
  async #prepareFor(on: Device, leaves: readonly Leaf[], args: readonly NdArray[]): Promise<Ready> {
    const shapes = leaves.map((l) => l.shape.join("x")).join(";");
    let start = this.#bounds.get(shapes) ?? FREE;
    for (;;) {
      const found = await this.#find(on, leaves, args, shapes, start);
      const scalars = found.made.scalarFeeds.map((i) => leaves[i]?.scalar as number);
      const more = MORE_SCALARS[start.scalars];
      if (more === null || found.made.guards.every((g) => evaluate(g, scalars) >= 0)) return found;
      start = { scalars: more, values: start.values };
    }
  }

  async #find(on: Device, leaves: readonly Leaf[], args: readonly NdArray[], shapes: string, start: Bound): Promise<Ready> {
    const values = new Map<Variable, NdArray>();
    for (const v of start.values.keys()) values.set(v, await this.#valueOf(v, args));
    const scalars = leaves.filter((l) => isBound(l, start.scalars)).map((l) => l.scalar);
    const key = [shapes, start.scalars, scalars.join(","), ...[...values.values()].map((x) => `${x.shape.join("x")}:${x.data.join(",")}`)].join("|");
    const known = this.#ready.get(key);
    if (known) {
      this.#ready.delete(key);
      this.#ready.set(key, known);
      return known;
    }
    const t0 = performance.now();
    const { made, bound } = await specialiseFor(this.outputs, leaves, on.backend.caps, { scalars: start.scalars, values }, (v) => this.#valueOf(v, args));
    if (bound.scalars !== start.scalars || bound.values.size !== start.values.size) {
      this.#bounds.set(shapes, bound);
      return this.#find(on, leaves, args, shapes, bound);
    }
    const t1 = performance.now();
    const ready = { made, executable: await on.backend.compile(made.plan) };
    this.times.specialise = t1 - t0;
    this.times.compile = performance.now() - t1;
    this.#ready.set(key, ready);
    this.#forgetOldest();
    this.#debug(on, ready);
    return ready;
  }

  /** Maps keep their order, and what is used moves to the end. */
  #forgetOldest(): void {
    for (const [key, { executable }] of this.#ready) {
      if (this.#ready.size <= MOST_PLANS) break;
      executable.dispose();
      this.#ready.delete(key);
    }
    for (const shapes of this.#bounds.keys()) {
      if (this.#bounds.size <= MOST_PLANS) break;
      this.#bounds.delete(shapes);
    }
  }

  #debug(on: Device, { made, executable }: Ready): void {
    const ms = Object.entries(this.times).map(([n, t]) => `${n} ${t.toFixed(1)} ms`).join(", ");
    const count = countKernels(made.plan.steps);
    debug(1, () => `${this.#name} on ${on.backend.name}: ${ms}; ${count.distinct} kernels, ${count.launches} launches`);
    debug(2, () => `rewrites: ${[...this.report.rules].flatMap(([n, { fired }]) => (fired > 0 ? [`${n} x${fired}`] : [])).join(", ")}`);
    debug(3, () => `plan\n${made.plan.text}`);
    debug(4, () => `sources\n${executable.sources().join("\n")}`);
  }

  /** The value of a variable that decides a shape, by the graph interpreter on the host. */
  async #valueOf(v: Variable, args: readonly NdArray[]): Promise<NdArray> {
    const env = new Map<Variable, NdArray>();
    for (const leaf of leavesOf([v])) {
      const at = this.#inputs.get(leaf);
      if (at !== undefined) env.set(leaf, args[at] as NdArray);
      else if (leaf instanceof SharedVariable) env.set(leaf, await hostValue(leaf.cell));
    }
    return interpret([v], env)[0] as NdArray;
  }

  async #feed(on: Device, v: Variable, args: readonly NdArray[], temporary: Handle[], used: DeviceValue[]): Promise<Handle> {
    if (v instanceof SharedVariable) {
      const value = await valueOn(on.backend, v.cell);
      used.push(value);
      return value.handle;
    }
    const value = args[this.#inputs.get(v) as number] as NdArray;
    const handle = await on.backend.upload(value.data, { dtype: value.dtype, shape: value.shape });
    temporary.push(handle);
    return handle;
  }

  async #download(on: Device, made: Specialised, results: readonly Handle[], scalars: readonly number[], n: number): Promise<NdArray> {
    const result = made.results[n] as Specialised["results"][number];
    if (result.kind === "host") return NdArray.scalar(evaluate(result.expr, scalars), result.dtype);
    const handle = results[result.at] as Handle;
    return new NdArray(await on.backend.download(handle), handle.shape, handle.dtype);
  }

  /** All updates at once, after everything that can fail; gives the handles that shared variables now own. */
  #commit(on: Device, made: Specialised, results: readonly Handle[], scalars: readonly number[], sets: readonly number[]): Handle[] {
    const kept: Handle[] = [];
    const { updated, outputs } = this.#prepared;
    const from = outputs.length - updated.length;
    const news = updated.flatMap((shared, i): [SharedVariable, DeviceValue | NdArray][] => {
      if (shared.cell.sets !== sets[i]) return [];
      const result = made.results[from + i] as Specialised["results"][number];
      if (result.kind === "host") return [[shared, NdArray.scalar(evaluate(result.expr, scalars), result.dtype)]];
      const handle = results[result.at] as Handle;
      kept.push(handle);
      return [[shared, new DeviceValue(on.backend, handle)]];
    });
    for (const [shared, value] of news) commitValue(shared, value);
    return kept;
  }

  /** Lets go of all executables, after the calls made before. */
  dispose(): void {
    this.#isDisposed = this.#running > 0;
    if (this.#isDisposed) return;
    for (const { executable } of this.#ready.values()) executable.dispose();
    this.#ready.clear();
  }
}
