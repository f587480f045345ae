/**
 * Kernel -> passes of WAT: chooses the writer. Must not know plans. Next: module.ts puts the passes of a plan together.
 */
import type { Kernel } from "../ir/kernel.js";
import type { Features, KernelCode } from "./code.js";
import { mapCode } from "./map.js";
import { mrgAdvance } from "./mrg_advance.js";
import { productCode, type ProductOptions, productOf } from "./gemm.js";
import { reduceCode } from "./reduce.js";
import { scatterCode, scatterOf } from "./scatter.js";
import { windowCode } from "./window_panels.js";
import { windowsOf } from "./window_product.js";

/** `id` makes the names of functions unique. */
export function kernelCode(kernel: Kernel, id: string, features: Features, options: ProductOptions): KernelCode {
  if (kernel.reduction === null) return mrgAdvance(kernel, id, features) ?? mapCode(kernel, id, features);
  const scatter = scatterOf(kernel);
  if (scatter) return scatterCode(scatter, id, features);
  const windows = features.simd ? windowsOf(kernel) : null;
  if (windows) return windowCode(windows, id, features);
  const product = productOf(kernel);
  return product ? productCode(product, id, features, options) : reduceCode(kernel, id, features);
}
