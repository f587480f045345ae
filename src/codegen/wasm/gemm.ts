/**
 * Products of matrices and vectors with whatever epilogue. Float32 operands accumulate in float32 and float64 in float64, as BLAS does and
 * Theano's dot with it. The order in which an element adds its terms follows from the product's shape and strides alone: not from tiles,
 * packing, skipped zeros or threads. Must not know plans. Used by kernels.ts and module.ts.
 */
import type { Features, KernelCode } from "./code.js";
import { PanelWriter, sourceOf } from "./gemm_panels.js";
import type { Product } from "./gemm_product.js";
import { machineOf } from "./gemm_text.js";
import { isUpdate, UpdateWriter } from "./gemm_update.js";

export { type Product, productOf } from "./gemm_product.js";

export interface ProductOptions {
  /** How many products of one call read a buffer parameter with the same contents. */
  readonly uses: (param: number) => number;
}

export function productCode(p: Product, id: string, features: Features, { uses }: ProductOptions): KernelCode {
  if (isUpdate(p, features)) return new UpdateWriter(p, id, features).code();
  return new PanelWriter(p, id, features, sourceOf(p, machineOf(p.dtype, features), uses(p.columns.param))).code();
}
