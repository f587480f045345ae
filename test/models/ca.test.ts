/** cA: its Jacobian against the derivative, costs and weights against an independent NumPy program, and that the contraction contracts. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile, config, gradient, NdArray, numpy as np, T } from "../../src/index.js";
import { cA, testCA } from "../../src/models/ca.js";
import { FEW, quiet } from "./data.js";

let outputFolder = "";
const before = { ...config };
beforeAll(async () => {
  outputFolder = await mkdtemp(join(tmpdir(), "damo-ca-"));
});
afterAll(async () => {
  Object.assign(config, before);
  await rm(outputFolder, { recursive: true });
});

test("getJacobian is the derivative of the hidden values", async () => {
  Object.assign(config, { device: "reference", floatX: "float64" });
  const x = T.matrix("x");
  const ca = new cA({ numpyRng: new np.random.RandomState(3), input: x, nVisible: 5, nHidden: 4, nBatchsize: 1 });
  const hidden = ca.getHiddenValues(x);
  const [J, derivative] = (await compile([x], [ca.getJacobian(hidden, ca.W), gradient.jacobian(hidden.flatten(), x)] as const)([[0.1, 0.9, 0.4, 0, 1]])) as readonly [NdArray, NdArray];
  expect([J.shape, derivative.shape]).toEqual([[1, 5, 4], [4, 1, 5]]);
  for (let v = 0; v < 5; v++) for (let h = 0; h < 4; h++) expect(J.data[v * 4 + h]).toBeCloseTo(derivative.data[h * 5 + v]!, 12);
});

describe.each(["reference", "wasm"])("testCA on %s in float64", (device) => {
  test("costs and weights of an independent NumPy program, the picture, the tutorial's line", async () => {
    Object.assign(config, { device, floatX: "float64" });
    const { lines, log } = quiet();
    const { ca, costs, jacobianNorms } = await testCA({ data: FEW, nHidden: 30, trainingEpochs: 1, outputFolder, log });
    expect(costs[0]).toBeCloseTo(411.46240316199965, 9);
    expect(jacobianNorms[0]).toBeCloseTo(4.773133747889539, 10);
    expect(np.sum(await ca.W.getValue())).toBeCloseTo(-879.6517714839862, 8);
    // The tutorial prints the mean of (cost, square) of minibatch 0, and of their roots of minibatch 1.
    expect(lines[1]).toMatch(/^Training epoch 0, reconstruction cost {2}301\.50872168105\d+ {2}jacobian norm {2}14\.4293167516\d+ \(means of the epoch: 411\.462403, 4\.773134\)$/);
    expect(lines[2]).toMatch(/^The code for file ca\.ts ran for \d+\.\d\dm$/);
    expect(await readdir(outputFolder)).toEqual(["cae_filters.png"]);
  });
});

test("a larger contraction makes smaller Jacobians", async () => {
  Object.assign(config, before);
  const norm = async (contractionLevel: number): Promise<number> => (await testCA({ data: FEW, nHidden: 30, trainingEpochs: 2, contractionLevel, outputFolder, log: () => undefined })).jacobianNorms[1]!;
  const [none, little, much] = [await norm(0), await norm(0.1), await norm(1)];
  expect(little).toBeLessThan(none * 0.98);
  expect(much).toBeLessThan(little * 0.9);
});
