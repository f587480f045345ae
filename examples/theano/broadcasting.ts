/**
 * Theano's page "Broadcasting" (doc/tutorial/broadcasting.txt): `node dist/examples/theano/broadcasting.js`.
 */
import { compile, config, numpy as np, T } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

const r = T.row();
console.log(r.broadcastable); // [ true, false ]
const mtr = T.matrix();
console.log(mtr.broadcastable); // [ false, false ]
const fRow = compile([r, mtr], [r.add(mtr)]);
const R = np.arange(3).reshape([1, 3]);
console.log(R); // [[0 1 2]]
const M = np.arange(9).reshape([3, 3]);
console.log(M);
// [[0 1 2]
//  [3 4 5]
//  [6 7 8]]
const [rowSum] = await fRow(R, M);
console.log(rowSum);
// [[ 0.  2.  4.]
//  [ 3.  5.  7.]
//  [ 6.  8. 10.]]

const c = T.col();
console.log(c.broadcastable); // [ false, true ]
const fCol = compile([c, mtr], [c.add(mtr)]);
const C = np.arange(3).reshape([3, 1]);
console.log(C);
// [[0]
//  [1]
//  [2]]
const [colSum] = await fCol(C, M);
console.log(colSum);
// [[ 0.  1.  2.]
//  [ 4.  5.  6.]
//  [ 8.  9. 10.]]
