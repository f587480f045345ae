/** grad(): Theano's published gradients, ties, connection, dtypes, options, printed form and errors. Values by the graph interpreter. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { interpret } from "../../src/autodiff/interpret.js";
import { verifyGrad } from "../../src/autodiff/verify.js";
import type { DType } from "../../src/codegen/ir/dtype.js";
import { appliesOf } from "../../src/graph/function_graph.js";
import { TensorType, tensorType } from "../../src/graph/types.js";
import { apply1, Constant, Variable } from "../../src/graph/variable.js";
import { asarray } from "../../src/numpy/convert.js";
import { type ArrayLike, NdArray } from "../../src/numpy/ndarray.js";
import { argmax } from "../../src/ops/argmax.js";
import { defineOp } from "../../src/ops/define.js";
import * as E from "../../src/ops/elementwise.js";
import * as M from "../../src/ops/math.js";
import { sum } from "../../src/ops/reduce.js";
import * as S from "../../src/ops/sigmoid.js";
import { DisconnectedInputError, NullTypeGradError } from "../../src/util/fail.js";
import { config } from "../../src/util/config.js";

const symbol = (dtype: DType, ndim: number, name: string): Variable => new Variable(tensorType(dtype, ndim), { name });
const dscalar = (name: string): Variable => symbol("float64", 0, name);
const dvector = (name: string): Variable => symbol("float64", 1, name);
const dmatrix = (name: string): Variable => symbol("float64", 2, name);
const at = (v: Variable, env: readonly (readonly [Variable, ArrayLike])[]): unknown => interpret([v], new Map(env.map(([x, a]) => [x, asarray(a, { dtype: x.dtype })])))[0]?.toArray();
/** A graph as Theano's pp prints it, for infix and function ops. */
const pp = (v: Variable): string => {
  if (v.owner === null) return v instanceof Constant ? String(v) : (v.name ?? "?");
  const { infix } = v.owner.op.fields;
  const args = v.owner.inputs.map(pp);
  return infix !== undefined && args.length === 2 ? `(${args[0]} ${infix} ${args[1]})` : `${v.owner.op.name}(${args.join(", ")})`;
};

afterEach(() => {
  config.floatX = "float32";
  vi.restoreAllMocks();
});

describe("published gradients", () => {
  test("x ** 2, its value and its printed form (gradients.txt, printing.txt)", () => {
    const x = dscalar("x");
    const gy = grad(x.pow(2), x);
    expect(at(gy, [[x, 4]])).toBe(8);
    expect(at(gy, [[x, 94.2]])).toBeCloseTo(188.4, 12);
    expect(pp(gy)).toBe("((fill((x ** TensorConstant{2}), TensorConstant{1.0}) * TensorConstant{2}) * (x ** (TensorConstant{2} - TensorConstant{1})))");
  });

  test("the sum of the logistic function (gradients.txt)", () => {
    const x = dmatrix("x");
    const got = at(grad(sum(E.div(1, E.add(1, M.exp(E.neg(x))))), x), [[x, [[0, 1], [-1, -2]]]]) as number[][];
    [[0.25, 0.19661193], [0.19661193, 0.10499359]].forEach((row, i) => row.forEach((v, j) => expect(got[i]![j]).toBeCloseTo(v, 8)));
  });

  test("the branch not taken of switch leaves no NaN in the value (PR 2773)", () => {
    const x = dscalar("x");
    const y = E.switch_(x.lt(7), x, M.sqrt(x.sub(7)));
    expect(at(y, [[x, 5]])).toBe(5);
  });

  test("the gradient of argmax is zero", () => {
    const x = dmatrix("x");
    expect(at(grad(sum(argmax(x, { axis: 1 })), x), [[x, [[1, 2], [4, 3]]]])).toEqual([[0, 0], [0, 0]]);
  });
});

