/**
 * Theano's page "nanguardmode" (doc/library/compile/nanguardmode.txt), to which "Dealing with NaNs" (doc/tutorial/nan_tutorial.txt) leads:
 * `node dist/examples/theano/nanguardmode.js`.
 */
import { compile, config, NanGuardMode, numpy as np, shared, T } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

const x = T.matrix();
const w = shared(new np.random.RandomState(1).randn(5, 7).astype(config.floatX));
const y = T.dot(x, w);
const fun = compile([x], y, { mode: new NanGuardMode({ nanIsError: true, infIsError: true, bigIsError: true }) });

const infa = np.full([3, 5], 100 ** 1000000);
await fun(infa).catch((error) => console.log(`${error}`));
// ValueError: inf in <anonymous>: float64[?,?], an input of the function.
//   made at: …nanguardmode.…
//   float64[3,5]
//   what to do: look for 0 / 0, …
//   [nan-guard]
