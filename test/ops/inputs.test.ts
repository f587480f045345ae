/** Inputs of every rank and prefix, TensorType, constants: dtypes, flags, names and messages. */
import { afterEach, describe, expect, it } from "vitest";
import { Constant } from "../../src/graph/variable.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { constant, inputMakers as T, tensor, TensorType } from "../../src/ops/inputs.js";
import { config } from "../../src/util/config.js";

const before = config.floatX;
afterEach(() => {
  config.floatX = before;
});

describe("inputs", () => {
  it("print their type and name", () => {
    expect(String(T.matrix("x"))).toBe("x: float32[?,?]");
    expect(String(T.row("r").type)).toBe("float32[1,?]");
    expect(String(T.col().type)).toBe("float32[?,1]");
    expect([T.scalar().ndim, T.vector().ndim, T.tensor3().ndim, T.tensor4().ndim]).toEqual([0, 1, 3, 4]);
  });

  it("read floatX when they are called", () => {
    config.floatX = "float64";
    expect(T.vector().dtype).toBe("float64");
    config.floatX = "float32";
    expect(T.vector().dtype).toBe("float32");
  });

  it("have Theano's prefixes, integers all being int32", () => {
    expect([T.bscalar(), T.wvector(), T.iscalar(), T.lmatrix(), T.fmatrix(), T.dmatrix()].map((v) => v.dtype)).toEqual(["int32", "int32", "int32", "int32", "float32", "float64"]);
  });

  it("take a dtype and a name as options", () => {
    expect(String(T.matrix("x", { dtype: "int64" }))).toBe("x: int32[?,?]");
    expect(String(T.matrix({ name: "y", dtype: "float64" }))).toBe("y: float64[?,?]");
    expect(() => T.matrix("x", { dtype: "complex64" })).toThrow(expect.objectContaining({ code: "dtype-name" }));
  });

  it("come in plurals by words, by arguments and by count", () => {
    const [a, b] = T.dscalars("a b");
    expect([String(a), String(b)]).toEqual(["a: float64[]", "b: float64[]"]);
    const [p, q, r] = T.lmatrices("p", "q", "r");
    expect([p, q, r].map((v) => v.name)).toEqual(["p", "q", "r"]);
    const [s, t] = T.vectors(2);
    expect([s.name, t.name, s.ndim]).toEqual([null, null, 1]);
  });

  it("come from a TensorType, with and without new", () => {
    const batch = TensorType("float64", [false, true]);
    expect(String(batch("x"))).toBe("x: float64[?,1]");
    expect(String(new TensorType("int8", [])("n"))).toBe("n: int32[]");
    expect(String(tensor("float32", [true], "t"))).toBe("t: float32[1]");
  });
});

describe("constant", () => {
  it("follows the literal rule", () => {
    expect([constant(1).dtype, constant(0.5).dtype, constant([1, 2]).dtype, constant(true).dtype]).toEqual(["int32", "float32", "int32", "bool"]);
    expect(constant(new Float64Array([1])).dtype).toBe("float64");
    expect(constant(1, { dtype: "float64", name: "one" }).name).toBe("one");
    expect((constant([[1, 2]], { dtype: "float64" }) as Constant).value.toArray()).toEqual([[1, 2]]);
    expect(constant(NdArray.zeros([1, 3], "float32")).broadcastable).toEqual([true, false]);
  });

  it("passes variables through, and refuses to convert them", () => {
    const x = T.vector("x");
    expect(constant(x)).toBe(x);
    expect(() => constant(x, { dtype: "int32" })).toThrow(expect.objectContaining({ code: "constant-symbolic" }));
  });
});
