/**
 * compile(): Theano's `function`. Gives an asynchronous function with `explain()`, `history` and `dispose()`. Checks and conversion are in
 * prepare.ts and arguments.ts, the machinery in program.ts, what explain() says in explain.ts.
 */
import { withTestValues } from "../graph/test_value.js";
import { SharedVariable, Variable } from "../graph/variable.js";
import type { NdArray } from "../numpy/ndarray.js";
import type { History } from "../rewrite/history.js";
import { checkThreads, config, type Mode, MODES, modeNamed, type TheanoMode } from "../util/config.js";
import { fail } from "../util/fail.js";
import { isRecord } from "../util/record.js";
import { type Argument, bindArguments, In } from "./arguments.js";
import { DebugMode } from "./debug_mode.js";
import { type CopyOptions, copied } from "./copy.js";
import { bytesOfCall, explain, type Explanation } from "./explain.js";
import { Interpreted } from "./interpreted.js";
import { NanGuardMode, type Watch, WatchedMode } from "./modes.js";
import { prepare, type Pairs, type Prepared } from "./prepare.js";
import { printAtEnd, ProfileStats } from "./profile.js";
import { Program, type WantedDevice } from "./program.js";
import { RewriteCheck } from "./rewrite_check.js";
import { asTensor, type Operand } from "../ops/define.js";

/** A 0-d result is a JS number (boolean for bool), others are arrays. */
export type Result = number | boolean | NdArray;
export type Outputs = Operand | readonly Operand[] | Readonly<Record<string, Operand>> | null | undefined;

/** One output gives one result, a list a list, a record a record, none an empty list. */
export type ResultOf<O extends Outputs> = O extends null | undefined ? [] : O extends Variable | number | boolean ? Result : O extends readonly unknown[] ? { [K in keyof O]: Result } : { [K in keyof O]: Result };

/** What a caller may state as the results where the types of outputs cannot tell numbers from arrays: `compile<number>([x], cost)`. */
export type Results = Result | readonly Result[] | Readonly<Record<string, Result>>;

export interface CompileOptions {
  /** New values of shared variables, all computed from the old ones and stored together after the outputs are ready. */
  readonly updates?: Pairs;
  /** Substitutions made at once before compiling. */
  readonly givens?: Pairs;
  readonly noDefaultUpdates?: boolean | readonly SharedVariable[];
  readonly onUnusedInput?: "raise" | "warn" | "ignore";
  readonly allowInputDowncast?: boolean;
  /** For messages and profiles. */
  readonly name?: string;
  /** Default `config.device`. */
  readonly device?: string;
  /** Threads of the device, where it has them (`wasm`); default `config.threads`, else as many as it finds useful. Results do not depend on it. */
  readonly threads?: number;
  /**
   * Whether the device (`wasm`) adds products without rounding them first: faster, and the last bits depend on the machine. `true` also where
   * the engine has to be told to; `false` gives the same bits on every machine. Default `config.fma`, else where the engine does so as it is.
   */
  readonly fma?: boolean;
  /**
   * Default `config.mode`. `fast_run` rewrites fully, `fast_compile` merges, folds and stabilises, `none` leaves the graph as written. `debug` rewrites
   * fully, and at each call first compares the graph before and after rewriting, and every op on the device with its reference: errors
   * `debug-rewrite`, `debug-differs`, `debug-nan`, `index-range`. `nan_guard` (or `new NanGuardMode(…)`) and
   * `new MonitorMode(…)` watch every apply. Theano's words mean the same. Error: `compile-mode`.
   */
  readonly mode?: Mode | TheanoMode | WatchedMode;
  /** Measure it: `f.profile.summary()`. A ProfileStats may measure several functions. Default `config.profile`. Without it no kernel is timed. */
  readonly profile?: boolean | ProfileStats;
  /** Rules left out, by name, beside those of `config.exclude`. Throws `exclude-unknown` for a name that no rule has. */
  readonly exclude?: readonly string[];
  /** Record every rewrite: `f.history.at(k)`. */
  readonly history?: boolean;
}

export interface KeywordOptions<O extends Outputs> extends CompileOptions {
  readonly inputs?: readonly (Variable | In)[];
  readonly outputs?: O;
}

