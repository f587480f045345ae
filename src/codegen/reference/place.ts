/**
 * Writes expression graphs as JavaScript statements: every node once, in the outermost loop where its value is known (hoisting), and inside
 * the branch of the `select` that alone needs it (laziness). Must not know which loops there are. Used by render.ts.
 */
import { children, type Expr, type PrimExpr, postorder } from "../ir/expr.js";
import { rangeOf } from "../ir/index.js";
import { impossible } from "../../util/fail.js";
import { varName } from "./lower.js";
import { asWhole, castJs, JS, literal, primJs, type Row } from "./prims.js";

/** A block of the text: statements and the names they define, then blocks inside it. */
export interface Scope {
  /** `for (…)`, or null for statements that only come after the earlier blocks of the parent. */
  readonly header: string | null;
  readonly lines: string[];
  readonly names: Map<Expr, string>;
  readonly inner: Scope[];
}

export const scope = (header: string | null): Scope => ({ header, lines: [], names: new Map(), inner: [] });

export function scopeLines(s: Scope, pad: string): string[] {
  const deep = s.header === null ? pad : `${pad}  `;
  const body = [...s.lines.map((l) => deep + l), ...s.inner.flatMap((i) => scopeLines(i, deep))];
  return s.header === null ? body : [`${pad}${s.header} {`, ...body, `${pad}}`];
}

/** The way from the function's body to where results are needed, and the loop variables (and `acc`) that each scope introduces. */
export interface Chain {
  readonly scopes: readonly Scope[];
  readonly depthOf: ReadonlyMap<string, number>;
  /** Text of the finished accumulator. */
  readonly accumulator: string;
}

/** One side of a `select`; null is outside of any. */
interface Branch { readonly owner: Expr; readonly side: 1 | 2; readonly parent: Branch | null; readonly depth: number; readonly lines: string[] }

export interface Namer { next: number }

/** Adds the statements that the roots need to the chain's scopes and gives the text of each root, as a number, for use in its last scope. */
export function placeExprs(roots: readonly Expr[], chain: Chain, indexNodes: ReadonlySet<Expr>, namer: Namer): string[] {
  const order = postorder(roots);
  const depths = findDepths(order, chain);
  const { branches, counts, hoisted } = findUses(order, roots, depths, chain.scopes.length - 1, indexNodes);
  const texts = new Map<Expr, string>();
  for (const e of order) {
    const at = chain.scopes[depths.get(e) as number] as Scope;
    const known = chain.scopes.slice(0, (depths.get(e) as number) + 1).find((s) => s.names.has(e))?.names.get(e);
    if (known !== undefined) {
      texts.set(e, known);
      continue;
    }
    const branch = branches.get(e) ?? null;
    const lines = branch ? branch.lines : at.lines;
    const text = nodeText(e, texts, chain, indexNodes, () => branchesOf(branches, e));
    const needsName = children(e).length > 0 && ((counts.get(e) ?? 0) > 1 || (branch === null && hoisted.has(e)) || text.length > MAX_TEXT);
    if (typeof text === "string" && !needsName) {
      texts.set(e, text);
      continue;
    }
    const name = `${indexNodes.has(e) ? "p" : "t"}${namer.next++}`;
    lines.push(...(typeof text === "string" ? [`const ${name} = ${bare(text)};`] : text(name)));
    texts.set(e, name);
    if (branch === null) at.names.set(e, name);
  }
  return roots.map((r) => texts.get(r) as string);
}

function findDepths(order: readonly Expr[], chain: Chain): Map<Expr, number> {
  const depths = new Map<Expr, number>();
  for (const e of order) {
    const own = e.kind === "axis" || e.kind === "red" ? (chain.depthOf.get(varName(e)) ?? 0) : e.kind === "acc" ? (chain.depthOf.get("acc") ?? 0) : 0;
    depths.set(e, children(e).reduce((d, k) => Math.max(d, depths.get(k) as number), own));
  }
  return depths;
}

interface Uses {
  readonly branches: ReadonlyMap<Expr, Branch | null>;
  readonly counts: ReadonlyMap<Expr, number>;
  /** Nodes with a user in a deeper loop. */
  readonly hoisted: ReadonlySet<Expr>;
}

/** Walks from users to used: how often, from how deep, and under which branch all users are. */
function findUses(order: readonly Expr[], roots: readonly Expr[], depths: ReadonlyMap<Expr, number>, last: number, indexNodes: ReadonlySet<Expr>): Uses {
  const branches = new Map<Expr, Branch | null>();
  const counts = new Map<Expr, number>();
  const hoisted = new Set<Expr>();
  const use = (e: Expr, branch: Branch | null, depth: number): void => {
    counts.set(e, (counts.get(e) ?? 0) + 1);
    branches.set(e, branches.has(e) ? common(branches.get(e) ?? null, branch) : branch);
    if ((depths.get(e) as number) < depth) hoisted.add(e);
  };
  const loadFree = findLoadFree(order);
  for (const r of roots) use(r, null, last);
  for (let n = order.length - 1; n >= 0; n--) {
    const e = order[n] as Expr;
    if (indexNodes.has(e) && loadFree.has(e)) branches.set(e, null);
    const outer = branches.get(e) ?? null;
    const lazy = e.kind === "prim" && e.prim === "select";
    children(e).forEach((k, i) => {
      use(k, lazy && i > 0 ? { owner: e, side: i === 1 ? 1 : 2, parent: outer, depth: (outer?.depth ?? 0) + 1, lines: [] } : outer, depths.get(e) as number);
    });
  }
  return { branches: canonical(branches), counts, hoisted };
}

