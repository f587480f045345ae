/**
 * What a step function may return, and its reading: outputs, [outputs, updates], [updates, outputs], or updates alone, and after these perhaps a
 * condition to stop on (theano/scan_module/scan_utils.py, get_updates_and_outputs). Must not know how steps are repeated.
 */
import { Updates } from "../graph/updates.js";
import { SharedVariable, Variable } from "../graph/variable.js";
import { asTensor, type Operand } from "../ops/define.js";
import { fail } from "../util/fail.js";

/** Next values of shared variables: a Map (or Updates), or pairs. */
export type StepUpdates = ReadonlyMap<SharedVariable, Operand> | readonly (readonly [SharedVariable, Operand])[];
type Value = Variable | number;
type StepOutputs = Value | readonly Value[];

/** Marks the condition on which a scan stops, as the last element of what a step returns. */
export class Until {
  readonly condition: Variable;

  constructor(condition: Variable) {
    this.condition = condition;
  }
}

/** `return [x.mul(2), until(x.gt(9))]`: the step in which a 0-d condition is not 0 is the last (theano.scan_module.until). Error: `scan-until-scalar`. */
export function until(condition: Operand): Until {
  const c = asTensor(condition);
  if (c.ndim !== 0) fail("type", "scan-until-scalar", { what: `The condition of until() has to be a scalar, got ${c}.`, where: String(c.origin), fix: "reduce it with T.any or T.all" });
  return new Until(c);
}

type PlainReturn = StepOutputs | StepUpdates | readonly [StepOutputs, StepUpdates] | readonly [StepUpdates, StepOutputs];
type StoppingReturn = readonly [StepOutputs | StepUpdates, Until] | readonly [StepOutputs, StepUpdates, Until] | readonly [StepUpdates, StepOutputs, Until] | readonly (Value | Until)[];
export type StepReturn = PlainReturn | StoppingReturn | undefined;

type IsUpdates<R> = R extends ReadonlyMap<SharedVariable, Operand> ? true : R extends readonly (readonly [SharedVariable, Operand])[] ? true : false;

/** What a step returns beside its condition. */
type BesideUntil<R> = R extends readonly [infer A, Until] ? A : R extends readonly [...infer Rest, Until] ? Rest : R;

/** The type of scan's outputs for a step that returns R: one bare variable, a tuple as long as R, an array, or null where there are none. */
export type OutputsOf<R> = PlainOutputsOf<BesideUntil<R>>;
type PlainOutputsOf<R> = R extends Value
  ? Variable
  : R extends undefined
    ? null
    : IsUpdates<R> extends true
      ? null
      : R extends readonly [infer A extends StepOutputs, StepUpdates]
        ? PlainOutputsOf<A>
        : R extends readonly [StepUpdates, infer A extends StepOutputs]
          ? PlainOutputsOf<A>
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
  /** The scan stops after a step in which it is not 0. */
  readonly until: Variable | null;
}

const isPair = (x: unknown): boolean => Array.isArray(x) && x.length === 2 && x[0] instanceof SharedVariable;
const isUpdates = (x: unknown): x is StepUpdates => x instanceof Map || (Array.isArray(x) && x.length > 0 && x.every(isPair));
const isValue = (x: unknown): x is Value => x instanceof Variable || typeof x === "number";
const isOutputs = (x: unknown): x is StepOutputs => isValue(x) || (Array.isArray(x) && x.every(isValue));

const listed = (x: StepOutputs): Variable[] => (isValue(x) ? [asTensor(x)] : (x as readonly Value[]).map((v) => asTensor(v)));
const asUpdates = (x: StepUpdates): Updates => new Updates([...x].map(([shared, value]) => [shared, asTensor(value)] as const));

/** Error: `scan-step-return` (ValueError) for anything else. */
export function readStep(returned: unknown): Step {
  const last: unknown = Array.isArray(returned) ? returned.at(-1) : undefined;
  if (!(last instanceof Until)) return { ...readResults(returned), until: null };
  const rest = (returned as readonly unknown[]).slice(0, -1);
  return { ...readResults(rest.length === 1 ? rest[0] : rest), until: last.condition };
}

function readResults(returned: unknown): Omit<Step, "until"> {
  if (returned === undefined || returned === null) return { outputs: [], updates: new Updates() };
  if (isUpdates(returned)) return { outputs: [], updates: asUpdates(returned) };
  if (isOutputs(returned)) return { outputs: listed(returned), updates: new Updates() };
  if (Array.isArray(returned)) {
    const [a, b] = returned as readonly unknown[];
    if (returned.length === 2 && isOutputs(a) && isUpdates(b)) return { outputs: listed(a), updates: asUpdates(b) };
    if (returned.length === 2 && isUpdates(a) && isOutputs(b)) return { outputs: listed(b), updates: asUpdates(a) };
  }
  return fail("value", "scan-step-return", {
    what: "scan does not understand what the step function returned.", saw: [`returned: ${describe(returned)}`],
    fix: "return a variable, a list of variables, [outputs, updates], or updates (a Map from shared variables, or pairs), with until(condition) after them if it stops",
  });
}

const describe = (x: unknown): string => (Array.isArray(x) ? `[${x.map(describe).join(", ")}]` : x instanceof Map ? "updates" : String(x));
