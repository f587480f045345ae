/** A step whose kept output is a loop's result wrote nothing into the outer loop's rows. Found by the parity suite's scan in a scan. */
import { expect, test } from "vitest";
import { compile, type NdArray, scan, T, type Variable } from "damo";

test.each(["reference", "gpu:cpu"])("a scan in a scan keeps all steps of both on %s", async (device) => {
  const x = T.fmatrix("x");
  const inner = (row: Variable): Variable => scan({ sequences: row, outputsInfo: T.constant(0, { dtype: "float32" }), fn: (e: Variable, s: Variable) => s.add(e) })[0];
  const [y] = scan({ sequences: x, outputsInfo: null, fn: inner });
  for (const mode of ["none", "fast_run"] as const) {
    expect(((await compile([x], y, { device, mode })([[1, 2, 3], [4, 5, 6]])) as NdArray).toArray()).toEqual([[1, 3, 6], [4, 9, 15]]);
  }
});
