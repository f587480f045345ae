import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { axis, cast, constant, type Expr, load, prim, redAxis, scalar } from "../../../src/codegen/ir/expr.js";
import { flatten, iadd, idiv, imod, imul, int, isub, keyOf, rangeOf, unflatten } from "../../../src/codegen/ir/index.js";
import { evalExpr, points, size } from "../reference/naive.js";

const AXES = [3, 5, 4] as const;
const TABLE = Int32Array.of(-7, 2, 0, 5, 11);
const [B, i] = [scalar(1, "int32"), scalar(0, "int32")];

/** Integer expressions over three axes, a reduction axis, two scalars and a table, built with the raw primitives. */
const index: fc.Arbitrary<Expr> = fc.letrec<{ e: Expr }>((tie) => ({
  e: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    fc.integer({ min: -9, max: 9 }).map(int),
    fc.integer({ min: 0, max: 2 }).map((a) => axis(a, AXES[a] as number)),
    fc.constantFrom<Expr>(redAxis(0, 6), i, B),
    fc.integer({ min: 0, max: 2 }).map((a): Expr => load(0, "int32", [axis(a, AXES[a] as number)])),
    fc.tuple(fc.constantFrom("add", "sub", "mul", "min", "max") as fc.Arbitrary<"add">, tie("e"), tie("e")).map(([p, a, b]) => prim(p, a, b)),
    tie("e").map((a) => prim("neg", a)),
    fc.tuple(fc.constantFrom("floorDiv", "mod") as fc.Arbitrary<"mod">, tie("e"), fc.integer({ min: 1, max: 7 })).map(([p, a, d]) => prim(p, a, int(d))),
    fc.tuple(tie("e"), tie("e"), tie("e")).map(([c, a, b]) => prim("select", prim("lt", c, int(2)), a, b)),
    fc.tuple(tie("e"), tie("e")).map(([a, b]) => cast(prim("lt", a, b), "int32")),
  ),
})).e;

const point = fc.record({ i: fc.tuple(fc.nat(2), fc.nat(4), fc.nat(3)), k: fc.tuple(fc.nat(5)), scalars: fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -20, max: 20 })) });
type Point = typeof point extends fc.Arbitrary<infer P> ? P : never;
const value = (e: Expr, p: Point): number => evalExpr(e, { ...p, acc: 0, buffers: [TABLE] }, [{ dtype: "int32", shape: [5] }]);
const small = (x: number): boolean => Math.abs(x) < 2 ** 31;

describe("index algebra", () => {
  it.each([["add", iadd], ["sub", isub], ["mul", imul]] as const)("i%s equals plain evaluation", (name, f) => {
    fc.assert(fc.property(index, index, point, (a, b, p) => {
      const plain = value(prim(name, a, b), p);
      fc.pre(small(plain));
      expect(value(f(a, b), p)).toBe(plain);
    }), { numRuns: 1000 });
  });

  it("idiv and imod are exact floor division for every sign", () => {
    fc.assert(fc.property(index, fc.integer({ min: 1, max: 9 }), point, (a, d, p) => {
      const x = value(a, p);
      expect(value(idiv(a, d), p)).toBe(Math.floor(x / d) + 0);
      expect(value(imod(a, d), p)).toBe(x - d * Math.floor(x / d));
    }), { numRuns: 2000 });
    const p: Point = { i: [0, 0, 0], k: [0], scalars: [-7, 0] };
    expect([value(idiv(i, 3), p), value(imod(i, 3), p)]).toEqual([-3, 2]);
  });

  it("ranges contain every value", () => {
    fc.assert(fc.property(index, point, (e, p) => {
      const { min, max } = rangeOf(e);
      const x = value(e, p);
      expect(x).toBeGreaterThanOrEqual(min);
      expect(x).toBeLessThanOrEqual(max);
    }), { numRuns: 2000 });
  });

  it("flatten and unflatten are inverse", () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }), (shape) => {
      const flat = scalar(0, "int32");
      const back = unflatten(flat, shape);
      let n = 0;
      for (const at of points(shape)) {
        const p: Point = { i: [0, 0, 0], k: [0], scalars: [n++, 0] };
        expect(back.map((e) => value(e, p))).toEqual(at);
        expect(value(flatten(back, shape), p)).toBe(n - 1);
      }
    }));
  });

  it("keeps canonical sums equal whatever the order of writing", () => {
    fc.assert(fc.property(index, index, index, (a, b, c) => {
      expect(keyOf(iadd(a, iadd(b, c)))).toBe(keyOf(iadd(iadd(c, a), b)));
      expect(keyOf(imul(a, iadd(b, c)))).toBe(keyOf(iadd(imul(c, a), imul(b, a))));
      expect(isub(a, a)).toEqual(int(0));
    }), { numRuns: 500 });
  });
});

describe("what views need", () => {
  it("finds the length of a minibatch: (i+1) B - i B is B", () => {
    expect(isub(imul(iadd(i, int(1)), B), imul(i, B))).toEqual(B);
  });

  it("reads nothing of scalars named apart as equal", () => {
    expect(keyOf(isub(imul(iadd(i, int(1)), B), imul(i, scalar(2, "int32"))))).not.toBe("s1");
  });

  it.each([[[6], [2, 3]], [[2, 3, 4], [6, 4]], [[2, 12], [2, 3, 4]], [[4, 6], [2, 2, 2, 3]], [[1, 5], [5, 1]]])("folds a reshape of %j to %j and back to plain axes", (from, to) => {
    const axes = from.map((d, a) => axis(a, d));
    const there = unflatten(flatten(axes, from), to);
    expect(unflatten(flatten(there, to), from)).toEqual(axes);
    expect(size(from)).toBe(size(to));
  });

  it("folds a reshape that splits an axis without any floorDiv", () => {
    const merged = unflatten(flatten([axis(0, 2), axis(1, 3), axis(2, 4)], [2, 3, 4]), [6, 4]);
    expect(merged.map(keyOf)).toEqual(["add(mul(i0<2,3),i1<3)", "i2<4"]);
    const onward = unflatten(flatten(unflatten(axis(0, 24), [2, 3, 4]), [2, 3, 4]), [24]);
    expect(onward).toEqual([axis(0, 24)]);
  });

  it("drops mod and floorDiv where the range says so, and keeps them where it does not", () => {
    const a = axis(0, 5);
    expect(imod(a, 5)).toBe(a);
    expect(idiv(a, 5)).toEqual(int(0));
    expect(keyOf(imod(a, 4))).toBe("mod(i0<5,4)");
    expect(keyOf(idiv(iadd(imul(a, int(4)), axis(1, 4)), 4))).toBe("i0<5");
    expect(keyOf(idiv(iadd(imul(a, int(4)), axis(1, 5)), 4))).toBe("add(floorDiv(i1<5,4),i0<5)");
  });

  it("counts bools as integers", () => {
    const [p, q] = [prim("lt", i, B), prim("lt", B, i)];
    expect(iadd(p, q).dtype).toBe("int32");
    expect(keyOf(iadd(p, q))).toBe("add(int32(lt(s0,s1)),int32(lt(s1,s0)))");
    expect(keyOf(iadd(prim("add", p, q), int(0)))).toBe("int32(add(lt(s0,s1),lt(s1,s0)))");
  });

  it("tells constants of different dtypes and zeros of different sign apart", () => {
    const keys = [int(0), constant(0, "float32"), constant(-0, "float32"), constant(0, "float64"), constant(0, "bool")].map(keyOf);
    expect(new Set(keys).size).toBe(5);
  });
});
