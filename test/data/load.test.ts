import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadData } from "../../src/data/load.js";
import { FORTRAN_PICKLES, PYTHON2_PICKLES } from "./fixtures.js";
import { idxImages, idxLabels, rejection } from "./helpers.js";

let folder: string;
let saved: { data: string | undefined; cache: string | undefined };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-load-"));
  saved = { data: process.env.DAMO_DATA, cache: process.env.DAMO_CACHE };
  delete process.env.DAMO_DATA;
});
afterEach(async () => {
  for (const [name, value] of [["DAMO_DATA", saved.data], ["DAMO_CACHE", saved.cache]] as const) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await rm(folder, { recursive: true });
});

/** A data set of 12 training and 3 test pictures of 1 x 2 pixels: picture i is (i, 255 - i), label i mod 10. */
async function writeIdx(to: string, { gz = true, dot = false } = {}): Promise<void> {
  await mkdir(to, { recursive: true });
  const put = (name: string, bytes: Uint8Array): Promise<void> => writeFile(join(to, (dot ? name.replace("-idx", ".idx") : name) + (gz ? ".gz" : "")), gz ? gzipSync(bytes) : bytes);
  for (const [set, n, base] of [["train", 12, 0], ["t10k", 3, 100]] as const) {
    await put(`${set}-images-idx3-ubyte`, idxImages(n, 1, 2, (i) => (i % 2 === 0 ? base + i / 2 : 255 - base - (i - 1) / 2)));
    await put(`${set}-labels-idx1-ubyte`, idxLabels(Array.from({ length: n }, (_, i) => (base + i) % 10)));
  }
}

describe("loadData from a folder", () => {
  it.each([[{}], [{ gz: false }], [{ gz: false, dot: true }]])("reads and splits in file order, pixels k/256: %j", async (form) => {
    await writeIdx(folder, form);
    const { train, valid, test } = await loadData(folder);
    expect([train, valid, test].map(([x, y]) => `${x} ${y}`)).toEqual(["float32[10,2] int32[10]", "float32[2,2] int32[2]", "float32[3,2] int32[3]"]);
    expect(train[0].toArray()).toEqual(Array.from({ length: 10 }, (_, i) => [i / 256, (255 - i) / 256]));
    expect(valid[0].toArray()).toEqual([[10 / 256, 245 / 256], [11 / 256, 244 / 256]]);
    expect(test[0].toArray()).toEqual([[100 / 256, 155 / 256], [101 / 256, 154 / 256], [102 / 256, 153 / 256]]);
    expect([train[1].toArray(), valid[1].toArray(), test[1].toArray()]).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 1], [0, 1, 2]]);
  });

  it("names the file that lacks, counts that differ, labels that are no digits", async () => {
    await writeIdx(folder);
    await writeFile(join(folder, "train-labels-idx1-ubyte.gz"), gzipSync(idxLabels([1, 2, 3])));
    expect(await rejection(loadData(folder))).toMatchObject({ code: "mnist-count", message: expect.stringMatching(/: 12\n.*: 3\n/) });
    await writeFile(join(folder, "train-labels-idx1-ubyte.gz"), gzipSync(idxLabels([1, 2, 3, 4, 5, 66, 7, 8, 9, 0, 1, 2])));
    expect(await rejection(loadData(folder))).toMatchObject({ code: "mnist-label", message: expect.stringContaining("label 5 is 66") });
    await rm(join(folder, "train-labels-idx1-ubyte.gz"));
    expect(await rejection(loadData(folder))).toMatchObject({ code: "mnist-file", message: expect.stringContaining("train-labels-idx1-ubyte") });
  });
});

