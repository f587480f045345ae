/** Pickles in the structure of the tutorials' imdb.pkl and atis.fold*.pkl. */
import { describe, expect, it } from "vitest";
import { parsePickle } from "../../src/data/pickle.js";
import { NdArray } from "../../src/index.js";
import { ATIS, IMDB } from "./fixtures.js";
import { codeOf } from "./helpers.js";

describe("pickles", () => {
  it("of imdb: two objects in one file", () => {
    expect(parsePickle(IMDB, "p")).toEqual([[[[2, 7, 300], [5, 1, 70000, 3]], [1, 0]], [[[4, 2]], [1]]]);
  });

  it("of atis: lists of arrays, and dicts", () => {
    const [root] = parsePickle(ATIS, "p") as unknown as [[NdArray[][], unknown, NdArray[][], Map<string, Map<string, number>>]];
    const [train, , test, dicts] = root;
    expect(train.map((part) => part.map((a) => [a.dtype, a.toArray()]))).toEqual([[["int32", [0, 1]], ["int32", [2, 0]]], [["int32", [3, 3]], ["int32", [3, 3]]], [["int32", [0, 1]], ["int32", [1, 1]]]]);
    expect(test).toEqual(train);
    expect([...dicts].map(([name, dict]) => [name, Object.fromEntries(dict)])).toEqual([["words2idx", { to: 0, boston: 1, "<UNK>": 2 }], ["labels2idx", { O: 0, "B-to": 1 }], ["tables2idx", { x: 3 }]]);
  });

  it("refuses truncations and what no data set holds", () => {
    for (let n = 0; n < ATIS.length; n += 5) expect(codeOf(() => parsePickle(ATIS.subarray(0, n), "p")).code).toBe("pickle-corrupt");
    // 1j, as complex(0.0, 1.0).
    expect(codeOf(() => parsePickle(Buffer.from("\x80\x02c__builtin__\ncomplex\nK\x00K\x01\x86R.", "latin1"), "p")).code).toBe("pickle-global");
  });

  it("holds arrays as arrays", () => {
    expect((parsePickle(ATIS, "p") as unknown as NdArray[][][][])[0]?.[0]?.[0]?.[0]).toBeInstanceOf(NdArray);
  });
});
