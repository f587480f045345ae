/** The references of incSubtensor counted bools to 2; NumPy's `a[i] += b` and the kernels give True. Found by a generated graph, seed 101. */
import { expect, test } from "vitest";
import { T } from "damo";
import { interpret } from "../../src/autodiff/interpret.js";
import { backendParity } from "damo/testing";

test("True added to True is True", async () => {
  const x = T.constant([true, false, true], { dtype: "bool" });
  const yes = T.constant(true, { dtype: "bool" });
  for (const y of [T.incSubtensor(x.get(0), yes), T.incSubtensor(x.get([0, 1]), yes)]) {
    expect(interpret([y])[0]!.data[0]).toBe(1);
    await backendParity({ inputs: [], values: [], outputs: [y] }, { devices: ["reference"] });
  }
});
