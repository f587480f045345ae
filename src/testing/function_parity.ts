/**
 * functionParity: a function with updates on devices, call after call, against its float64 meaning: what it returns each time, and what its shared
 * variables are at the end. Must not know any concrete device. functions.ts makes functions to check.
 */
import { interpret } from "../autodiff/interpret.js";
import { compile, type Result } from "../compile/compile.js";
import type { Variable } from "../graph/variable.js";
import { NdArray } from "../numpy/ndarray.js";
import type { TestFunction } from "./functions.js";
import { sharedValues } from "./graphs.js";
import { asArray, availableDevices, difference, type Mode, type ParityOptions, report } from "./parity.js";

/** The outputs of each call and the updated values after the last, from the references of the ops: all updates are computed from old values. */
function meaning(f: TestFunction): { expected: readonly (readonly NdArray[])[]; after: readonly NdArray[] } {
  const env = new Map<Variable, NdArray>(f.inputs.map((v, i) => [v, f.values[i] as NdArray]));
  const expected = Array.from({ length: f.calls }, () => {
    const made = interpret([...f.outputs, ...f.updates.map(([, next]) => next)], env, { exactDTypes: false });
    f.updates.forEach(([v], i) => env.set(v, made[f.outputs.length + i] as NdArray));
    return made.slice(0, f.outputs.length);
  });
  return { expected, after: f.updates.map(([v]) => env.get(v) as NdArray) };
}

async function runOn(f: TestFunction, device: string, mode: Mode): Promise<{ results: NdArray[][]; after: NdArray[] }> {
  const made = compile(f.inputs, [...f.outputs], { updates: f.updates, device, mode, onUnusedInput: "ignore", noDefaultUpdates: true });
  try {
    const results: NdArray[][] = [];
    for (let c = 0; c < f.calls; c++) results.push(((await made(...f.values)) as readonly Result[]).map((r, i) => asArray(r, f.outputs[i] as Variable)));
    const after: NdArray[] = [];
    for (const [v] of f.updates) after.push(await v.getValue());
    return { results, after };
  } finally {
    made.dispose();
  }
}

/**
 * Throws `parity` unless each device gives what the function means in float64, in each call and mode, and leaves its shared variables as it should.
 * Takes `{ inputs, values, outputs, updates, calls }`; default updates count only where `updates` lists them. Shared variables get their values back.
 */
export async function functionParity(f: TestFunction, options: Omit<ParityOptions, "feed"> = {}): Promise<void> {
  const before = sharedValues([...f.outputs, ...f.updates.flat()]);
  const restore = (): void => before.forEach((value, v) => v.setValue(value));
  const { expected, after } = f.expected === undefined || f.after === undefined ? meaning(f) : { expected: f.expected, after: f.after };
  const check = (got: NdArray, want: NdArray, drift: number | undefined, where: string): void => {
    const trouble = difference(got, want, options.tolerance ?? 1e-5, drift ?? 0);
    if (trouble !== null) report(f, `${where}: ${trouble}.`);
  };
  for (const device of options.devices ?? (await availableDevices())) {
    for (const mode of options.modes ?? (["none", "fast_run"] as const)) {
      restore();
      try {
        const got = await runOn(f, device, mode);
        got.results.forEach((results, c) => results.forEach((r, i) => check(r, expected[c]?.[i] as NdArray, f.drifts?.expected[c]?.[i], `Output ${i} (${f.outputs[i]}) of call ${c} on ${device} in mode ${mode}`)));
        got.after.forEach((value, i) => check(value, after[i] as NdArray, f.drifts?.after[i], `${f.updates[i]?.[0]} after ${f.calls} calls on ${device} in mode ${mode}`));
      } finally {
        restore();
      }
    }
  }
}
