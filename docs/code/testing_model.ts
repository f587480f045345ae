/** A model: its gradient against finite differences, its values on devices, and its training step call after call. */
import { grad, shared, T, type Variable } from "damo";
import { array, backendParity, functionParity, isDeterministic, verifyGrad } from "damo/testing";

const devices = ["reference", "wasm"];
const cost = (x: Variable, w: Variable): Variable => T.nnet.softplus(T.dot(x, w).neg()).mean();
const points = [[[1, 2], [-0.5, 0.3]], [0.1, -0.2]];

verifyGrad((x, w) => cost(x as Variable, w as Variable), points);
await backendParity((x, w) => cost(x as Variable, w as Variable), points, { devices });
await backendParity((x, w) => grad(cost(x as Variable, w as Variable), w as Variable), points, { devices, feed: "shared" });

const w = shared([0.1, -0.2], { name: "w", dtype: "float32" });
const x = T.fmatrix("x");
const step = { inputs: [x], values: [array("float32", [2, 2], [1, 2, -0.5, 0.3])], outputs: [cost(x, w)], updates: [[w, w.sub(grad(cost(x, w), w).mul(0.5))]] as const, calls: 4 };
await functionParity(step, { devices });
console.log(await isDeterministic(step, { device: "wasm", runs: 3 })); // true
