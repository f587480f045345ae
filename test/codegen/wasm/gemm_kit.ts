/** Kernels that are products, as compile makes them, and their codes on a memory of their own; for tests of products. */
import { type DType, type FloatDType, type TypedArray } from "../../../src/codegen/ir/dtype.js";
import { acc, axis, cast, type Expr, load, prim, redAxis, scalar } from "../../../src/codegen/ir/expr.js";
import { iadd, imul, int } from "../../../src/codegen/ir/index.js";
import { type BoundKernel, type BufferType, closeKernel } from "../../../src/codegen/ir/kernel.js";
import type { KernelCode } from "../../../src/codegen/wasm/code.js";
import { instantiate, memoryOf } from "./run_code.js";

export interface ProductSpec {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly dtype?: FloatDType;
  /** Whether an operand is read transposed. */
  readonly turned?: { readonly left?: boolean; readonly right?: boolean };
  /** The left operand begins at row s0 of a longer buffer. */
  readonly offset?: number;
  /** Operands are every so many elements of longer buffers, or run backwards (-1): the left one along k, the right one along k and along its columns. */
  readonly steps?: { readonly left: number; readonly down: number; readonly along: number };
  /** Of the sum (slot 0 is left, 1 right, 2 a matrix like the result, 3 a vector of columns). */
  readonly epilogue?: (sum: Expr, at: { readonly i: Expr; readonly j: Expr; readonly matrix: Expr; readonly vector: Expr }) => Expr;
}

/** left · right, summed as compile does. */
export function productKernel(s: ProductSpec): BoundKernel {
  const dtype = s.dtype ?? "float32";
  const [i, j, k] = [axis(0, s.rows), axis(1, s.columns), redAxis(0, s.depth)];
  const shifted = s.offset === undefined ? null : scalar(0, "int32");
  const move = (e: Expr): Expr => (shifted ? iadd(e, shifted) : e);
  const longer = s.offset ?? 0;
  const { left: stepLeft, down, along } = s.steps ?? { left: 1, down: 1, along: 1 };
  const [deepLeft, deep, wide] = [s.depth * Math.abs(stepLeft), s.depth * Math.abs(down), s.columns * Math.abs(along)];
  const stepped = (e: Expr, by: number, extent: number): Expr => (by < 0 ? iadd(imul(e, int(by)), int(-by * (extent - 1))) : imul(e, int(by)));
  const types: BufferType[] = [
    { dtype, shape: s.turned?.left ? [deepLeft + longer, s.rows] : [s.rows + longer, deepLeft] },
    { dtype, shape: s.turned?.right ? [wide, deep] : [deep, wide] },
    { dtype, shape: [s.rows, s.columns] }, { dtype, shape: [s.columns] },
  ];
  const kLeft = stepped(k, stepLeft, s.depth);
  const [kRight, jRight] = [stepped(k, down, s.depth), stepped(j, along, s.columns)];
  const left = load(0, dtype, s.turned?.left ? [move(kLeft), i] : [move(i), kLeft]);
  const right = load(1, dtype, s.turned?.right ? [jRight, kRight] : [kRight, jRight]);
  const sum = cast(acc("float64"), dtype);
  const result = s.epilogue ? s.epilogue(sum, { i, j, matrix: load(2, dtype, [i, j]), vector: load(3, dtype, [j]) }) : sum;
  return closeKernel([s.rows, s.columns], { op: "sum", extents: [s.depth], dtype: "float64", term: cast(prim("mul", left, right), "float64") }, [result], (b) => types[b] as BufferType);
}

/** The same over three axes of which the first is shared: a batch of products. */
export function batchedKernel(batch: number, rows: number, columns: number, depth: number): BoundKernel {
  const [b, i, j, k] = [axis(0, batch), axis(1, rows), axis(2, columns), redAxis(0, depth)];
  const types: BufferType[] = [{ dtype: "float32", shape: [batch, rows, depth] }, { dtype: "float32", shape: [batch, depth, columns] }];
  const term = cast(prim("mul", load(0, "float32", [b, i, k]), load(1, "float32", [b, k, j])), "float64");
  return closeKernel([batch, rows, columns], { op: "sum", extents: [depth], dtype: "float64", term }, [cast(acc("float64"), "float32")], (n) => types[n] as BufferType);
}

