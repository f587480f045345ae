import { describe, expect, it } from "vitest";
import { parseMnistPickle } from "../../src/data/mnist_pkl.js";
import { FORTRAN_PICKLES, PYTHON2_PICKLES } from "./fixtures.js";
import { codeOf } from "./helpers.js";

const base64 = (s: string): Uint8Array => Buffer.from(s, "base64");

describe("mnist.pkl", () => {
  it.each(PYTHON2_PICKLES)("reads %s", (_, pickle) => {
    const [train, valid, test] = parseMnistPickle(pickle, "p");
    expect(String(train?.[0])).toBe("int32[1,256]");
    expect([...(train?.[0].data ?? [])]).toEqual(Array.from({ length: 256 }, (_, i) => i));
    expect(train?.[1].toArray()).toEqual([9]);
    expect(valid?.[0].toArray()).toEqual([[7 / 256, 44 / 256, 81 / 256, 118 / 256], [155 / 256, 192 / 256, 229 / 256, 10 / 256]]);
    expect([valid?.[0].dtype, valid?.[1].dtype, valid?.[1].toArray()]).toEqual(["float32", "int32", [7, 8]]);
    expect(test?.map((a) => a.toArray())).toEqual([[[200 / 256, 237 / 256, 18 / 256, 55 / 256]], [0]]);
  });

  it.each(FORTRAN_PICKLES)("reads %s, big-endian", (_, pickle) => {
    for (const [x, y] of parseMnistPickle(pickle, "p")) {
      expect(x.dtype).toBe("float64");
      expect(x.toArray()).toEqual([[0, 1 / 256, 2 / 256, 3 / 256], [4 / 256, 5 / 256, 6 / 256, 7 / 256]]);
      expect(y.toArray()).toEqual([1, 2]);
    }
  });

  it("refuses every truncation", () => {
    const pickle = PYTHON2_PICKLES[3]?.[1] as Uint8Array;
    for (let n = 0; n < pickle.length; n += 7) {
      expect(["pickle-corrupt", "pickle-content"]).toContain(codeOf(() => parseMnistPickle(pickle.subarray(0, n), "p")).code);
    }
    const error = codeOf(() => parseMnistPickle(pickle.subarray(0, 300), "some/file"));
    expect([error.code, error.message]).toEqual(["pickle-corrupt", expect.stringMatching(/some\/file[\s\S]*300 bytes/)]);
  });

  it("refuses what is no pickle", () => {
    expect(codeOf(() => parseMnistPickle(Buffer.from("hello, world\n"), "p")).code).toBe("pickle-corrupt");
  });

  it("runs nothing: an unknown global is an error", () => {
    // collections.OrderedDict() and os.system("true") at protocol 2.
    expect(codeOf(() => parseMnistPickle(base64("gAJjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQApUnEBLg=="), "p"))).toMatchObject({ code: "pickle-global", message: expect.stringContaining("collections.OrderedDict") });
    expect(codeOf(() => parseMnistPickle(Buffer.from("\x80\x02cposix\nsystem\nU\x04true\x85R.", "latin1"), "p")).code).toBe("pickle-global");
  });

  it("refuses other content", () => {
    expect(codeOf(() => parseMnistPickle(Buffer.from("\x80\x02K\x01K\x02\x86.", "latin1"), "p")).code).toBe("pickle-content");
  });
});
