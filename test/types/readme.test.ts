/** README's ten lines: type-checked here, run, and the same text as README's. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { compile, config, grad, shared, T } from "../../src/index.js";

async function tenLines(images: number[][], labels: number[]): Promise<void> {
  const x = T.matrix("x");
  const y = T.ivector("y");
  const W = shared(new Array(784).fill(new Array(10).fill(0.0)), { name: "W", dtype: "float32" });
  const b = shared(new Array(10).fill(0.0), { name: "b", dtype: "float32" });
  const cost = T.mean(T.nnet.categoricalCrossentropy(T.nnet.softmax(T.dot(x, W).add(b)), y));
  const [gW, gb] = grad(cost, [W, b]);
  const train = compile([x, y], cost, { updates: [[W, W.sub(gW.mul(0.13))], [b, b.sub(gb.mul(0.13))]] });
  console.log(await train(images, labels)); // images: number[][] or a float32 NdArray, labels: number[]
  console.log(train.explain().toString()); // device and why, kernels, plan
}

beforeAll(() => {
  config.device = "reference";
});
afterAll(() => {
  config.device = "auto";
});

const lines = (text: string): string[] => text.split("\n").map((l) => l.trim()).filter((l) => l !== "" && !l.startsWith("import "));

test("are these", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const own = readFileSync(new URL(import.meta.url), "utf8");
  const block = (text: string, from: string, to: string): string => text.slice(text.indexOf(from) + from.length).split(to)[0] as string;
  expect(lines(block(readme, "```ts\n", "```"))).toEqual(lines(block(own, "Promise<void> {\n", "\n}\n")));
});

test("run: zero weights cost log 10", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
  try {
    await tenLines([0, 1].map((k) => Array.from({ length: 784 }, (_, j) => ((k + j) % 256) / 256)), [3, 7]);
    expect(log.mock.calls[0]?.[0]).toBeCloseTo(Math.log(10), 6);
    expect(log.mock.calls[1]?.[0]).toMatch(/^device: reference .*: device 'reference' was asked for\nkernels: \d+ in the plan/);
  } finally {
    log.mockRestore();
  }
});
