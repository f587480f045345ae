/**
 * scan as users call it: Theano's arguments (theano/scan_module/scan.py) reduced to the op of scan_op.ts. The step function is called once,
 * on variables that stand for one step; what it captures from outside is found here. Must not know how loops run or are differentiated.
 */
import { leavesOf, substituteVariables } from "../graph/clone.js";
import { testValueOf, withTestValues } from "../graph/test_value.js";
import type { TensorType } from "../graph/types.js";
import { Updates } from "../graph/updates.js";
import { Constant, SharedVariable, Variable } from "../graph/variable.js";
import { asTensor, type Operand } from "../ops/define.js";
import { padLeft } from "../ops/dimshuffle.js";
import { get } from "../ops/indexing.js";
import { patternBroadcast } from "../ops/rebroadcast.js";
import { config } from "../util/config.js";
import { fail } from "../util/fail.js";
import { isOneStep, readSequences, readState, readSteps, rowType, type SequenceArgument, type State, type StateArgument, stateName, StepVariable } from "./arguments.js";
import { capturedBy, closed } from "./close.js";
import { type CarryPart, type Entry, scanOf, type ScanParts } from "./parts.js";
import { scanOp } from "./scan_op.js";
import { stepsUntil } from "./until.js";
import { type OutputsOf, readStep, type Step, type StepReturn } from "./step.js";

export interface ScanOptions<R extends StepReturn = StepReturn, L extends boolean = boolean> {
  /**
   * One step: takes sequence taps (in given order), previous outputs (taps in given order), nonSequences. Returns outputs, [outputs, updates], or
   * updates; in a list with `until(condition)` after them to stop when a condition holds.
   */
  readonly fn: (...args: Variable[]) => R;
  /** What is run over, along the first axis. */
  readonly sequences?: SequenceArgument | readonly SequenceArgument[] | null | undefined;
  /** One entry per output: null where it is not fed back, else its initial state. Absent: no output is fed back. */
  readonly outputsInfo?: StateArgument | readonly StateArgument[] | undefined;
  /** Passed to every step as they are. */
  readonly nonSequences?: Operand | readonly Operand[] | null | undefined;
  /** Default: the length of the shortest sequence. More steps than a sequence has is an error when the function runs. */
  readonly nSteps?: number | Variable | null | undefined;
  /** Gradients reach this many last steps back; -1 (default) is all of them. */
  readonly truncateGradient?: number | undefined;
  /** Runs over the sequences from their ends. */
  readonly goBackwards?: boolean | undefined;
  /** The step may read nothing from outside but its arguments; else MissingInputError. */
  readonly strict?: boolean | undefined;
  readonly name?: string | null | undefined;
  /** A single output comes in a list too. */
  readonly returnList?: L | undefined;
  /** Accepted for ports; loops are compiled with the function that uses them. */
  readonly mode?: unknown;
  readonly allowGc?: unknown;
  readonly profile?: unknown;
}

/** What scan returns first. */
export type ScanOutputs<R, L extends boolean> = L extends true ? Variable[] : OutputsOf<R>;

const list = <T>(x: T | readonly T[] | null | undefined): readonly T[] => (x === undefined || x === null ? [] : Array.isArray(x) ? (x as readonly T[]) : [x as T]);

/** What scan takes beside the step, where that comes first. */
export type ScanRest<L extends boolean = boolean> = Omit<ScanOptions<StepReturn, L>, "fn">;

/**
 * Repeats `fn` and stacks its outputs along a new first axis (theano.scan): `scan({ fn, sequences })` or `scan(fn, { sequences })`. Returns `[outputs, updates]`: pass the updates to compile(),
 * else random draws repeat. One step known when the graph is built makes no loop. Gradients run through it (back-propagation through time).
 * With `until` the number of steps is found first, by the graph interpreter on the host; then as many are run, and outputs are that long.
 *
 * Errors, beside those of its arguments (arguments.ts) and of what `fn` returns (step.ts): `scan-outputs-count`, `scan-state-type`,
 * `scan-update-type`, `scan-truncate`, `scan-strict`; when run: `scan-sequence-short`, `scan-negative-steps`, `scan-carry-shape`.
 */
