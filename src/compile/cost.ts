/**
 * What computing an element costs, in units of one multiplication, as fusion weighs it. Index arithmetic is not counted.
 * Must not know graphs.
 */
import { children, type Expr, postorder } from "../codegen/ir/expr.js";
import type { Prim } from "../codegen/ir/prims.js";

const HEAVY: ReadonlySet<Prim> = new Set<Prim>(["exp", "log", "log1p", "expm1", "sin", "cos", "tan", "asin", "acos", "atan", "tanh", "sigmoid", "softplus", "erf", "pow", "mrgNext1", "mrgNext2"]);
const MIDDLE: ReadonlySet<Prim> = new Set<Prim>(["div", "sqrt", "mod", "floorDiv", "roundHalfEven"]);

/** Whether an element is read at a position that is itself read: rows by their indices. */
export function gathers(root: Expr): boolean {
  const loads = (roots: readonly Expr[]): Expr[] => postorder(roots).filter((e) => e.kind === "load");
  return loads([root]).some((e) => loads(children(e)).length > 0);
}

export interface Cost {
  /** Arithmetic per element; 0 for views, constants and conversions. */
  readonly work: number;
  /** Distinct expression nodes. */
  readonly nodes: number;
  /** Distinct buffers read. */
  readonly buffers: ReadonlySet<number>;
}

export function costOf(root: Expr): Cost {
  const buffers = new Set<number>();
  const seen = new Set<Expr>();
  let work = 0;
  const stack: { e: Expr; counted: boolean }[] = [{ e: root, counted: true }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { e, counted } = top;
    if (seen.has(e)) continue;
    seen.add(e);
    if (e.kind === "load") buffers.add(e.buffer);
    if (counted && e.kind === "prim") work += HEAVY.has(e.prim) ? 10 : MIDDLE.has(e.prim) ? 3 : 1;
    for (const k of children(e)) stack.push({ e: k, counted: counted && e.kind !== "load" });
  }
  return { work, nodes: seen.size, buffers };
}
