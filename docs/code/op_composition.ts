/** Ops made of other ops: a function, and a graph with a gradient of its own. */
import { compile, grad, type NdArray, OpFromGraph, T, type Variable } from "damo";
import { array, backendParity, verifyGrad } from "damo/testing";

/** x^2 / 2 near 0, |x| - 1/2 away from it (Huber 1964). Nothing to define: its gradient, shapes and kernels follow from its parts. */
const huber = (x: Variable): Variable => T.switch(x.abs().lt(1), x.sqr().mul(0.5), x.abs().sub(0.5));

const devices = ["reference", "wasm"];
verifyGrad((x) => huber(x), [[-2, -0.5, 0.25, 3]]);
await backendParity((x) => huber(x as Variable), [[-2, -0.5, 0.25, 3]], { devices });

// Rounds forwards and lets gradients through, so that what is behind it can learn (Bengio, Leonard and Courville 2013).
const v = T.fvector("v");
const straightThrough = OpFromGraph([v], [T.round(v)], { gradOverrides: (_inputs, [g]) => g as Variable });

const x = T.fvector("x");
const y = straightThrough(x.mul(3)) as Variable;
await backendParity({ inputs: [x], values: [array("float32", [2], [0.4, -0.7])], outputs: [y, grad(y.sum(), x)] }, { devices });

const [rounded, slope] = await compile<[NdArray, NdArray]>([x], [y, grad(y.sum(), x)], { device: "wasm" })([0.4, -0.7]);
console.log(rounded.toArray()); // [ 1, -2 ]
console.log(slope.toArray()); // [ 3, 3 ]
console.log((await compile<NdArray>([x], huber(x), { device: "wasm" })([-2, 0.5])).toArray()); // [ 1.5, 0.125 ]