describe("ties", () => {
  const slope = (f: (x: Variable) => Variable, x0: ArrayLike): unknown => {
    const x = dvector("x");
    return at(grad(sum(f(x)), x), [[x, x0]]);
  };
  test("maximum and minimum give ties to the first operand", () => {
    expect(slope((x) => E.maximum(x, 0), [-1, 0, 1])).toEqual([0, 1, 1]);
    expect(slope((x) => E.maximum(0, x), [-1, 0, 1])).toEqual([0, 0, 1]);
    expect(slope((x) => E.minimum(x, 0), [-1, 0, 1])).toEqual([1, 1, 0]);
  });
  test("relu has slope one half at 0, abs none, clip one at its bounds", () => {
    expect(slope((x) => S.relu(x), [-1, 0, 1])).toEqual([0, 0.5, 1]);
    expect(slope((x) => x.abs(), [-1, 0, 1])).toEqual([-1, 0, 1]);
    expect(slope((x) => x.clip(-1, 1), [-2, -1, 0, 1, 2])).toEqual([0, 1, 1, 1, 0]);
  });
  test("each maximum of a reduction gets the gradient", () => {
    expect(slope((x) => x.max(), [3, 1, 3])).toEqual([1, 0, 1]);
  });
  test("floorDiv, rounding and comparisons are flat, not disconnected", () => {
    expect(slope((x) => x.mul(x).floorDiv(2), [3, 4])).toEqual([0, 0]);
    expect(slope((x) => x.round().add(x.floor()), [0.3])).toEqual([0]);
    expect(slope((x) => x.lt(0.5).astype("float64").mul(3), [0.3])).toEqual([0]);
  });
  test("mod: 1 for the dividend, minus the quotient for the divisor", () => {
    const [x, y] = [dscalar("x"), dscalar("y")];
    const [gx, gy] = grad(x.mod(y), [x, y]) as [Variable, Variable];
    expect([at(gx, [[x, 7.5], [y, 2]]), at(gy, [[x, 7.5], [y, 2]])]).toEqual([1, -3]);
  });
  test("the gradient of x ** y in y is 0 at x = 0", () => {
    const [x, y] = [dscalar("x"), dscalar("y")];
    expect(at(grad(x.pow(y), y), [[x, 0], [y, 2]])).toBe(0);
  });
});

describe("types", () => {
  test("gradients have the variable's dtype and broadcast flags", () => {
    const x = symbol("float32", 2, "x");
    const b = new Variable(new TensorType("float64", [true, false]), { name: "b" });
    const [gx, gb] = grad(sum(x.mul(b)), [x, b]) as [Variable, Variable];
    expect(gx.type.equals(x.type)).toBe(true);
    expect(gb.type.equals(b.type)).toBe(true);
    const vector = symbol("float32", 1, "v");
    expect(at(grad(sum(x.add(vector)), vector), [[x, [[1, 2], [3, 4], [5, 6]]], [vector, [0, 0]]])).toEqual([3, 3]);
  });

  test("whole numbers: the gradient of x in itself is 1.0, in x * 2 it is 0", () => {
    const x = symbol("int32", 0, "x");
    expect(grad(x, x).dtype).toBe("float32");
    expect(at(grad(x, x), [[x, 3]])).toBe(1);
    expect(at(grad(x.mul(2), x), [[x, 3]])).toBe(0);
    config.floatX = "float64";
    const y = x.astype("float64").mul(2.5);
    expect(grad(y, x).dtype).toBe("float64");
    expect(at(grad(y, x), [[x, 3]])).toBe(2.5);
  });

  test("results come back as wrt was given; names follow cost and wrt", () => {
    const x = dscalar("x");
    const cost = x.mul(x);
    cost.name = "c";
    expect(grad(cost, x).name).toBe("(dc/dx)");
    expect(grad(cost, [x])).toHaveLength(1);
    expect(grad(cost, [])).toEqual([]);
    expect(grad(x.mul(x), x).name).toBeNull();
    expect(grad(cost, x, { addNames: false }).name).toBeNull();
  });
});

describe("what the walk follows", () => {
  test("uses of one variable add up; inner variables can be asked for", () => {
    const x = dscalar("x");
    const h = x.mul(3);
    const y = h.mul(h).add(x);
    const [gx, gh] = grad(y, [x, h]) as [Variable, Variable];
    expect(at(gx, [[x, 2]])).toBe(37);
    expect(at(gh, [[x, 2]])).toBe(12);
  });

  test("considerConstant stops at that very variable and inserts nothing", () => {
    const x = dscalar("x");
    const [h, again] = [x.mul(3), x.mul(3)];
    const y = h.mul(x);
    expect(at(grad(y, x, { considerConstant: [h] }), [[x, 2]])).toBe(6);
    expect(at(grad(y, x, { considerConstant: [again] }), [[x, 2]])).toBe(12);
    const names = new Set(appliesOf([grad(y, x, { considerConstant: [h] })]).map((a) => a.op.name));
    expect([...names].sort()).toEqual(["fill", "mul"]);
    expect(() => grad(y, h, { considerConstant: [h] })).toThrow(DisconnectedInputError);
  });

  test("knownGrads start the walk without a cost, and replace what it would find", () => {
    const x = dscalar("x");
    const h = x.mul(3);
    const g = dscalar("g");
    expect(at(grad(null, x, { knownGrads: [[h, g]] }), [[x, 2], [g, 5]])).toBe(15);
    expect(at(grad(h.mul(h), x, { knownGrads: new Map([[h, g]]) }), [[x, 2], [g, 5]])).toBe(15);
  });

  test("only ops on the way to wrt are differentiated", () => {
    const [x, y] = [dscalar("x"), dscalar("y")];
    const g = grad(M.exp(y).add(x.mul(2)), x);
    expect(appliesOf([g]).some((a) => a.inputs.includes(y) && a.op.name === "mul")).toBe(false);
    expect(at(g, [[x, 1], [y, 1]])).toBe(2);
  });

  test("a chain of 3000 ops needs no deep stack", () => {
    const x = dscalar("x");
    let y: Variable = x;
    for (let i = 0; i < 3000; i++) y = y.mul(x);
    expect(at(grad(y, x), [[x, 1]])).toBe(3001);
  });

  test("second derivatives", () => {
    const x = dscalar("x");
    expect(at(grad(grad(x.pow(3), x), x), [[x, 2]])).toBe(12);
    verifyGrad((v) => grad(sum(S.sigmoid(v).mul(M.tanh(v))), v), [[0.3, -0.7]]);
  });

  test("gradient nodes carry the line of the forward variable", () => {
    const x = dscalar("x");
    const y = x.mul(x);
    const g = grad(y, x);
    expect(String(g.origin)).toBe(String(y.origin));
    expect(String(g.origin)).toContain("grad.test.ts");
  });
});