export function scan<const R extends StepReturn, const L extends boolean = false>(options: ScanOptions<R, L>): [outputs: ScanOutputs<R, L>, updates: Updates];
export function scan<const R extends StepReturn, const L extends boolean = false>(fn: ScanOptions<R, L>["fn"], options: ScanRest<L>): [outputs: ScanOutputs<R, L>, updates: Updates];
export function scan<const R extends StepReturn, const L extends boolean = false>(first: ScanOptions<R, L> | ScanOptions<R, L>["fn"], rest: ScanRest<L> = {}): [outputs: ScanOutputs<R, L>, updates: Updates] {
  const options = typeof first === "function" ? { ...rest, fn: first } : first;
  const given = readArguments(options);
  const step = readStep(options.fn(...argumentsOf(given)));
  if (given.states.length > 0 && given.states.length !== step.outputs.length) {
    fail("value", "scan-outputs-count", {
      what: `The step returned ${step.outputs.length} outputs, and outputsInfo has ${given.states.length} entries.`,
      fix: "give one entry per output: null for any output that does not feed back into scan",
    });
  }
  const { outputs, updates } = given.one ? unrolled(step) : looped(options, given, step);
  const bare = outputs.length === 0 ? null : outputs.length === 1 ? outputs[0] : outputs;
  return [(options.returnList === true ? outputs : bare) as ScanOutputs<R, L>, updates];
}

interface Given {
  readonly one: boolean;
  readonly steps: Variable;
  /** Cut sequences, and what stands for their rows. */
  readonly sequences: readonly Entry[];
  /** Per output; `inner` stands for the values so far, oldest first. */
  readonly states: readonly ({ readonly state: State; readonly inner: readonly Variable[] } | null)[];
  readonly nonSequences: readonly Variable[];
}

function readArguments(options: ScanOptions): Given {
  const one = isOneStep(options.nSteps);
  const sequences = readSequences(list(options.sequences), options.goBackwards === true);
  const states = list(options.outputsInfo).map(readState);
  return {
    one,
    steps: readSteps(options.nSteps, sequences),
    sequences: sequences.map(({ outer, name }) => ({ outer, inner: one ? get(outer, 0) : standing(new StepVariable(rowType(outer), { name }), () => get(outer, 0)) })),
    states: states.map((state) => state && { state, inner: one ? state.initial : state.initial.map((v, k) => standing(new StepVariable(v.type, { name: stateName(state.name, k - state.initial.length) }), () => v)) }),
    nonSequences: list(options.nonSequences).map((v) => asTensor(v)),
  };
}

/** A variable of the step, with the test value of what it stands for in the first step (theano/scan_module/scan.py). If that has none, the step will say so. */
function standing(inner: StepVariable, first: () => Variable): StepVariable {
  if (config.computeTestValue !== "off") inner.tag.testValue = withTestValues("ignore", () => testValueOf(first()));
  return inner;
}

const argumentsOf = ({ sequences, states, nonSequences }: Given): Variable[] => [
  ...sequences.map((s) => s.inner),
  ...states.flatMap((s) => s?.state.taps.map((tap) => s.inner[s.inner.length + tap] as Variable) ?? []),
  ...nonSequences,
];

/** One step needs no loop: its outputs get a first axis, and default updates happen by themselves. */
function unrolled({ outputs, updates }: Step): { outputs: Variable[]; updates: Updates } {
  const stacked = outputs.map((v) => patternBroadcast(padLeft(v, v.ndim + 1), [false, ...v.broadcastable]));
  return { outputs: stacked, updates };
}

function looped(options: ScanOptions, given: Given, step: Step): { outputs: Variable[]; updates: Updates } {
  // Arguments that are no shared variables stand for themselves in the step: what they are made of is not the step's business.
  const cut = given.nonSequences.filter((v) => !(v instanceof Constant) && !(v instanceof SharedVariable));
  const constants: Entry[] = [...new Set(cut)].map((outer) => ({ outer, inner: new Variable(outer.type, { name: outer.name }) }));
  const replace = new Map(constants.map(({ outer, inner }) => [outer, inner]));
  const outputs = substituteVariables(step.outputs, replace);
  const condition = step.until === null ? [] : substituteVariables([step.until], replace);
  const updates = updatesOf([...outputs, ...condition], step.updates, replace);
  const shared = [...updates].map(([init]) => ({ init, inner: new Variable(init.type, { name: init.name === null ? null : `${init.name}_copy` }) }));
  const inside = substituteVariables([...outputs, ...updates.values(), ...condition], new Map(shared.map((s) => [s.init, s.inner])));
  const results = inside.slice(0, outputs.length);
  const parts: ScanParts = {
    steps: given.steps,
    sequences: given.sequences,
    carries: [
      ...given.states.flatMap((s, i) => (s === null ? [] : carriesOf(s.state, s.inner, results[i] as Variable, i))),
      ...shared.map(({ init, inner }, i) => ({ init, inner, next: inside[outputs.length + i] as Variable })),
    ],
    constants,
    stacked: results.map((value) => ({ value, keep: "all" })),
    truncate: truncation(options.truncateGradient),
    name: options.name ?? "scan",
  };
  const [stop] = inside.slice(outputs.length + updates.size);
  if (options.strict === true) checkStrict(parts, given, [...results, ...(stop === undefined ? [] : [stop])]);
  const made = scanOf(scanOp, closed(stop === undefined ? parts : { ...parts, steps: stepsUntil(parts, stop) }));
  const first = made.carries.length - shared.length;
  return { outputs: [...made.stacked], updates: new Updates(shared.map(({ init }, i) => [init, made.carries[first + i] as Variable] as const)) };
}

