/**
 * Functions with updates on every device: several calls whose shared values stay where they are. The backend's own counters say what was
 * uploaded and read back; nothing but the call's arguments and results may be.
 */
import { expect } from "vitest";
import { compile, grad, type NdArray, shared, T, type Variable } from "damo";
import { interpret } from "../../src/autodiff/interpret.js";
import { device } from "../../src/compile/devices.js";
import { difference } from "../../src/testing/parity.js";
import { drawArray, seededUniform } from "../../src/ops/samples.js";
import { finish, onEachDevice } from "./devices.js";

const draw = (shape: readonly number[], seed: number): NdArray => drawArray("float32", shape, seededUniform(seed), { low: -1, high: 1 });

/** One step of gradient descent on a network with one hidden layer. */
function model() {
  const [x, y] = [T.fmatrix("x"), T.ivector("y")];
  const params = [[4, 5], [5], [5, 3], [3]].map((s, i) => shared(draw(s, i + 1), { name: `p${i}` }));
  const [w1, b1, w2, b2] = params as unknown as [Variable, Variable, Variable, Variable];
  const p = T.nnet.softmax(T.dot(T.tanh(T.dot(x, w1).add(b1)), w2).add(b2));
  const cost = T.nnet.categoricalCrossentropy(p, y).mean();
  const news = params.map((w) => w.sub(T.mul(grad(cost, w), 0.25)));
  return { x, y, params, cost, news };
}

onEachDevice("training keeps its parameters on the device", async ({ name }) => {
  const { x, y, params, cost, news } = model();
  const f = compile([x, y], cost, { updates: params.map((w, i) => [w, news[i]!]), device: name });
  const [points, labels] = [draw([6, 4], 9), [0, 1, 2, 2, 1, 0]];
  const env = new Map<Variable, NdArray>([[x, points], ...params.map((w) => [w, w.cell.host!] as const)]);
  env.set(y, drawArray("int32", [6], () => 0));
  labels.forEach((l, i) => { env.get(y)!.data[i] = l; });
  await f(points, labels);
  const { counters } = (await device(name)).backend;
  const before = { ...counters };
  for (let call = 0; call < 3; call++) {
    const [want, ...next] = interpret([cost, ...news], env, { exactDTypes: false });
    params.forEach((w, i) => env.set(w, next[i]!));
    if (call === 0) expect(want!.data[0]).toBeGreaterThan(0.5);
    const got = (await f(points, labels)) as number;
    const [after] = interpret([cost], env, { exactDTypes: false });
    expect(got).toBeCloseTo(after!.data[0]!, 4);
  }
  expect(counters.uploads - before.uploads).toBe(3 * 2);
  expect(counters.readbacks - before.readbacks).toBe(3);
  const [, ...last] = interpret([cost, ...news], env, { exactDTypes: false });
  for (const [i, w] of params.entries()) expect(difference(await w.getValue(), last[i]!, 1e-4)).toBe(null);
});

onEachDevice("updates are simultaneous, of every dtype, and swap", async ({ name }) => {
  const [a, b] = [shared(draw([2, 3], 1), { name: "a" }), shared(draw([2, 3], 2), { name: "b" })];
  const [n, flag] = [shared([1, 2, 3], { name: "n", dtype: "int32" }), shared([true, false], { name: "flag", dtype: "bool" })];
  const f = compile([], [a.sum(), n], { updates: [[a, b], [b, a.add(b)], [n, n.mul(3)], [flag, T.invert(flag)]], device: name });
  let [wantA, wantB] = [Array.from(a.cell.host!.data), Array.from(b.cell.host!.data)];
  for (let call = 0; call < 3; call++) {
    const [total, before] = (await f()) as unknown as [number, NdArray];
    expect(total).toBeCloseTo(wantA.reduce((s, e) => s + e), 5);
    expect(before.toArray()).toEqual([3 ** call, 2 * 3 ** call, 3 * 3 ** call]);
    [wantA, wantB] = [wantB, wantA.map((e, i) => Math.fround(e + wantB[i]!))];
  }
  expect(Array.from((await a.getValue()).data)).toEqual(wantA);
  expect(Array.from((await b.getValue()).data)).toEqual(wantB);
  expect((await flag.getValue()).toArray()).toEqual([false, true]);
});

onEachDevice("a value set between calls is what the next call reads", async ({ name }) => {
  const w = shared(draw([3], 1), { name: "w" });
  const f = compile([], w.mul(2), { updates: [[w, w.add(1)]], device: name });
  await f();
  w.setValue([10, 20, 30]);
  expect(((await f()) as NdArray).toArray()).toEqual([20, 40, 60]);
  expect((await w.getValue()).toArray()).toEqual([11, 21, 31]);
});

finish();
