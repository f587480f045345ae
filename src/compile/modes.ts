/**
 * Modes in which the rewritten graph runs node by node and somebody looks at each: MonitorMode and NanGuardMode (theano/compile/monitormode.py,
 * nanguardmode.py). Must not know functions or devices. Next: interpreted.ts runs a function under one.
 */
import type { Observer } from "../autodiff/interpret.js";
import { isFloat } from "../codegen/ir/dtype.js";
import { lineOf, nodeLines, seenText, seenValue } from "../graph/report.js";
import { printTree } from "../graph/tree.js";
import type { Apply, Variable } from "../graph/variable.js";
import type { NdArray } from "../numpy/ndarray.js";
import type { Mode as Rewriting } from "../rewrite/phases.js";
import { fail } from "../util/fail.js";

/** One value, in the place where Theano's functions find it: `fn.inputs.map((input) => input[0])`. */
export type Storage = readonly [NdArray];

/** An apply about to be computed. */
export interface Thunk { readonly inputs: readonly Storage[] }
/** One that has been computed. */
export interface ComputedThunk extends Thunk { readonly outputs: readonly Storage[] }

/** What a mode looks at in one function. */
export interface Watch {
  readonly observer: Observer;
  /** Called with each input of the function and each shared variable that it reads. */
  leaf?(v: Variable, value: NdArray): void;
}

/** A mode that is an object: how the graph is rewritten, and who watches it run. */
export abstract class WatchedMode {
  /** `fast_run`, unless `optimizer` says otherwise. */
  readonly rewriting: Rewriting;
  abstract readonly name: string;

  constructor(optimizer: Rewriting = "fast_run") {
    this.rewriting = optimizer;
  }

  /** For one call. */
  abstract watch(): Watch;
}

export interface MonitorOptions {
  /** Before each apply: its number in the call, the apply, and the values of its inputs. */
  readonly preFunc?: (i: number, node: Apply, fn: Thunk) => void;
  /** After it; the outputs too. */
  readonly postFunc?: (i: number, node: Apply, fn: ComputedThunk) => void;
  /** How the graph is rewritten: `fast_run` (default), `fast_compile`, `none`. */
  readonly optimizer?: Rewriting;
}

const stored = (values: readonly NdArray[]): Storage[] => values.map((v) => [v] as const);

/**
 * `compile([x], y, { mode: new MonitorMode({ postFunc: detectNan }) })`: functions that see every apply as it is computed. The function runs node by
 * node on the host, in float64 rounded to each variable's dtype, so nothing is fused. Applies in the body of a scan are shown at each step,
 * before the scan's own postFunc; `i` counts all of them. What the functions throw ends the call, and no update happens.
 */
export class MonitorMode extends WatchedMode {
  readonly name = "MonitorMode";
  readonly #options: MonitorOptions;

  constructor(options: MonitorOptions = {}) {
    super(options.optimizer);
    this.#options = options;
  }

  watch(): Watch {
    const { preFunc, postFunc } = this.#options;
    let count = 0;
    return {
      observer: (node, inputs, run) => {
        const i = count++;
        preFunc?.(i, node, { inputs: stored(inputs) });
        const outputs = run();
        postFunc?.(i, node, { inputs: stored(inputs), outputs: stored(outputs) });
        return outputs;
      },
    };
  }
}

/** Theano's own `postFunc` (monitormode.py, detect_nan): prints the apply whose outputs have a NaN, its graph, and its inputs and outputs. */
export function detectNan(_i: number, node: Apply, fn: ComputedThunk): void {
  if (!fn.outputs.some(([output]) => output.data.some(Number.isNaN))) return;
  const text = (values: readonly Storage[], of: readonly Variable[]): string => values.map(([x], n) => seenText(seenValue(of[n] as Variable, x))).join("; ");
  console.log(`*** NaN detected ***\n${printTree(node.outputs)}\nInputs : ${text(fn.inputs, node.inputs)}\nOutputs: ${text(fn.outputs, node.outputs)}`);
}

export interface NanGuardOptions {
  /** Default true, as the others. */
  readonly nanIsError?: boolean;
  readonly infIsError?: boolean;
  /** Values above 1e10 in size, of any dtype. */
  readonly bigIsError?: boolean;
  readonly optimizer?: Rewriting;
}

/** Theano's bound. */
const BIG = 1e10;

/**
 * `mode: new NanGuardMode({ nanIsError: true, infIsError: true, bigIsError: true })`: the first NaN, infinity or big value (above 1e10) among inputs, shared
 * variables and results of applies ends the call. ValueError `nan-guard` names the apply, also in a scan's body, its inputs and outputs and the user's
 * line. Runs as MonitorMode does. Error: `nan-guard-nothing` where it is to look for nothing.
 */
export class NanGuardMode extends WatchedMode {
  readonly name = "NanGuardMode";
  readonly #options: Required<Omit<NanGuardOptions, "optimizer">>;

  constructor({ nanIsError = true, infIsError = true, bigIsError = true, optimizer }: NanGuardOptions = {}) {
    super(optimizer);
    if (!nanIsError && !infIsError && !bigIsError) fail("value", "nan-guard-nothing", { what: "NanGuardMode is to look for nothing.", fix: "leave one of nanIsError, infIsError and bigIsError true" });
    this.#options = { nanIsError, infIsError, bigIsError };
  }

  watch(): Watch {
    return {
      leaf: (v, value) => {
        const found = this.#trouble(value);
        if (found !== null) fail("value", "nan-guard", { what: `${found} in ${v}, an input of the function.`, where: String(v.origin), saw: [seenText(seenValue(v, value))], fix: FIX });
      },
      observer: (node, inputs, run) => {
        const outputs = run();
        for (const [i, value] of outputs.entries()) {
          const found = this.#trouble(value);
          if (found !== null) this.#report(found, node, i, inputs, outputs);
        }
        return outputs;
      },
    };
  }

  #report(found: string, node: Apply, output: number, inputs: readonly NdArray[], outputs: readonly NdArray[]): never {
    const seen = (values: readonly NdArray[], of: readonly Variable[]): ReturnType<typeof seenValue>[] => values.flatMap((x, n) => (x === undefined ? [] : [seenValue(of[n] as Variable, x)]));
    fail("value", "nan-guard", {
      what: `${found} in output ${output} of '${node.op}'.`, where: lineOf(node), saw: nodeLines(node, seen(inputs, node.inputs), seen(outputs, node.outputs)), fix: FIX,
    });
  }

  #trouble({ data, dtype }: NdArray): string | null {
    const { nanIsError, infIsError, bigIsError } = this.#options;
    for (const x of data) {
      if (nanIsError && Number.isNaN(x)) return "NaN";
      if (infIsError && isFloat(dtype) && (x === Number.POSITIVE_INFINITY || x === Number.NEGATIVE_INFINITY)) return "inf";
      if (bigIsError && Math.abs(x) > BIG) return `the big value ${x}`;
    }
    return null;
  }
}

const FIX = "look for 0 / 0, the logarithm or root of a negative number, an overflow, or a learning rate that is too high; see the inputs above";
