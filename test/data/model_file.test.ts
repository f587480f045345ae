import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { strToU8, unzipSync, zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allocate, DTYPES } from "../../src/codegen/ir/dtype.js";
import { loadArrays, saveArrays } from "../../src/data/model_file.js";
import { decodeNpy, encodeNpy } from "../../src/data/npy.js";
import { fromNumpyBytes } from "../../src/data/numpy_bytes.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { NUMPY_NPZ, NUMPY_NPZ_COMPRESSED } from "./fixtures.js";
import { codeOf, rejection } from "./helpers.js";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-npz-"));
  path = join(folder, "model.npz");
});
afterAll(() => rm(folder, { recursive: true }));

const W = new NdArray(new Float32Array([0.5, -1, 3, 1e-30, Infinity, -0]), [2, 3], "float32");
const b = new NdArray(new Int32Array([1, -(2 ** 31)]), [2], "int32");

const anyArray = fc.record({ dtype: fc.constantFrom(...DTYPES), shape: fc.array(fc.nat(4), { maxLength: 3 }) }).chain(({ dtype, shape }) => {
  const n = shape.reduce((m, d) => m * d, 1);
  const value = dtype === "bool" ? fc.nat(1) : dtype === "int32" ? fc.integer() : dtype === "float32" ? fc.float() : fc.double();
  return fc.array(value, { minLength: n, maxLength: n }).map((values) => {
    const data = allocate(dtype, n);
    data.set(values);
    return new NdArray(data, shape, dtype);
  });
});

