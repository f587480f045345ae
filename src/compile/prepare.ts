/**
 * From what the user gives to compile() to one closed graph: inputs checked, givens substituted at once, explicit and default updates
 * collected, unused and missing inputs reported. Must not know shapes or devices. Next: program.ts rewrites and runs it.
 */
import { leavesOf, substituteVariables } from "../graph/clone.js";
import { Constant, SharedVariable, Variable } from "../graph/variable.js";
import type { Operand } from "../ops/define.js";
import { fail } from "../util/fail.js";
import { In } from "./arguments.js";
import { asarray } from "../numpy/convert.js";
import type { ArrayLike } from "../numpy/ndarray.js";
import { StepVariable } from "../scan/arguments.js";

/** A dictionary keyed by variables: a Map (or Updates), or pairs. `params.map((p) => [p, p.mul(2)])` makes lists, of which TypeScript does not know that they are pairs. */
export type Pairs<K extends Variable = Variable> = ReadonlyMap<K, Operand> | readonly (readonly [K, Operand] | readonly Variable[])[];

export interface PrepareOptions {
  readonly updates?: Pairs | undefined;
  readonly givens?: Pairs | undefined;
  /** true: no default updates; a list: none for these shared variables. */
  readonly noDefaultUpdates?: boolean | readonly SharedVariable[] | undefined;
  readonly onUnusedInput?: "raise" | "warn" | "ignore" | undefined;
}

export interface Prepared {
  readonly inputs: readonly In[];
  /** The user's outputs, then one per update, givens substituted. */
  readonly outputs: readonly Variable[];
  readonly updated: readonly SharedVariable[];
}

export function prepare(inputs: readonly (Variable | In)[], outputs: readonly Variable[], options: PrepareOptions): Prepared {
  const asked = inputs.map(asIn);
  checkInputs(asked);
  const givens = checkGivens(options.givens, asked);
  const { ins, cut } = cutAt(asked);
  // What only an input that is cut off depends on has no part in the function: neither givens nor default updates are looked for behind it.
  const swap = new Map([...[...givens].map(([old, by]) => [old, substituteVariables([by], cut)[0] as Variable] as const), ...cut]);
  const updates = checkUpdates(options.updates);
  const given = substituteVariables([...outputs, ...updates.values()], swap);
  const results = given.slice(0, outputs.length);
  const all = new Map([...updates.keys()].map((s, i): [SharedVariable, Variable] => [s, given[outputs.length + i] as Variable]));
  addDefaultUpdates(results, all, swap, options.noDefaultUpdates);
  const made = [...results, ...all.values()];
  checkLeaves(made, ins, options.onUnusedInput ?? "raise");
  return { inputs: ins, outputs: made, updated: [...all.keys()] };
}

/** Inputs may be results of ops: then the graph is cut there, and a plain variable stands for each. */
function cutAt(asked: readonly In[]): { ins: In[]; cut: Map<Variable, Variable> } {
  const results = asked.map((i) => i.variable).filter((v) => v.owner !== null);
  const cut = new Map(results.map((v) => [v, new Variable(v.type, { name: v.name, origin: v.origin })]));
  return { ins: asked.map((i) => new In(cut.get(i.variable) ?? i.variable, i.options)), cut };
}

const asIn = (v: Variable | In): In => (v instanceof In ? v : new In(v));

function checkInputs(ins: readonly In[]): void {
  const seen = new Set<Variable>();
  for (const { variable } of ins) {
    if (!(variable instanceof Variable)) fail("type", "input-kind", { what: "An input of compile() is not a variable.", fix: "pass variables such as T.matrix('x'), or In(variable, { value })" });
    if (variable instanceof SharedVariable) {
      fail("type", "input-shared", { what: `Cannot use a shared variable (${variable.name ?? variable}) as explicit input.`, where: String(variable.origin), fix: "leave it out: functions find shared variables by themselves; to call with another value use givens: [[shared, x]]" });
    }
    if (variable instanceof Constant) fail("type", "input-constant", { what: `The constant ${variable} cannot be an input.`, where: String(variable.origin), fix: "use a variable, and givens if it should stand for something" });
    if (seen.has(variable)) fail("unused", "input-twice", { what: `The input ${variable} is listed twice.`, where: String(variable.origin), fix: "list each input once" });
    seen.add(variable);
  }
}

function entries(pairs: Pairs | undefined): readonly (readonly [Variable, Operand])[] {
  if (pairs !== undefined && !(Symbol.iterator in pairs)) fail("type", "pairs-kind", { what: `updates and givens are lists of pairs or Maps, got an object of { ${Object.keys(pairs).join(", ")} }.`, fix: "write [[variable, value], …]: an object has text for keys" });
  const listed = pairs === undefined ? [] : [...pairs];
  const bad = listed.find((pair) => pair.length !== 2);
  if (bad !== undefined) fail("value", "pairs-length", { what: `updates and givens are lists of pairs; one entry has ${bad.length} elements.`, fix: "write [[variable, value], …]" });
  return listed as readonly (readonly [Variable, Operand])[];
}

/** A value in the place of a variable: plain values become constants of its dtype. */
function standIn(old: Variable, value: Operand): Variable {
  return value instanceof Variable ? value : new Constant(asarray(value as ArrayLike, { dtype: old.dtype }), { broadcastable: old.broadcastable });
}

