/** Pickles of the tutorials' other data sets, as Python 3.11 wrote them at protocol 2, zlib-deflated. */
import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { parsePickle } from "../../src/data/pickle.js";
import { NdArray } from "../../src/index.js";
import { codeOf } from "./helpers.js";

const bytes = (base64: string): Uint8Array => inflateSync(Buffer.from(base64, "base64"));

/** dump(([[2, 7, 300], [5, 1, 70000, 3]], [1, 0])), then dump(([[4, 2]], [1])), as imdb.pkl. */
const IMDB = bytes("eNprYIotZNCILWTU8GbyZvfVYUyNLWTS8Gb1ZvQqEGRk8GZOBQowa3gzejOkthWy6DWA1IOVs3gzpSYCFXszJrYVMusBAFsDENI=");
/** A set is ([int32 [0, 1], [2, 0]], [[3, 3], [3, 3]], [[0, 1], [1, 1]]); the same three times, and dicts, as atis.fold0.pkl. */
const ATIS = bytes(
  "eNpt0VlP20AUBWDbCZtpy04pXSj7sCSspRsFmpYtA0YaCckvCMWL5EiJzbHHKnmIxAtN+dXtjO0kLx3L9khzv3ts3QeN3EAhth/X7xpFOwjdYj2u8WolDCsN/TZ07cCPeBjbXIeaVum+k55Co8ojcvatHTiuHemuLzc68qaqKIqFHrNXvGsVXvW30PsbfQz9LQww6ISqVHvEYNbQ4Y074Z6Zmqiv7uL5058WXjAMEZpLeu1j2DCM8l+xkgdVOEasJy9v9ivpklUY9UTKGMM4x4TlqV7yfZOeCH3JMJWFvvKG2lDLMKYlfM3whuOt5d7gHWnrGanfM8xmeq6rc9mNeakXGBY5ljqxyxIShpUMrv4Hrkm4zlDgKMrYjU7sptRbDNuZ3unqzt/uSv2BYY/jYyf2k4SfGb5k8GsXqm24L+E3hgOOQ8tt4cgTVxPfiTkgjn8FoRNtV517lJr4QZKZ8AA/qZKM0woiHvg4pqrZIydzbdADnFAtNvVk2JZbS/VpE2ckmd4VzgXOi12pIDqVqZoW84pVc9Ni2sRFUnuPS5qLYg6j+A9DWLCL",
);

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
