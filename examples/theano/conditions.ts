/**
 * Theano's page "Conditions" (doc/tutorial/conditions.txt): `node dist/examples/theano/conditions.js`.
 * The page's linkers have no counterpart: ifelse is lazy on every device, as the plans of the two functions show. Its matrices are ten times as long.
 */
import { compile, config, ifelse, numpy as np, T } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

const [a, b] = T.scalars("a", "b");
const [x, y] = T.matrices("x", "y");

const zSwitch = T.switch(T.lt(a, b), T.mean(x), T.mean(y));
const zLazy = ifelse(T.lt(a, b), T.mean(x), T.mean(y));

const fSwitch = compile([a, b, x, y], zSwitch);
const fLazyifelse = compile([a, b, x, y], zLazy);

const val1 = 0;
const val2 = 1;
const bigMat1 = np.ones([1000, 1000]);
const bigMat2 = np.ones([1000, 1000]);

const nTimes = 10;

let tic = performance.now();
for (let i = 0; i < nTimes; i++) await fSwitch(val1, val2, bigMat1, bigMat2);
console.log(`time spent evaluating both values ${((performance.now() - tic) / 1000).toFixed(6)} sec`); // time spent evaluating both values … sec

tic = performance.now();
for (let i = 0; i < nTimes; i++) await fLazyifelse(val1, val2, bigMat1, bigMat2);
console.log(`time spent evaluating one value ${((performance.now() - tic) / 1000).toFixed(6)} sec`); // time spent evaluating one value … sec

const sums = (plan: string): number => plan.split("= sum").length - 1;
console.log(sums(fSwitch.explain().plan), sums(fLazyifelse.explain().plan)); // 2 1
