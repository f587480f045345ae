/** A function called with ever new lengths kept every plan it ever made. Found by review. */
import { expect, test, vi } from "vitest";
import { device as open } from "../../src/compile/devices.js";
import { compile, slice, T } from "damo";

test("plans that are not used any more are disposed", async () => {
  const { backend } = await open("reference");
  let alive = 0;
  const build = backend.compile.bind(backend);
  const spy = vi.spyOn(backend, "compile").mockImplementation(async (plan) => {
    const made = await build(plan);
    const dispose = made.dispose.bind(made);
    alive++;
    return Object.assign(made, { dispose: () => (alive--, dispose()) });
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
