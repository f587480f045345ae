import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseIdxImages, parseIdxLabels, readIdxImages, readIdxLabels } from "../../src/data/idx.js";
import { codeOf, idxImages, idxLabels, rejection } from "./helpers.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-idx-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("IDX", () => {
  it("reads images and labels", () => {
    const images = parseIdxImages(idxImages(2, 2, 3, (i) => i * 20), "i");
    expect(images).toMatchObject({ count: 2, rows: 2, columns: 3 });
    expect([...images.pixels]).toEqual([0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220]);
    expect([...parseIdxLabels(idxLabels([7, 2, 1]), "l")]).toEqual([7, 2, 1]);
  });

  it("reads from a subarray, not from the buffer's start", () => {
    const padded = new Uint8Array([9, 9, 9, ...idxLabels([5])]).subarray(3);
    expect([...parseIdxLabels(padded, "l")]).toEqual([5]);
  });

  it("reads plain and gzipped files alike", async () => {
    await writeFile(join(folder, "a"), idxLabels([3, 1]));
    await writeFile(join(folder, "a.gz"), gzipSync(idxLabels([3, 1])));
    expect(await readIdxLabels(join(folder, "a.gz"))).toEqual(await readIdxLabels(join(folder, "a")));
  });

  it("names file, expected and found for a wrong magic number", () => {
    const error = codeOf(() => parseIdxImages(idxLabels([1, 2, 3, 4, 5, 6, 7, 8, 9]), "some/file"));
    expect(error.code).toBe("idx-magic");
    expect(error.message).toMatch(/some\/file.*\n.*expected magic number 2051 \(images\)\n.*found 2049 \(labels\)/);
  });

  it("refuses a header cut short", () => {
    const error = codeOf(() => parseIdxImages(idxImages(1, 1, 1, () => 0).subarray(0, 15), "f"));
    expect([error.code, error.message]).toEqual(["idx-header", expect.stringMatching(/at least 16 bytes\n.*found 15/)]);
  });

  it.each([[-1, 21], [+1, 23]])("refuses a size off by %i", (by, found) => {
    const good = idxImages(1, 2, 3, () => 1);
    const bytes = by < 0 ? good.subarray(0, good.length + by) : new Uint8Array([...good, 0]);
    const error = codeOf(() => parseIdxImages(bytes, "f"));
    expect([error.code, error.message]).toEqual(["idx-size", expect.stringMatching(new RegExp(`expected 22 bytes\\n.*found ${found}`))]);
  });

  it("refuses truncated and corrupt gzip, and absent files", async () => {
    const zipped = gzipSync(idxImages(10, 28, 28, (i) => (i * 7919) % 256));
    const path = join(folder, "cut.gz");
    await writeFile(path, zipped.subarray(0, zipped.length - 20));
    expect(await rejection(readIdxImages(path))).toMatchObject({ code: "gzip-corrupt", message: expect.stringContaining(path) });
    const flipped = Buffer.from(zipped);
    flipped[flipped.length - 6] = (flipped[flipped.length - 6] as number) ^ 1;
    await writeFile(path, flipped);
    expect(await rejection(readIdxImages(path))).toMatchObject({ code: "gzip-corrupt" });
    expect(await rejection(readIdxImages(join(folder, "absent")))).toMatchObject({ code: "file-read" });
  });
});