function checkGivens(pairs: Pairs | undefined, ins: readonly In[]): Map<Variable, Variable> {
  const made = new Map<Variable, Variable>();
  for (const [old, value] of entries(pairs)) {
    if (!(old instanceof Variable)) fail("type", "givens-kind", { what: `givens replaces variables; ${String(old)} is none.`, fix: "write givens: [[x, expression]]" });
    const replacement = standIn(old, value);
    if (ins.some((i) => i.variable === old)) fail("value", "givens-input", { what: `The input ${old} is also replaced by givens.`, where: String(old.origin), fix: "remove it from the inputs or from givens" });
    if (made.has(old)) fail("value", "givens-twice", { what: `givens replaces ${old} twice.`, where: String(old.origin), fix: "give one replacement for each variable" });
    if (!replacement.type.equals(old.type)) {
      fail("type", "givens-type", { what: `givens replaces ${old} by a variable of another type.`, where: String(replacement.origin), saw: [`replaced: ${old}`, `by: ${replacement}`], fix: "cast it (T.cast(x, dtype)), or change its broadcast flags with T.patternBroadcast" });
    }
    made.set(old, replacement);
  }
  for (const [old, replacement] of made) {
    const under = new Set([...leavesOf([replacement]), replacement]);
    const clash = [...made.keys()].find((other) => other !== old && under.has(other));
    if (clash) {
      fail("value", "givens-chain", { what: `In givens, the replacement of ${old} depends on ${clash}, which givens replaces too.`, where: String(replacement.origin), fix: "substitutions happen at once: givens = [[a, b], [b, a + 1]] is not allowed; write the second replacement out" });
    }
  }
  return made;
}

function checkUpdates(pairs: Pairs | undefined): Map<SharedVariable, Variable> {
  const made = new Map<SharedVariable, Variable>();
  for (const [shared, value] of entries(pairs)) {
    if (!(shared instanceof SharedVariable)) fail("type", "update-key", { what: `Only shared variables can be updated, not ${shared}.`, fix: "make it with shared(value)" });
    if (made.has(shared)) fail("value", "update-twice", { what: `The shared variable ${shared} has two updates.`, where: String(shared.origin), fix: "give one update for each shared variable" });
    made.set(shared, checkUpdate(shared, standIn(shared, value)));
  }
  return made;
}

/** An update must have the shared variable's dtype and broadcast flags. */
function checkUpdate(shared: SharedVariable, update: Variable): Variable {
  if (!update.type.equals(shared.type)) {
    fail("type", "update-type", {
      what: `An update must have the same type as the original shared variable (${shared}).`, where: String(update.origin), saw: [`shared: ${shared.type}`, `update: ${update.type}`],
      fix: update.dtype !== shared.dtype ? `cast the update: T.cast(update, "${shared.dtype}")` : "make the broadcast flags equal: T.patternBroadcast(update, shared.broadcastable), or shared(value, { broadcastable })",
    });
  }
  return update;
}

/** default_update of every shared variable reached, also through other updates (theano.compile.pfunc.rebuild_collect_shared). */
function addDefaultUpdates(results: readonly Variable[], updates: Map<SharedVariable, Variable>, swap: ReadonlyMap<Variable, Variable>, none: PrepareOptions["noDefaultUpdates"]): void {
  if (none === true) return;
  const without = new Set(Array.isArray(none) ? (none as readonly SharedVariable[]) : []);
  for (let found = true; found; ) {
    found = false;
    for (const leaf of leavesOf([...results, ...updates.values()])) {
      if (!(leaf instanceof SharedVariable) || leaf.defaultUpdate === null || updates.has(leaf) || without.has(leaf)) continue;
      const [update] = substituteVariables([leaf.defaultUpdate], swap);
      updates.set(leaf, checkUpdate(leaf, update as Variable));
      found = true;
    }
  }
}

function checkLeaves(outputs: readonly Variable[], ins: readonly In[], onUnused: "raise" | "warn" | "ignore"): void {
  const leaves = new Set(leavesOf(outputs));
  const inputs = new Set(ins.map((i) => i.variable));
  for (const leaf of leaves) {
    if (leaf instanceof Constant || leaf instanceof SharedVariable || inputs.has(leaf)) continue;
    if (leaf instanceof StepVariable) {
      fail("missing", "missing-step-input", {
        what: `The function needs ${leaf}, which stands for one step of a scan and has no value outside it.`, where: String(leaf.origin),
        fix: "return it as an output of the step; if the step draws random numbers, pass the updates that scan returned to compile()",
      });
    }
    fail("missing", "missing-input", { what: `The function needs ${leaf}, which is neither an input nor given a value.`, where: String(leaf.origin), fix: "add it to the inputs, or replace it with givens" });
  }
  const unused = ins.find((i) => !leaves.has(i.variable) && !reaches(outputs, i.variable));
  if (unused === undefined || onUnused === "ignore") return;
  const failure = { what: `The input ${unused.variable} is not used by any output or update.`, where: String(unused.variable.origin), fix: "remove it, or pass onUnusedInput: 'warn' or 'ignore'" };
  if (onUnused === "raise") fail("unused", "unused-input", failure);
  console.warn(`${failure.what} (made at ${failure.where})`);
}

const reaches = (outputs: readonly Variable[], v: Variable): boolean => outputs.includes(v);
