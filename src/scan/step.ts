/**
 * What a step function may return, and its reading: outputs, [outputs, updates], [updates, outputs], or updates alone
 * (theano/scan_module/scan_utils.py, get_updates_and_outputs). Must not know how steps are repeated.
 */
import { Updates } from "../graph/updates.js";
import { SharedVariable, Variable } from "../graph/variable.js";
import { asTensor, type Operand } from "../ops/define.js";
import { fail } from "../util/fail.js";

/** Next values of shared variables: a Map (or Updates), or pairs. */
export type StepUpdates = ReadonlyMap<SharedVariable, Operand> | readonly (readonly [SharedVariable, Operand])[];
type Value = Variable | number;
type StepOutputs = Value | readonly Value[];
export type StepReturn = StepOutputs | StepUpdates | readonly [StepOutputs, StepUpdates] | readonly [StepUpdates, StepOutputs] | undefined;

type IsUpdates<R> = R extends ReadonlyMap<SharedVariable, Operand> ? true : R extends readonly (readonly [SharedVariable, Operand])[] ? true : false;

/** The type of scan's outputs for a step that returns R: one bare variable, a tuple as long as R, an array, or null where there are none. */
export type OutputsOf<R> = R extends Value
  ? Variable
  : R extends undefined
    ? null
    : IsUpdates<R> extends true
      ? null
      : R extends readonly [infer A extends StepOutputs, StepUpdates]
        ? OutputsOf<A>
        : R extends readonly [StepUpdates, infer A extends StepOutputs]
          ? OutputsOf<A>
          : R extends readonly [Value]
            ? Variable
            : R extends readonly [Value, Value, ...Value[]]
              ? { -readonly [K in keyof R]: Variable }
              : R extends readonly Value[]
                ? Variable[]
                : Variable | Variable[] | null;

export interface Step {
  readonly outputs: readonly Variable[];
  readonly updates: Updates;
}

const isPair = (x: unknown): boolean => Array.isArray(x) && x.length === 2 && x[0] instanceof SharedVariable;
const isUpdates = (x: unknown): x is StepUpdates => x instanceof Map || (Array.isArray(x) && x.length > 0 && x.every(isPair));
const isValue = (x: unknown): x is Value => x instanceof Variable || typeof x === "number";
const isOutputs = (x: unknown): x is StepOutputs => isValue(x) || (Array.isArray(x) && x.every(isValue));

const listed = (x: StepOutputs): Variable[] => (isValue(x) ? [asTensor(x)] : (x as readonly Value[]).map((v) => asTensor(v)));
const asUpdates = (x: StepUpdates): Updates => new Updates([...x].map(([shared, value]) => [shared, asTensor(value)] as const));

/** Errors: `scan-step-return` (ValueError) for anything else, `scan-until` (NotSupportedError) for a stop condition. */
export function readStep(returned: unknown): Step {
  if (returned === undefined || returned === null) return { outputs: [], updates: new Updates() };
  if (isUpdates(returned)) return { outputs: [], updates: asUpdates(returned) };
  if (isOutputs(returned)) return { outputs: listed(returned), updates: new Updates() };
  if (Array.isArray(returned)) {
    if (returned.some((x) => typeof x === "object" && x !== null && "condition" in x)) {
      fail("unsupported", "scan-until", { what: "A step returned a stop condition (until), which scan does not have yet.", fix: "run a fixed number of steps, and keep the state with T.switch once the condition holds" });
    }
    const [a, b] = returned as readonly unknown[];
    if (returned.length === 2 && isOutputs(a) && isUpdates(b)) return { outputs: listed(a), updates: asUpdates(b) };
    if (returned.length === 2 && isUpdates(a) && isOutputs(b)) return { outputs: listed(b), updates: asUpdates(a) };
  }
  return fail("value", "scan-step-return", {
    what: "scan does not understand what the step function returned.", saw: [`returned: ${describe(returned)}`],
    fix: "return a variable, a list of variables, [outputs, updates], or updates (a Map from shared variables, or pairs)",
  });
}

const describe = (x: unknown): string => (Array.isArray(x) ? `[${x.map(describe).join(", ")}]` : x instanceof Map ? "updates" : String(x));
