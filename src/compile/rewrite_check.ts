/**
 * Mode `debug`, first half: whether rewriting kept the values of a call, and if not, which rewrite changed them (theano/compile/debugmode.py,
 * BadOptimization). The recorded history is interpreted before and after; between them the step is found by halving. Must not know devices.
 */
import { interpret, type Observer } from "../autodiff/interpret.js";
import { isFloat } from "../codegen/ir/dtype.js";
import { fillGraph } from "../graph/edit.js";
import { FunctionGraph } from "../graph/function_graph.js";
import { seenText, seenValue } from "../graph/report.js";
import type { Variable } from "../graph/variable.js";
import { NdArray } from "../numpy/ndarray.js";
import { type Report, rewriteGraph, type RewriteOptions } from "../rewrite/engine.js";
import type { History } from "../rewrite/history.js";
import { allRules } from "../rewrite/rules.js";
import { fail } from "../util/fail.js";
import type { Prepared } from "./prepare.js";

/** What the order of operations may change in float64. */
const TOLERANCE = 1e-6;
/** Graphs are printed up to this many characters. */
const LONGEST = 600;

type Environment = ReadonlyMap<Variable, NdArray>;
interface Trouble { readonly output: number; readonly element: string }

export class RewriteCheck {
  readonly #prepared: Prepared;
  readonly #rewriting: RewriteOptions;
  readonly #report: Report;
  readonly #history: History;
  /** Some rules put finite numbers where there was inf or NaN, or drop what is multiplied by zero. */
  readonly #mayMend: boolean;

  constructor(prepared: Prepared, rewriting: RewriteOptions, report: Report, history: History) {
    this.#prepared = prepared;
    this.#rewriting = rewriting;
    this.#report = report;
    this.#history = history;
    const mending = new Set(allRules().flatMap((r) => (r.exactness === "stabilises" || r.exactness === "ignoresNaN" ? [r.name] : [])));
    this.#mayMend = [...history.steps.map((s) => s.rule), ...report.bodyRules].some((rule) => mending.has(rule));
  }

  /** Throws ValueError `debug-rewrite`, which names the rewrite, the line and the values. `env`: the values of all leaves. */
  check(env: Environment): void {
    const history = this.#history;
    if (history.length === 0) return;
    const wanted = valuesOf(history.at(0), env);
    if (this.#trouble(valuesOf(history.at(history.length), env), wanted, env) === null) return;
    let [good, bad] = [0, history.length];
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      if (this.#trouble(valuesOf(history.at(middle), env), wanted, env) === null) good = middle;
      else bad = middle;
    }
    const got = valuesOf(history.at(bad), env);
    const { output, element } = this.#trouble(got, wanted, env) as Trouble;
    const step = history.steps[good];
    const rule = step?.rule === "scan body" ? (this.#ruleInBodies(wanted, env) ?? step.rule) : (step?.rule ?? "");
    const variable = this.#prepared.outputs[output] as Variable;
    const text = (k: number): string => (history.text(k).length > LONGEST ? `${history.text(k).slice(0, LONGEST)}…` : history.text(k));
    fail("value", "debug-rewrite", {
      what: `The rewrite '${rule}' changed the value of ${variable}: ${element}.`, where: step?.line || String(variable.origin),
      saw: [
        ...allRules().flatMap((r) => (r.name === rule ? [`it says: ${r.source}`] : [])), `before: ${text(good)}`, `after: ${text(bad)}`,
        ...[...env].map(([v, value]) => seenText(seenValue(v, value))),
      ],
      fix: `leave it out with the option exclude: ["${rule}"], and report the program or mend the rule`,
    });
  }

  /** Bodies are rewritten in one step: the rule without which the whole comes out right. */
  #ruleInBodies(wanted: readonly NdArray[], env: Environment): string | null {
    const { inputs, outputs } = this.#prepared;
    for (const name of this.#report.bodyRules) {
      const g = new FunctionGraph();
      fillGraph(g, inputs.map((i) => i.variable), outputs);
      rewriteGraph(g, { ...this.#rewriting, history: false, exclude: [...(this.#rewriting.exclude ?? []), name] });
      if (this.#trouble(valuesOf(g, env), wanted, env) === null) return name;
    }
    return null;
  }

  /** The first element that differs by more than rounding explains, or null. */
  #trouble(got: readonly NdArray[], wanted: readonly NdArray[], env: Environment): Trouble | null {
    let shaken: readonly NdArray[] | null = null;
    for (const [output, want] of wanted.entries()) {
      const have = got[output] as NdArray;
      if (have.shape.join() !== want.shape.join()) return { output, element: `its shape was (${want.shape.join(", ")}) and is (${have.shape.join(", ")})` };
      for (let n = 0; n < want.size; n++) {
        const [h, w] = [have.data[n] as number, want.data[n] as number];
        if (h === w || (Number.isNaN(h) && Number.isNaN(w)) || (this.#mayMend && !Number.isFinite(w))) continue;
        const allowed = isFloat(want.dtype) ? TOLERANCE * Math.max(1, Math.abs(w)) : 0;
        if (Math.abs(h - w) <= allowed) continue;
        shaken ??= valuesOf(this.#history.at(0), env, shaking());
        const loose = Math.abs((shaken[output]?.data[n] as number) - w);
        if (Math.abs(h - w) <= allowed + LOOSENESS * loose || (Number.isFinite(h) && Number.isNaN(loose))) continue;
        return { output, element: `element ${n} was ${w} and is ${h}` };
      }
    }
    return null;
  }
}

/** Float32 is not rounded, so that what rewriting does to last bits stays small. */
const valuesOf = (g: FunctionGraph, env: Environment, observer: Observer | null = null): NdArray[] => interpret(g.tables.outputs.map((o) => g.view(o)), env, { exactDTypes: false, observer });

/** How many times what shaking moved a value it may differ. */
const LOOSENESS = 10;
const SHAKE = 4e-15;

/**
 * Moves every result by rounding's own measure: where that moves an output, as 1 - sigmoid(35) does, the original had lost its digits and a rewrite
 * that keeps them is no culprit (Vignes, stochastic arithmetic, Math. Comput. Simul. 35, 1993).
 */
function shaking(): Observer {
  let sign = 1;
  return (_node, _inputs, run) =>
    run().map((x) => {
      if (!isFloat(x.dtype)) return x;
      sign = -sign;
      const data = x.data.slice();
      data.forEach((v, i) => { data[i] = v * (1 + (i % 2 === 0 ? sign : -sign) * SHAKE); });
      return new NdArray(data, x.shape, x.dtype);
    });
}
