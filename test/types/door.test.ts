/** What TypeScript knows of makers of variables, of ops that users define, and of the kit. Checked by tsc; run for the values. */
import { expect, expectTypeOf, test } from "vitest";
import { type ElementwiseDefinition, defineElementwise, defineOp, element, OpFromGraph, type Operand, T, TensorType, type Variable } from "../../src/index.js";
import { arrays, backendParity, type GeneratedFunction, functions, graphs } from "../../src/testing/index.js";

test("makers are known by name, and plurals give as many as they name", () => {
  expectTypeOf(T.fmatrix("x")).toEqualTypeOf<Variable>();
  expectTypeOf(T.dvectors("a b c")).toEqualTypeOf<[Variable, Variable, Variable]>();
  expectTypeOf(T.iscalars("a", "b")).toEqualTypeOf<[Variable, Variable]>();
  expectTypeOf(T.matrices(2)).toEqualTypeOf<readonly [Variable, Variable]>();
  expect([T.fmatrix(), T.lscalar(), T.dtensor3(), T.bcol()].map((v) => v.dtype)).toEqual(["float32", "int32", "float64", "int32"]);
  expect(T.dvectors("a b c")).toHaveLength(3);
});

test("ops made from graphs give what their graph gives", () => {
  const [a, b] = T.dvectors("a b");
  expectTypeOf(OpFromGraph([a, b], [a.mul(b)])(a, b)).toEqualTypeOf<Variable>();
  expectTypeOf(OpFromGraph([a, b], [a.mul(b), a])(a, b)).toEqualTypeOf<[Variable, Variable]>();
  expect(OpFromGraph([a, b], [a.mul(b), a])(a, b)).toHaveLength(2);
});

const definition: ElementwiseDefinition = { name: "test types of two", doc: "a + b, for a test of types.", dtype: "same", expr: (a, b) => element.add(a, b), reference: (a, b) => a + b };

test("an op's arity decides how it is called", () => {
  const two = defineElementwise(2, definition);
  expectTypeOf(two).parameters.toEqualTypeOf<[Operand, Operand]>();
  expectTypeOf(two(1, 2)).toEqualTypeOf<Variable>();
  expect(two.op.name).toBe("test types of two");
});

test("cases of the kit know what they are", () => {
  expectTypeOf(functions()).toExtend<import("fast-check").Arbitrary<GeneratedFunction>>();
  expect(typeof graphs).toBe("function");
});

/** Never called: each line must not compile. */
function wrong(): void {
  const x = T.dvector("x");
  // @ts-expect-error no such dtype letter
  T.qmatrix("x");
  // @ts-expect-error no such rank
  T.ftensor9("x");
  // @ts-expect-error two names, so no third
  T.scalars("a b")[2];
  // @ts-expect-error ops of one to three inputs
  defineElementwise(4, definition);
  // @ts-expect-error an op of two inputs
  defineElementwise(2, definition)(x);
  // @ts-expect-error no such primitive
  element.sinh(element.constant(1, "float32"));
  // @ts-expect-error no such dtype rule
  defineElementwise(1, { ...definition, dtype: "int" });
  // @ts-expect-error a record needs its reference
  defineOp({ name: "a", doc: "b", infer: ([t]) => [t as TensorType], shape: () => [[]], lower: { kind: "graph", expand: (v) => v }, samples: [] });
  // @ts-expect-error no such kind of step
  graphs({ kinds: ["loops"] });
  // @ts-expect-error values, not value
  arrays({ dtyp: "int32" });
  // @ts-expect-error devices is a list
  backendParity((v) => v as Variable, [1], { device: "wasm" });
  // @ts-expect-error the gradient's override has a name
  OpFromGraph([x], [x], { gradOverride: "default" });
}

test("what does not exist does not compile", () => {
  expect(wrong).toBeTypeOf("function");
});
