/** What the makers of records refuse, and axes that dimshuffle cannot mean. */
import { expect, test } from "vitest";
import { apply1 } from "../../src/graph/variable.js";
import { defineOp, DamoTypeError, T } from "../../src/index.js";
import { add } from "../../src/ops/elementwise.js";

const code = (c: string) => expect.objectContaining({ code: c });

test("op-twice: names of ops are unique", () => {
  expect(() => defineOp(add(1, 2).owner?.op.fields as Parameters<typeof defineOp>[0])).toThrow(code("op-twice"));
});

test("elementwise-ndim: a record applied to unequal ranks; the functions that users call pad", () => {
  const [v, m] = [T.vector("v"), T.matrix("m")];
  const { op } = add(v, m).owner ?? { op: null };
  expect(add(v, m).ndim).toBe(2);
  expect(() => op && apply1(op, [v, m])).toThrow(code("elementwise-ndim"));
  expect(() => op && apply1(op, [v, m])).toThrow(DamoTypeError);
});

test.each([[[0, 0]], [[0, 2]], [[-1, 0]], [[0.5, 1]]])("dimshuffle-axes: %j of a matrix", (pattern) => {
  expect(() => T.matrix("m").dimshuffle(...pattern)).toThrow(code("dimshuffle-axes"));
});
