import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { castScalar, type DType, DTYPES } from "../../../src/codegen/ir/dtype.js";
import { evaluate, hostScalar } from "../../../src/codegen/ir/evaluate.js";
import { axis, type Const, cast, constant, prim, scalar } from "../../../src/codegen/ir/expr.js";
import { erf, evalPrim, type Prim, PRIMS, primDType, roundHalfEven } from "../../../src/codegen/ir/prims.js";

const number = fc.oneof(fc.constantFrom(0, -0, 0.5, -0.5, 1, -1, 2147483647, -2147483648, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY), fc.double(), fc.integer());
const dtype = fc.constantFrom<DType>(...DTYPES);
const names = Object.keys(PRIMS) as Prim[];

describe("primitives", () => {
  // Python's math.erf.
  it.each([
    [1e-300, 1.1283791670955126e-300],
    [1e-08, 1.1283791670955126e-08],
    [0.1, 0.1124629160182849],
    [0.25, 0.2763263901682369],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [1.5, 0.9661051464753108],
    [1.9999, 0.9953201979070294],
    [2, 0.9953222650189527],
    [2.0001, 0.9953243313041966],
    [2.5, 0.999593047982555],
    [3, 0.9999779095030014],
    [4, 0.9999999845827421],
    [5, 0.9999999999984626],
    [5.9, 0.9999999999999999],
    [-0.7, -0.6778011938374184],
    [-2.25, -0.9985372834133188],
    [6.5, 1.0],
  ])("erf(%d) is %d", (x, y) => {
    expect(Math.abs(erf(x) - y) / Math.abs(y)).toBeLessThan(2e-15);
    expect(erf(-x)).toBe(-erf(x));
  });

  it("erf keeps zeros, infinities and NaN", () => {
    expect([erf(0), erf(-0), erf(Number.POSITIVE_INFINITY), erf(Number.NEGATIVE_INFINITY), erf(Number.NaN)]).toEqual([0, -0, 1, -1, Number.NaN]);
  });

  it("roundHalfEven takes halves to the even neighbour and anything else to the nearest", () => {
    // numpy.rint.
    expect([-2.5, -1.5, -0.5, -0.2, -0, 0, 0.5, 0.49999999999999994, 1.5, 2.5, 3.5, 4503599627370495.5, 4503599627370497].map(roundHalfEven)).toEqual(
      [-2, -2, -0, -0, -0, 0, 0, 0, 2, 2, 4, 4503599627370496, 4503599627370497]);
    fc.assert(fc.property(fc.integer({ min: -1e9, max: 1e9 }), (n) => {
      const r = roundHalfEven(n + 0.5);
      expect(Math.abs(r % 2)).toBe(0);
      expect(Math.abs(r - (n + 0.5))).toBe(0.5);
    }));
    fc.assert(fc.property(fc.double({ min: -1e15, max: 1e15, noNaN: true }), (x) => {
      const r = roundHalfEven(x);
      expect(Number.isInteger(r)).toBe(true);
      expect(Math.abs(r - x)).toBeLessThanOrEqual(0.5);
      expect(roundHalfEven(-x)).toBe(-r);
    }));
  });

  it("mod and floorDiv have Python's signs", () => {
    const both = (x: number, y: number, d: DType): number[] => [evalPrim("floorDiv", [x, y], d), evalPrim("mod", [x, y], d)];
    expect([[7, 3], [-7, 3], [7, -3], [-7, -3]].map(([x, y]) => both(x as number, y as number, "int32"))).toEqual([[2, 1], [-3, 2], [-3, -2], [2, -1]]);
    expect([both(5, 0, "int32"), both(-5.5, 2, "float64"), both(5.5, -2, "float64")]).toEqual([[0, 0], [-3, 0.5], [-3, -0.5]]);
    expect([both(-4, 2, "float64")[1], both(4, -2, "float64")[1], both(4, 0, "float64")[1]]).toEqual([0, -0, Number.NaN]);
    fc.assert(fc.property(fc.integer(), fc.integer(), (x, y) => {
      fc.pre(y !== 0 && !(y === -1 && x === -2147483648));
      const [q, r] = both(x, y, "int32") as [number, number];
      expect(BigInt(q) * BigInt(y) + BigInt(r)).toBe(BigInt(x));
      expect(r === 0 || r < 0 === y < 0).toBe(true);
      expect(Math.abs(r)).toBeLessThan(Math.abs(y));
    }));
  });

  it("pow follows C at ones", () => {
    const pow = (x: number, y: number): number => evalPrim("pow", [x, y], "float64");
    expect([pow(1, Number.NaN), pow(1, Number.POSITIVE_INFINITY), pow(-1, Number.NEGATIVE_INFINITY), pow(Number.NaN, 0), pow(-8, 1 / 3), pow(2, 10)]).toEqual([1, 1, 1, 1, Number.NaN, 1024]);
  });

  it("NaN wins in min and max", () => {
    for (const p of ["min", "max"] as const) for (const xs of [[Number.NaN, 1], [1, Number.NaN]]) expect(evalPrim(p, xs, "float64")).toBeNaN();
  });

  it("sigmoid and softplus saturate where Theano's C code does", () => {
    const at = (p: Prim, x: number, d: DType): number => evalPrim(p, [x], d);
    expect([at("sigmoid", 15.5, "float32"), at("sigmoid", -88.5, "float32"), at("sigmoid", 19.5, "float64"), at("sigmoid", -709.5, "float64")]).toEqual([1, 0, 1, 0]);
    expect(at("sigmoid", 15.5, "float64")).toBeLessThan(1);
    expect(at("sigmoid", 0, "float64")).toBe(0.5);
    expect([at("softplus", 14.5, "float32"), at("softplus", -104, "float32"), at("softplus", 16.5, "float64"), at("softplus", -746, "float64")]).toEqual([14.5, 0, 16.5, 0]);
    expect(at("softplus", 0, "float64")).toBe(Math.LN2);
  });

  it("int32 wraps", () => {
    expect([evalPrim("add", [2147483647, 1], "int32"), evalPrim("mul", [65536, 65537], "int32"), evalPrim("neg", [-2147483648], "int32"), evalPrim("floorDiv", [-2147483648, -1], "int32")]).toEqual(
      [-2147483648, 65536, -2147483648, -2147483648]);
  });

  it("MRG31k3p steps are exact", () => {
    const state = fc.integer({ min: 0, max: 2147483646 });
    fc.assert(fc.property(state, state, (a, b) => {
      expect(BigInt(evalPrim("mrgNext1", [a, b], "int32"))).toBe((4194304n * BigInt(a) + 129n * BigInt(b)) % 2147483647n);
      expect(BigInt(evalPrim("mrgNext2", [a, b], "int32"))).toBe((32768n * BigInt(a) + 32769n * BigInt(b)) % 2147462579n);
      const u = evalPrim("mrgOutput", [a, b], "int32");
      expect(u).toBeGreaterThan(0);
      expect((u - (a - b)) % 2147483647).toBe(0);
    }), { numRuns: 2000 });
  });
});

