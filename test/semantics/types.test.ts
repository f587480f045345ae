/** What a port of a Theano program relies on: shapes, broadcasting and dtypes (traps 1 to 11). Where damo differs on purpose, the test says so. */
import { describe, expect, test } from "vitest";
import { compile, config, grad, NdArray, numpy as np, shared, T } from "../../src/index.js";
import { codeOf, computed } from "./helpers.js";

const device = "reference";

describe("broadcasting", () => {
  test("trap 1: is static: rows, columns, 'x', literal ones and constants of length 1 stretch; a matrix that happens to have length 1 does not", async () => {
    const [m, row, col, v] = [T.dmatrix("m"), T.drow("row"), T.dcol("col"), T.dvector("v")];
    const of = [[m, [[1, 2], [3, 4]]], [row, [[10, 20]]], [col, [[100], [200]]], [v, [5, 6]]] as const;
    expect(await computed(m.add(row).add(col).add(v), of)).toEqual([[116, 128], [218, 230]]);
    expect(await computed(m.add(v.dimshuffle(0, "x")), of)).toEqual([[6, 7], [9, 10]]);
    expect(await computed(m.add(v.reshape([2, 1])), of)).toEqual([[6, 7], [9, 10]]);
    expect(await computed(m.add(T.constant([[7]])), of)).toEqual([[8, 9], [10, 11]]);
    expect([T.zeros([1, 3]), T.ones([3, 1]), v.reshape([1, 2])].map((x) => x.broadcastable)).toEqual([[true, false], [false, true], [true, false]]);
    expect(shared([[1]]).broadcastable).toEqual([false, false]);
    expect(shared([[1]], { broadcastable: [true, false] }).broadcastable).toEqual([true, false]);
    const n = T.dmatrix("n");
    await expect(compile([m, n], m.add(n), { device })([[1, 2, 3]], [[1]])).rejects.toThrow("Input dimension mis-match. (input[0].shape[1] = 3, input[1].shape[1] = 1)");
    expect(await computed(grad(m.add(row).sum(), row), of)).toEqual([[2, 2]]);
  });

  test("trap 2: dimshuffle drops only axes that broadcast", async () => {
    expect(await codeOf(() => T.matrix("x").dimshuffle(0))).toBe("dimshuffle-drop");
    const row = T.drow("row");
    expect(await computed(row.dimshuffle(1), [[row, [[1, 2]]]])).toEqual([1, 2]);
  });

  test("trap 3: updates and givens have the exact type, broadcast flags included", async () => {
    const [w, x] = [shared([[1.5]], { name: "w" }), T.matrix("x")];
    expect(await codeOf(() => compile([x], [], { updates: [[w, x.sum().dimshuffle("x", "x")]] }))).toBe("update-type");
    expect(await codeOf(() => compile([x], [], { updates: [[w, T.patternBroadcast(x.sum().dimshuffle("x", "x"), [false, false])]] }))).toBe("no error");
    expect(await codeOf(() => compile([], x, { givens: [[x, T.row("r")]] }))).not.toBe("no error");
    expect(() => compile([x], [], { updates: [[w, T.cast(x, "float64")]] })).toThrow("An update must have the same type as the original shared variable");
  });

  test("trap 4: softmax of a vector is a matrix of one row, over the last axis, of floats of at most two axes", async () => {
    const v = T.dvector("v");
    expect(T.nnet.softmax(v).ndim).toBe(2);
    expect(await computed(T.nnet.softmax(v), [[v, [0, 0]]])).toEqual([[0.5, 0.5]]);
    expect([await codeOf(() => T.nnet.softmax(T.tensor3("t"))), await codeOf(() => T.nnet.softmax(T.imatrix("i")))]).toEqual(["softmax-input", "softmax-input"]);
  });

  test("trap 5: shape is symbolic; tensors cannot be iterated, measured or compared in JavaScript", async () => {
    const x = T.dmatrix("x");
    expect(await computed(T.shape(x), [[x, [[1, 2, 3]]]])).toEqual([1, 3]);
    expect(await computed(x.shape[1] as never, [[x, [[1, 2, 3]]]])).toBe(3);
    expect(() => [...(x as unknown as Iterable<unknown>)]).toThrow(TypeError);
    expect((x as unknown as { length?: number }).length).toBeUndefined();
  });
});

