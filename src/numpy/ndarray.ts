/**
 * NdArray: a dense row-major array on the host. What calls take and give, what constants hold, what the references compute with.
 * Must not know graphs or devices.
 */
import { allocate, castScalar, type DType, formatType, sizeOf, type TypedArray } from "../codegen/ir/dtype.js";
import { fail } from "../util/fail.js";
import { arrayText } from "./array_text.js";

/** Nested arrays of numbers or booleans, as literals are written. */
export type Nested = number | boolean | readonly Nested[];
export type Shape = readonly number[];
/** Whatever a call accepts as an array. */
export type ArrayLike = Nested | TypedArray | NdArray;

export { sizeOf };

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let s = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = s;
    s *= shape[i] as number;
  }
  return strides;
}

/**
 * A dense array: `shape`, `dtype` and row-major `data`. What calls take and give; `toArray()` for nested JS arrays, `item()` for one element.
 * The constructor throws `array-size` where shape and data do not agree; the data is not copied.
 */
export class NdArray {
  readonly shape: Shape;
  readonly dtype: DType;
  /** Row-major elements, `sizeOf(shape)` of them; bool as 0/1 bytes. */
  readonly data: TypedArray;

  constructor(data: TypedArray, shape: Shape, dtype: DType) {
    if (data.length !== sizeOf(shape)) {
      fail("value", "array-size", { what: `An array of shape (${shape.join(", ")}) needs ${sizeOf(shape)} elements, got ${data.length}.`, fix: "pass as many elements as the shape says" });
    }
    this.data = data;
    this.shape = [...shape];
    this.dtype = dtype;
  }

  get ndim(): number {
    return this.shape.length;
  }

  get size(): number {
    return this.data.length;
  }

  /** The only element, as a JS number (boolean for bool). Throws `item-size` unless there is exactly one. */
  item(): number | boolean {
    if (this.size !== 1) fail("value", "item-size", { what: `item() needs exactly one element, this is ${this}.`, fix: "index or reduce the array first" });
    const x = this.data[0] as number;
    return this.dtype === "bool" ? x !== 0 : x;
  }

  /** Nested JS arrays of numbers (booleans for bool). */
  toArray(): Nested {
    const strides = stridesOf(this.shape);
    const build = (axis: number, offset: number): Nested => {
      if (axis === this.ndim) return this.dtype === "bool" ? this.data[offset] !== 0 : (this.data[offset] as number);
      return Array.from({ length: this.shape[axis] as number }, (_, i) => build(axis + 1, offset + i * (strides[axis] as number)));
    };
    return build(0, 0);
  }

  /** A copy in another dtype (`castScalar` on each element). */
  astype(dtype: DType): NdArray {
    const out = allocate(dtype, this.size);
    for (let i = 0; i < out.length; i++) out[i] = castScalar(this.data[i] as number, dtype);
    return new NdArray(out, this.shape, dtype);
  }

  /** The same elements under another shape of the same size; no copy. */
  reshape(shape: Shape): NdArray {
    return new NdArray(this.data, shape, this.dtype);
  }

  copy(): NdArray {
    return new NdArray(this.data.slice(), this.shape, this.dtype);
  }

  /** A 2-d array with its axes swapped (a copy); others as they are read backwards, as NumPy's `.T`. */
  get T(): NdArray {
    const shape = [...this.shape].reverse();
    const out = allocate(this.dtype, this.size);
    const from = stridesOf(this.shape).reverse();
    const index = new Array<number>(shape.length).fill(0);
    for (let i = 0; i < out.length; i++) {
      let at = 0;
      for (let a = 0; a < shape.length; a++) at += (index[a] as number) * (from[a] as number);
      out[i] = this.data[at] as number;
      for (let a = shape.length - 1; a >= 0; a--) {
        index[a] = (index[a] as number) + 1;
        if ((index[a] as number) < (shape[a] as number)) break;
        index[a] = 0;
      }
    }
    return new NdArray(out, shape, this.dtype);
  }

  toString(): string {
    return formatType(this.dtype, this.shape);
  }

  /** What `console.log` prints in Node: the elements, as NumPy prints them. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return arrayText(this.data, this.shape, this.dtype);
  }

  static zeros(shape: Shape, dtype: DType): NdArray {
    return new NdArray(allocate(dtype, sizeOf(shape)), shape, dtype);
  }

  static scalar(x: number | boolean, dtype: DType): NdArray {
    const data = allocate(dtype, 1);
    data[0] = castScalar(Number(x), dtype);
    return new NdArray(data, [], dtype);
  }
}

/** The shape of a nested literal; throws `ragged` when rows differ in length. */
export function nestedShape(value: Nested): number[] {
  if (!Array.isArray(value)) return [];
  const rows = value as readonly Nested[];
  const first = rows.length > 0 ? nestedShape(rows[0] as Nested) : [];
  for (const row of rows) {
    const shape = nestedShape(row);
    if (shape.length !== first.length || shape.some((d, i) => d !== first[i])) {
      fail("value", "ragged", { what: "A nested array has rows of different shapes.", saw: [`first row: (${first.join(", ")})`, `another: (${shape.join(", ")})`], fix: "give every row the same length" });
    }
  }
  return [rows.length, ...first];
}

/** The leaves of a nested literal in row-major order. */
export function nestedLeaves(value: Nested, out: (number | boolean)[] = []): (number | boolean)[] {
  if (Array.isArray(value)) for (const row of value as readonly Nested[]) nestedLeaves(row, out);
  else out.push(value as number | boolean);
  return out;
}
