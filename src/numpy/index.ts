/**
 * The functions that tutorials call as `np.…` on host arrays, gathered under NumPy's names (RandomState joins them in src/index.ts).
 * Must not know graphs, random states or devices.
 */
export { argsort, concatenate, diag, diagonal, hstack, ravel, reshape, sort, stack, take, transpose, vstack } from "./arrange.js";
export { asarray } from "./convert.js";
export { arange, array, type DTypeOption, eye, float32, float64, full, int32, linspace, ones, onesLike, shapeOf, type Size, zeros, zerosLike } from "./create.js";
export {
  abs, add, allclose, arrayEqual, broadcastShapes, broadcastTo, ceil, cos, divide, equal, exp, floor, greater, isnan, less, log, maximum, minimum, multiply,
  negative, notEqual, power, round, sign, sin, sqrt, square, subtract, tanh, type Tolerance, where,
} from "./elementwise.js";
export { dot, matmul, outer } from "./linalg.js";
export { type ArrayLike, NdArray, type Nested, type Shape } from "./ndarray.js";
export { argmax, argmin, type AxisOptions, cumsum, max, mean, min, prod, std, sum, variance as var } from "./reduce.js";

export const pi = Math.PI;
export const e = Math.E;
export const inf = Number.POSITIVE_INFINITY;
export const nan = Number.NaN;
