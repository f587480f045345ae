import { describe, expect, it } from "vitest";
import { scaleToUnitInterval, tileRasterImages } from "../../src/models/utils.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { codeOf } from "../data/helpers.js";

/** x[i][j] = ((7 i + 13 j + i j + k) mod 32) / 8 - 2, exact in float32. Expected values: the Python original, run with NumPy 1.26.4 on the same. */
const make = (n: number, m: number, k: number, dtype: "float32" | "float64" = "float64"): NdArray =>
  new NdArray(Float64Array.from({ length: n * m }, (_, at) => { const [i, j] = [Math.floor(at / m), at % m]; return ((7 * i + 13 * j + i * j + k) % 32) / 8 - 2; }), [n, m], "float64").astype(dtype);

const PIXELS = {
  float32: [[0,127,255,0,0,36,163,0,0,0,53,255,26],[68,196,9,0,0,127,255,91,0,0,228,0,201],[0,0,0,0,0,0,0,0,0,0,0,0,0],[255,0,255,0,0,238,110,255,0,0,0,0,0],[0,255,0,0,0,127,0,144,0,0,0,0,0]],
  float64: [[0,127,254,0,0,36,163,0,0,0,53,254,26],[68,196,9,0,0,127,254,91,0,0,228,0,201],[0,0,0,0,0,0,0,0,0,0,0,0,0],[254,0,254,0,0,237,110,254,0,0,0,0,0],[0,254,0,0,0,127,0,144,0,0,0,0,0]],
};
const VALUES = {
  float32: [[0.0,0.5,1.0,0.1428571492433548,0.6428571939468384,0.0,0.21052631735801697,1.0,0.10526315867900848],[0.26923078298568726,0.7692307829856873,0.03846153989434242,0.5,1.0,0.3571428656578064,0.8947368264198303,0.0,0.7894737124443054],[0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0],[1.0,0.0,1.0,0.9333333969116211,0.4333333671092987,1.0,0.0,0.0,0.0],[0.0,1.0,0.0,0.5,0.0,0.5666667222976685,0.0,0.0,0.0]],
  float64: [[0.0,0.4999999984615385,0.999999996923077,0.1428571424489796,0.6428571410204081,0.0,0.2105263149030471,0.9999999957894737,0.10526315745152355],[0.26923076840236687,0.7692307668639053,0.03846153834319527,0.49999999857142857,0.9999999971428571,0.357142856122449,0.8947368383379501,0.0,0.7894736808864267],[0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0],[0.999999995,0.0,0.999999995,0.9333333308444445,0.43333333217777775,0.9999999973333333,0.0,0.0,0.0],[0.0,0.999999995,0.0,0.49999999866666667,0.0,0.5666666651555555,0.0,0.0,0.0]],
};
const RAW = [[2,161,62,226,159,98],[226,127,34,31,222,161],[193,158,129,159,162,159],[94,65,30,162,159,162]];