describe("disconnected and undefined", () => {
  const [x, y] = [dscalar("x"), dscalar("y")];

  test("a variable that is not in the graph, or gives only its shape", () => {
    expect(() => grad(x.mul(2), y)).toThrow(DisconnectedInputError);
    expect(() => grad(x.mul(2), y)).toThrow("grad-disconnected");
    expect(() => grad(sum(E.fill(y, x)), y)).toThrow("y: float64[]");
  });

  test("what comes back instead", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    expect(at(grad(x.mul(2), y, { disconnectedInputs: "ignore" }), [[y, 1]])).toBe(0);
    expect(warn).not.toHaveBeenCalled();
    expect(grad(x.mul(2), y, { disconnectedInputs: "warn", returnDisconnected: "none" })).toBeNull();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(grad(x.mul(2), [x, y], { disconnectedInputs: "ignore", returnDisconnected: "disconnected" })[1]).toBe("disconnected");
  });

  test("an op without a gradient on the way", () => {
    const cost = S.ultraFastSigmoid(x).mul(2);
    expect(() => grad(cost, x)).toThrow(NullTypeGradError);
    expect(() => grad(cost, x)).toThrow(/grad-undefined/);
    expect(() => grad(cost, x)).toThrow(/'ultraFastSigmoid' made at .*grad.test.ts/);
    expect(grad(cost, x, { nullGradients: "return" })).toBe("undefined");
    expect(at(grad(cost.add(x), x, { considerConstant: [cost] }), [[x, 1]])).toBe(1);
  });
});

describe("wrong arguments", () => {
  const x = dvector("x");
  test.each([
    ["grad-cost-scalar", () => grad(x.mul(2), x)],
    ["grad-cost-missing", () => grad(null, x)],
    ["grad-wrt", () => grad(sum(x), new Set([x]) as unknown as Variable[])],
    ["grad-wrt", () => grad(sum(x), ["x"] as unknown as Variable[])],
    ["grad-known", () => grad(null, x, { knownGrads: [[x, symbol("int32", 1, "g")]] })],
    ["grad-known", () => grad(null, x, { knownGrads: [[x, dscalar("g")]] })],
    ["grad-option", () => grad(sum(x), x, { disconnectedInputs: "zero" as "raise" })],
  ])("%s", (code, f) => {
    expect(f).toThrow(code);
  });
});

describe("verifyGrad", () => {
  const broken = defineOp({
    name: "brokenSquare", doc: "x * x with the gradient of x.", infer: ([t]) => [t!], shape: ({ shapes }) => [shapes[0]!], lower: { kind: "loop" },
    gradient: ({ cotangents: [g] }) => [g!],
    reference: ([a]) => [new NdArray(a!.data.map((v) => v * v), a!.shape, a!.dtype)],
    samples: [],
  });
  test("finds a wrong gradient and says where", () => {
    expect(() => verifyGrad((v) => apply1(broken, [v]), [[0.2, 3]])).toThrow(/verify-grad/);
    expect(() => verifyGrad((v) => apply1(broken, [v]), [[0.2, 3]])).toThrow("at element 0");
  });
  test("finds a gradient of another shape", () => {
    const short = defineOp({ ...broken.fields, name: "shortSquare", gradient: () => [new Constant(asarray([1, 2, 3], { dtype: "float64" }))] });
    expect(() => verifyGrad((v) => apply1(short, [v]), [[0.2, 3]])).toThrow("verify-grad-shape");
  });
  test("accepts right ones, whole-number arguments and several outputs", () => {
    verifyGrad((a, b) => [a.mul(b), M.exp(a)], [asarray([[0.2, 1]]), asarray([1, 2])]);
  });
  test("needs a float point: whole numbers are integers, and nothing would be checked", () => {
    expect(() => verifyGrad((v) => apply1(broken, [v]), [[1, 3]])).toThrow("verify-grad-points");
  });
  test("needs a float output", () => {
    expect(() => verifyGrad((v) => v.lt(0), [[0.5]])).toThrow("verify-grad-float");
  });
});
