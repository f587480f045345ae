/** What a port of a Theano program relies on: gradients and indexing (traps 12 to 18). */
import { expect, test } from "vitest";
import { compile, DisconnectedInputError, grad, NullTypeGradError, RandomStreams, slice, T, type Variable } from "../../src/index.js";
import { codeOf, computed } from "./helpers.js";

const device = "reference";
const slopes = (build: (x: Variable) => Variable, at: readonly number[]): Promise<unknown> => {
  const x = T.dvector("x");
  return computed(grad(build(x).sum(), x), [[x, at]]);
};

test("trap 12: // has a gradient of zero", async () => {
  expect(await slopes((x) => x.pow(2).floorDiv(3).add(x), [1, 2])).toEqual([1, 1]);
});

test("trap 13: ties: every maximum has the gradient; maximum gives it to its first input, relu half of it, abs none, clip passes it at the bounds", async () => {
  expect(await slopes((x) => x.max(), [3, 1, 3])).toEqual([1, 0, 1]);
  expect(await slopes((x) => T.maximum(x, 0), [-1, 0, 1])).toEqual([0, 1, 1]);
  expect(await slopes((x) => T.nnet.relu(x), [-1, 0, 1])).toEqual([0, 0.5, 1]);
  expect(await slopes((x) => x.abs(), [-1, 0, 1])).toEqual([-1, 0, 1]);
  expect(await slopes((x) => T.clip(x, -1, 1), [-2, -1, 0, 1, 2])).toEqual([0, 1, 1, 1, 0]);
  const [v, m] = [T.dvector("v"), T.dmatrix("m")];
  expect(await computed(T.argmax(v), [[v, [1, 3, 3]]])).toBe(1);
  expect(await computed(grad(T.signal.pool.pool2d(m, [2, 2]).sum(), m), [[m, [[5, 1], [5, 5]]]])).toEqual([[1, 0], [1, 1]]);
  // The slope at 0 goes to x and none to the constant.
  const c = T.dscalar("c");
  expect(await computed(grad(T.maximum(v, c).sum(), c), [[v, [0, -1]], [c, 0]])).toBe(1);
});

test("trap 14: gradients are floats, of the variable's dtype where that is one", async () => {
  const [i, f, d] = [T.iscalar("i"), T.fscalar("f"), T.dscalar("d")];
  expect(grad(i, i).dtype).toBe("float32");
  expect(await computed(grad(i, i), [[i, 5]])).toBe(1);
  expect(grad(f.mul(d), f).dtype).toBe("float32");
});

test("trap 15: the cost is 0-d; lists come back as lists; disconnected and undefined gradients are errors; knownGrads needs no cost", async () => {
  const [x, y] = [T.dvector("x"), T.dvector("y")];
  expect(() => grad(x, x)).toThrow("cost must be a scalar");
  expect(grad(x.sum(), x)).not.toBeInstanceOf(Array);
  expect(grad(x.sum(), [x])).toHaveLength(1);
  expect(await codeOf(() => grad(x.sum(), new Set([x]) as unknown as Variable[]))).toBe("grad-wrt");
  expect(() => grad(x.sum(), y)).toThrow(DisconnectedInputError);
  const z = x.mul(3);
  expect(await computed(grad(null, x, { knownGrads: [[z, T.constant([1, 2], { dtype: "float64" })]] }), [[x, [0, 0]]])).toEqual([3, 6]);
  const p = T.dscalar("p");
  const draw = new RandomStreams(1).normal({ size: [2], avg: p, dtype: "float64" });
  expect(() => grad(draw.sum(), p)).toThrow(NullTypeGradError);
});

test("trap 16: considerConstant goes by identity: an expression written twice is two variables", async () => {
  const x = T.dvector("x");
  const z = x.mul(2);
  const last = z.get(-1);
  const of = [[x, [1, 2]]] as const;
  expect(await computed(grad(last.mul(x.sum()), x, { considerConstant: [last] }), of)).toEqual([4, 4]);
  expect(await computed(grad(last.mul(x.sum()), x, { considerConstant: [z.get(-1)] }), of)).toEqual([4, 4 + 6]);
});

test("trap 17: incSubtensor accumulates at repeated positions, setSubtensor keeps the last; both return the whole tensor and need an indexing expression", async () => {
  const [x, v] = [T.dvector("x"), T.dvector("v")];
  const at = T.constant([0, 2, 0]);
  const of = [[x, [10, 20, 30]], [v, [1, 2, 3]]] as const;
  expect(await computed(T.incSubtensor(x.get(at), v), of)).toEqual([14, 20, 32]);
  expect(await computed(T.setSubtensor(x.get(at), v), of)).toEqual([3, 20, 2]);
  expect(await computed(T.setSubtensor(x.get(slice(1, null)), v.get(slice(1, null))), of)).toEqual([10, 2, 3]);
  expect(() => T.setSubtensor(x, v)).toThrow("must be the result of indexing");
});

test("trap 18: pairs of index tensors, matrices of indices, Python's slices, negative positions, IndexError", async () => {
  const [x, rows, y, i] = [T.dmatrix("x"), T.imatrix("rows"), T.ivector("y"), T.iscalar("i")];
  const of = [[x, [[1, 2], [3, 4], [5, 6]]], [rows, [[0, 2]]], [y, [1, 0, 1]], [i, -1]] as const;
  expect(await computed(x.get(T.arange(y.shape[0] as Variable), y), of)).toEqual([2, 3, 6]);
  expect(await computed(x.get(rows), of)).toEqual([[[1, 2], [5, 6]]]);
  expect(await computed(x.get(slice(1, 100)), of)).toEqual([[3, 4], [5, 6]]);
  expect(await computed(x.get(slice(-2, null)), of)).toEqual([[3, 4], [5, 6]]);
  expect(await computed(x.get(i), of)).toEqual([5, 6]);
  expect(await computed(x.get(slice(i, null)), of)).toEqual([[5, 6]]);
  expect(await codeOf(() => compile([x, i], x.get(i), { device })([[1]], 1))).toBe("index-range");
  expect(await codeOf(() => T.vector("v").get(0, 0))).toMatch(/index/);
});
