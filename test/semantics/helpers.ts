/** What tests of Theano's semantics share: values of expressions, and the codes of what is refused. */
import { type ArrayLike, compile, DamoError, NdArray, type SharedVariable, type Variable } from "../../src/index.js";

const device = "reference";
const plain = (x: unknown): unknown => (x instanceof NdArray ? x.toArray() : x);

/** The value of an expression whose inputs are given beside it, from kernels of the reference device. */
export async function computed(v: Variable, given: readonly (readonly [Variable, ArrayLike])[] = []): Promise<unknown> {
  const f = compile(given.map(([x]) => x), v, { device, onUnusedInput: "ignore" });
  return plain(await f(...given.map(([, value]) => value)));
}

export const itemOf = async (v: SharedVariable): Promise<unknown> => plain((await v.getValue()).item());

/** The code of the error that a graph or a call ends with. */
export async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (e) {
    return e instanceof DamoError ? e.code : String(e);
  }
  return "no error";
}