/** What a compiled function computes: its inputs, results, and the new values of shared variables. */
export interface CompiledGraph {
  readonly inputs: readonly Variable[];
  readonly outputs: readonly Variable[];
  readonly updates: readonly (readonly [SharedVariable, Variable])[];
}

/** Call it with the inputs in order, or with a record of them by name. Arguments count as they are when the call is made, and go to the device each time: keep large data in `shared()`. */
export interface CompiledFunction<O extends Outputs, R = ResultOf<O>> {
  (...args: readonly Argument[]): Promise<R>;
  readonly explain: () => Explanation;
  /** What was measured; null unless compiled with `profile`. */
  readonly profile: ProfileStats | null;
  /** Recorded rewrites; null unless compiled with `history: true`. */
  readonly history: History | null;
  /** The graph that runs, after rewriting; `pp(f)`, `debugprint(f)` and `pydotprint(f)` print it. */
  readonly graph: CompiledGraph;
  /** The same function on other shared variables, or without its updates (Theano's `f.copy`). This one stays as it is. */
  readonly copy: (options?: CopyOptions) => CompiledFunction<O, R>;
  /** Frees compiled kernels; shared values stay. */
  readonly dispose: () => void;
}

/**
 * Compiles a function of `inputs` that gives `outputs` and applies `updates`. Positional (`compile([x], y, options)`) or by keyword
 * (`compile({ inputs: [x], outputs: y, updates, givens })`). Graph errors are thrown here; shape and value errors by the call.
 *
 * The type of a result is `number | boolean | NdArray`, as ranks are no part of a variable's TypeScript type. Who knows more may say so once:
 * `compile<number>([x], cost)`, `compile<[number, NdArray]>([x], [cost, p])`. Like a cast, it is not checked.
 */
export function compile<const O extends Outputs = undefined>(keywords: KeywordOptions<O>): CompiledFunction<O>;
export function compile<const O extends Outputs = undefined>(inputs: readonly (Variable | In)[], outputs?: O, options?: CompileOptions): CompiledFunction<O>;
export function compile<R extends Results>(keywords: KeywordOptions<Outputs>): CompiledFunction<Outputs, R>;
export function compile<R extends Results>(inputs: readonly (Variable | In)[], outputs: Outputs, options?: CompileOptions): CompiledFunction<Outputs, R>;
export function compile<const O extends Outputs>(first: readonly (Variable | In)[] | KeywordOptions<O>, second?: O, third: CompileOptions = {}): CompiledFunction<O> {
  if (Array.isArray(third)) fail("type", "options-list", { what: "The options of compile() are a list.", fix: "write compile(inputs, outputs, { updates: […], givens: […] })" });
  const keywords = isInputList(first) ? { ...third, inputs: first, outputs: second } : first;
  const { inputs = [], outputs, ...options } = keywords;
  if (!Array.isArray(inputs)) fail("type", "inputs-list", { what: "The inputs of compile() are not a list.", fix: "write compile([x, y], output) or compile({ inputs: [x, y], outputs })" });
  const { list, shape } = outputList(outputs as O);
  const start = performance.now();
  const prepared = prepare(inputs, list.map((o) => asTensor(o)), options);
  return build(prepared, shape, options, performance.now() - start) as CompiledFunction<O>;
}

