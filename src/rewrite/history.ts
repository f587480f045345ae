/**
 * The history of a rewritten graph: every firing with its immer patches, so that the graph can be shown as it was after any step, walked
 * forwards and backwards, and written to JSON. Must not know rules; the player in viz reads it. Next: json.ts writes it.
 */
import { applyPatches, type Patch } from "immer";
import type { Change } from "../graph/edit.js";
import { FunctionGraph, type Tables } from "../graph/function_graph.js";
import { fail } from "../util/fail.js";
import { decodeHistory, encodeHistory, type HistoryJson } from "./json.js";
import { printGraph } from "./print.js";

export interface Step {
  /** The rule that fired; `merge`, `fold` or `scan body` for the engine's own. */
  readonly rule: string;
  readonly phase: string;
  /** The line of the user's program where the replaced variable was made. */
  readonly line: string;
  readonly patches: readonly Patch[];
  readonly inverse: readonly Patch[];
}

export class History {
  readonly steps: readonly Step[];
  #tables: Tables;
  #position: number;

  /** `tables`: the graph after `steps.length` steps (the last). */
  constructor(tables: Tables, steps: readonly Step[]) {
    this.steps = steps;
    this.#tables = tables;
    this.#position = steps.length;
  }

  /** How many steps there are; positions run from 0 (before the first) to `length` (after the last). */
  get length(): number {
    return this.steps.length;
  }

  /** Where `forward` and `back` stand. */
  get position(): number {
    return this.#position;
  }

  /** The graph after `k` steps, to be read or printed, not edited. Error: `history-step` outside 0 … length. */
  at(k: number): FunctionGraph {
    if (!Number.isInteger(k) || k < 0 || k > this.length) {
      fail("value", "history-step", { what: `The history has no step ${k}.`, fix: `ask for a step of 0 … ${this.length}` });
    }
    while (this.#position < k) this.#move(this.steps[this.#position]?.patches ?? [], 1);
    while (this.#position > k) this.#move(this.steps[this.#position - 1]?.inverse ?? [], -1);
    const g = new FunctionGraph();
    g.tables = this.#tables;
    return g;
  }

  /** One step on; null at the end. */
  forward(): Step | null {
    const step = this.steps[this.#position] ?? null;
    if (step !== null) this.at(this.#position + 1);
    return step;
  }

  /** One step back; null at the start. Gives the step undone. */
  back(): Step | null {
    const step = this.steps[this.#position - 1] ?? null;
    if (step !== null) this.at(this.#position - 1);
    return step;
  }

  /** The graph after `k` steps as one line. */
  text(k: number): string {
    const g = this.at(k);
    return printGraph(g.tables.outputs.map((o) => g.view(o)), g.tables.inputs.map((i) => g.view(i)));
  }

  /** Plain data. Scan bodies and arrays of more than 16 elements keep only their description: what comes back can be shown, not run. */
  toJSON(): HistoryJson {
    const before = this.#position;
    const { tables } = this.at(0);
    this.at(before);
    return encodeHistory(tables, this.steps);
  }

  static fromJSON(json: HistoryJson): History {
    const { tables, steps } = decodeHistory(json);
    const end = steps.reduce((t, s) => applyPatches(t, [...s.patches]), tables);
    return new History(end, steps);
  }

  #move(patches: readonly Patch[], by: 1 | -1): void {
    this.#tables = applyPatches(this.#tables, [...patches]);
    this.#position += by;
  }
}

/** Collects steps while the engine runs. */
export class Recorder {
  readonly #steps: Step[] = [];

  add(change: Change, what: { readonly rule: string; readonly phase: string; readonly line: string }): void {
    this.#steps.push({ ...what, patches: change.patches, inverse: change.inverse });
  }

  history(g: FunctionGraph): History {
    return new History(g.tables, this.#steps);
  }
}
