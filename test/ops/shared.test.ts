/** Shared variables: dtype rules, copies, setValue's checks and its release of the device's copy. */
import { describe, expect, it } from "vitest";
import { asarray } from "../../src/numpy/convert.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { inputMakers as T } from "../../src/ops/inputs.js";
import { shared } from "../../src/ops/shared.js";
import { DamoTypeError, ValueError } from "../../src/util/fail.js";

const code = (c: string) => expect.objectContaining({ code: c });

describe("shared", () => {
  it("takes the dtype of its value", () => {
    expect([shared(0).dtype, shared(0.5).dtype, shared(true).dtype, shared([1, 2]).dtype, shared([1, 2.5]).dtype]).toEqual(["int32", "float32", "bool", "int32", "float32"]);
    expect(shared(0, { dtype: "float64" }).dtype).toBe("float64");
    expect(shared(NdArray.zeros([2], "float64")).dtype).toBe("float64");
    expect(String(shared([[1, 2]], { name: "W" }))).toBe("W: int32[?,?]");
  });

  it("keeps more digits of a literal when float64 is asked for", async () => {
    expect((await shared(0.1, { dtype: "float64" }).getValue()).item()).toBe(0.1);
    expect((await shared(0.1).getValue()).item()).toBe(Math.fround(0.1));
  });

  it("copies arrays, on the way in and out", async () => {
    const array = asarray([1, 2], { dtype: "float32" });
    const w = shared(array);
    array.data[0] = 7;
    const read = await w.getValue();
    expect(read.toArray()).toEqual([1, 2]);
    read.data[0] = 9;
    expect((await w.getValue()).toArray()).toEqual([1, 2]);
  });

  it("broadcasts only where told", () => {
    expect(shared([[1], [2]]).broadcastable).toEqual([false, false]);
    expect(shared([[1], [2]], { broadcastable: [false, true] }).broadcastable).toEqual([false, true]);
    expect(() => shared([[1], [2]], { broadcastable: [true, false] })).toThrow(code("shared-broadcast"));
    expect(() => shared([[1], [2]], { broadcastable: [true] })).toThrow(ValueError);
  });

  it("refuses symbolic values", () => {
    expect(() => shared(T.matrix("x") as unknown as number)).toThrow(code("shared-symbolic"));
  });
});

describe("setValue", () => {
  it("converts without loss, and may change lengths", async () => {
    const w = shared([0.5, 1.5]);
    w.setValue([1, 2, 3]);
    expect((await w.getValue()).toArray()).toEqual([1, 2, 3]);
    expect((await w.getValue()).dtype).toBe("float32");
    w.setValue(Int32Array.of(4));
    expect((await w.getValue()).toArray()).toEqual([4]);
  });

  it("refuses losses of precision", () => {
    expect(() => shared(0).setValue(0.5)).toThrow(code("set-value-dtype"));
    expect(() => shared([0.5]).setValue(new Float64Array(1))).toThrow(/convert it first/);
    expect(() => shared([0.5]).setValue(new Float64Array(1))).toThrow(DamoTypeError);
  });

  it("refuses other ranks, and lengths that a flag forbids", () => {
    expect(() => shared([0.5]).setValue([[1]])).toThrow(/Wrong number of dimensions: expected 1, got 2 with shape \(1, 1\)/);
    expect(() => shared([0.5]).setValue([[1]])).toThrow(code("set-value-rank"));
    expect(() => shared([0.5], { broadcastable: [true] }).setValue([1, 2])).toThrow(code("set-value-broadcast"));
  });

  it("drops the device's copy", async () => {
    const w = shared([1, 2]);
    let released = 0;
    w.cell.remote = { shape: [2], dtype: "int32", download: async () => NdArray.zeros([2], "int32"), release: () => void released++ };
    w.cell.host = null;
    w.setValue([5, 6]);
    expect(released).toBe(1);
    expect((await w.getValue()).toArray()).toEqual([5, 6]);
  });

  it("belongs to shared variables only", () => {
    const x = T.vector("x") as unknown as { setValue(v: number[]): void };
    expect(() => x.setValue([1])).toThrow(code("set-value-owner"));
  });
});
