/**
 * The rewriting engine: in each phase, rules to a fixed point, then merging and folding, until nothing changes. Counts and times every rule,
 * and stops with an error that names the rules when they chase each other. Must not know any particular rule. phases.ts says the order.
 */
import { checkGraph } from "../graph/check.js";
import { type Change, replaceAll } from "../graph/edit.js";
import type { ApplyId, ApplyNode, FunctionGraph, VarId } from "../graph/function_graph.js";
import type { Op } from "../graph/op.js";
import { onBehalfOf } from "../graph/origin.js";
import type { Rule, RuleContext } from "../graph/rule.js";
import { type Apply, Variable } from "../graph/variable.js";
import { cast } from "../ops/elementwise.js";
import { fail } from "../util/fail.js";
import { BodyRewriter } from "./bodies.js";
import { foldConstants } from "./fold.js";
import { type History, Recorder } from "./history.js";
import { mergeEqual } from "./merge.js";
import { type Mode, type PhasePlan, phasesOf } from "./phases.js";
import { allRules } from "./rules.js";
import { sameExpression } from "./same.js";

export interface RewriteOptions {
  /** `fast_run` (default): all phases. `fast_compile`: without specialisation; what keeps numbers finite stays. `none`: the graph as written. */
  readonly mode?: Mode;
  /** Names of rules to leave out; also `merge`, `fold`, `scan body`. */
  readonly exclude?: readonly string[];
  /** Record each firing, so that the graph can be shown at every step (slower). */
  readonly history?: boolean;
  /** Rules instead of damo's own; for tests and for users' experiments. */
  readonly rules?: readonly Rule[];
  /** Check the graph's invariants after each phase. Default: whether DAMO_DEBUG is set. */
  readonly check?: boolean;
}

export interface RuleCount { readonly fired: number; readonly ms: number }

export interface Report {
  readonly before: number;
  readonly after: number;
  readonly ms: number;
  readonly phases: readonly { readonly name: string; readonly ms: number; readonly fired: number }[];
  /** By rule name, those tried at least once. */
  readonly rules: ReadonlyMap<string, RuleCount>;
  /** Names of those that fired in bodies of scans. */
  readonly bodyRules: ReadonlySet<string>;
  readonly history: History | null;
}

const debugging = (): boolean => typeof process !== "undefined" && (process.env.DAMO_DEBUG ?? "0") !== "0";

/** The engine's own rewrites. */
const OWN = ["merge", "fold", "scan body"];

/** Rewrites a graph in place. Errors: `rewrite-diverges` (rules that undo each other), `rewrite-type` (a rule gave another type), `exclude-unknown`. */
export function rewriteGraph(g: FunctionGraph, options: RewriteOptions = {}): Report {
  const { exclude = [], rules = allRules() } = options;
  const unknown = exclude.filter((name) => !OWN.includes(name) && !rules.some((r) => r.name === name));
  if (unknown.length > 0) {
    fail("value", "exclude-unknown", { what: `There is no rule to leave out named ${unknown.map((name) => `'${name}'`).join(", ")}.`, fix: "f.explain().rewrites names those that fire" });
  }
  return new Session(g, options, new Map()).run();
}

/** A shorter way to the same for scan bodies: `known` holds bodies already rewritten, by key. */
const rewriteInner = (g: FunctionGraph, options: RewriteOptions, known: Map<string, unknown>): Report => new Session(g, options, known).run();

/** How far above a change nodes are tried again at once; patterns that reach further are found by the next sweep. */
const REACH = 1;
/** Firings allowed for each apply of the graph as given, above a floor: far more than any sound set of rules needs. */
const FIRINGS = { perApply: 60, floor: 3000 } as const;

class Session {
  readonly #g: FunctionGraph;
  readonly #options: RewriteOptions;
  readonly #excluded: ReadonlySet<string>;
  readonly #counts = new Map<string, { fired: number; ms: number }>();
  readonly #recorder: Recorder | null;
  readonly #bodies: BodyRewriter;
  readonly #bodyRules = new Set<string>();
  readonly #recent: { rule: string; node: string }[] = [];
  readonly #limit: number;
  #asked: { readonly of: readonly VarId[]; readonly ids: ReadonlySet<VarId> } = { of: [], ids: new Set() };
  #fired = 0;
  #phase = "";

