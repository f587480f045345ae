/**
 * Host scalars of a plan as closures: the same values as `evaluate`, without walking the expression at every call.
 * Must not know kernels or memory. Used by the reference's executable and, for guards, by compile's program.ts.
 */
import { impossible } from "../../util/fail.js";
import { castScalar } from "./dtype.js";
import type { Expr } from "./expr.js";
import { evalPrim } from "./prims.js";

export type HostScalar = (scalars: readonly number[]) => number;

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
