import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allocate, byteSize, castScalar, DTYPES, formatType, isFloat, isInt, promote, toDType, upcasts } from "../../../src/codegen/ir/dtype.js";

describe("dtypes", () => {
  it("accepts Theano's names and refuses others", () => {
    expect(["bool", "int8", "int64", "uint8", "float", "float32"].map(toDType)).toEqual(["bool", "int32", "int32", "int32", "float64", "float32"]);
    for (const name of ["complex64", "float16", "", "constructor"]) expect(() => toDType(name)).toThrow(expect.objectContaining({ code: "dtype-name" }));
  });

  it("promote along bool < int32 < float32 < float64, whatever the order", () => {
    expect([promote("bool", "int32"), promote("int32", "float32"), promote("float32", "float64", "bool"), promote("bool", "bool")]).toEqual(["int32", "float32", "float64", "bool"]);
    for (const a of DTYPES) for (const b of DTYPES) expect([promote(b, a), upcasts(a, promote(a, b)), upcasts(a, b)]).toEqual([promote(a, b), true, promote(a, b) === b]);
  });

  it("convert as storing into the typed array does", () => {
    fc.assert(fc.property(fc.double(), fc.constantFrom("int32", "float32", "float64") as fc.Arbitrary<"int32">, (x, d) => {
      const stored = allocate(d, 1);
      stored[0] = x;
      expect(castScalar(x, d)).toBe(stored[0]);
    }));
    expect([0, -0, 0.5, -3, Number.NaN].map((x) => castScalar(x, "bool"))).toEqual([0, 0, 1, 1, 1]);
    expect([2.9, -2.9, Number.NaN, Number.POSITIVE_INFINITY].map((x) => castScalar(x, "int32"))).toEqual([2, -2, 0, 0]);
  });

  it("allocate zeros of the right kind and size", () => {
    for (const d of DTYPES) {
      const a = allocate(d, 3);
      expect([...a]).toEqual([0, 0, 0]);
      expect(a.BYTES_PER_ELEMENT).toBe(byteSize(d));
    }
    expect(DTYPES.map(isFloat)).toEqual([false, false, true, true]);
    expect(DTYPES.map(isInt)).toEqual([true, true, false, false]);
  });

  it("print alike everywhere", () => {
    expect([formatType("float32", [784, null]), formatType("bool", [])]).toEqual(["float32[784,?]", "bool[]"]);
  });
});