  constructor(g: FunctionGraph, options: RewriteOptions, known: Map<string, unknown>) {
    this.#g = g;
    this.#options = options;
    this.#excluded = new Set(options.exclude ?? []);
    this.#recorder = options.history === true ? new Recorder() : null;
    this.#bodies = new BodyRewriter(known, (inner) => {
      const { rules, bodyRules } = rewriteInner(inner, { ...options, history: false }, known);
      for (const [name, { fired }] of rules) if (fired > 0) this.#bodyRules.add(name);
      for (const name of bodyRules) this.#bodyRules.add(name);
    });
    this.#limit = FIRINGS.floor + FIRINGS.perApply * g.tables.applies.size;
  }

  run(): Report {
    const start = performance.now();
    const before = this.#g.tables.applies.size;
    const phases = phasesOf(this.#options.mode ?? "fast_run").map((plan) => {
      const [at, fired] = [performance.now(), this.#fired];
      this.#phase = plan.name;
      this.#runPhase(plan);
      if (this.#options.check ?? debugging()) checkGraph(this.#g, `after ${plan.name}`);
      return { name: plan.name, ms: performance.now() - at, fired: this.#fired - fired };
    });
    return { before, after: this.#g.tables.applies.size, ms: performance.now() - start, phases, rules: this.#counts, bodyRules: this.#bodyRules, history: this.#recorder?.history(this.#g) ?? null };
  }

  #runPhase(plan: PhasePlan): void {
    const rules = (this.#options.rules ?? allRules()).filter((r) => plan.rules.includes(r.phase) && !this.#excluded.has(r.name));
    const index = indexByRoot(rules);
    // A fixed point that nothing has disturbed need not be swept again.
    let settled = false;
    for (let changed = true; changed; ) {
      changed = this.#whole("merge", (record) => mergeEqual(this.#g, record));
      changed = this.#whole("fold", (record) => foldConstants(this.#g, plan.fold, record)) || changed;
      if (changed || !settled) changed = this.#fixedPoint(index) || changed;
      settled = true;
      if (!plan.bodies || changed) continue;
      changed = this.#whole("scan body", (record) => this.#bodies.rewrite(this.#g, record));
      settled = !changed;
    }
  }

  /** One of the engine's own rewrites, over the whole graph. */
  #whole(rule: string, rewrite: (record: { readonly record: boolean }) => Change | null): boolean {
    if (this.#excluded.has(rule)) return false;
    const start = performance.now();
    const change = rewrite({ record: this.#recorder !== null });
    this.#count(rule, change !== null, performance.now() - start);
    if (change === null) return false;
    this.#note(change, rule, "the whole graph", "");
    return true;
  }

  /** Rules over a worklist; a last sweep over everything finds nothing to do. */
  #fixedPoint(index: ReadonlyMap<Op, readonly Rule[]>): boolean {
    let any = false;
    for (let fired = true; fired; any ||= fired) {
      fired = false;
      const work = this.#g.order().map((a) => a.id);
      const waiting = new Set(work);
      for (let i = 0; i < work.length; i++) {
        const id = work[i] as ApplyId;
        waiting.delete(id);
        const node = this.#g.tables.applies.get(id);
        const change = node === undefined ? null : this.#tryRules(node, index.get(node.op) ?? []);
        if (change === null) continue;
        fired = true;
        for (const next of this.#near(change)) {
          if (!waiting.has(next)) work.push(next);
          waiting.add(next);
        }
      }
    }
    return any;
  }

  /** What was added or touched by a change, and what reads it within REACH. */
  #near(change: Change): Set<ApplyId> {
    const seen = new Set<ApplyId>([...change.added, ...change.touched]);
    let ring: readonly ApplyId[] = change.touched;
    for (let depth = 0; depth < REACH && ring.length > 0; depth++) {
      ring = ring.flatMap((a) => this.#g.apply(a).outputs.flatMap((o) => this.#g.consumersOf(o))).filter((a) => !seen.has(a));
      for (const a of ring) seen.add(a);
    }
    return seen;
  }

  #tryRules(node: ApplyNode, rules: readonly Rule[]): Change | null {
    if (rules.length === 0) return null;
    const view = this.#g.viewApply(node.id);
    const origin = this.#g.var(node.outputs[0] as VarId).origin;
    for (const rule of rules) {
      const start = performance.now();
      const change = onBehalfOf(origin, () => this.#try(rule, node, view));
      this.#count(rule.name, change !== null, performance.now() - start);
      if (change === null) continue;
      this.#note(change, rule.name, `${node.op}${node.id}`, this.#recorder === null ? "" : String(origin));
      return change;
    }
    return null;
  }

  #try(rule: Rule, node: ApplyNode, view: Apply): Change | null {
    const result = rule.rewrite(view, this.#context);
    if (result === null) return null;
    const replacements = result instanceof Variable ? [result] : result;
    const pairs = node.outputs.flatMap((id, i) => {
      const before = view.outputs[i] as Variable;
      const after = fitted(rule, before, replacements[i]);
      return sameExpression(after, before, (v) => this.#g.idOf(v) !== undefined) ? [] : [[id, after] as const];
    });
    return pairs.length === 0 ? null : replaceAll(this.#g, pairs, { record: this.#recorder !== null });
  }

  readonly #context: RuleContext = {
    consumers: (v) => {
      const id = this.#g.idOf(v);
      return id === undefined ? [] : this.#g.consumersOf(id).map((a) => this.#g.viewApply(a));
    },
    readers: (v) => {
      const id = this.#g.idOf(v);
      return id === undefined ? 0 : this.#g.consumersOf(id).length;
    },
    isOutput: (v) => {
      const id = this.#g.idOf(v);
      return id !== undefined && this.#outputs().has(id);
    },
  };

  /** The graph's outputs as a set, made anew when a change has replaced the list. */
  #outputs(): ReadonlySet<VarId> {
    const { outputs } = this.#g.tables;
    if (this.#asked.of !== outputs) this.#asked = { of: outputs, ids: new Set(outputs) };
    return this.#asked.ids;
  }

  #count(rule: string, fired: boolean, ms: number): void {
    const c = this.#counts.get(rule) ?? { fired: 0, ms: 0 };
    c.ms += ms;
    if (fired) c.fired++;
    this.#counts.set(rule, c);
  }

  #note(change: Change, rule: string, node: string, line: string): void {
    this.#recorder?.add(change, { rule, phase: this.#phase, line });
    this.#recent.push({ rule, node });
    if (this.#recent.length > 40) this.#recent.shift();
    if (++this.#fired <= this.#limit) return;
    fail("internal", "rewrite-diverges", {
      what: `Rewriting does not end: ${this.#fired} firings in phase ${this.#phase}.`,
      saw: [`rules that kept firing: ${[...new Set(this.#recent.map((r) => r.rule))].join(", ")}`, `last: ${this.#recent.slice(-8).map((r) => `${r.rule} at ${r.node}`).join(", ")}`],
      fix: "leave one of them out with the option exclude, and report the program that shows it",
    });
  }
}

function indexByRoot(rules: readonly Rule[]): Map<Op, Rule[]> {
  const index = new Map<Op, Rule[]>();
  for (const rule of rules) for (const root of rule.roots) index.set(root, [...(index.get(root) ?? []), rule]);
  return index;
}

/** A replacement in the type it must have. A dtype is converted; another broadcast pattern is the rule's mistake. */
function fitted(rule: Rule, before: Variable, after: Variable | undefined): Variable {
  if (after === undefined || !after.type.samePattern(before.type)) {
    return fail("internal", "rewrite-type", {
      what: `The rule ${rule.name} replaced ${before.type} by ${after?.type ?? "nothing"}.`, where: String(before.origin),
      fix: `leave the rule out with the option exclude: ["${rule.name}"], and report the program that shows it`,
    });
  }
  return cast(after, before.dtype);
}
