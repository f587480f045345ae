/** Elementwise ops: published values, edges, dtype rules of operands and results, and errors. The generated checks are in generated.test.ts. */
import { afterEach, describe, expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import { cast as castExpr, constant, type Expr } from "../../src/codegen/ir/expr.js";
import type { DType } from "../../src/codegen/ir/dtype.js";
import type { Op } from "../../src/graph/op.js";
import { tensorType } from "../../src/graph/types.js";
import { Constant, Variable } from "../../src/graph/variable.js";
import { asarray } from "../../src/numpy/convert.js";
import type { ArrayLike } from "../../src/numpy/ndarray.js";
import * as E from "../../src/ops/elementwise.js";
import * as M from "../../src/ops/math.js";
import * as S from "../../src/ops/sigmoid.js";
import { config } from "../../src/util/config.js";

const value = (v: Variable): unknown => interpret([v])[0]?.toArray();
const f64 = (x: ArrayLike): Variable => new Constant(asarray(x, { dtype: "float64" }));
const i32 = (x: ArrayLike): Variable => new Constant(asarray(x, { dtype: "int32" }));
const bool = (x: ArrayLike): Variable => new Constant(asarray(x, { dtype: "bool" }));
const symbol = (dtype: DType, ndim = 1): Variable => new Variable(tensorType(dtype, ndim), { name: "x" });

afterEach(() => {
  config.floatX = "float32";
});

describe("numbers that others published", () => {
  test("adding scalars and matrices (Theano tutorial adding.txt)", () => {
    expect(value(f64(2).add(3))).toBe(5);
    expect(value(f64(16.3).add(12.1))).toBeCloseTo(28.4, 12);
    expect(value(f64([[1, 2], [3, 4]]).add(f64([[10, 20], [30, 40]])))).toEqual([[11, 22], [33, 44]]);
  });

  test("the logistic function, three ways (examples.txt)", () => {
    const x = f64([[0, 1], [-1, -2]]);
    const want = [[0.5, 0.73105858], [0.26894142, 0.11920292]];
    for (const y of [E.div(1, E.add(1, M.exp(E.neg(x)))), E.div(E.add(1, M.tanh(E.div(x, 2))), 2), S.sigmoid(x)]) {
      (value(y) as number[][]).forEach((row, i) => row.forEach((v, j) => expect(v).toBeCloseTo(want[i]![j]!, 8)));
    }
  });

  test("difference, its absolute value and square (examples.txt)", () => {
    const diff = f64([[1, 1], [1, 1]]).sub(f64([[0, 1], [2, 3]]));
    expect(value(diff)).toEqual([[1, 0], [-1, -2]]);
    expect(value(diff.abs())).toEqual([[1, 0], [1, 2]]);
    expect(value(diff.pow(2))).toEqual([[1, 0], [1, 4]]);
  });

  test("the error function (Abramowitz & Stegun, table 7.1)", () => {
    const x = f64([0, 0.5, 1, 1.5, 2]);
    [0, 0.5204998778, 0.8427007929, 0.9661051465, 0.995322265].forEach((v, i) => expect((value(x.erf()) as number[])[i]).toBeCloseTo(v, 9));
    expect((value(x.erfc()) as number[])[2]).toBeCloseTo(0.1572992071, 9);
  });

  test("ultraFastSigmoid's pieces meet the values of sigm.py's formula", () => {
    const got = value(S.ultraFastSigmoid(f64([0, 1, 4, 8, -1, -4, -8]))) as number[];
    [0.5, 0.75, 0.9745867295035069, 0.997527376843365, 0.25, 0.025413270496493057, 0.00247262315663499].forEach((v, i) => expect(got[i]).toBeCloseTo(v, 10));
  });
});

describe("edges", () => {
  test("floorDiv and mod follow Python's signs, for whole numbers and floats", () => {
    expect(value(i32([7, -7, 7, -7]).floorDiv(i32([2, 2, -2, -2])))).toEqual([3, -4, -4, 3]);
    expect(value(i32([7, -7, 7, -7]).mod(i32([3, 3, -3, -3])))).toEqual([1, 2, -2, -1]);
    expect(value(f64([7.5, -7.5]).floorDiv(2))).toEqual([3, -4]);
    expect(value(f64([7.5, -7.5]).mod(2))).toEqual([1.5, 0.5]);
    expect(value(i32([5]).floorDiv(0))).toEqual([0]);
    expect(value(i32([5]).mod(0))).toEqual([0]);
  });

  test("both rounding modes on halves", () => {
    const x = f64([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 0.49999999999999994]);
    expect(value(M.round(x))).toEqual([0, 2, 2, -0, -2, 2, 0].map((v) => expect.closeTo(v)));
    expect(value(x.round({ mode: "half_away_from_zero" }))).toEqual([1, 2, 3, -1, -2, 2, 0]);
    expect(M.iround(x).dtype).toBe("int32");
    expect(value(M.iround(x))).toEqual([0, 2, 2, 0, -2, 2, 0]);
  });

  test("maximum, minimum and clip keep NaN", () => {
    expect(value(E.maximum(f64([Number.NaN, 1, 3]), f64([1, Number.NaN, 2])))).toEqual([Number.NaN, Number.NaN, 3]);
    expect(value(E.minimum(f64([Number.NaN, 1, 3]), f64([1, Number.NaN, 2])))).toEqual([Number.NaN, Number.NaN, 2]);
    expect(value(f64([-2, 0.5, 2, Number.NaN]).clip(-1, 1))).toEqual([-1, 0.5, 1, Number.NaN]);
  });

  test("isnan and isinf; never true of whole numbers", () => {
    const x = f64([1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    expect(value(x.isnan())).toEqual([false, true, false, false]);
    expect(value(x.isinf())).toEqual([false, false, true, true]);
    expect(value(i32([1]).isnan())).toEqual([false]);
  });

  test("comparisons with NaN are false but for neq", () => {
    const nan = f64([Number.NaN]);
    for (const f of [E.lt, E.le, E.gt, E.ge, E.eq]) expect(value(f(nan, nan))).toEqual([false]);
    expect(value(nan.neq(nan))).toEqual([true]);
  });

  test("switch chooses, and a number takes the other branch's dtype", () => {
    expect(value(E.switch_(bool([true, false]), f64([1, 2]), 9))).toEqual([1, 9]);
    expect(E.switch_(symbol("float64"), 1, 0).dtype).toBe("int32");
    expect(E.switch_(symbol("bool"), symbol("float32"), 0).dtype).toBe("float32");
    expect(E.where).toBe(E.switch_);
  });

  test("relu, elu and hardSigmoid", () => {
    const x = f64([-2, 0, 3]);
    expect(value(S.relu(x))).toEqual([0, 0, 3]);
    expect(value(S.relu(x, 0.5))).toEqual([-1, 0, 3]);
    expect(value(S.relu(x, f64(0.5)))).toEqual([-1, 0, 3]);
    expect((value(S.elu(x, 2)) as number[])[0]).toBeCloseTo(2 * Math.expm1(-2), 14);
    expect(value(S.hardSigmoid(f64([-3, 0, 1, 3])))).toEqual([0, 0.5, 0.7, 1]);
  });

  test("selu and softsign", () => {
    expect((value(S.selu(f64([1, -1]))) as number[])[0]).toBeCloseTo(1.0507009873554805, 14);
    expect((value(S.selu(f64([1, -1]))) as number[])[1]).toBeCloseTo(-1.1113307378125625, 12);
    expect(value(S.softsign(f64([-3, 1])))).toEqual([-0.75, 0.5]);
    expect((value(M.deg2rad(f64([180]))) as number[])[0]).toBeCloseTo(Math.PI, 14);
    expect((value(M.rad2deg(f64([Math.PI]))) as number[])[0]).toBeCloseTo(180, 12);
  });

  test("whole-number products wrap as C's do; add and mul take any number of operands; map passes only the element", () => {
    expect(value(i32([123456789]).mul(i32([987654321])))).toEqual([-67153019]);
    expect(value(i32([123456789]).sqr())).toEqual([-1757895751]);
    expect(value(E.add(f64(1), 2, f64(3)))).toBe(6);
    expect(value(E.mul(f64(2), 3, f64(4)))).toBe(24);
    expect([f64(2), f64(3)].map(E.sqr).map(value)).toEqual([4, 9]);
  });

  test("sigmoid and softplus neither overflow nor lose the tails", () => {
    expect(value(S.softplus(f64([-800, 0, 800])))).toEqual([0, Math.LN2, 800]);
    expect(value(S.sigmoid(f64([-800, 0, 800])))).toEqual([0, 0.5, 1]);
  });
});

describe("dtypes", () => {
  test("a number takes the dtype of the tensor it meets, if it fits", () => {
    expect(symbol("float64").mul(2).dtype).toBe("float64");
    expect(symbol("float32").mul(0.1).dtype).toBe("float32");
    expect(symbol("int32").add(1).dtype).toBe("int32");
    expect(symbol("int32").add(0.5).dtype).toBe("float32");
    config.floatX = "float64";
    expect(symbol("int32").add(0.5).dtype).toBe("float64");
    expect(E.sub(1, symbol("float32")).dtype).toBe("float32");
  });

  test("true division and the functions of analysis give floats", () => {
    for (const f of [M.exp, M.log, M.sqrt, M.sin, M.tanh, S.sigmoid, M.inv]) expect(f(symbol("int32")).dtype).toBe("float32");
    expect(symbol("int32").div(symbol("int32")).dtype).toBe("float32");
    expect(symbol("int32").floorDiv(2).dtype).toBe("int32");
    config.floatX = "float64";
    expect(symbol("int32").trueDiv(2).dtype).toBe("float64");
  });

  test("bools count as whole numbers in arithmetic and stay bools where they only move", () => {
    expect(symbol("bool").add(symbol("bool")).dtype).toBe("int32");
    expect(symbol("bool").neg().dtype).toBe("int32");
    expect(symbol("bool").abs().dtype).toBe("bool");
    expect(E.maximum(symbol("bool"), symbol("bool")).dtype).toBe("bool");
    expect(symbol("int32").floor().dtype).toBe("int32");
  });

  test("a whole exponent stays a whole number, the result keeps its dtype", () => {
    const y = symbol("float32", 0).pow(2);
    expect(String(y.owner?.inputs[1])).toBe("TensorConstant{2}");
    expect(y.dtype).toBe("float32");
    expect(String(symbol("float32", 0).pow(0.5).owner?.inputs[1])).toBe("TensorConstant{0.5}");
    expect(value(i32([2, 3]).pow(2))).toEqual([4, 9]);
  });

  test("cast: no node for the same dtype, Theano's names, truncation", () => {
    const x = symbol("float32");
    expect(x.astype("float32")).toBe(x);
    expect(E.cast(x, "int64").dtype).toBe("int32");
    expect(value(E.cast(f64([-1.7, 1.7]), "int8"))).toEqual([-1, 1]);
    expect(value(E.cast(f64([0, 0.3]), "bool"))).toEqual([false, true]);
  });

  test("ranks are padded on the left; stretching is static", () => {
    const y = symbol("float64", 2).add(symbol("float64", 1));
    expect(y.broadcastable).toEqual([false, false]);
    expect(y.owner?.inputs[1]?.broadcastable).toEqual([true, false]);
    expect(E.fill(symbol("float64", 2), 1).ndim).toBe(2);
    expect(E.fill(symbol("int32", 1), new Constant(asarray(0.5))).dtype).toBe("float64");
  });
});

describe("kernel expressions", () => {
  /** Evaluates an op's kernel expression on constants, which fold. */
  const folded = (op: Op, args: readonly number[], dtype: DType): number => {
    const { lower, infer } = op.fields;
    const out = infer(args.map(() => tensorType(dtype, 0)), {})[0]!.dtype;
    if (lower.kind !== "elementwise") throw new Error(`${op} is not elementwise`);
    const e: Expr = castExpr(lower.expr(args.map((a) => constant(a, dtype)), {}, out), out);
    return e.kind === "const" ? e.value : Number.NaN;
  };

  test.each([
    ["trunc", M.trunc.op, -1.7], ["roundHalfAwayFromZero", M.roundHalfAwayFromZero.op, -2.5], ["roundHalfToEven", M.roundHalfToEven.op, 2.5], ["log2", M.log2.op, 8], ["log10", M.log10.op, 1000],
    ["exp2", M.exp2.op, 0.5], ["sinh", M.sinh.op, 1e-3], ["cosh", M.cosh.op, -1.5], ["erfc", M.erfc.op, 0.3], ["inv", M.inv.op, 4], ["isinf", E.isinf.op, Number.NEGATIVE_INFINITY], ["isnan", E.isnan.op, Number.NaN],
    ["arcsinh", M.arcsinh.op, -0.3], ["arccosh", M.arccosh.op, 1.5], ["arctanh", M.arctanh.op, 0.5],
    ["ultraFastSigmoid", S.ultraFastSigmoid.op, -5], ["sqr", E.sqr.op, -3], ["sgn", E.sgn.op, -0.1], ["softplus", S.softplus.op, 3], ["sigmoid", S.sigmoid.op, -3], ["floor", M.floor.op, -0.5],
  ] as const)("%s agrees with its reference", (_, op, x) => {
    const want = op.fields.reference([asarray(x, { dtype: "float64" })], {}, op.fields.infer([tensorType("float64", 0)], {}))[0]!.data[0]!;
    expect(folded(op, [x], "float64")).toBeCloseTo(want, 13);
  });

  test("float32 sigmoid saturates above 15, softplus above 14, as Theano's C code does", () => {
    expect(folded(S.sigmoid.op, [15.5], "float32")).toBe(1);
    expect(folded(S.softplus.op, [14.5], "float32")).toBe(14.5);
    expect(folded(S.sigmoid.op, [19.5], "float64")).toBe(1);
  });
});

describe("errors", () => {
  test("logic on anything but bools", () => {
    expect(() => E.and_(symbol("int32"), symbol("bool"))).toThrow("logical-dtype");
    expect(() => E.invert(symbol("float32"))).toThrow("logical-dtype");
    expect(value(E.invert(bool([true, false])))).toEqual([false, true]);
    expect(value(bool([true, true, false]).xor(bool([true, false, false])))).toEqual([false, true, false]);
    expect(value(bool([true, false]).and(bool([true, true])).or(bool([false, false])))).toEqual([true, false]);
  });

  test("unknown rounding modes and dtypes", () => {
    expect(() => M.round(symbol("float32"), { mode: "up" as "half_to_even" })).toThrow("round-mode");
    expect(() => E.cast(symbol("float32"), "float16")).toThrow("dtype-name");
  });
});