describe("tileRasterImages", () => {
  it.each(["float32", "float64"] as const)("gives the original's pixels for %s", (dtype) => {
    const out = tileRasterImages(make(5, 6, 0, dtype), { imgShape: [2, 3], tileShape: [2, 3], tileSpacing: [1, 2] });
    expect(out.dtype).toBe("int32");
    expect(out.toArray()).toEqual(PIXELS[dtype]);
  });

  it.each(["float32", "float64"] as const)("gives the original's values for %s", (dtype) => {
    const out = tileRasterImages(make(5, 6, 0, dtype), { imgShape: [2, 3], tileShape: [2, 3], tileSpacing: [1, 0], outputPixelVals: false });
    expect(out.dtype).toBe(dtype);
    expect(out.toArray()).toEqual(VALUES[dtype]);
  });

  it("casts unscaled values as uint8 does, modulo 256, and leaves out rows beyond the tiles", () => {
    expect(tileRasterImages(make(5, 6, 0), { imgShape: [2, 3], tileShape: [2, 2], scaleRowsToUnitInterval: false }).toArray()).toEqual(RAW);
  });

  it("takes four channels, null meaning 0 and opaque", () => {
    const out = tileRasterImages([make(5, 6, 0), null, make(5, 6, 9), null], { imgShape: [2, 3], tileShape: [1, 2], tileSpacing: [0, 1] });
    expect(out.toArray()).toEqual([[[0,0,58,255],[127,0,186,255],[254,0,0,255],[0,0,0,255],[36,0,92,255],[163,0,254,255],[0,0,46,255]],[[68,0,127,255],[196,0,254,255],[9,0,68,255],[0,0,0,255],[127,0,208,255],[254,0,0,255],[91,0,162,255]]]);
    const values = tileRasterImages([make(5, 6, 0, "float32"), make(5, 6, 3, "float32"), null, null], { imgShape: [1, 6], tileShape: [1, 1], scaleRowsToUnitInterval: false, outputPixelVals: false });
    expect(values.dtype).toBe("float32");
    expect(values.toArray()).toEqual([[[-2.0,-1.625,0.0,1.0],[-0.375,0.0,0.0,1.0],[1.25,1.625,0.0,1.0],[-1.125,-0.75,0.0,1.0],[0.5,0.875,0.0,1.0],[-1.875,-1.5,0.0,1.0]]]);
  });

  it("agrees with the original over a whole sheet of float32 filters", () => {
    const a = make(64, 784, 5);
    const b = new NdArray(Float32Array.from(a.data, (x) => x * 1.1), a.shape, "float32");
    const out = tileRasterImages(b, { imgShape: [28, 28], tileShape: [8, 8], tileSpacing: [1, 1] });
    expect(out.shape).toEqual([231, 231]);
    const pixels = Array.from(out.data);
    expect(pixels.reduce((s, x) => s + x, 0)).toBe(6180016);
    expect(pixels.reduce((s, x, i) => s + ((x * i) % 1000003), 0)).toBe(21257506734);
  });

  it("accepts [n, height, width], integers, constant pictures, and no rows at all", () => {
    const flat = make(5, 6, 0);
    const options = { imgShape: [2, 3], tileShape: [2, 3] } as const;
    expect(tileRasterImages(flat.reshape([5, 2, 3]), options)).toEqual(tileRasterImages(flat, options));
    const ints = new NdArray(Int32Array.from([0, 1, 2, 4]), [1, 4], "int32");
    expect(tileRasterImages(ints, { imgShape: [2, 2], tileShape: [1, 1] }).toArray()).toEqual([[0, 63], [127, 254]]);
    expect(tileRasterImages(ints, { imgShape: [2, 2], tileShape: [1, 1], outputPixelVals: false }).dtype).toBe("float64");
    const constant = new NdArray(new Float64Array(4).fill(3), [1, 4], "float64");
    expect(tileRasterImages(constant, { imgShape: [2, 2], tileShape: [1, 1] }).toArray()).toEqual([[0,0],[0,0]]);
    expect(tileRasterImages(NdArray.zeros([0, 6], "float32"), options).toArray()).toEqual(NdArray.zeros([4, 9], "int32").toArray());
  });

  it.each([
    ["tile-pair", { imgShape: [2, 2.5], tileShape: [1, 1] }],
    ["tile-pair", { imgShape: [2, 3], tileShape: [0, 1] }],
    ["tile-pair", { imgShape: [2, 3], tileShape: [1, 1], tileSpacing: [-1, 0] }],
    ["tile-rows", { imgShape: [2, 2], tileShape: [1, 1] }],
  ] as const)("refuses sizes that do not fit: %s", (code, options) => {
    expect(codeOf(() => tileRasterImages(make(5, 6, 0), options)).code).toBe(code);
  });

  it("refuses another number of channels", () => {
    const three = [null, null, null] as unknown as [null, null, null, null];
    expect(codeOf(() => tileRasterImages(three, { imgShape: [2, 2], tileShape: [1, 1] })).code).toBe("tile-channels");
  });
});

describe("scaleToUnitInterval", () => {
  it("gives the original's values and leaves its argument alone", () => {
    const x = new NdArray(new Float64Array([1, -2, 5, 0.5]), [2, 2], "float64");
    expect(scaleToUnitInterval(x).toArray()).toEqual([[0.4285714279591837,0.0],[0.9999999985714286,0.3571428566326531]]);
    expect(scaleToUnitInterval(x.astype("float32")).toArray()).toEqual([[0.4285714626312256,0.0],[1.0,0.3571428656578064]]);
    expect(x.toArray()).toEqual([[1, -2], [5, 0.5]]);
  });

  it("takes eps", () => {
    expect(scaleToUnitInterval(new NdArray(new Float64Array([0, 1]), [2], "float64"), { eps: 1 }).toArray()).toEqual([0, 0.5]);
  });
});
