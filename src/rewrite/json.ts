/**
 * Histories as plain data: table rows with their ops, types, origins and leaves by name. Read back they can be printed and walked; ops that
 * are not registered become empty records of that name. Must not know rules.
 */
import type { Patch } from "immer";
import { allocate, sizeOf, toDType } from "../codegen/ir/dtype.js";
import { FrozenGraph, type ApplyNode, type Tables, type VarNode } from "../graph/function_graph.js";
import { Op, type Params } from "../graph/op.js";
import { Origin } from "../graph/origin.js";
import { TensorType } from "../graph/types.js";
import { Constant, SharedVariable, Variable } from "../graph/variable.js";
import { NdArray } from "../numpy/ndarray.js";
import { allOps } from "../ops/define.js";
import { impossible } from "../util/fail.js";
import type { Step } from "./history.js";
import { printParams } from "./print.js";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
interface PatchJson { readonly op: Patch["op"]; readonly path: readonly (string | number)[]; readonly value?: Json }
interface StepJson { readonly rule: string; readonly phase: string; readonly line: string; readonly patches: readonly PatchJson[]; readonly inverse: readonly PatchJson[] }
export interface HistoryJson { readonly format: "damo-history-1"; readonly tables: { readonly [key: string]: Json }; readonly steps: readonly StepJson[] }

const KEPT = 16;

const isRecord = (v: unknown): v is Readonly<Record<string, unknown>> => typeof v === "object" && v !== null;
const isVarNode = (v: unknown): v is VarNode => isRecord(v) && "leaf" in v && "type" in v;
const isApplyNode = (v: unknown): v is ApplyNode => isRecord(v) && "op" in v && "params" in v;

function encodeLeaf(v: Variable): Json {
  if (v instanceof SharedVariable) return { kind: "shared" };
  if (!(v instanceof Constant)) return { kind: "input" };
  const { value } = v;
  return { kind: "constant", shape: [...value.shape], data: value.size > KEPT ? null : Array.from(value.data, (x) => (Number.isFinite(x) && !Object.is(x, -0) ? x : Object.is(x, -0) ? "-0" : String(x))) };
}

function encodeRow(v: unknown): Json {
  if (isVarNode(v)) {
    const { id, type, owner, index, name, origin, leaf } = v;
    return { row: "var", id, dtype: type.dtype, broadcastable: [...type.broadcastable], owner, index, name, origin: String(origin), leaf: leaf === null ? null : encodeLeaf(leaf) };
  }
  if (isApplyNode(v)) return { row: "apply", id: v.id, op: v.op.name, params: encodeParams(v.params), inputs: [...v.inputs], outputs: [...v.outputs] };
  if (Array.isArray(v)) return v.map((x) => x as number);
  return v === undefined ? null : impossible(`history cannot write ${String(v)}`);
}

const encodeParams = (params: Params): Json =>
  Object.fromEntries(Object.entries(params).map(([k, v]) => [k, v instanceof FrozenGraph ? `body ${printParams({ [k]: v })}` : (JSON.parse(JSON.stringify(v) ?? "null") as Json)]));

const encodePatch = (p: Patch): PatchJson => ({ op: p.op, path: p.path as (string | number)[], ...(p.op === "remove" ? {} : { value: encodeRow(p.value) }) });

export function encodeHistory(tables: Tables, steps: readonly Step[]): HistoryJson {
  const rows = (m: ReadonlyMap<number, unknown>): Json => [...m].map(([k, v]) => [k, encodeRow(v)]);
  return {
    format: "damo-history-1",
    tables: { vars: rows(tables.vars), applies: rows(tables.applies), consumers: rows(tables.consumers), inputs: [...tables.inputs], outputs: [...tables.outputs] },
    steps: steps.map((s) => ({ rule: s.rule, phase: s.phase, line: s.line, patches: s.patches.map(encodePatch), inverse: s.inverse.map(encodePatch) })),
  };
}

/** Rows met again (in later patches) come back as the same leaf. */
class Decoder {
  readonly #leaves = new Map<number, Variable>();
  readonly #ops = new Map(allOps().map((op) => [op.name, op]));

  row(json: Json | undefined): unknown {
    if (json === undefined || json === null || typeof json !== "object" || Array.isArray(json)) return json;
    const row = json as { readonly [key: string]: Json };
    return row.row === "var" ? this.#var(row) : this.#apply(row);
  }

  #var(row: { readonly [key: string]: Json }): VarNode {
    const id = row.id as number;
    const type = new TensorType(toDType(row.dtype as string), row.broadcastable as readonly boolean[]);
    const name = row.name as string | null;
    const origin = new Origin({ stack: `at\n at (${String(row.origin)})` });
    const leaf = row.leaf === null ? null : (this.#leaves.get(id) ?? this.#leaf(row.leaf as { readonly [key: string]: Json }, type, name));
    if (leaf !== null) this.#leaves.set(id, leaf);
    return { id, type, owner: row.owner as number | null, index: row.index as number, name, origin, leaf };
  }

  #leaf(json: { readonly [key: string]: Json }, type: TensorType, name: string | null): Variable {
    if (json.kind === "input") return new Variable(type, { name });
    const shape = (json.shape ?? type.broadcastable.map(() => 1)) as readonly number[];
    const data = allocate(type.dtype, sizeOf(shape));
    ((json.data ?? []) as readonly (number | string)[]).forEach((x, i) => {
      data[i] = Number(x);
    });
    const value = new NdArray(data, shape, type.dtype);
    return json.kind === "shared" ? new SharedVariable(value, { name, broadcastable: type.broadcastable }) : new Constant(value, { name, broadcastable: type.broadcastable });
  }

  #apply(row: { readonly [key: string]: Json }): ApplyNode {
    const name = row.op as string;
    const op = this.#ops.get(name) ?? new Op({ name, doc: "", infer: () => [], shape: () => [], lower: { kind: "loop" }, reference: () => [], samples: [] });
    this.#ops.set(name, op);
    return { id: row.id as number, op, params: row.params as Params, inputs: row.inputs as number[], outputs: row.outputs as number[] };
  }
}

export function decodeHistory(json: HistoryJson): { readonly tables: Tables; readonly steps: readonly Step[] } {
  const d = new Decoder();
  const rows = <T>(name: string): Map<number, T> => new Map((json.tables[name] as readonly (readonly [number, Json])[]).map(([k, v]) => [k, d.row(v) as T]));
  const patch = (p: PatchJson): Patch => ({ op: p.op, path: [...p.path], ...(p.op === "remove" ? {} : { value: d.row(p.value) }) });
  const tables: Tables = {
    vars: rows("vars"), applies: rows("applies"), consumers: rows("consumers"),
    inputs: json.tables.inputs as number[], outputs: json.tables.outputs as number[],
  };
  return { tables, steps: json.steps.map((s) => ({ ...s, patches: s.patches.map(patch), inverse: s.inverse.map(patch) })) };
}
