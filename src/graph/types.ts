/**
 * TensorType: a dtype and static broadcast flags. Lengths are unknown until the first call; only "this axis has length 1 and
 * broadcasts" is part of a type, as in Theano. Must not know variables.
 */
import { type DType, formatType, isFloat } from "../codegen/ir/dtype.js";

export class TensorType {
  readonly dtype: DType;
  /** One flag per axis: true means the axis has length 1 and stretches against other lengths. */
  readonly broadcastable: readonly boolean[];

  constructor(dtype: DType, broadcastable: readonly boolean[]) {
    this.dtype = dtype;
    this.broadcastable = [...broadcastable];
  }

  get ndim(): number {
    return this.broadcastable.length;
  }

  get isFloat(): boolean {
    return isFloat(this.dtype);
  }

  /** Same dtype and same broadcast flags: what updates and givens must have. */
  equals(other: TensorType): boolean {
    return this.dtype === other.dtype && this.samePattern(other);
  }

  samePattern(other: TensorType): boolean {
    return this.ndim === other.ndim && this.broadcastable.every((b, i) => b === other.broadcastable[i]);
  }

  withDType(dtype: DType): TensorType {
    return dtype === this.dtype ? this : new TensorType(dtype, this.broadcastable);
  }

  /** `float32[?,1]`; with a concrete shape, `float32[784,1]`. */
  toString(): string {
    return formatType(this.dtype, this.broadcastable.map((b) => (b ? 1 : null)));
  }
}

/** A type of `ndim` axes none of which broadcasts. */
export const tensorType = (dtype: DType, ndim: number): TensorType => new TensorType(dtype, new Array<boolean>(ndim).fill(false));
