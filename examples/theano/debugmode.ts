/**
 * Theano's page "debugmode" (doc/library/compile/debugmode.txt), and the same in "Configuration Settings and Compiling Modes"
 * (doc/tutorial/modes.txt): `node dist/examples/theano/debugmode.js`. damo's mode has no settings such as `check_c_code`: it always compares all.
 */
import { compile, config, T } from "damo";

config.floatX = "float64"; // Theano's default
if (config.device === "auto") config.device = "wasm"; // GPUs have no float64

{
  const x = T.dscalar("x");

  const f = compile([x], T.mul(10, x), { mode: "debug" });

  console.log(await f(5)); // 50
  console.log(await f(0)); // 0
  console.log(await f(7)); // 70
}

// Using DebugMode
{
  const x = T.dvector("x");

  const f = compile([x], T.mul(10, x), { mode: "debug" });

  console.log(await f([5])); // [50.]
  console.log(await f([0])); // [0.]
  console.log(await f([7])); // [70.]
}
