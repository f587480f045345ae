/**
 * `damo/testing`: property tests of graphs, ops, rewrites and devices, on fast-check. What damo tests itself with, for users' own models.
 *
 *     import fc from "fast-check";
 *     import "damo";
 *     import { backendParity, checkOp, graphs, verifyGrad } from "damo/testing";
 *
 *     // A model's step is the same on every device that can be had, as written and rewritten:
 *     await backendParity((x, w) => T.nnet.softmax(T.dot(x, w)), [x, w]);
 *     // Its gradient agrees with finite differences:
 *     verifyGrad((x) => T.log(T.exp(x).sum()), [[0.1, 0.2, 0.3]]);
 *     // An op that you defined keeps its promises:
 *     await checkOp(myOp);
 *     // Any graph:
 *     await fc.assert(fc.asyncProperty(graphs(), (g) => backendParity(g)));
 *
 * A failing property prints fast-check's seed and path, and the smallest failing graph as TypeScript that rebuilds it.
 */
export { verifyGrad, type VerifyGradOptions } from "../autodiff/verify.js";
export { checkOp, type CheckOpOptions } from "./check_op.js";
export { checkRewrite, type CheckRewriteOptions } from "./check_rewrite.js";
export { expressions, GeneratedGraph, type GraphOptions, graphs } from "./graphs.js";
export { availableDevices, backendParity, isDeterministic, type Mode, type ParityGraph, type ParityOptions } from "./parity.js";
export { functionParity } from "./function_parity.js";
export { functions, GeneratedFunction, type TestFunction } from "./functions.js";
export { applyOp, array, body, constantOf, input, sharedOf } from "./rebuild.js";
export { snippet, type TestGraph, type Update } from "./snippet.js";
export type { Kind } from "./steps.js";
export { type ArrayOptions, arrays, type ShapeOptions, shapes } from "./values.js";