function findLoadFree(order: readonly Expr[]): Set<Expr> {
  const free = new Set<Expr>();
  for (const e of order) if (e.kind !== "load" && e.kind !== "acc" && children(e).every((k) => free.has(k))) free.add(e);
  return free;
}

const sameBranch = (a: Branch, b: Branch): boolean => a.owner === b.owner && a.side === b.side;

/** The innermost branch around both. */
function common(a: Branch | null, b: Branch | null): Branch | null {
  let x = a;
  let y = b;
  while (x && y && !sameBranch(x, y)) {
    if (x.depth >= y.depth) x = x.parent;
    else y = y.parent;
  }
  return x && y ? x : null;
}

/** One object per branch, so that its statements gather in one place. */
function canonical(branches: ReadonlyMap<Expr, Branch | null>): Map<Expr, Branch | null> {
  const made = new Map<Expr, Branch[]>();
  const out = new Map<Expr, Branch | null>();
  for (const [e, b] of branches) {
    if (!b) {
      out.set(e, null);
      continue;
    }
    const list = made.get(b.owner) ?? [];
    made.set(b.owner, list);
    const found = list.find((x) => x.side === b.side);
    if (!found) list.push(b);
    out.set(e, found ?? b);
  }
  return out;
}

/** Statements of both sides of a select. */
function branchesOf(branches: ReadonlyMap<Expr, Branch | null>, select: Expr): [string[], string[]] {
  const lines: [string[], string[]] = [[], []];
  for (const b of new Set(branches.values())) if (b?.owner === select) lines[b.side - 1] = b.lines;
  return lines;
}

/** Longer texts get a name: easier to read, and no expression nests deeper than a JS parser goes. */
const MAX_TEXT = 160;

type Text = string | ((name: string) => string[]);

function nodeText(e: Expr, texts: ReadonlyMap<Expr, string>, chain: Chain, indexNodes: ReadonlySet<Expr>, sides: () => [string[], string[]]): Text {
  const of = (k: Expr): string => texts.get(k) as string;
  switch (e.kind) {
    case "const": return literal(e.value);
    case "axis":
    case "red": return chain.depthOf.has(varName(e)) ? varName(e) : "0";
    case "scalar": return `s${e.id}`;
    case "acc": return e.dtype === "bool" || e.dtype === "int32" ? asWhole(chain.accumulator, e.dtype) : chain.accumulator;
    case "load": return `b${e.buffer}[${bare(of(e.index[0] ?? impossible("a load without index")))}]`;
    case "cast": return castJs(of(e.arg), e.dtype);
    case "prim": return primText(e, of, indexNodes, sides);
  }
}

function primText(e: PrimExpr, of: (k: Expr) => string, indexNodes: ReadonlySet<Expr>, sides: () => [string[], string[]]): Text {
  if (indexNodes.has(e)) return `(${e.args.map(of).join(e.prim === "add" ? " + " : " * ")})`;
  const [x, y] = e.args;
  if ((e.prim === "mod" || e.prim === "floorDiv") && e.dtype === "int32" && y?.kind === "const" && y.value > 0 && x && rangeOf(x).min >= 0) {
    return e.prim === "mod" ? `(${of(x)} % ${y.value})` : `(${of(x)} / ${y.value} | 0)`;
  }
  const row: Row = JS[e.prim];
  const args = e.args.map((a, i) => (i < row.conditions ? condition(of(a)) : of(a)));
  if (e.prim !== "select") return primJs(e.prim, args, e.dtype);
  const [then, otherwise] = sides();
  if (then.length + otherwise.length === 0) return primJs(e.prim, args, e.dtype);
  return (name) => [
    `let ${name};`,
    `if (${bare(args[0] as string)}) {`, ...then.map((l) => `  ${l}`), `  ${name} = ${bare(args[1] as string)};`,
    "} else {", ...otherwise.map((l) => `  ${l}`), `  ${name} = ${bare(args[2] as string)};`, "}",
  ];
}

const TESTED = " ? 1 : 0)";

/** A numeric text as a JS boolean; what was a test before stays one. */
function condition(text: string): string {
  const test = text.slice(1, -TESTED.length);
  return text.endsWith(TESTED) && balanced(test) ? test : `(${text} !== 0)`;
}

/** Whether no parenthesis closes one that was opened before the text. */
function balanced(text: string): boolean {
  let depth = 0;
  for (const c of text) {
    if (c === "(") depth++;
    else if (c === ")" && --depth < 0) return false;
  }
  return depth === 0;
}

/** Without the parentheses around the whole. */
export function bare(text: string): string {
  const inside = text.slice(1, -1);
  return text.startsWith("(") && text.endsWith(")") && balanced(inside) ? inside : text;
}
