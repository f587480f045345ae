/** Theano's names of theano.tensor.nlinalg, as `T.nlinalg`. Each function's file says what it does. */
export { allocDiag, diag, diagonal as extractDiag, trace } from "./diagonal.js";
export { eig, eigh } from "./eigen.js";
export { det, matrixInverse, matrixPower, pinv } from "./inverse.js";
export { norm } from "./kron.js";
export { matrixDot } from "./matrix_op.js";
export { qr } from "./qr.js";
export { tensorinv, tensorsolve } from "./solve.js";
export { svd } from "./svd.js";