/** A sum over `steps` blocks of `depth` terms, the blocks of the left operand read backwards: what the gradient of a recurrent weight is. */
export function backwardKernel(steps: number, depth: number, rows: number, columns: number): BoundKernel {
  const [i, j, k] = [axis(0, rows), axis(1, columns), redAxis(0, steps * depth)];
  const [block, rest] = [prim("floorDiv", k, int(depth)), prim("mod", k, int(depth))];
  const types: BufferType[] = [{ dtype: "float32", shape: [steps, depth, rows] }, { dtype: "float32", shape: [steps, depth, columns] }];
  const left = load(0, "float32", [iadd(imul(block, int(-1)), int(steps - 1)), rest, i]);
  const term = cast(prim("mul", left, load(1, "float32", [block, rest, j])), "float64");
  return closeKernel([rows, columns], { op: "sum", extents: [steps * depth], dtype: "float64", term }, [cast(acc("float64"), "float32")], (n) => types[n] as BufferType);
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
const bytesOf = (d: DType): number => (d === "float64" ? 8 : d === "bool" ? 1 : 4);

/** `run` makes packings and runs the passes, `again` the passes only. */
export interface Loaded { readonly run: () => void; readonly again: () => void; readonly results: () => TypedArray[] }

/** How a code is run: its units one by one from the last, results in the place of an input where the code allows it. */
export interface Manner { readonly backwards?: boolean; readonly inPlace?: boolean }

/** A code's functions over a memory that holds the inputs; memory around every buffer holds NaNs. */
export function loadCode(
  code: KernelCode, inputs: readonly { readonly type: BufferType; readonly data: TypedArray }[], outputs: readonly BufferType[], scalars: readonly number[] = [], manner: Manner = {},
): Loaded {
  let top = 4096;
  const place = (bytes: number): number => {
    const at = top;
    top = Math.ceil((top + bytes + 128) / 64) * 64;
    return at;
  };
  const bytes = (t: BufferType): number => sizeOf(t.shape) * bytesOf(t.dtype);
  const at = inputs.map(({ type }) => place(bytes(type)));
  const results = outputs.map((t, n) => (manner.inPlace ? at[code.inPlace[n]?.[0] ?? -1] : undefined) ?? place(bytes(t)));
  const packings = code.packings.map((p) => place(p.bytes));
  const [scratch, own] = [place(code.scratch), place(code.own)];
  const memory = memoryOf(top + 4096);
  new Uint8Array(memory.buffer).fill(0xff);
  const view = (t: BufferType, from: number, data: TypedArray): TypedArray => Reflect.construct(data.constructor, [memory.buffer, from, sizeOf(t.shape)]) as TypedArray;
  inputs.forEach(({ type, data }, n) => view(type, at[n] as number, data).set(data));
  const passes = [...code.packings.map((p) => p.pass), ...code.passes];
  const exports = instantiate([...code.library.values(), ...passes.map((p) => p.text)], passes.map((p) => p.name), memory);
  const call = (name: string, units: number, rest: readonly number[]): void => {
    const f = exports[name.slice(1)] as (...args: readonly number[]) => number;
    if (!manner.backwards) f(0, units, ...rest);
    else for (let u = units - 1; u >= 0; u--) f(u, u + 1, ...rest);
  };
  const again = (): void => {
    for (const p of code.passes) call(p.name, p.units, [...at, ...results, ...scalars, ...packings, scratch, own]);
  };
  const run = (): void => {
    code.packings.forEach((p, n) => call(p.pass.name, p.pass.units, [at[p.param] as number, packings[n] as number]));
    again();
  };
  const empty = (t: BufferType): TypedArray => (t.dtype === "float64" ? new Float64Array() : t.dtype === "float32" ? new Float32Array() : t.dtype === "int32" ? new Int32Array() : new Uint8Array());
  return { run, again, results: () => outputs.map((t, n) => view(t, results[n] as number, empty(t)).slice()) };
}
