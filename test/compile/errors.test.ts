/** What compile() and calls refuse, each with its code, and that nothing is lost when they do. */
import { describe, expect, test } from "vitest";
import { compile, DamoError, DamoTypeError, In, MissingInputError, NdArray, shared, T, UnusedInputError, ValueError, type Variable } from "../../src/index.js";

const device = "reference";

function codeOf(build: () => unknown): string {
  try {
    build();
  } catch (e) {
    if (e instanceof DamoError) return e.code;
    throw e;
  }
  return "no error";
}

async function callCode(call: () => Promise<unknown>): Promise<DamoError> {
  try {
    await call();
  } catch (e) {
    if (e instanceof DamoError) return e;
    throw e;
  }
  throw new Error("the call did not fail");
}

describe("compile() refuses", () => {
  const x = T.dvector("x");
  const w = shared(1.5, { name: "w", dtype: "float64" });
  const n = shared(1, { name: "n" });
  test.each<[string, () => unknown]>([
    ["input-shared", () => compile([w], w)],
    ["input-constant", () => compile([T.constant(1)], x)],
    ["input-kind", () => compile([3 as unknown as Variable], x)],
    ["inputs-list", () => compile({ inputs: x as unknown as Variable[], outputs: x })],
    ["input-twice", () => compile([x, x], x)],
    ["missing-input", () => compile([], x)],
    ["unused-input", () => compile([x, T.dvector("z")], x)],
    ["outputs-kind", () => compile([x], "x" as unknown as Variable)],
    ["update-key", () => compile([x], x, { updates: [[x, x]] })],
    ["update-twice", () => compile([], [], { updates: [[w, w.add(1)], [w, w]] })],
    ["update-type", () => compile([], [], { updates: [[n, n.mul(T.constant(0.5, { dtype: "float64" }))]] })],
    ["pairs-kind", () => compile([], w, { givens: { w: 1 } as never })],
    ["options-list", () => compile([], w, [[w, w]] as never)],
    ["pairs-length", () => compile([], w, { updates: [[w, w, w]] })],
    ["givens-kind", () => compile([x], x, { givens: [["x" as unknown as Variable, x]] })],
    ["givens-input", () => compile([x], x, { givens: [[x, x.add(1)]] })],
    ["givens-twice", () => compile([], x, { givens: [[x, [1]], [x, [2]]] })],
    ["givens-type", () => compile([], x, { givens: [[x, T.fvector("f")]] })],
    ["givens-chain", () => {
      const [a, b] = [T.dscalar("a"), T.dscalar("b")];
      return compile([], a, { givens: [[a, b], [b, a.add(1)]] });
    }],
  ])("%s", (code, build) => {
    expect(codeOf(build)).toBe(code);
  });

  test("with Theano's families of errors", () => {
    expect(() => compile([w], w)).toThrow(DamoTypeError);
    expect(() => compile([], x)).toThrow(MissingInputError);
    expect(() => compile([x, T.dvector("z")], x)).toThrow(UnusedInputError);
    expect(() => compile([], [], { updates: [[w, w], [w, w]] })).toThrow(ValueError);
  });

  test("and says where the variable was made", () => {
    expect(() => compile([], x)).toThrow(/errors\.test\.ts:\d+:\d+/);
  });
});

describe("a call refuses", () => {
  const x = T.fmatrix("x");
  const r = T.row("r", { dtype: "float64" });
  const i = T.iscalar("i");
  const f = compile([x, In(i, { value: 0 })], x.mul(i), { device });
  test.each<[string, () => Promise<unknown>]>([
    ["call-missing", () => f()],
    ["call-too-many", () => f([[1]], 1, 2)],
    ["call-unknown-name", () => f([[1]], { j: 1 })],
    ["call-twice", () => f([[1]], { x: [[1]] })],
    ["call-ndim", () => f([1])],
    ["call-dtype", () => f(new NdArray(Float64Array.of(0.1), [1, 1], "float64"))],
    ["call-dtype", () => f([[1]], 0.5)],
    ["call-broadcast", () => compile([r], r, { device })([[1], [2]])],
  ])("%s", async (code, call) => {
    expect((await callCode(call)).code).toBe(code);
  });

  test("a wrong rank with Theano's words", async () => {
    expect((await callCode(() => f([1, 2, 3]))).message).toContain("Wrong number of dimensions: expected 2, got 1 with shape (3)");
  });

  test("unless it may lose precision", async () => {
    const g = compile([x], x, { device, allowInputDowncast: true });
    expect((await g(new NdArray(Float64Array.of(0.1), [1, 1], "float64")) as NdArray).data[0]).toBe(Math.fround(0.1));
  });
});

describe("shapes that do not fit", () => {
  test("name the inputs, the shapes and the line, and change nothing", async () => {
    const w = shared([1, 2, 3], { name: "w", dtype: "float64" });
    const steps = shared(0, { name: "steps" });
    const x = T.dvector("x");
    const f = compile([x], w.sum(), { updates: [[w, w.add(x)], [steps, steps.add(1)]], device });
    expect(await f([1, 1, 1])).toBe(6);
    const e = await callCode(() => f([1, 1]));
    expect(e).toBeInstanceOf(ValueError);
    expect(e.message).toContain("Input dimension mis-match. (input[0].shape[0] = 3, input[1].shape[0] = 2)");
    expect(e.message).toMatch(/errors\.test\.ts:\d+:\d+/);
    expect((await w.getValue()).toArray()).toEqual([2, 3, 4]);
    expect((await steps.getValue()).item()).toBe(1);
    expect(await f([0, 0, 0])).toBe(9);
  });

  test("an axis that happens to be 1 does not broadcast", async () => {
    const [x, y] = [T.dmatrix("x"), T.dmatrix("y")];
    const e = await callCode(() => compile([x, y], x.add(y), { device })([[1, 2, 3]], [[1]]));
    expect(e.message).toContain("(input[0].shape[1] = 3, input[1].shape[1] = 1)");
  });
});

describe("devices", () => {
  test("an unknown name is an error at the call, with the names there are", async () => {
    const x = T.dscalar("x");
    const e = await callCode(() => compile([x], x.add(1), { device: "abacus" })(1));
    expect([e.code, e.message.includes("reference")]).toEqual(["device-name", true]);
  });

  test("float64 arrays on a device that has none: the line, and a device that has them", async () => {
    const x = T.dvector("x");
    const e = await callCode(() => compile([x], x.add(1), { device: "gpu:cpu" })([1]));
    expect(e).toMatchObject({ code: "device-dtype", message: expect.stringMatching(/has no float64 buffers[\s\S]*errors\.test\.ts:\d+:\d+[\s\S]*such as reference/) });
  });
});

test("calls that are not awaited run in order", async () => {
  const s = shared(0);
  const k = T.iscalar("k");
  const f = compile([k], s, { updates: [[s, s.mul(2).add(k)]], device });
  expect(await Promise.all([f(1), f(1), f(1)])).toEqual([0, 1, 3]);
});
