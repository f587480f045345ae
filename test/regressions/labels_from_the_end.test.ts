/** Negative labels count from the end, as indices do, also where a rule makes softmax(x)[arange(n), y] a pick per row, which read outside. Found by random graphs. */
import { expect, test } from "vitest";
import { compile, grad, type NdArray, T } from "damo";

const X = [[0.5, -1, 2], [1, 0.25, -0.5]];
const softmax = X.map((row) => row.map((v) => Math.exp(v) / row.reduce((s, w) => s + Math.exp(w), 0)));

test.each(["reference", "wasm", "gpu:cpu"])("a crossentropy of labels from the end on %s", async (device) => {
  const [x, y] = [T.fmatrix("x"), T.ivector("y")];
  const cost = T.log(T.nnet.softmax(x)).get(T.arange(y.shape[0]!), y).neg();
  for (const mode of ["none", "fast_run"] as const) {
    const f = compile([x, y], [cost, grad(cost.sum(), x)], { device, mode });
    const [costs, gradient] = (await f(X, [-1, -3])) as [NdArray, NdArray];
    [softmax[0]![2]!, softmax[1]![0]!].forEach((p, i) => { expect(costs.data[i]).toBeCloseTo(-Math.log(p), 5); });
    softmax.forEach((row, i) => row.forEach((p, k) => { expect(gradient.data[3 * i + k]).toBeCloseTo(p - Number(k === [2, 0][i]), 5); }));
  }
});

test("constant labels of one row", async () => {
  const x = T.row("x", { dtype: "float32" });
  const f = compile([x], T.nnet.softmax(x).get(T.constant([0], { dtype: "int32" }), T.constant([-2], { dtype: "int32" })), { device: "wasm" });
  expect(((await f([[0, Math.log(3)]])) as NdArray).data[0]).toBeCloseTo(0.25, 6);
});

test("no kernel reads outside: labels beyond the row read its last class on devices, and are an error where values are looked at", async () => {
  const [x, y] = [T.fmatrix("x"), T.ivector("y")];
  const pick = T.nnet.softmax(x).get(T.arange(y.shape[0]!), y);
  expect(((await compile([x, y], pick, { device: "wasm" })(X, [3, 1 << 30])) as NdArray).data[1]).toBeCloseTo(softmax[1]![2]!, 6);
  await expect(compile([x, y], pick, { mode: "debug" })(X, [3, 0])).rejects.toThrow("out of bounds: position 3");
});
