/** Print: what it prints and when, in functions and loops, that it hides nothing from gradients; and the names of theano.scalar. */
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { closeDevices, compile, grad, type NdArray, Print, scalar, scan, T } from "../../src/index.js";
import { numbersOf } from "./evaluate.js";

const device = "reference";
const code = (c: string) => expect.objectContaining({ code: c });
const x = T.dvector("x");

afterEach(() => void vi.restoreAllMocks());
afterAll(closeDevices);

const printed = (): string[] => {
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  return lines;
};

describe("Print", () => {
  it("prints what is computed, each time", async () => {
    const lines = printed();
    const f = compile([x], Print("x")(x.mul(2)).sum(), { device });
    expect([await f([1, 2]), await f([0.5, Number.NaN])]).toEqual([6, Number.NaN]);
    expect(lines).toEqual(["x __str__ = [2. 4.]", "x __str__ = [ 1. nan]"]);
  });

  it("attributes, one line each; scalars; with or without new", async () => {
    const lines = printed();
    const show = new Print("m", { attrs: ["shape", "dtype", "ndim", "size", "min", "max", "mean", "std", "sum", "prod"] });
    expect(numbersOf(show(x), [[x, [1, 3]]])).toEqual([1, 3]);
    expect(lines).toEqual(["m shape = (2)", "m dtype = float64", "m ndim = 1", "m size = 2", "m min = 1", "m max = 3", "m mean = 2", "m std = 1", "m sum = 4", "m prod = 3"]);
    await compile([x], Print("s")(x.sum().gt(1)), { device })([1, 2]);
    expect(lines.at(-1)).toBe("s __str__ = True");
    expect(() => Print("x", { attrs: ["median" as never] })).toThrow(code("print-attribute"));
  });

  it("in each step of a loop, to a function of its own", async () => {
    const seen: [number[], string][] = [];
    const show = Print("row", { globalFn: (v, message) => void seen.push([[...v.data], message]) });
    const [rows] = scan({ fn: (row) => show(row).mul(2), sequences: x });
    expect(((await compile([x], rows, { device })([1, 2])) as NdArray).toArray()).toEqual([2, 4]);
    expect(seen).toEqual([[[1], "row"], [[2], "row"]]);
  });

  it("lets gradients through, and is not merged, folded or seen through", async () => {
    const lines = printed();
    const f = compile([x], [grad(T.sqr(Print("a")(x)).sum(), x), Print("c")(T.constant(1))], { device });
    expect(((await f([1, 2]))[0] as NdArray).toArray()).toEqual([2, 4]);
    expect([...lines].sort()).toEqual(["a __str__ = [1. 2.]", "c __str__ = 1"]);
    const blocked = compile([x], T.log(Print("b")(T.exp(x))), { device });
    expect(((await blocked([1000])) as NdArray).toArray()).toEqual([Number.POSITIVE_INFINITY]);
  });
});

describe("theano.scalar", () => {
  it("upcast, asScalar, identity", () => {
    expect([scalar.upcast("float32", "int64"), scalar.upcast("bool"), scalar.upcast("float32", "float64")]).toEqual(["float32", "bool", "float64"]);
    expect(() => scalar.upcast("float16")).toThrow(code("dtype-name"));
    expect(numbersOf(scalar.asScalar(2))).toBe(2);
    expect(() => scalar.asScalar(x)).toThrow(code("scalar-rank"));
    expect(numbersOf(scalar.identity(x), [[x, [1]]])).toEqual([1]);
  });
});
