import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  A1P134, A1P72, A2P134, A2P72, fillMrg, guessNStreams, mrgNextStream, mrgSeed, mrgStep, mrgSubstreams, mrgUniform,
} from "../../src/random/mrg31k3p.js";
import { MRG_M1, MRG_M2 } from "../../src/codegen/ir/prims.js";

/** L'Ecuyer's Java program: seed 12345, 12 streams of 7 substreams of 5 samples (Theano: sandbox/samples_MRG31k3p_12_7_5.txt). */
const JAVA = JSON.parse(readFileSync(new URL("fixtures/mrg31k3p_java.json", import.meta.url), "utf8")) as number[];

const first = (seed: number, size: readonly number[] | "symbolic", count: number): number[] =>
  [...mrgUniform(mrgSubstreams(mrgSeed(seed), guessNStreams(size)), count, "float64").samples];

describe("published samples", () => {
  test("420 numbers of the reference implementation", () => {
    const got: number[] = [];
    let stream = mrgSeed(12345);
    for (let i = 0; i < 12; i++) {
      let rows = mrgSubstreams(stream, 7);
      const calls = Array.from({ length: 5 }, () => {
        const drawn = mrgUniform(rows, 7, "float64");
        rows = drawn.rows;
        return drawn.samples;
      });
      for (let sub = 0; sub < 7; sub++) got.push(...calls.map((c) => c[sub] as number));
      stream = mrgNextStream(stream);
    }
    expect(JAVA).toHaveLength(420);
    expect(got).toEqual(JAVA);
  });

  test("MRG_RandomStreams with literal sizes", () => {
    expect(first(1234, [2, 2], 4)).toEqual([0.3725711116567254, 0.6576858377084136, 0.5925067821517587, 0.3193147308193147]);
    expect(first(234, [2, 2], 4)).toEqual([0.44990408420562744, 0.3062468161806464, 0.7898354828357697, 0.8255442692898214]);
    const { samples } = mrgUniform(mrgSubstreams(mrgSeed(843828734), 6), 6, "float32");
    expect([...samples]).toEqual([0.4310058653354645, 0.8671776056289673, 0.07456985116004944, 0.8547478914260864, 0.8034172058105469, 0.3805437982082367]);
  });

  test("MRG_RandomStreams with symbolic sizes: 15360 streams, the next op one stream on", () => {
    const seed = mrgSeed(843828734);
    expect(first(843828734, "symbolic", 4)).toEqual([0.43100588070228696, 0.8671776535920799, 0.07456986093893647, 0.854747923091054]);
    expect([...mrgSubstreams(seed, 15360).slice(-6)]).toEqual([28204967, 1412540554, 1397566107, 1847390990, 298108442, 1819211649]);
    const second = mrgSubstreams(mrgNextStream(seed), 15360);
    expect([...mrgUniform(second, 4, "float64").samples]).toEqual([0.7831020029261708, 0.8424513493664563, 0.3410959020256996, 0.14155957428738475]);
  });
});

test("the jump matrices are Theano's constants", () => {
  expect(A1P72).toEqual([1516919229, 758510237, 499121365, 1884998244, 1516919229, 335398200, 601897748, 1884998244, 358115744]);
  expect(A2P72).toEqual([1228857673, 1496414766, 954677935, 1133297478, 1407477216, 1496414766, 2002613992, 1639496704, 1407477216]);
  expect(A1P134).toEqual([1702500920, 1849582496, 1656874625, 828554832, 1702500920, 1512419905, 1143731069, 828554832, 102237247]);
  expect(A2P134).toEqual([796789021, 1464208080, 607337906, 1241679051, 1431130166, 1464208080, 1401213391, 1178684362, 1431130166]);
});

test("the step is the recurrence modulo M1 and M2, at the extremes too", () => {
  const m1 = BigInt(MRG_M1);
  const m2 = BigInt(MRG_M2);
  let seed = 1;
  const word = (m: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const edges = [0, 1, 511, 512, 65535, 65536, m - 2, m - 1];
    return seed % 5 === 0 ? (edges[seed >>> 29] as number) : seed % m;
  };
  for (let i = 0; i < 20000; i++) {
    const x = Int32Array.from([MRG_M1, MRG_M1, MRG_M1, MRG_M2, MRG_M2, MRG_M2].map(word));
    const [x11, x12, x13, x21, x22, x23] = Array.from(x, BigInt) as [bigint, bigint, bigint, bigint, bigint, bigint];
    const y1 = (x12 * 4194304n + x13 * 129n) % m1;
    const y2 = (x21 * 32768n + x23 * 32769n) % m2;
    const z = mrgStep(x, 0);
    expect([...x]).toEqual([y1, x11, x12, y2, x21, x22].map(Number));
    expect(z).toBe(Number(y1 <= y2 ? y1 - y2 + m1 : y1 - y2));
  }
});

test("element i comes from stream i mod n, and the rows given stay as they were", () => {
  const rows = mrgSubstreams(mrgSeed(5), 3);
  const before = rows.slice();
  const { samples, rows: after } = mrgUniform(rows, 8, "float64");
  expect(rows).toEqual(before);
  const each = [0, 1, 2].map((s) => {
    const row = rows.slice(s * 6, s * 6 + 6);
    const out = new Float64Array(s < 2 ? 3 : 2);
    fillMrg(row, out);
    expect([...after.slice(s * 6, s * 6 + 6)]).toEqual([...row]);
    return out;
  });
  expect([...samples]).toEqual(Array.from({ length: 8 }, (_, i) => each[i % 3]?.[Math.floor(i / 3)]));
});

test("how many streams a draw gets", () => {
  expect([[], [1], [6], [7], [2, 2], [3, 4], [100, 1000], [1000, 1000], "symbolic" as const].map((s) => guessNStreams(s as number[] | "symbolic"))).toEqual(
    [1, 1, 6, 1, 4, 2, 15360, 15360, 15360]);
});

test("seeds and stream counts that Theano refuses are refused", () => {
  for (const bad of [0, -1, MRG_M2, 1.5, [1, 2, 3], [0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 1, 1, MRG_M2, 1, 1], [MRG_M1, 1, 1, 1, 1, 1]]) {
    expect(() => mrgSeed(bad)).toThrow(/mrg-seed/);
  }
  expect([...mrgSeed([MRG_M2, 0, 0, 0, 0, 3])]).toEqual([MRG_M2, 0, 0, 0, 0, 3]);
  expect(() => mrgSubstreams(mrgSeed(1), 0)).toThrow(/mrg-streams/);
});
