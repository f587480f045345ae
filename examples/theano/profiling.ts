/**
 * Theano's page "Profiling Theano function" (doc/tutorial/profiling.txt), its example: `node dist/examples/theano/profiling.js`.
 * Left out: the flags, of which `DAMO_FLAGS=profile=1` is one. Where kernels are timed and not ops, the summary says so.
 */
import { compile, config, numpy as np, ProfileStats, T } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

const profile = new ProfileStats();
const [x, y, z] = T.vectors("x", "y", "z");
const f = compile([x, y, z], [x.add(y).add(z).mul(2)], { profile, name: "f" });
const random = new np.random.RandomState(1);
const xv = random.uniform({ size: 10 }).astype(config.floatX);
const yv = random.uniform({ size: 10 }).astype(config.floatX);
const zv = random.uniform({ size: 10 }).astype(config.floatX);
await f(xv, yv, zv);
console.log(profile.summary());
// Function profiling
// ==================
//   Message: f
//   Time in 1 calls: …s
//   Time in kernels or applies: …s (…%)
//   Total compile time: …s
// …
// Class
// ---
// <% time>  <sum %>       <time> <time per call> <#call> <#apply>  <Class name>
//   100.0%   100.0%…elementwise
//
// Ops
// ---
// <% time>  <sum %>       <time> <time per call> <#call> <#apply>  <Op name>
// …
// Apply
// ---
// <% time>  <sum %>       <time> <time per call> <#call> <#apply>  <Apply name>
// …mul(…) at …profiling.…
// Lines
// ---
// …
// Memory
// ---
// …
