/** Gradients that only sum over the steps leave the loop: those of weights as products, those of biases as sums of a stack, with the same values. */
import { expect, test } from "vitest";
import { compile, grad, type NdArray, scan, T, type Variable } from "../../src/index.js";

const loopOf = (plan: string): string => plan.split("\n").filter((line, i, all) => line.startsWith("  ") && all.slice(0, i).some((l) => l.startsWith("loop"))).join("\n");

test.each(["matrix", "vector"])("the bias of a recurrent %s", async (rank) => {
  const [x, h0] = rank === "matrix" ? [T.dtensor3("x"), T.dmatrix("h0")] : [T.dmatrix("x"), T.dvector("h0")];
  const [W, b] = [T.dmatrix("W"), T.dvector("b")];
  const [h] = scan({ fn: (row: Variable, before: Variable) => T.tanh(T.dot(before, W).add(row).add(b)), sequences: x, outputsInfo: h0 });
  const gradients = grad(h.get(-1).sum(), [W, b]);
  const xs = Array.from({ length: 4 }, (_, t) => [[t / 10, 0.2], [-t / 5, 0.3], [0.1, t / 7]]);
  const values = rank === "matrix" ? [xs, [[0, 0.1], [0.2, 0], [0.3, 0]]] : [xs.map((m) => m[0]), [0, 0.1]];
  const call = async (mode: "fast_run" | "none") => {
    const f = compile([x, h0, W, b], gradients, { device: "reference", mode });
    const got = await f(...(values as [number[][], number[][]]), [[0.5, -0.3], [0.2, 0.1]], [0.05, -0.05]);
    return { got: got.map((g) => [...(g as NdArray).data]), loop: loopOf(f.explain().plan) };
  };
  const [fast, plain] = [await call("fast_run"), await call("none")];
  fast.got.forEach((g, i) => g.forEach((v, k) => expect(v).toBeCloseTo(plain.got[i]?.[k] as number, 12)));
  // What remains in the loops: the forward state and its row, the cotangent and its product with W.
  expect(fast.loop.match(/= launch/g)).toHaveLength(4);
});