/** Rewrites a prepared graph and gives it the user's face. */
function build(prepared: Prepared, shape: (results: readonly Result[]) => unknown, options: CompileOptions, prepareMs: number): CompiledFunction<Outputs, unknown> {
  const { mode: asked = config.mode, name = "function" } = options;
  const read = asked instanceof WatchedMode ? asked : readMode(asked);
  const mode = read === "nan_guard" ? new NanGuardMode() : read;
  const device = wantedDevice(options);
  const rewriting = { mode: rewritingOf(mode), exclude: [...config.exclude, ...(options.exclude ?? [])], history: options.history ?? mode === "debug" };
  const profile = profileOf(options.profile ?? config.profile);
  // What is built from here on is not the user's: it is not tried on test values.
  const program = withTestValues("off", () => new Program(prepared, { device, name, rewriting, prepareMs, profile }));
  const { history } = program.report;
  profile?.begin({ name, times: program.times, bytes: () => bytesOfCall(program) });
  const debugMode = mode !== "debug" ? null : withTestValues("off", () => new DebugMode(prepared, program.outputs, history && new RewriteCheck(prepared, rewriting, program.report, history), { device, name }));
  const interpreted = interpretedBy(mode, profile, device.name);
  const runner = interpreted === null ? program : new Interpreted(prepared, program.outputs, interpreted.watches);
  const call = async (...args: readonly Argument[]): Promise<unknown> => {
    const start = profile === null ? 0 : performance.now();
    const bound = bindArguments(prepared.inputs, args, options.allowInputDowncast ?? false);
    if (debugMode) {
      bound.keep();
      await debugMode.check(bound);
    }
    const values = await runner.call(bound);
    profile?.called(performance.now() - start);
    return shape(values.map((v): Result => (v.ndim === 0 ? v.item() : v)));
  };
  const wanted = prepared.outputs.length - prepared.updated.length;
  const graph: CompiledGraph = {
    inputs: prepared.inputs.map((i) => i.variable), outputs: program.outputs.slice(0, wanted),
    updates: prepared.updated.map((s, i) => [s, program.outputs[wanted + i] as Variable] as const),
  };
  const dispose = (): void => {
    program.dispose();
    debugMode?.dispose();
  };
  const copy = (other: CopyOptions = {}): CompiledFunction<Outputs, unknown> => build(copied(prepared, other), shape, { ...options, name: other.name ?? `${name} copy` }, 0);
  return Object.assign(call, { explain: () => explain(program, device.name, interpreted?.reason), history: options.history === true ? history : null, graph, copy, dispose, profile });
}

const readMode = (asked: string): Mode => modeNamed(String(asked)) ?? fail("value", "compile-mode", { what: `There is no mode '${asked}'.`, fix: `use one of ${MODES.join(", ")}, or a MonitorMode or NanGuardMode` });

function rewritingOf(mode: Exclude<Mode, "nan_guard"> | WatchedMode): Exclude<Mode, "debug" | "nan_guard"> {
  if (mode instanceof WatchedMode) return mode.rewriting;
  return mode === "debug" ? "fast_run" : mode;
}

function profileOf(asked: boolean | ProfileStats): ProfileStats | null {
  if (asked instanceof ProfileStats) return asked;
  if (!asked) return null;
  const made = new ProfileStats();
  if (config.profile) printAtEnd(made);
  return made;
}

/** Who watches a function run apply by apply, and why it runs so; null where a device runs its plan. */
function interpretedBy(mode: Mode | WatchedMode, profile: ProfileStats | null, device: string): { readonly watches: () => readonly Watch[]; readonly reason: string } | null {
  const watched = mode instanceof WatchedMode ? mode : null;
  if (watched === null && (profile === null || device !== "reference")) return null;
  return {
    watches: () => [...(watched === null ? [] : [watched.watch()]), ...(profile === null ? [] : [profile.watch()])],
    reason: `${watched?.name ?? "a profile on device reference"} runs the graph apply by apply`,
  };
}

/** The device and what is asked of it. */
function wantedDevice({ device = config.device, threads = config.threads ?? undefined, fma = config.fma ?? undefined }: CompileOptions): WantedDevice {
  return { name: device, options: { ...(threads === undefined ? {} : { threads: checkThreads(threads) }), ...(fma === undefined ? {} : { fma }) } };
}

const isInputList = (x: unknown): x is readonly (Variable | In)[] => Array.isArray(x);

/** The outputs as a list, and how to give their results back in the same form. */
function outputList(outputs: Outputs): { list: readonly Operand[]; shape: (results: readonly Result[]) => unknown } {
  if (outputs === null || outputs === undefined) return { list: [], shape: () => [] };
  if (outputs instanceof Variable || typeof outputs === "number" || typeof outputs === "boolean") return { list: [outputs], shape: ([r]) => r };
  if (Array.isArray(outputs)) return { list: outputs as readonly Operand[], shape: (rs) => [...rs] };
  if (isRecord<Operand>(outputs)) {
    const names = Object.keys(outputs);
    return { list: Object.values(outputs), shape: (rs) => Object.fromEntries(names.map((n, i) => [n, rs[i]])) };
  }
  return fail("type", "outputs-kind", { what: "The outputs of compile() are not variables.", fix: "pass one variable, a list of variables or a record of variables" });
}
