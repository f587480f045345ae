/**
 * Profiles of functions (theano/compile/profiling.py): how long each kernel took where a device runs a plan, or each apply where the interpreter
 * runs the graph; summed by class, by op and by the user's line. Must not know devices. compile.ts gives a function its profile.
 */
import type { TimedStep } from "../codegen/ir/plan.js";
import { byteSize } from "../codegen/ir/dtype.js";
import { lineOf } from "../graph/report.js";
import type { Apply } from "../graph/variable.js";
import { showBytes } from "./explain.js";
import type { Watch } from "./modes.js";
import type { Times } from "./program.js";

/** One kernel or apply. */
export interface ProfileRow {
  /** How it computes: `elementwise`, `reduction`, `routine`, … */
  readonly class: string;
  readonly op: string;
  readonly name: string;
  /** The user's line. */
  readonly line: string;
  readonly calls: number;
  readonly ms: number;
  /** Bytes of its results, each time. */
  readonly bytes: number;
}

/** A function that is measured. */
interface Measured {
  readonly name: string;
  readonly times: Readonly<Times>;
  /** On the device in the last call, by what they are for; empty where no device ran it. */
  readonly bytes: () => Readonly<Record<string, number>>;
}

type Row = { -readonly [K in keyof ProfileRow]: ProfileRow[K] };

export interface SummaryOptions {
  /** Most rows of the sections Ops and Lines (default 20). */
  readonly nOpsToPrint?: number;
  /** Most rows of the section Apply (default 20). */
  readonly nApplyToPrint?: number;
}

/** Lists of a plan's kernels, as explain() counts them. */
const CLASSES: Readonly<Record<TimedStep["kind"], string>> = { launch: "elementwise", reduction: "reduction", routine: "routine", copy: "copy" };

/**
 * `compile(x, y, { profile: true }).profile`, or one for several functions: `const profile = new ProfileStats(); compile(…, { profile })`.
 *
 * On device `reference` the function runs apply by apply, and each is timed without those in the body of a scan, which have rows of their own. Other
 * devices run the plan with a clock between kernels, which then do not overlap; what `summary()` says under "Measured" is the device's word on it.
 * In functions without a profile nothing of this is timed.
 */
export class ProfileStats {
  /** Calls of all functions of this profile, and how long callers waited for them. */
  calls = 0;
  callMs = 0;
  readonly #functions: Measured[] = [];
  readonly #rows = new Map<object, Row>();
  readonly #measured = new Set<string>();

  begin(f: Measured): void {
    this.#functions.push(f);
  }

  /** A device's kernel took so long. */
  readonly step = (step: TimedStep, ms: number): void => {
    this.#add(step, ms, () => ({ class: CLASSES[step.kind], op: step.op, name: step.label, line: step.line, bytes: step.bytes }));
  };

  called(ms: number): void {
    this.calls++;
    this.callMs += ms;
  }

  measured(how: string): void {
    this.#measured.add(how);
  }

  /** Times one call's applies. */
  watch(): Watch {
    const inner: number[] = [];
    this.measured("the clock around each apply, without those in its body");
    return {
      observer: (node, _, run) => {
        inner.push(0);
        const start = performance.now();
        const outputs = run();
        const ms = performance.now() - start;
        const own = ms - (inner.pop() ?? 0);
        if (inner.length > 0) inner[inner.length - 1] = (inner.at(-1) ?? 0) + ms;
        this.#add(node, own, () => applyRow(node, outputs.reduce((n, x) => n + x.size * byteSize(x.dtype), 0)));
        return outputs;
      },
    };
  }

