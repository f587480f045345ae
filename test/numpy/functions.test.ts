import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { toDType } from "../../src/codegen/ir/dtype.js";
import * as np from "../../src/numpy/index.js";

interface Encoded { readonly dtype: string; readonly shape: number[]; readonly data: (number | string | boolean)[] }
type Case = readonly [name: string, args: readonly unknown[], want: unknown];

/** Calls and results of NumPy 2.4.6; arrays carry their dtype (int64 written int32), non-finite numbers are words. */
const { arrays: ARRAYS, cases: CASES } = JSON.parse(readFileSync(new URL("fixtures/numpy_functions.json", import.meta.url), "utf8")) as {
  readonly arrays: Readonly<Record<string, Encoded>>;
  readonly cases: readonly Case[];
};
/** Where NumPy uses its own vector code or a BLAS, the last bits are nobody's to promise. */
const INEXACT = new Set(["exp", "log", "sin", "cos", "tanh", "power"]);

const WORDS: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, "-inf": Number.NEGATIVE_INFINITY, "-0": -0 };
const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> => typeof x === "object" && x !== null && !Array.isArray(x);

function decode(x: unknown): unknown {
  if (isRecord(x) && typeof x.ref === "string") return decode(ARRAYS[x.ref]);
  if (isRecord(x) && "data" in x) {
    const { data, dtype, shape } = x as unknown as Encoded;
    return np.asarray(data.map(decode) as number[], { dtype }).reshape(shape);
  }
  if (Array.isArray(x)) return x.map(decode);
  return typeof x === "string" ? (WORDS[x] ?? x) : x;
}

function check(got: unknown, want: unknown, inexact: boolean): void {
  if (want instanceof np.NdArray) {
    const array = got as np.NdArray;
    expect([array.dtype, array.shape]).toEqual([want.dtype, want.shape]);
    if (inexact) expect(np.allclose(array, want, { rtol: 1e-15, atol: 0 })).toBe(true);
    else expect([...array.data]).toEqual([...want.data]);
  } else if (inexact) expect(got).toBeCloseTo(want as number, 14);
  else expect(got).toEqual(want);
}

describe("functions agree with NumPy", () => {
  const functions = np as unknown as Readonly<Record<string, (...args: unknown[]) => unknown>>;
  for (const name of new Set(CASES.map((c) => c[0]))) {
    test(name, () => {
      for (const [, args, want] of CASES.filter((c) => c[0] === name)) {
        const call = functions[name] as (...args: unknown[]) => unknown;
        check(call(...args.map(decode)), decode(want), INEXACT.has(name));
      }
    });
  }
});

describe("storage", () => {
  test("typed arrays keep their dtype and are not copied; array copies", () => {
    const data = Float32Array.of(1, 2);
    expect(np.asarray(data).dtype).toBe("float32");
    expect(np.asarray(data).data).toBe(data);
    expect(np.array(data).data).not.toBe(data);
    expect(np.asarray(Int32Array.of(1)).dtype).toBe("int32");
    expect(np.asarray(Float64Array.of(1)).dtype).toBe("float64");
    const a = np.zeros(2);
    expect(np.asarray(a)).toBe(a);
    expect(np.asarray(a, { dtype: "float64" })).toBe(a);
    expect(np.array(a)).not.toBe(a);
    expect(np.asarray(a, { dtype: "float32" }).dtype).toBe("float32");
  });

  test("bytes are numbers", () => {
    expect(np.asarray(Uint8Array.of(0, 7, 255)).dtype).toBe("int32");
    expect(np.asarray(Uint8Array.of(0, 7, 255), { dtype: "float32" }).toArray()).toEqual([0, 7, 255]);
  });

  test("reshape and ravel share storage, the other movers copy", () => {
    const a = np.arange(4);
    expect(np.reshape(a, [2, 2]).data).toBe(a.data);
    expect(np.ravel(a).data).toBe(a.data);
    expect(np.take(a, [0, 1, 2, 3]).data).not.toBe(a.data);
    expect(np.sort(a).data).not.toBe(a.data);
  });

  test("every name of a dtype is understood", () => {
    expect(np.zeros(1, { dtype: "int64" }).dtype).toBe(toDType("int32"));
    expect(np.linspace(0, 1, 2, { dtype: "float32" }).dtype).toBe("float32");
    for (const a of [np.arange(0, 3, 1, { dtype: "float64" }), np.arange(3, { dtype: "float64" }), np.arange(0, 3, { dtype: "float64" })]) {
      expect(a).toMatchObject({ dtype: "float64", shape: [3] });
    }
    expect(np.eye(2, { dtype: "int32" })).toMatchObject({ dtype: "int32", shape: [2, 2] });
    expect(np.linspace(0, 1, { num: 3, dtype: "float32" })).toEqual(np.linspace(0, 1, 3, { dtype: "float32" }));
  });

  test("constants", () => {
    expect([np.pi, np.e, np.inf, np.nan]).toEqual([Math.PI, Math.E, Number.POSITIVE_INFINITY, Number.NaN]);
  });
});

