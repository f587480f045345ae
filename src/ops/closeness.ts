/**
 * Whether floats are equal but for rounding (theano/tensor/basic.py isclose, allclose), and the two halves of a division. Plain compositions.
 */
import type { Variable } from "../graph/variable.js";
import type { Operand } from "./define.js";
import { abs, add, and_, eq, floorDiv, isnan, le, mod, mul, or_, sub } from "./elementwise.js";
import { all } from "./reduce.js";

export interface CloseOptions {
  /** Relative to |b|: 1e-5 by default. */
  readonly rtol?: number | undefined;
  /** 1e-8 by default. */
  readonly atol?: number | undefined;
  /** Whether NaN is close to NaN. */
  readonly equalNan?: boolean | undefined;
}

/** |a - b| <= atol + rtol |b|, elementwise, as bool; infinities are close to themselves. */
export function isclose(a: Operand, b: Operand, { rtol = 1e-5, atol = 1e-8, equalNan = false }: CloseOptions = {}): Variable {
  // An infinite b makes the bound infinite.
  const near = and_(le(abs(sub(a, b)), add(mul(rtol, abs(b)), atol)), le(abs(b), Number.MAX_VALUE));
  const close = or_(eq(a, b), near);
  return equalNan ? or_(close, and_(isnan(a), isnan(b))) : close;
}

/** Whether all elements are close, 0-d bool. */
export const allclose = (a: Operand, b: Operand, options: CloseOptions = {}): Variable => all(isclose(a, b, options));

/** `[a // b, a % b]`. */
export const divmod = (a: Operand, b: Operand): [Variable, Variable] => [floorDiv(a, b), mod(a, b)];