describe("dtypes", () => {
  test("trap 6: floatX governs variables and literals; a literal takes the dtype of the tensor beside it, so a float32 graph stays float32", () => {
    const before = config.floatX;
    try {
      for (const floatX of ["float32", "float64"] as const) {
        config.floatX = floatX;
        expect([T.scalar(), T.matrix(), shared(0.5), T.constant(0.5), T.nnet.sigmoid(T.iscalar())].map((v) => v.dtype)).toEqual(new Array(5).fill(floatX));
        expect([T.fvector().mul(0.5), T.fvector().mul(0.1), T.dvector().mul(0.1), T.mul(2, T.fvector())].map((v) => v.dtype)).toEqual(["float32", "float32", "float64", "float32"]);
      }
    } finally {
      config.floatX = before;
    }
  });

  test("trap 7: shared(0) is an integer; a whole JavaScript number beside integers is an integer, a fraction gives floatX", () => {
    expect([shared(0), shared(0, { dtype: "float64" }), shared(0.5), T.ivector().mul(1), T.ivector().mul(0.5), T.ivector().add(T.constant(1, { dtype: "float64" }))].map((v) => v.dtype)).toEqual(["int32", "float64", "float32", "int32", "float32", "float64"]);
  });

  test("trap 8: NdArrays and typed arrays keep their dtype", async () => {
    expect([T.fvector().mul(NdArray.scalar(0.5, "float64")), T.fvector().add(Float64Array.of(1)), shared(Float64Array.of(1)), shared(Float32Array.of(1))].map((v) => v.dtype)).toEqual(["float64", "float64", "float64", "float32"]);
    const w = shared(0.5);
    expect(await codeOf(() => compile([], [], { updates: [[w, w.mul(NdArray.scalar(Math.sqrt(6), "float64"))]] }))).toBe("update-type");
  });

  test("trap 9: float32 sums accumulate in float64 where the device has it; counts are int32; means of bools are floatX; comparisons are bool", async () => {
    const x = T.fvector("x");
    const tenths = np.full([10_000_000 / 10], 0.1, { dtype: "float32" });
    expect(await compile([x], x.sum(), { device })(tenths)).toBe(Math.fround(1_000_000 * Math.fround(0.1)));
    expect([T.fvector().sum(), T.ivector().sum(), T.eq(x, 1).sum(), T.mean(T.neq(x, 1)), T.argmax(x), x.lt(1)].map((v) => v.dtype)).toEqual(["float32", "int32", "int32", "float32", "int32", "bool"]);
  });

  test("trap 10: division of integers is a float; // and % have Python's signs; functions of integers give floatX", async () => {
    const [a, b] = [T.ivector("a"), T.ivector("b")];
    const of = [[a, [7, -7, 7, -7]], [b, [2, 2, -2, -2]]] as const;
    expect(a.div(b).dtype).toBe("float32");
    expect(await computed(a.div(b), of)).toEqual([3.5, -3.5, -3.5, 3.5]);
    expect(await computed(a.floorDiv(b), of)).toEqual([3, -4, -4, 3]);
    expect(await computed(a.mod(b), of)).toEqual([1, 1, -1, -1]);
    expect([T.exp(a), T.sqrt(a), T.nnet.sigmoid(T.bvector())].map((v) => v.dtype)).toEqual(["float32", "float32", "float32"]);
  });

  test("trap 11: arrays must up-cast without loss, literals convert exactly or to any float, the rank is exact", async () => {
    const [f, i] = [T.fvector("f"), T.ivector("i")];
    const g = compile([f], f, { device });
    const h = compile([i], i, { device });
    expect(((await g([0.1, 1])) as NdArray).toArray()).toEqual([Math.fround(0.1), 1]);
    // On purpose unlike NumPy: int32 goes with float32, so it may be given for it.
    expect(((await g(Int32Array.of(1))) as NdArray).toArray()).toEqual([1]);
    expect(await codeOf(() => g(Float64Array.of(0.1)))).toBe("call-dtype");
    expect([await codeOf(() => h([1.5])), await codeOf(() => h([1, 2])), await codeOf(() => g([[1]]))]).toEqual(["call-dtype", "no error", "call-ndim"]);
    await expect(g([[1]])).rejects.toThrow("Wrong number of dimensions: expected 1, got 2 with shape (1, 1)");
    expect(((await compile([i], i, { device, allowInputDowncast: true })([1.5])) as NdArray).toArray()).toEqual([1]);
  });
});