/** Updates by the step and default updates of whatever shared variables are reached, also through other updates. */
function updatesOf(outputs: readonly Variable[], explicit: Updates, replace: ReadonlyMap<Variable, Variable>): Updates {
  const updates = new Updates();
  const add = (shared: SharedVariable, value: Variable): void => void updates.set(shared, checkedUpdate(shared, substituteVariables([value], replace)[0] as Variable));
  for (const [shared, value] of explicit) add(shared, value);
  for (let found = true; found; ) {
    found = false;
    for (const leaf of leavesOf([...outputs, ...updates.values()])) {
      if (!(leaf instanceof SharedVariable) || leaf.defaultUpdate === null || updates.has(leaf)) continue;
      add(leaf, leaf.defaultUpdate);
      found = true;
    }
  }
  return updates;
}

function checkedUpdate(shared: SharedVariable, update: Variable): Variable {
  if (update.dtype === shared.dtype && update.ndim === shared.ndim) return fitted(update, shared.type);
  return fail("type", "scan-update-type", {
    what: `A step updates ${shared} by a value of another type.`, where: String(update.origin), saw: [`shared: ${shared.type}`, `update: ${update.type}`],
    fix: `cast the update: T.cast(update, "${shared.dtype}"), and give it ${shared.ndim} axes`,
  });
}

/** The value with broadcast flags of a type; that the lengths fit is checked when it runs. */
const fitted = (v: Variable, type: TensorType): Variable => (v.type.samePattern(type) ? v : patternBroadcast(v, type.broadcastable));

/** A state with taps as a chain of carries, oldest first: each takes the place of the one before it. */
function carriesOf({ initial, name }: State, inner: readonly Variable[], output: Variable, index: number): CarryPart[] {
  const { type } = initial[0] as Variable;
  if (output.dtype !== type.dtype || output.ndim !== type.ndim) {
    fail("value", "scan-state-type", {
      what: `The initial state of output ${index}${name === null ? "" : ` (${name})`} has type ${type}, and the step returns ${output.type} for it.`,
      where: String((initial[0] as Variable).origin), saw: [`the step's output was made at: ${output.origin}`],
      fix: `the inner function of scan results in an upcast or downcast, or another rank: give the initial state dtype ${output.dtype} and ${output.ndim} axes (Python's T.alloc(0., n) is T.zeros([n]): a JavaScript 0. is the integer 0), or cast the output`,
    });
  }
  return initial.map((init, k) => ({ init, inner: inner[k] as Variable, next: inner[k + 1] ?? fitted(output, type) }));
}

function truncation(given: number | undefined): number | null {
  if (given === undefined || given === -1) return null;
  if (Number.isInteger(given) && given > 0) return given;
  return fail("value", "scan-truncate", { what: `truncateGradient is ${given}.`, fix: "give the number of last steps that gradients reach, or -1 for all" });
}

function checkStrict(parts: ScanParts, given: Given, results: readonly Variable[]): void {
  const bound = [...parts.sequences, ...parts.carries, ...parts.constants].map((p) => p.inner);
  const free = capturedBy([...results, ...parts.carries.map((c) => c.next)], [...bound, ...given.nonSequences]);
  const missing = free.find((v) => !given.nonSequences.includes(v));
  if (missing === undefined) return;
  fail("missing", "scan-strict", {
    what: `The step of a strict scan reads ${missing}, which is not among its arguments.`, where: String(missing.origin),
    fix: "pass it in nonSequences, or drop strict",
  });
}
