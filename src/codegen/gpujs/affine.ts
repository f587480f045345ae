/**
 * Element positions as sums: coefficient x axis + coefficient x reduction axis + opaque terms + constant. With them axes that are walked
 * alike merge into one, and a load inside a loop becomes a pointer that steps. Must not know gpu.js.
 * Next: shape.ts merges axes, emit.ts makes pointers.
 */
import { type Expr, type PrimExpr } from "../ir/expr.js";

export interface Affine {
  /** Coefficient of each domain axis. */
  readonly axes: ReadonlyMap<number, number>;
  /** Coefficient of each reduction axis. */
  readonly reds: ReadonlyMap<number, number>;
  /** Everything else that varies: scalars, divisions, loads. */
  readonly opaque: readonly { readonly coefficient: number; readonly factor: Expr }[];
  readonly constant: number;
}

const add = (m: Map<number, number>, key: number, c: number): void => {
  const total = (m.get(key) ?? 0) + c;
  if (total === 0) m.delete(key);
  else m.set(key, total);
};

/** Decomposes an integer expression. Products of two unknowns stay whole, as opaque terms. */
export function affine(e: Expr): Affine {
  const axes = new Map<number, number>();
  const reds = new Map<number, number>();
  const opaque: { coefficient: number; factor: Expr }[] = [];
  let constant = 0;
  const walk = (x: Expr, c: number): void => {
    if (x.kind === "const") constant += c * x.value;
    else if (x.kind === "axis") add(axes, x.axis, c);
    else if (x.kind === "red") add(reds, x.axis, c);
    else if (x.kind === "prim" && x.prim === "neg") walk(x.args[0] as Expr, -c);
    else if (x.kind === "prim" && (x.prim === "add" || x.prim === "sub")) {
      walk(x.args[0] as Expr, c);
      walk(x.args[1] as Expr, x.prim === "add" ? c : -c);
    } else if (x.kind === "prim" && x.prim === "mul" && constantArg(x) !== null) {
      const { value, other } = constantArg(x) as { value: number; other: Expr };
      walk(other, c * value);
    } else opaque.push({ coefficient: c, factor: x });
  };
  walk(e, 1);
  return { axes, reds, opaque, constant };
}

/** The constant factor of a product and the other one, if one is constant. */
function constantArg(e: PrimExpr): { value: number; other: Expr } | null {
  const [a, b] = e.args as readonly [Expr, Expr];
  if (b.kind === "const") return { value: b.value, other: a };
  if (a.kind === "const") return { value: a.value, other: b };
  return null;
}
