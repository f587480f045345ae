/** Model files: what is saved comes back; files of other models, without notes or of other sizes are refused. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { numpy as np, saveArrays, shared } from "../../src/index.js";
import { loadModel, restoreParams, saveModel } from "../../src/models/model_files.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-models-"));
});
afterAll(() => rm(folder, { recursive: true }));

const W = () => shared(np.asarray([[1, 2, 3]], { dtype: "float32" }), { name: "W" });

describe("model files", () => {
  test("keep values and sizes", async () => {
    const path = join(folder, "a.npz");
    await saveModel(path, "toy", { W: W() }, { n: 3, layers: [4, 5] });
    const saved = await loadModel(path, "toy");
    expect([saved.model, saved.size("n"), saved.sizes("layers")]).toEqual(["toy", 3, [4, 5]]);
    const other = shared(np.zeros([1, 3], { dtype: "float64" }));
    restoreParams(path, saved, { W: other });
    expect((await other.getValue()).toArray()).toEqual([[1, 2, 3]]);
    expect(other.dtype).toBe("float64");
  });

  test("of another model are refused", async () => {
    const path = join(folder, "b.npz");
    await saveModel(path, "toy", { W: W() }, {});
    await expect(loadModel(path, "rbm")).rejects.toMatchObject({ code: "model-kind" });
    await saveArrays(path, { W: np.zeros([1]) });
    await expect(loadModel(path)).rejects.toMatchObject({ code: "model-kind" });
  });

  test("without a size are refused", async () => {
    const path = join(folder, "c.npz");
    await saveModel(path, "toy", { W: W() }, { layers: "4,5" });
    const saved = await loadModel(path);
    expect(() => saved.size("n")).toThrow(expect.objectContaining({ code: "model-note" }));
    expect(() => saved.sizes("layers")).toThrow(expect.objectContaining({ code: "model-note" }));
  });

  test("with other shapes are refused", async () => {
    const path = join(folder, "d.npz");
    await saveModel(path, "toy", { W: W() }, {});
    const saved = await loadModel(path);
    expect(() => restoreParams(path, saved, { W: shared(np.zeros([3, 1])) })).toThrow(expect.objectContaining({ code: "model-param" }));
    expect(() => restoreParams(path, saved, { V: W() })).toThrow(expect.objectContaining({ code: "model-param" }));
  });
});
