import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { DIGIT_STYLES } from "../../src/data/digit_strokes.js";
import { SIDE } from "../../src/data/digits.js";
import { loadData } from "../../src/data/load.js";
import type { DataPair } from "../../src/data/mnist_pkl.js";

let train: DataPair;
let test: DataPair;
beforeAll(async () => {
  ({ train, test } = await loadData("digits", { sizes: { train: 2000, valid: 1, test: 500 } }));
});

const PIXELS = SIDE * SIDE;
const picture = ([x]: DataPair, i: number): Float32Array => x.data.subarray(i * PIXELS, (i + 1) * PIXELS) as Float32Array;

/** Share of test pictures whose nearest class mean is another class. */
function nearestMeanError(): number {
  const means = Array.from({ length: 10 }, () => new Float64Array(PIXELS));
  const counts = new Float64Array(10);
  for (let i = 0; i < train[1].size; i++) {
    const c = train[1].data[i] as number;
    counts[c] = (counts[c] as number) + 1;
    picture(train, i).forEach((v, k) => {
      (means[c] as Float64Array)[k] = ((means[c] as Float64Array)[k] as number) + v;
    });
  }
  let wrong = 0;
  for (let i = 0; i < test[1].size; i++) {
    const x = picture(test, i);
    const distances = means.map((m, c) => m.reduce((d, s, k) => d + (s / (counts[c] as number) - (x[k] as number)) ** 2, 0));
    if (distances.indexOf(Math.min(...distances)) !== test[1].data[i]) wrong++;
  }
  return wrong / test[1].size;
}

describe("drawn digits", () => {
  it("are the same numbers everywhere", () => {
    const bytes = Uint8Array.from(train[0].data.subarray(0, 100 * PIXELS), (v) => v * 256);
    expect([...train[1].data.subarray(0, 12)]).toEqual([2, 8, 5, 3, 1, 8, 4, 4, 9, 2, 7, 0]);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe("6246fe29210372f1002631dbe47207ec33d9e9995133c842d92b3dffd8a8cab3");
  });

  it("have pixels k/256, an empty border, full ink somewhere, and their mass in the middle", () => {
    for (let i = 0; i < 500; i++) {
      const x = picture(train, i);
      let [mass, mx, my] = [0, 0, 0];
      x.forEach((v, k) => {
        if (!Number.isInteger(v * 256) || v < 0 || v > 255 / 256) throw new Error(`picture ${i}, pixel ${k}: ${v}`);
        mass += v;
        mx += v * (k % SIDE);
        my += v * Math.floor(k / SIDE);
      });
      expect(Math.abs(mx / mass - 13.5), `column of picture ${i}`).toBeLessThan(1);
      expect(Math.abs(my / mass - 13.5), `row of picture ${i}`).toBeLessThan(1);
      expect(Math.max(...x)).toBeGreaterThan(0.9);
      expect([0, SIDE - 1, PIXELS - SIDE, PIXELS - 1].map((k) => x[k])).toEqual([0, 0, 0, 0]);
    }
  });

  it("cover the ten classes evenly, with about MNIST's amount of ink (0.13)", () => {
    const counts = Array.from({ length: 10 }, (_, c) => train[1].data.filter((y) => y === c).length);
    // 2000 draws: 200 expected each, standard deviation 13.4.
    for (const n of counts) expect(Math.abs(n - 200)).toBeLessThan(5 * 13.4);
    const ink = (train[0].data as Float32Array).reduce((s, v) => s + v, 0) / train[0].size;
    expect(ink).toBeGreaterThan(0.1);
    expect(ink).toBeLessThan(0.16);
  });

  it("can be told apart, but not trivially", () => {
    const error = nearestMeanError();
    expect(error).toBeLessThan(0.4);
    expect(error).toBeGreaterThan(0.1);
  });

  it("have strokes in the notation that the generator reads", () => {
    expect(DIGIT_STYLES.length).toBe(10);
    for (const stroke of DIGIT_STYLES.flat().flatMap((s) => s.strokes)) expect(stroke).toMatch(/^\d{1,3},\d{1,3}!?( \d{1,3},\d{1,3}!?)+$/);
  });
});
