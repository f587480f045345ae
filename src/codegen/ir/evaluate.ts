/**
 * Evaluates expressions over plan scalars on the host: launch scalars, loop counts, rows, guards.
 * Must not know graphs or devices. Used by executables that walk a plan step by step.
 */
import { impossible } from "../../util/fail.js";
import { castScalar } from "./dtype.js";
import { type Expr, postorder } from "./expr.js";
import { evalPrim } from "./prims.js";

/** The value of an expression made of constants, plan scalars and primitives. */
export function evaluate(e: Expr, scalars: readonly number[]): number {
  if (e.kind === "const") return e.value;
  if (e.kind === "scalar") return scalars[e.id] as number;
  const value = new Map<Expr, number>();
  for (const x of postorder([e])) {
    switch (x.kind) {
      case "const": value.set(x, x.value); break;
      case "scalar": value.set(x, scalars[x.id] as number); break;
      case "cast": value.set(x, castScalar(value.get(x.arg) as number, x.dtype)); break;
      case "prim": value.set(x, castScalar(evalPrim(x.prim, x.args.map((a) => value.get(a) as number), x.dtype), x.dtype)); break;
      default: impossible(`a host scalar cannot read ${x.kind}`);
    }
  }
  return value.get(e) as number;
}

export type HostScalar = (scalars: readonly number[]) => number;

/** The same as a closure, for what is computed at every launch. */
export function hostScalar(e: Expr): HostScalar {
  switch (e.kind) {
    case "const": return () => e.value;
    case "scalar": return (scalars) => scalars[e.id] as number;
    case "cast": {
      const arg = hostScalar(e.arg);
      return (scalars) => castScalar(arg(scalars), e.dtype);
    }
    case "prim": {
      const args = e.args.map(hostScalar);
      return (scalars) => castScalar(evalPrim(e.prim, args.map((a) => a(scalars)), e.dtype), e.dtype);
    }
    default: return impossible(`a host scalar cannot read ${e.kind}`);
  }
}
