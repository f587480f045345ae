/**
 * Polynomials by Horner's rule, of elements of kernels and of numbers. Must not know any op.
 */
import type { Expr } from "../codegen/ir/expr.js";
import { element } from "./element.js";

/** c[0] + c[1] x + … of an element. */
export const polynomial = (x: Expr, c: readonly number[]): Expr => c.slice(0, -1).reduceRight<Expr>((sum, a) => element.add(element.mul(sum, x), a), element.constant(c.at(-1) as number, x.dtype));
/** The same of a number. */
export const horner = (x: number, c: readonly number[]): number => c.reduceRight((sum, a) => sum * x + a, 0);
