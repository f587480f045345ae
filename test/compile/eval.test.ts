/** Variable.eval, and modes by configuration. */
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { closeDevices, compile, config, type NdArray, shared, T } from "../../src/index.js";

const code = (c: string) => expect.objectContaining({ code: c });
const [x, y] = T.dscalars("x y");
const { device, mode } = config;

beforeEach(() => {
  config.device = "reference";
});
afterEach(() => {
  Object.assign(config, { device, mode });
});
afterAll(closeDevices);

test("with values for the inputs, in any order, as a Map or pairs; compiled once", async () => {
  const z = x.mul(2).sub(y);
  expect([await z.eval([[x, 16.3], [y, 12.1]]), await z.eval(new Map([[y, 1], [x, 2]]))]).toEqual([16.3 * 2 - 12.1, 3]);
  const w = shared([1, 2], { dtype: "float64" });
  const v = w.mul(3);
  expect(((await v.eval()) as NdArray).toArray()).toEqual([3, 6]);
  w.setValue([5]);
  expect(((await v.eval()) as NdArray).toArray()).toEqual([15]);
});

test("missing, unused and wrong values are errors of functions", async () => {
  await expect(x.add(y).eval([[x, 1]])).rejects.toThrow(code("missing-input"));
  await expect(x.add(1).eval([[x, 1], [y, 2]])).rejects.toThrow(code("unused-input"));
  await expect(x.add(1).eval([[x, [1, 2]]])).rejects.toThrow(code("call-ndim"));
});

test("config.mode is the mode of functions that do not say theirs", async () => {
  const rewrites = (f: { explain(): { toString(): string } }): string => /rewrites: .*/.exec(f.explain().toString())?.[0] ?? "";
  const run = async (options: { mode?: "fast_run" }): Promise<string> => {
    const f = compile([x], T.log(T.exp(x)), options);
    await f(1);
    return rewrites(f);
  };
  config.mode = "none";
  expect(await run({})).toBe("rewrites: none");
  expect(await run({ mode: "fast_run" })).not.toBe("rewrites: none");
});
