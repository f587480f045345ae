/** A function called with ever new lengths kept every plan it ever made, and made one for every learning rate beside a length. Found by review. */
import { expect, test, vi } from "vitest";
import { device as open } from "../../src/compile/devices.js";
import { compile, type NdArray, slice, T } from "damo";

test("plans that are not used any more are disposed", async () => {
  const { backend } = await open("reference");
  let alive = 0;
  const build = backend.compile.bind(backend);
  const spy = vi.spyOn(backend, "compile").mockImplementation(async (plan) => {
    const made = await build(plan);
    const dispose = made.dispose.bind(made);
    alive++;
    return Object.assign(made, {
      dispose: () => {
        alive--;
        dispose();
      },
    });
  });
  try {
    const [x, n] = [T.fvector("x"), T.iscalar("n")];
    const f = compile([x, n], x.get(slice(0, n)).sum(), { device: "reference" });
    const ones = new Float32Array(400).fill(1);
    for (let i = 0; i < 400; i++) expect(await f(ones, i)).toBe(i);
    expect(alive).toBeLessThanOrEqual(256);
    expect(await f(ones, 3)).toBe(3);
    f.dispose();
    expect(alive).toBe(0);
  } finally {
    spy.mockRestore();
  }
});

test("a learning rate beside a length does not ask for a plan of its own", async () => {
  const { backend } = await open("reference");
  const spy = vi.spyOn(backend, "compile");
  try {
    const [x, n, lr] = [T.fvector("x"), T.iscalar("n"), T.fscalar("lr")];
    const f = compile([x, n, lr], x.get(slice(0, n)).mul(lr).sum(), { device: "reference" });
    for (const rate of [0.5, 0.25, 2]) for (const length of [1, 3]) expect(await f([1, 2, 3, 4], length, rate)).toBe(rate * (length === 1 ? 1 : 6));
    expect(spy).toHaveBeenCalledTimes(2);
    expect(f.explain().notes).toEqual(["shapes depend on the whole numbers among the scalars of the call: one plan for each of their values"]);
    const g = compile([x, n, lr], T.arange(T.cast(lr, "int32")).add(x.sum()).mul(n), { device: "reference" });
    for (const rate of [2.5, 3, 2.5]) expect(((await g([0], 1, rate)) as NdArray).shape).toEqual([Math.floor(rate)]);
    expect(spy).toHaveBeenCalledTimes(4);
  } finally {
    spy.mockRestore();
  }
});