describe("prim()", () => {
  it.each(names)("folds %s of constants to what evalPrim says", (name) => {
    const arity = PRIMS[name].arity;
    fc.assert(fc.property(fc.array(fc.tuple(number, dtype), { minLength: arity, maxLength: arity }), (args) => {
      const parts = args.map(([x, d]) => constant(x, d));
      fc.pre(!name.startsWith("mrg") || parts.every((p) => p.value >= 0 && p.dtype === "int32"));
      const folded = prim(name, ...parts) as Const;
      const d = primDType(name, parts.map((p) => p.dtype));
      expect(folded.kind).toBe("const");
      expect(folded.dtype).toBe(d);
      expect(folded.value).toBe(castScalar(evalPrim(name, parts.map((p) => p.value), d), d));
    }));
  });

  it("picks the side of a select on a constant, in the select's dtype", () => {
    const a = axis(0, 3);
    expect(prim("select", constant(1, "bool"), a, constant(7, "int32"))).toBe(a);
    expect(prim("select", constant(0, "bool"), constant(7, "float32"), a)).toEqual(cast(a, "float32"));
  });

  it("simplifies and with constants", () => {
    const test = prim("lt", axis(0, 3), constant(2, "int32"));
    expect(prim("and", test, constant(1, "bool"))).toBe(test);
    expect(prim("and", constant(1, "bool"), test)).toBe(test);
    expect(prim("and", constant(0, "bool"), test)).toEqual(constant(0, "bool"));
  });

  it("refuses a wrong number of arguments", () => {
    expect(() => prim("add", axis(0, 3))).toThrow(expect.objectContaining({ code: "internal" }));
  });
});

describe("host scalars", () => {
  const [s0, s1] = [scalar(0, "int32"), scalar(1, "float32")];

  it("evaluate over plan scalars, and as closures to the same", () => {
    const e = prim("mul", cast(prim("add", s0, constant(2, "int32")), "float32"), prim("exp", s1));
    for (const xs of [[3, 0.5], [2147483647, 0.25], [-1, Number.NaN]]) {
      const want = Math.fround(Math.fround((((xs[0] as number) + 2) | 0)) * Math.fround(Math.exp(xs[1] as number)));
      expect(evaluate(e, xs)).toBe(want);
      expect(hostScalar(e)(xs)).toBe(want);
    }
    expect([evaluate(s0, [4, 0]), evaluate(constant(3, "int32"), []), hostScalar(constant(3, "int32"))([])]).toEqual([4, 3, 3]);
  });

  it("cannot read positions", () => {
    expect(() => evaluate(prim("add", axis(0, 3), s0), [1])).toThrow(expect.objectContaining({ code: "internal" }));
    expect(() => hostScalar(prim("add", axis(0, 3), s0))).toThrow(expect.objectContaining({ code: "internal" }));
  });
});
