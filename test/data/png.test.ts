import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng, savePng } from "../../src/data/png.js";
import { NdArray } from "../../src/numpy/ndarray.js";
import { codeOf } from "./helpers.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-png-"));
});
afterAll(() => rm(folder, { recursive: true }));

const array = (shape: number[], f: (i: number) => number): NdArray => new NdArray(Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => f(i)), shape, "float64");
/** Byte 25 of a PNG is the colour type of its header. */
const colorType = (png: Uint8Array): number => png[25] as number;

describe("PNG", () => {
  it("writes grey, RGB and RGBA pictures that read back as they were", () => {
    const grey = encodePng(array([2, 3], (i) => i * 51));
    expect(colorType(grey)).toBe(0);
    expect([...PNG.sync.read(Buffer.from(grey)).data]).toEqual([0, 51, 102, 153, 204, 255].flatMap((x) => [x, x, x, 255]));
    const rgb = encodePng(array([1, 2, 3], (i) => i * 40));
    expect(colorType(rgb)).toBe(2);
    expect([...PNG.sync.read(Buffer.from(rgb)).data]).toEqual([0, 40, 80, 255, 120, 160, 200, 255]);
    const rgba = encodePng(array([2, 1, 4], (i) => i * 30));
    expect(colorType(rgba)).toBe(6);
    const read = PNG.sync.read(Buffer.from(rgba));
    expect([read.width, read.height, ...read.data]).toEqual([1, 2, 0, 30, 60, 90, 120, 150, 180, 210]);
  });

  it("saves into a folder that it makes", async () => {
    const path = join(folder, "a", "b.png");
    await savePng(path, array([4, 4], (i) => i));
    expect(PNG.sync.read(await readFile(path)).width).toBe(4);
  });

  it.each([[[4]], [[2, 2, 2]], [[2, 0]], [[1, 2, 2, 3]]])("refuses shape %j", (shape) => {
    expect(codeOf(() => encodePng(array(shape, () => 0))).code).toBe("png-shape");
  });

  it.each([-1, 256, 0.5, Number.NaN])("refuses the value %d", (value) => {
    expect(codeOf(() => encodePng(array([1, 1], () => value)))).toMatchObject({ code: "png-values", message: expect.stringContaining(String(value)) });
  });
});