test("diagonals read and made (NumPy 1.24.2)", () => {
  const a = np.arange(6).reshape([2, 3]);
  expect([0, 1, 2, 3, -1, -2].map((k) => np.diag(a, k).toArray())).toEqual([[0, 4], [1, 5], [2], [], [3], []]);
  expect(np.diagonal(a, 1).toArray()).toEqual([1, 5]);
  expect(np.diag([1.5, 2], 1).toArray()).toEqual([[0, 1.5, 0], [0, 0, 2], [0, 0, 0]]);
  expect(np.diag([1, 2], -1)).toMatchObject({ dtype: "int32", shape: [3, 3] });
  expect(np.diag([1, 2], -1).toArray()).toEqual([[0, 0, 0], [1, 0, 0], [0, 2, 0]]);
});

test("every refusal says why", () => {
  const refusals: readonly (readonly [string, () => unknown])[] = [
    ["size", () => np.zeros([2, -1])],
    ["size", () => np.zeros(1.5)],
    ["not-an-array", () => np.asarray([null] as unknown as number[])],
    ["not-an-array", () => np.asarray("3" as unknown as number)],
    ["int32-range", () => np.asarray([2 ** 31], { dtype: "int32" })],
    ["ragged", () => np.asarray([[1], [2, 3]])],
    ["dtype-name", () => np.zeros(1, { dtype: "complex64" })],
    ["arange-step", () => np.arange(0, 1, 0)],
    ["arange-step", () => np.arange(Number.POSITIVE_INFINITY)],
    ["np-broadcast", () => np.add([1, 2], [1, 2, 3])],
    ["np-broadcast-to", () => np.broadcastTo([[1], [2]], [2])],
    ["np-axis", () => np.sum([1, 2], { axis: 1 })],
    ["np-empty", () => np.max([])],
    ["np-empty-arg", () => np.argmax([])],
    ["np-dot", () => np.dot([1, 2], [1, 2, 3])],
    ["np-dot", () => np.matmul([[1, 2]], [[1, 2]])],
    ["np-matmul-scalar", () => np.matmul(2, [1])],
    ["np-reshape", () => np.reshape([1, 2, 3], [2, -1])],
    ["np-reshape", () => np.reshape([1, 2], [-1, -1])],
    ["np-transpose", () => np.transpose([[1, 2]], [0, 0])],
    ["np-concatenate", () => np.concatenate([])],
    ["np-concatenate-shape", () => np.concatenate([[[1]], [[1, 2]]])],
    ["np-diagonal", () => np.diag(np.zeros([2, 2, 2]))],
    ["np-take", () => np.take([1, 2], [2])],
  ];
  for (const [code, call] of refusals) expect(call, code).toThrow(expect.objectContaining({ code }));
});

test("what is not a number is named, and what may have been meant", () => {
  const said = (x: unknown): string => {
    try {
      np.asarray(x as number);
    } catch (e) {
      return String((e as Error).message);
    }
    return "nothing";
  };
  expect(said(Promise.resolve(1))).toMatch(/A promise is not a number.*await it/s);
  expect(said(undefined)).toMatch(/undefined is not a number.*missing/s);
  expect(said({ axis: 1 })).toMatch(/An object of \{ axis \}.*options come last/s);
  expect(said("axis")).toMatch(/The text 'axis'/);
  expect(said(null)).toMatch(/null is not a number/);
});
