/** Theano's names of theano.tensor.slinalg, as `T.slinalg`. Each function's file says what it does. */
export { Cholesky, cholesky } from "./cholesky.js";
export { eigvalsh } from "./eigen.js";
export { expm } from "./expm.js";
export { kron } from "./kron.js";
export { Solve, solve, solveLowerTriangular, solveSymmetric, solveTriangular, solveUpperTriangular } from "./solve.js";
