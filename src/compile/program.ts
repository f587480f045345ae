/**
 * Program: one compiled function's life. Rewrites the graph once; for each set of shapes makes a plan and an executable; per call uploads
 * what is newer on the host, runs, downloads what was asked for, commits updates together. A call that throws changes nothing.
 * Must not know concrete devices. Next: compile.ts gives it the user's face.
 */
import type { Backend, DeviceOptions, Executable, Handle } from "../codegen/backend.js";
import { allocate, sizeOf, type TypedArray } from "../codegen/ir/dtype.js";
import { evaluate, type HostScalar, hostScalar } from "../codegen/ir/evaluate.js";
import { countKernels, type Plan, type Slot } from "../codegen/ir/plan.js";
import { interpret } from "../autodiff/interpret.js";
import { fillGraph } from "../graph/edit.js";
import { leavesOf } from "../graph/clone.js";
import { FunctionGraph } from "../graph/function_graph.js";
import { Constant, readBack, SharedVariable, type Variable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { debug } from "../util/debug.js";
import { impossible } from "../util/fail.js";
import { rewriteGraph, type Report, type RewriteOptions } from "../rewrite/engine.js";
import type { CallArguments } from "./arguments.js";
import { type Device, device, deviceKey, openDevice, turn } from "./devices.js";
import { expandCompositions } from "./expand.js";
import { valuesOfLeaves, valuesOnHost } from "./interpreted.js";
import type { Prepared } from "./prepare.js";
import type { ProfileStats } from "./profile.js";
import { type Bound, type Leaf, MORE_SCALARS, planKey, type Result, shapesOf, type Specialised, specialiseFor } from "./specialise.js";
import { CallBuffers, commitValue, type DeviceValue, mayRenew, valueOn } from "./storage.js";

/** A plan compiled for a device, and when it holds. */
export interface Ready {
  readonly made: Specialised;
  readonly executable: Executable;
  readonly guards: readonly HostScalar[];
  /** The updated variables whose old values are inputs of the plan and whose new ones are outputs: their positions. */
  readonly renewals: readonly { readonly updated: number; readonly input: number; readonly output: number }[];
}

export interface WantedDevice { readonly name: string; readonly options: DeviceOptions }

export interface ProgramOptions {
  readonly device: WantedDevice;
  readonly name: string;
  readonly rewriting: RewriteOptions;
  /** Milliseconds that prepare() took. */
  readonly prepareMs?: number;
  /** Is told how long kernels take. */
  readonly profile?: Pick<ProfileStats, "step" | "measured"> | null;
}

/** Milliseconds from compile() to a result, in order. */
export interface Times {
  /** Inputs, givens and updates. */
  readonly prepare: number;
  readonly rewrite: number;
  /** Compositions replaced by their graphs. */
  readonly expand: number;
  /** At the first call: until the device was there. */
  readonly open: number;
  /** At the last call that needed a plan: shapes, fusion, printing. */
  readonly specialise: number;
  /** At the last call that needed a plan: the device's work on it. */
  readonly compile: number;
  /** The last call. */
  readonly run: number;
}

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
  readonly times: { -readonly [K in keyof Times]: number };
  readonly #prepared: Prepared;
  readonly #device: ProgramOptions["device"];
  readonly #deviceKey: string;
  readonly #name: string;
  readonly #profile: ProgramOptions["profile"];
  readonly #ready = new Map<string, Ready>();
  /** What has to be bound for leaves of these shapes. */
  readonly #bounds = new Map<string, Bound>();
  #recent: { readonly ready: Ready; readonly shapes: readonly Shape[] } | null = null;
  readonly #inputs: ReadonlyMap<Variable, number>;
  /** Calls that run or wait for their turn. */
  #running = 0;
  #isDisposed = false;
  /** What the executables belong to: closed devices are opened anew, as another backend. */
  #backend: Backend | null = null;

  constructor(prepared: Prepared, options: ProgramOptions) {
    this.#prepared = prepared;
    this.#device = options.device;
    this.#deviceKey = deviceKey(options.device.name, options.device.options);
    this.#name = options.name;
    this.#profile = options.profile;
    this.#inputs = new Map(prepared.inputs.map((i, n) => [i.variable, n]));
    const start = performance.now();
    const g = new FunctionGraph();
    fillGraph(g, prepared.inputs.map((i) => i.variable), prepared.outputs);
    this.report = rewriteGraph(g, options.rewriting);
    const rewritten = performance.now();
    expandCompositions(g);
    this.outputs = g.tables.outputs.map((o) => g.view(o));
    this.leaves = leavesOf(this.outputs).filter((v) => !(v instanceof Constant));
    this.times = { prepare: options.prepareMs ?? 0, rewrite: rewritten - start, expand: performance.now() - rewritten, open: 0, specialise: 0, compile: 0, run: 0 };
  }

  /** Runs a call; gives values of the user's outputs. */
  call(args: CallArguments): Promise<NdArray[]> {
    const sets = this.#prepared.updated.map((s) => s.cell.sets);
    this.#running++;
    if (!turn.isFree) args.keep();
    return turn.run(() => this.#run(args, sets));
  }

  /** `sets`: how often each updated variable had been set by hand when the call was made. What is set later stays. */
  async #run(args: CallArguments, sets: readonly number[]): Promise<NdArray[]> {
    try {
      let on = openDevice(this.#deviceKey);
      if (on === null) {
        args.keep();
        const start = performance.now();
        on = await device(this.#device.name, this.#device.options);
        this.times.open = performance.now() - start;
      }
      if (on.backend !== this.#backend) this.#forget();
      this.#backend = on.backend;
      const leaves = this.#leaves(args) ?? (await this.#leavesRead(args));
      const known = this.#recentFor(leaves) ?? this.#decidedFor(leaves, args.values);
      if (known === null) args.keep();
      const ready = known ?? (await this.#prepareFor(on, leaves, args.values));
      this.last = ready;
      this.lastDevice = on;
      return await this.#execute(on, ready, leaves, args, sets);
    } finally {
      this.#running--;
      if (this.#isDisposed) this.dispose();
    }
  }

  async #execute({ backend }: Device, ready: Ready, leaves: readonly Leaf[], args: CallArguments, sets: readonly number[]): Promise<NdArray[]> {
    const start = performance.now();
    const { made, executable } = ready;
    const scalars = made.scalarFeeds.map((i) => leaves[i]?.scalar as number);
    const buffers = new CallBuffers(backend);
    const wanted = this.#prepared.outputs.length - this.#prepared.updated.length;
    try {
      const inputs: Handle[] = [];
      for (const i of made.feeds) {
        const fed = this.#feed(backend, this.leaves[i] as Variable, args, buffers);
        if (fed instanceof Promise) args.keep();
        inputs.push(fed instanceof Promise ? await fed : fed);
      }
      const arrays = made.results.slice(0, wanted).map((result) => (backend.downloadNow === undefined ? null : arrayFor(made, result)));
      const results = made.plan.steps.length === 0 && made.plan.outputs.length === 0 ? [] : await executable.run(inputs, scalars, this.#mayRenew(ready, inputs, sets));
      for (const h of results) buffers.own(h);
      const values = arrays.map((into, i) => download(backend, made.results[i] as Result, results, scalars, into));
      const wantedValues = values.some((v) => v instanceof Promise) ? await Promise.all(values) : (values as NdArray[]);
      this.#commit(buffers, made, results, scalars, sets);
      return wantedValues;
    } finally {
      buffers.release();
      this.times.run = performance.now() - start;
    }
  }

  /** Which outputs of the plan may have the buffers of values that they replace. */
  #mayRenew({ made, renewals }: Ready, inputs: readonly Handle[], sets: readonly number[]): boolean[] {
    const may = made.plan.outputs.map(() => false);
    for (const { updated, input, output } of renewals) {
      const { cell } = this.#prepared.updated[updated] as SharedVariable;
      may[output] = cell.sets === sets[updated] && mayRenew(cell, inputs[input] as Handle);
    }
    return may;
  }

  #renewalsOf({ results, feeds }: Specialised): Ready["renewals"] {
    const { updated, outputs } = this.#prepared;
    return updated.flatMap((shared, n) => {
      const result = results[outputs.length - updated.length + n] as Result;
      const input = feeds.findIndex((leaf) => this.leaves[leaf] === shared);
      return result.kind === "host" || input < 0 ? [] : [{ updated: n, input, output: result.at }];
    });
  }

  /** The leaves as this call gives them; null where a number that travels as a scalar is on a device only. */
  #leaves(args: CallArguments): Leaf[] | null {
    const leaves: Leaf[] = [];
    for (const v of this.leaves) {
      const at = this.#inputs.get(v);
      const value = at === undefined ? null : args.at(at);
      if (value !== null) leaves.push({ variable: v, shape: value.shape, scalar: value.ndim === 0 ? (value.data[0] as number) : null, value });
      else if (!(v instanceof SharedVariable)) return impossible(`${v} is neither an input nor shared`);
      else if (!travelsAsScalar(v)) leaves.push({ variable: v, shape: v.valueShape, scalar: null, value: v.cell.host });
      else if (v.cell.host === null) return null;
      else leaves.push({ variable: v, shape: [], scalar: v.cell.host.data[0] as number, value: v.cell.host });
    }
    return leaves;
  }

  /** The same after reading back such numbers. */
  async #leavesRead(args: CallArguments): Promise<Leaf[]> {
    args.keep();
    for (const v of this.leaves) if (v instanceof SharedVariable && travelsAsScalar(v)) await readBack(v.cell);
    return this.#leaves(args) ?? impossible("a number that was read back is on a device only");
  }

  /** The plan of the last call, if it is one for all values of these shapes and its guards hold: most calls are like the one before. */
  #recentFor(leaves: readonly Leaf[]): Ready | null {
    const recent = this.#recent;
    if (recent === null || !leaves.every((l, i) => sameShape(l.shape, recent.shapes[i] as Shape))) return null;
    return holds(recent.ready, leaves) ? recent.ready : null;
  }

  /**
   * The plan for these leaves that a branch or a length decides, where it was made before, its guards hold, and the host has all that decides. It is
   * found without a wait, so that no argument has to be kept.
   */
  #decidedFor(leaves: readonly Leaf[], args: readonly NdArray[]): Ready | null {
    const shapes = shapesOf(leaves);
    const bound = this.#bounds.get(shapes);
    if (bound === undefined) return null;
    const variables = [...bound.values.keys()];
    const env = valuesOnHost(variables, this.#inputs, args);
    if (env === null) return null;
    const values = new Map(interpret(variables, env).map((value, i) => [variables[i] as Variable, value]));
    const known = this.#known(planKey(shapes, leaves, { scalars: bound.scalars, values }));
    return known !== null && holds(known, leaves) ? known : null;
  }

  /** A plan made before, which is then the last to be forgotten. */
  #known(key: string): Ready | null {
    const known = this.#ready.get(key) ?? null;
    if (known !== null) {
      this.#ready.delete(key);
      this.#ready.set(key, known);
    }
    return known;
  }

  /** The plan for these leaves: from the cache if its guards hold, else made. */
  async #prepareFor(on: Device, leaves: readonly Leaf[], args: readonly NdArray[]): Promise<Ready> {
    const shapes = shapesOf(leaves);
    let start = await this.#bind(this.#bounds.get(shapes) ?? FREE, args);
    for (;;) {
      const found = await this.#find(on, leaves, args, shapes, start);
      const more = MORE_SCALARS[start.scalars];
      if (more === null || holds(found, leaves)) {
        const isForAll = start.scalars === "free" && !this.#bounds.has(shapes);
        this.#recent = isForAll ? { ready: found, shapes: leaves.map((l) => l.shape) } : null;
        return found;
      }
      start = { scalars: more, values: start.values };
    }
  }

  /** What is bound, with the values of this call. */
  async #bind({ scalars, values }: Bound, args: readonly NdArray[]): Promise<Bound> {
    const bound = new Map<Variable, NdArray>();
    for (const v of values.keys()) bound.set(v, await this.#valueOf(v, args));
    return { scalars, values: bound };
  }

  async #find(on: Device, leaves: readonly Leaf[], args: readonly NdArray[], shapes: string, start: Bound): Promise<Ready> {
    const key = planKey(shapes, leaves, start);
    const known = this.#known(key);
    if (known !== null) return known;
    const t0 = performance.now();
    const { made, bound } = await specialiseFor(this.outputs, leaves, on.backend.caps, start, (v) => this.#valueOf(v, args));
    if (bound.scalars !== start.scalars || bound.values.size !== start.values.size) {
      this.#bounds.set(shapes, bound);
      return this.#find(on, leaves, args, shapes, bound);
    }
    const t1 = performance.now();
    const renewals = this.#renewalsOf(made);
    const renews = made.plan.outputs.map((_, at) => renewals.find((r) => r.output === at)?.input ?? null);
    const ready = { made, executable: await this.#compile(on.backend, { ...made.plan, renews }), guards: made.guards.map(hostScalar), renewals };
    this.times.specialise = t1 - t0;
    this.times.compile = performance.now() - t1;
    this.#ready.set(key, ready);
    this.#forgetOldest();
    this.#debug(on, ready);
    return ready;
  }

  #compile(backend: Backend, plan: Plan): Promise<Executable> {
    if (!this.#profile) return backend.compile(plan);
    this.#profile.measured(`${backend.name}: ${backend.timing}`);
    return backend.compile(plan, this.#profile.step);
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
    const env = await valuesOfLeaves([v], this.#inputs, args);
    return interpret([v], env)[0] as NdArray;
  }

  /** The buffer of a leaf; a promise only where there is something to wait for. */
  #feed(backend: Backend, v: Variable, args: CallArguments, buffers: CallBuffers): Handle | Promise<Handle> {
    if (v instanceof SharedVariable) {
      const value = valueOn(backend, v.cell);
      return value instanceof Promise ? value.then((made) => buffers.use(made)) : buffers.use(value);
    }
    const at = this.#inputs.get(v) as number;
    if (backend.uploadNow !== undefined) return buffers.own(backend.uploadNow(args.at(at).data, args.at(at)));
    args.keep();
    return backend.upload(args.at(at).data, args.at(at)).then((made) => buffers.own(made));
  }

  /** All updates at once, after everything that can fail. */
  #commit(buffers: CallBuffers, made: Specialised, results: readonly Handle[], scalars: readonly number[], sets: readonly number[]): void {
    const { updated, outputs } = this.#prepared;
    const from = outputs.length - updated.length;
    const news = updated.flatMap((shared, i): [SharedVariable, DeviceValue | NdArray][] => {
      if (shared.cell.sets !== sets[i]) return [];
      const result = made.results[from + i] as Result;
      if (result.kind === "host") return [[shared, NdArray.scalar(evaluate(result.expr, scalars), result.dtype)]];
      return [[shared, buffers.give(results[result.at] as Handle)]];
    });
    for (const [shared, value] of news) commitValue(shared, value);
  }

  /** Lets go of all executables, after the calls made before. */
  dispose(): void {
    this.#isDisposed = this.#running > 0;
    if (this.#isDisposed) return;
    for (const { executable } of this.#ready.values()) executable.dispose();
    this.#forget();
  }

  #forget(): void {
    this.#ready.clear();
    this.#recent = null;
  }
}

/** 0-d whole numbers among shared variables are plan scalars. */
const travelsAsScalar = (v: SharedVariable): boolean => v.ndim === 0 && (v.dtype === "int32" || v.dtype === "bool");

const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

/** Whether a plan is right for the scalars of these leaves. */
function holds({ made, guards }: Ready, leaves: readonly Leaf[]): boolean {
  if (guards.length === 0) return true;
  const scalars = made.scalarFeeds.map((i) => leaves[i]?.scalar as number);
  return guards.every((g) => g(scalars) >= 0);
}

/** Memory for an output, taken before the run: after it nothing may fail. */
function arrayFor({ plan }: Specialised, result: Result): TypedArray | null {
  if (result.kind === "host") return null;
  const { dtype, shape } = plan.slots[plan.outputs[result.at] as number] as Slot;
  return allocate(dtype, sizeOf(shape));
}

/** An output's value; a promise only where there is something to wait for. */
function download(backend: Backend, result: Result, results: readonly Handle[], scalars: readonly number[], into: TypedArray | null): NdArray | Promise<NdArray> {
  if (result.kind === "host") return NdArray.scalar(evaluate(result.expr, scalars), result.dtype);
  const handle = results[result.at] as Handle;
  const read = (data: TypedArray): NdArray => new NdArray(data, handle.shape, handle.dtype);
  return backend.downloadNow === undefined ? backend.download(handle).then(read) : read(backend.downloadNow(handle, into ?? undefined));
}
