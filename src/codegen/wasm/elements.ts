/**
 * Writes a kernel's expressions at a point of its domain: loads, primitives, stores, for one element or four neighbours. Every node is written
 * once, before the outermost loop in which it does not change. Must not know loops or passes. Used by kernels.ts and gemm.ts.
 */
import type { Expr } from "../ir/expr.js";
import type { Kernel } from "../ir/kernel.js";
import type { PassParams } from "./code.js";
import type { Value } from "./lanes.js";
import type { Func } from "./wat.js";

/** Where expressions are evaluated. */
export interface Point {
  /** The i32 text of each domain axis (of the lane axis: the first of the four). Variables, not expressions. */
  readonly axes: readonly string[];
  /** Likewise for each axis of the reduction, where it is open. */
  readonly reds?: readonly string[];
  /** The axis along which four neighbours lie; null for one element. */
  readonly lane: { readonly kind: "axis" | "red"; readonly axis: number } | null;
  /** The finished reduction, in an epilogue; variables. */
  readonly acc?: Value;
}

export declare class Elements {
  constructor(fn: Func, kernel: Kernel, params: PassParams, library: Map<string, string>);
  /** The value of a term or result, in variables or constants. Four lanes where `lane` is given and it differs among them, else one. */
  value(e: Expr, point: Point): Value;
  /** One element as four equal ones, where it is one. */
  widen(v: Value): Value;
  /** Evaluates all results at a point and stores them. */
  storeResults(point: Point): void;
}