  #add(key: object, ms: number, make: () => Omit<Row, "calls" | "ms">): void {
    const row = this.#rows.get(key) ?? { ...make(), calls: 0, ms: 0 };
    this.#rows.set(key, row);
    row.calls++;
    row.ms += ms;
  }

  /** Kernels or applies, the slowest first. */
  rows(): readonly ProfileRow[] {
    return [...this.#rows.values()].map((r) => ({ ...r })).sort((a, b) => b.ms - a.ms);
  }

  /** Milliseconds of all rows. */
  get ms(): number {
    return [...this.#rows.values()].reduce((sum, r) => sum + r.ms, 0);
  }

  /** The tables as text: global times, classes, ops, applies (kernels), lines, memory. */
  summary({ nOpsToPrint = 20, nApplyToPrint = 20 }: SummaryOptions = {}): string {
    const rows = this.rows();
    const total = (key: keyof Times): number => this.#functions.reduce((sum, f) => sum + f.times[key], 0);
    return [
      "Function profiling", "==================", `  Message: ${[...new Set(this.#functions.map((f) => f.name))].join(", ")}`,
      `  Time in ${this.calls} calls: ${seconds(this.callMs)}`,
      `  Time in kernels or applies: ${seconds(this.ms)} (${percent(this.ms, this.callMs)})`,
      `  Total compile time: ${seconds((["prepare", "rewrite", "expand", "specialise", "compile"] as const).reduce((sum, k) => sum + total(k), 0))}`,
      `    Rewriting: ${seconds(total("rewrite"))}`, `    Shapes, fusion: ${seconds(total("specialise"))}`, `    The device's compiler: ${seconds(total("compile"))}`,
      `  Measured: ${[...this.#measured].join("; ") || "no call yet"}`, "",
      ...section("Class", grouped(rows, (r) => r.class), nOpsToPrint), ...section("Ops", grouped(rows, (r) => r.op), nOpsToPrint),
      ...section("Apply", rows.map((row) => ({ name: `${row.op}(${row.name}) at ${row.line || "no line"}`, ms: row.ms, calls: row.calls, applies: 1 })), nApplyToPrint),
      ...section("Lines", grouped(rows, (r) => r.line || "no line"), nOpsToPrint),
      ...this.#memory(rows, nApplyToPrint),
    ].join("\n");
  }

  #memory(rows: readonly ProfileRow[], most: number): string[] {
    const held = this.#functions.flatMap(({ name, bytes }) => {
      const parts = Object.entries(bytes());
      return parts.length === 0 ? [] : [`  on the device in the last call of ${name}: ${parts.map(([n, b]) => `${n} ${showBytes(b)}`).join(", ")}`];
    });
    const stored = rows.reduce((sum, r) => sum + r.bytes * r.calls, 0) / Math.max(1, this.calls);
    const largest = [...rows].sort((a, b) => b.bytes - a.bytes).slice(0, most);
    return ["Memory", "---", ...held, `  results stored in one call: ${showBytes(stored)}; the largest:`, ...largest.map((r) => `  ${showBytes(r.bytes).padStart(8)}  ${r.op}(${r.name})`)];
  }
}

function applyRow(node: Apply, bytes: number): Omit<Row, "calls" | "ms"> {
  const { kind } = node.op.fields.lower;
  return { class: kind === "reduce" ? "reduction" : kind, op: node.op.name, name: node.inputs.map((v) => v.name ?? v.owner?.op.name ?? String(v)).join(", "), line: lineOf(node), bytes };
}

interface Group { readonly name: string; readonly ms: number; readonly calls: number; readonly applies: number }

function grouped(rows: readonly ProfileRow[], by: (r: ProfileRow) => string): Group[] {
  const groups = new Map<string, Group>();
  for (const r of rows) {
    const { ms, calls, applies } = groups.get(by(r)) ?? { ms: 0, calls: 0, applies: 0 };
    groups.set(by(r), { name: by(r), ms: ms + r.ms, calls: calls + r.calls, applies: applies + 1 });
  }
  return [...groups.values()].sort((a, b) => b.ms - a.ms);
}

const seconds = (ms: number): string => `${(ms / 1000).toExponential(3)}s`;
const percent = (part: number, of: number): string => `${of > 0 ? ((100 * part) / of).toFixed(1) : "0.0"}%`;

function section(title: string, groups: readonly Group[], most: number): string[] {
  const total = groups.reduce((sum, g) => sum + g.ms, 0);
  let sum = 0;
  const lines = groups.slice(0, most).map((g) => {
    sum += g.ms;
    return [percent(g.ms, total).padStart(8), percent(sum, total).padStart(8), seconds(g.ms).padStart(12), seconds(g.ms / g.calls).padStart(15), String(g.calls).padStart(7), String(g.applies).padStart(8), ` ${g.name}`].join(" ");
  });
  const rest = groups.slice(most);
  const left = rest.length === 0 ? [] : [`   ... (remaining ${rest.length} account for ${percent(rest.reduce((n, g) => n + g.ms, 0), total)})`];
  return [title, "---", ["<% time>", " <sum %>", "      <time>", "<time per call>", "<#call>", "<#apply>", ` <${title === "Class" ? "Class" : title === "Lines" ? "Line" : title === "Ops" ? "Op" : "Apply"} name>`].join(" "), ...lines, ...left, ""];
}

/** Profiles printed on stderr when the process ends, for `config.profile`. */
const atEnd: ProfileStats[] = [];

export function printAtEnd(profile: ProfileStats): void {
  if (typeof process === "undefined") return;
  if (atEnd.length === 0) process.once("exit", () => { for (const p of atEnd) if (p.calls > 0) console.error(`${p.summary()}\n`); });
  atEnd.push(profile);
}