const hasNumpy = (() => {
  try {
    execFileSync("python3", ["-c", "import numpy"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

if (!hasNumpy) console.log("skipped: numpy.load of a model file (needs python3 with numpy)");

describe(".npy", () => {
  it("writes NumPy's header: magic, version 1.0, dict, data at a multiple of 64", () => {
    const bytes = encodeNpy(W);
    expect([...bytes.subarray(0, 8)]).toEqual([0x93, 78, 85, 77, 80, 89, 1, 0]);
    expect((bytes.length - 24) % 64).toBe(0);
    expect(Buffer.from(bytes.subarray(10, bytes.length - 24)).toString("latin1")).toMatch(/^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3\), \} *\n$/);
    expect(Buffer.from(encodeNpy(b)).toString("latin1")).toContain("'shape': (2,)");
    expect(Buffer.from(encodeNpy(NdArray.scalar(1, "float64"))).toString("latin1")).toContain("'shape': ()");
  });

  it("round-trips every dtype and shape", () => {
    fc.assert(fc.property(anyArray, (a) => {
      expect(decodeNpy(encodeNpy(a), "a")).toEqual(a);
    }));
  });

  it("writes only its own part of a shared buffer", () => {
    const view = new NdArray(W.data.subarray(2, 4), [2], "float32");
    expect(decodeNpy(encodeNpy(view), "v").toArray()).toEqual([3, Math.fround(1e-30)]);
  });

  it.each([
    ["no magic", new Uint8Array(40)],
    ["an unknown version", encodeNpy(b).map((x, i) => (i === 6 ? 9 : x))],
    ["a header longer than the file", encodeNpy(b).subarray(0, 30)],
    ["a header without shape", encodeNpy(b).map((x, i) => (x === 104 && i < 128 ? 120 : x))],
  ])("refuses %s", (_, bytes) => {
    expect(codeOf(() => decodeNpy(bytes, "f:W.npy"))).toMatchObject({ code: "npy-header", message: expect.stringContaining("f:W.npy") });
  });

  it("refuses bytes that do not fill the shape, strings, and integers beyond int32", () => {
    expect(codeOf(() => decodeNpy(encodeNpy(b).subarray(0, 130), "f")).code).toBe("numpy-size");
    expect(codeOf(() => fromNumpyBytes({ descr: "<U1", shape: [1], fortran: false, bytes: new Uint8Array(4) }, "f")).code).toBe("numpy-dtype");
    const big = new Uint8Array(new BigInt64Array([2n ** 40n]).buffer);
    expect(codeOf(() => fromNumpyBytes({ descr: "<i8", shape: [1], fortran: false, bytes: big }, "f")).code).toBe("numpy-int-range");
  });

  it.each([
    ["|u1", [200, 1], [200, 1]], ["|i1", [200, 1], [-56, 1]], [">u2", [1, 0], [256]], ["<i2", [0xfe, 0xff], [-2]], ["<u4", [5, 0, 0, 0], [5]], [">i4", [255, 255, 255, 254], [-2]],
    ["<u8", [7, 0, 0, 0, 0, 0, 0, 0], [7]], [">i8", [255, 255, 255, 255, 255, 255, 255, 255], [-1]], [">f4", [0x3f, 0x80, 0, 0], [1]], [">f8", [0x40, 0, 0, 0, 0, 0, 0, 0], [2]], ["|b1", [0, 5], [false, true]],
  ])("reads elements of %s", (descr, bytes, values) => {
    expect(fromNumpyBytes({ descr, shape: [values.length], fortran: false, bytes: new Uint8Array(bytes) }, "f").toArray()).toEqual(values);
  });
});

describe("model files", () => {
  it("round-trips arrays and notes, and leaves no temporary file", async () => {
    await saveArrays(path, { W, b, scalar: NdArray.scalar(2.5, "float64") }, { model: "rbm", epoch: 3, sizes: [784, 500] });
    const { arrays, meta } = await loadArrays(path);
    expect(Object.keys(arrays)).toEqual(["W", "b", "scalar"]);
    expect(arrays.W).toEqual(W);
    expect(arrays.b).toEqual(b);
    expect(arrays.scalar?.item()).toBe(2.5);
    expect(meta).toEqual({ model: "rbm", epoch: 3, sizes: [784, 500] });
    expect(await readdir(folder)).toEqual(["model.npz"]);
  });

  it("reads what numpy.savez and savez_compressed write", async () => {
    await writeFile(path, NUMPY_NPZ);
    const { arrays, meta } = await loadArrays(path);
    expect(meta).toEqual({});
    expect([String(arrays.W), String(arrays.Wf), String(arrays.s), String(arrays.b), String(arrays.e)]).toEqual(["float32[2,3]", "int32[2,3]", "float64[]", "bool[2]", "int32[0,3]"]);
    expect([arrays.W?.toArray(), arrays.Wf?.toArray()]).toEqual([[[0, 0.25, 0.5], [0.75, 1, 1.25]], [[0, 1, 2], [3, 4, 5]]]);
    expect([arrays.s?.item(), arrays.b?.toArray()]).toEqual([2.5, [true, false]]);
    await writeFile(path, NUMPY_NPZ_COMPRESSED);
    expect((await loadArrays(path)).arrays.W?.toArray()).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it.skipIf(!hasNumpy)("is read by numpy.load (needs python3 with numpy)", async () => {
    await saveArrays(path, { W, b }, { epoch: 3 });
    const script = "import numpy, sys, json; f = numpy.load(sys.argv[1]); print(json.dumps([str(f['W'].dtype), f['W'][0].tolist(), f['b'].tolist(), sorted(f.files), json.loads(f['damo.json'])['meta']]))";
    expect(JSON.parse(execFileSync("python3", ["-c", script, path], { encoding: "utf8" }))).toEqual(["float32", [0.5, -1, 3], [1, -(2 ** 31)], ["W", "b", "damo.json"], { epoch: 3 }]);
  });

  it("notices any flipped byte of the data, any truncation, and other files", async () => {
    await saveArrays(path, { W });
    const good = await readFile(path);
    const at = good.indexOf(Buffer.from(W.data.buffer, 0, 8));
    const bad = Buffer.from(good);
    bad[at + 3] = (bad[at + 3] as number) ^ 1;
    await writeFile(path, bad);
    expect(await rejection(loadArrays(path))).toMatchObject({ code: "npz-checksum", message: expect.stringMatching(/'W'[\s\S]*model\.npz|model\.npz/) });
    for (const n of [0, 10, 100, good.length - 30, good.length - 1]) {
      await writeFile(path, good.subarray(0, n));
      expect(await rejection(loadArrays(path))).toMatchObject({ code: "npz-corrupt" });
    }
    expect(await rejection(loadArrays(join(folder, "absent.npz")))).toMatchObject({ code: "file-read" });
  });

  it("refuses a broken or newer index and a lost array", async () => {
    await saveArrays(path, { W, b });
    const members = unzipSync(await readFile(path));
    const rewrite = async (change: Record<string, Uint8Array>): Promise<string> => {
      await writeFile(path, zipSync({ ...members, ...change }));
      return (await rejection(loadArrays(path))).code;
    };
    expect(await rewrite({ "damo.json": strToU8("{") })).toBe("npz-index");
    expect(await rewrite({ "damo.json": strToU8('{"format":"damo-arrays","version":2}') })).toBe("npz-version");
    const { "b.npy": _, ...rest } = members;
    await writeFile(path, zipSync(rest));
    expect((await rejection(loadArrays(path))).code).toBe("npz-member");
  });

  it("refuses bad names, and an unwritable place without touching the old file", async () => {
    expect((await rejection(saveArrays(path, { "../W": W }))).code).toBe("array-name");
    expect((await rejection(saveArrays(path, { "": W }))).code).toBe("array-name");
    await writeFile(join(folder, "plain"), "x");
    expect((await rejection(saveArrays(join(folder, "plain", "model.npz"), { W }))).code).toBe("file-write");
  });
});