describe("loadData from a pickle", () => {
  it("reads mnist.pkl.gz: float32 pixels, int32 labels", async () => {
    const path = join(folder, "mnist.pkl.gz");
    await writeFile(path, gzipSync(FORTRAN_PICKLES[1]?.[1] as Uint8Array));
    const { train, test } = await loadData(path);
    expect([`${train[0]}`, `${train[1]}`]).toEqual(["float32[2,4]", "int32[2]"]);
    expect(test[0].toArray()).toEqual([[0, 1 / 256, 2 / 256, 3 / 256], [4 / 256, 5 / 256, 6 / 256, 7 / 256]]);
  });

  it("reads an unzipped one, and refuses zlib streams and text", async () => {
    const path = join(folder, "mnist.pkl");
    const pickle = PYTHON2_PICKLES[0]?.[1] as Uint8Array;
    await writeFile(path, pickle);
    expect((await loadData(path)).valid[1].toArray()).toEqual([7, 8]);
    await writeFile(path, deflateSync(pickle));
    expect((await rejection(loadData(path))).code).toBe("pickle-corrupt");
  });

  it("refuses x and y of different lengths", async () => {
    // The label array's shape (2,) becomes (1,) and its bytes stay: that is caught below; here x loses a row's worth of labels.
    const text = Buffer.from(PYTHON2_PICKLES[0]?.[1] as Uint8Array).toString("latin1");
    const path = join(folder, "mnist.pkl");
    await writeFile(path, Buffer.from(text.replace("I2\nI4\n", "I4\nI2\n"), "latin1"));
    expect((await rejection(loadData(path))).code).toBe("mnist-shape");
    await writeFile(path, Buffer.from(text.replace("I2\nI4\n", "I2\nI5\n"), "latin1"));
    expect((await rejection(loadData(path))).code).toBe("numpy-size");
  });
});

describe("loadData by name", () => {
  it("takes 'mnist' from DAMO_DATA, a folder", async () => {
    await writeIdx(folder);
    process.env.DAMO_DATA = folder;
    expect((await loadData("mnist")).train[0].shape).toEqual([10, 2]);
  });

  it("takes 'mnist' from the cache when it is complete, else downloads", async () => {
    process.env.DAMO_CACHE = folder;
    await writeIdx(join(folder, "mnist"));
    expect((await loadData("mnist")).test[0].shape).toEqual([3, 2]);
    await rm(join(folder, "mnist", "t10k-labels-idx1-ubyte.gz"));
    expect((await rejection(loadData("mnist", { download: { mirrors: ["http://127.0.0.1:1"], attempts: 1 } }))).code).toBe("download-failed");
    await cp(join(folder, "mnist"), join(folder, "elsewhere"), { recursive: true });
    expect((await rejection(loadData("mnist", { download: { folder: join(folder, "elsewhere"), mirrors: [], attempts: 1 } }))).message).toContain("elsewhere");
  });

  it("draws 'digits' of the sizes asked, each set from its own stream", async () => {
    const a = await loadData("digits", { sizes: { train: 20, valid: 5, test: 5 } });
    const b = await loadData("digits", { sizes: { train: 30, valid: 5, test: 5 } });
    const c = await loadData("digits", { seed: 1, sizes: { train: 20, valid: 5, test: 5 } });
    expect(`${a.train[0]} ${a.train[1]} ${a.test[0]}`).toBe("float32[20,784] int32[20] float32[5,784]");
    expect(b.train[0].data.subarray(0, a.train[0].size)).toEqual(a.train[0].data);
    expect([b.valid, b.test]).toEqual([a.valid, a.test]);
    expect(a.valid[0].data).not.toEqual(a.test[0].data);
    expect(c.train[0].data).not.toEqual(a.train[0].data);
  });

  it("refuses unknown names and empty sets", async () => {
    expect(await rejection(loadData("mnits"))).toMatchObject({ code: "dataset-name", message: expect.stringContaining("'mnits'") });
    expect((await rejection(loadData("digits", { sizes: { valid: 0 } }))).code).toBe("digits-size");
  });
});

const real = process.env.DAMO_DATA;
if (!real) console.log("skipped: the real MNIST (set DAMO_DATA to its folder)");

describe.skipIf(!real)("the real MNIST", () => {
  it("is split 50000/10000/10000 with the known first labels and pixel sums", async () => {
    const { train, valid, test } = await loadData(real as string);
    expect([train, valid, test].map(([x]) => x.shape)).toEqual([[50000, 784], [10000, 784], [10000, 784]]);
    expect([...train[1].data.subarray(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    expect([...test[1].data.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    // 33.318421 and 33.791224 are the published mean bytes of the training (60000) and test pictures.
    const sum = (a: { data: ArrayLike<number> }): number => Array.from(a.data).reduce((s, v) => s + v, 0);
    expect(((sum(train[0]) + sum(valid[0])) * 256) / (60000 * 784)).toBeCloseTo(33.318421, 5);
    expect((sum(test[0]) * 256) / (10000 * 784)).toBeCloseTo(33.791224, 5);
  });
});
