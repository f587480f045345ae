/** Element expressions for the ops that testing.test.ts defines. */
import { type Expr, prim } from "../../src/codegen/ir/expr.js";

export const neg = (x: Expr): Expr => prim("neg", x);
export const add = (x: Expr, y: Expr): Expr => prim("add", x, y);
