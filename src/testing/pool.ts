/**
 * What a graph under construction has to offer: its variables, their values, and how far the values move when everything computed is disturbed
 * a little. A new variable is admitted only if it is finite and well conditioned, so whatever a float32 device gives for it can be judged.
 * Must not know how ops are chosen (steps.ts).
 */
import { interpret } from "../autodiff/interpret.js";
import { type FloatDType, isFloat } from "../codegen/ir/dtype.js";
import type { Variable } from "../graph/variable.js";
import { NdArray } from "../numpy/ndarray.js";
import { seededUniform } from "../ops/samples.js";

/** Each float result of a disturbed evaluation is off by up to this, relatively and absolutely. */
export const DISTURBANCE = 1e-4;
/** Disturbed evaluations. Each misses a jump that lies within the disturbance with probability 1/2. */
const DISTURBED = 3;
/** A variable whose disturbed values are off by more is ill conditioned (or jumps nearby). */
const TAME = 0.02;
const LARGEST = 1e4;
const MOST_ELEMENTS = 256;

export interface Entry {
  readonly v: Variable;
  /** In float64. */
  readonly value: NdArray;
  /** Largest deviation of a disturbed evaluation. */
  readonly drift: number;
}

export class Pool {
  readonly entries: Entry[] = [];
  readonly dtype: FloatDType;
  readonly #known = new Map<Variable, NdArray>();
  readonly #disturbed = Array.from({ length: DISTURBED }, () => new Map<Variable, NdArray>());
  readonly #uniform: () => number;

  constructor(dtype: FloatDType, seed: number) {
    this.dtype = dtype;
    this.#uniform = seededUniform(seed);
  }

  /** Adds an input with its value, or a shared variable with the one it has. */
  add(v: Variable, value: NdArray): void {
    this.#keep(v, value, this.#disturbed.map(() => value));
  }

  #keep(v: Variable, value: NdArray, others: readonly NdArray[]): void {
    const elements = Array.from(value.data);
    const drift = others.reduce((d, o) => elements.reduce((m, x, i) => Math.max(m, Math.abs((o.data[i] as number) - x)), d), 0);
    this.#known.set(v, value);
    others.forEach((o, k) => this.#disturbed[k]?.set(v, o));
    this.entries.push({ v, value, drift });
  }

  entry(v: Variable): Entry | undefined {
    return this.entries.find((e) => e.v === v);
  }

  #disturb(x: NdArray): NdArray {
    if (!isFloat(x.dtype)) return x;
    return new NdArray(Float64Array.from(x.data, (e) => e + DISTURBANCE * (2 * this.#uniform() - 1) * Math.max(1, Math.abs(e))), x.shape, "float64");
  }

  /** Takes a variable made of the pool's, if its value can be relied on; gives whether it did. */
  admit(v: Variable): boolean {
    if (this.#known.has(v)) return true;
    if (isFloat(v.dtype) && v.dtype !== this.dtype) return false;
    const value = interpret([v], this.#known, { exactDTypes: false })[0] as NdArray;
    const bounded = value.size <= MOST_ELEMENTS && value.data.every((x) => Math.abs(x) <= LARGEST);
    if (!bounded) return false;
    const others = this.#disturbed.map((env) => interpret([v], env, { exactDTypes: false })[0] as NdArray);
    if (others.some((o) => o.size !== value.size)) return false;
    const tame = (x: number, i: number): boolean => others.every((o) => Math.abs((o.data[i] as number) - x) <= (isFloat(v.dtype) ? TAME * Math.max(1, Math.abs(x)) : 0));
    if (!value.data.every(tame)) return false;
    this.#keep(v, value, others.map((o) => this.#disturb(o)));
    return true;
  }
}
