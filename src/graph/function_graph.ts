/**
 * FunctionGraph: one function's graph as flat id tables, so that edits are small and can be recorded as patches.
 * Only edit.ts writes it. Rules read it through `view`: ordinary Variables whose owners follow the tables.
 * FrozenGraph: a closed, immutable graph used as a value (scan bodies). Must not know any op.
 */
import { toposort } from "../util/order.js";
import { impossible } from "../util/fail.js";
import { type Op, type Params, paramsKey } from "./op.js";
import type { Origin } from "./origin.js";
import type { TensorType } from "./types.js";
import { Apply, Constant, Variable } from "./variable.js";

export type VarId = number;
export type ApplyId = number;

export interface VarNode {
  readonly id: VarId;
  readonly type: TensorType;
  readonly owner: ApplyId | null;
  readonly index: number;
  readonly name: string | null;
  readonly origin: Origin;
  /** The input, constant or shared variable it stands for; null for results of applies. */
  readonly leaf: Variable | null;
}

export interface ApplyNode {
  readonly id: ApplyId;
  readonly op: Op;
  readonly params: Params;
  readonly inputs: readonly VarId[];
  readonly outputs: readonly VarId[];
}

export interface Tables {
  readonly vars: Map<VarId, VarNode>;
  readonly applies: Map<ApplyId, ApplyNode>;
  /** Applies that read each variable. */
  readonly consumers: Map<VarId, readonly ApplyId[]>;
  readonly inputs: readonly VarId[];
  outputs: readonly VarId[];
}

/** A result of an apply, seen through the tables: its owner is whatever makes it now. */
class View extends Variable {
  readonly #graph: FunctionGraph;
  readonly #node: VarNode;

  constructor(graph: FunctionGraph, node: VarNode) {
    super(node.type, { index: node.index, name: node.name, origin: node.origin });
    this.#graph = graph;
    this.#node = node;
  }

  override get owner(): Apply | null {
    return this.#graph.viewApply(this.#node.owner as ApplyId);
  }
}

export class FunctionGraph {
  tables: Tables = { vars: new Map(), applies: new Map(), consumers: new Map(), inputs: [], outputs: [] };
  readonly #views = new Map<VarId, Variable>();
  readonly #ids = new Map<Variable, VarId>();
  readonly #applies = new Map<ApplyId, { readonly node: ApplyNode; readonly view: Apply }>();
  #next = 0;

  /** A fresh id, for edit.ts. */
  newId(): number {
    return this.#next++;
  }

  var(id: VarId): VarNode {
    return this.tables.vars.get(id) ?? impossible(`no variable ${id} in the graph`);
  }

  apply(id: ApplyId): ApplyNode {
    return this.tables.applies.get(id) ?? impossible(`no apply ${id} in the graph`);
  }

  consumersOf(id: VarId): readonly ApplyId[] {
    return this.tables.consumers.get(id) ?? [];
  }

  /** The id of a variable that the graph has; undefined for one still to be imported. */
  idOf(v: Variable): VarId | undefined {
    const id = this.#ids.get(v);
    return id !== undefined && this.tables.vars.has(id) ? id : undefined;
  }

  /** Remembers which table row a variable stands for; for edit.ts. */
  bind(v: Variable, id: VarId): void {
    this.#ids.set(v, id);
  }

  /** The variable as rules see it. */
  view(id: VarId): Variable {
    const known = this.#views.get(id);
    if (known) return known;
    const node = this.var(id);
    const made = node.leaf ?? new View(this, node);
    this.#views.set(id, made);
    this.#ids.set(made, id);
    return made;
  }

  viewApply(id: ApplyId): Apply {
    const node = this.apply(id);
    const known = this.#applies.get(id);
    if (known?.node === node) return known.view;
    const made = new Apply(node.op, node.params, node.inputs.map((i) => this.view(i)), () => node.outputs.map((o) => this.view(o)));
    this.#applies.set(id, { node, view: made });
    return made;
  }

  /** Applies that the outputs need, each after those it reads. */
  order(): ApplyNode[] {
    const owners = (ids: readonly VarId[]): ApplyId[] => ids.flatMap((v) => this.var(v).owner ?? []);
    return toposort(owners(this.tables.outputs), (a) => owners(this.apply(a).inputs)).map((a) => this.apply(a));
  }
}

/** A closed graph as a value: every leaf but constants is one of `inputs`. Equal graphs have equal keys. */
export class FrozenGraph {
  readonly inputs: readonly Variable[];
  readonly outputs: readonly Variable[];
  readonly key: string;

  constructor(inputs: readonly Variable[], outputs: readonly Variable[]) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.key = graphKey(inputs, outputs);
  }
}

/** Applies that the outputs need, each after those it reads; for graphs of Variables. */
export const appliesOf = (outputs: readonly Variable[]): Apply[] =>
  toposort(outputs.flatMap((v) => v.owner ?? []), (a) => a.inputs.flatMap((v) => v.owner ?? []));

/** Text equal for graphs that differ only in object identity and names. */
export function graphKey(inputs: readonly Variable[], outputs: readonly Variable[]): string {
  const label = new Map<Variable, string>();
  inputs.forEach((v, i) => label.set(v, `x${i}:${v.type}`));
  const of = (v: Variable): string => {
    const known = label.get(v);
    if (known !== undefined) return known;
    if (!(v instanceof Constant)) return impossible(`a frozen graph uses ${v}, which is not among its inputs`);
    const text = `${v.type}{${v.value.shape.join(",")}|${[...v.value.data].map((x) => (Object.is(x, -0) ? "-0" : String(x))).join(",")}}`;
    label.set(v, text);
    return text;
  };
  const lines = appliesOf(outputs).map((a, n) => {
    const text = `${a.op.name}${paramsKey(a.params)}(${a.inputs.map(of).join(",")})`;
    a.outputs.forEach((o) => label.set(o, `n${n}.${o.index}`));
    return text;
  });
  return [`${inputs.map((v) => v.type).join(",")}`, ...lines, outputs.map(of).join(",")].join(";");
}
