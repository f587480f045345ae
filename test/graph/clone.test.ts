/** clone(): the same computation over other variables. */
import { expect, test } from "vitest";
import { clone, compile, DamoTypeError, scan, T, type Variable } from "../../src/index.js";

const device = "reference";

test("replaces at once, without looking into replacements", async () => {
  const [x, y] = [T.dscalar("x"), T.dscalar("y")];
  const swapped = clone(x.sub(y), { replace: [[x, y], [y, x]] });
  expect(await compile([x, y], swapped, { device })(5, 2)).toBe(-3);
  expect(await compile([x], clone(x.mul(3), { replace: new Map([[x, x.add(10)]]) }), { device })(1)).toBe(33);
});

test("an expression in the middle can be replaced; a list gives a list; the rest is shared", async () => {
  const [x, y] = [T.dscalar("x"), T.dscalar("y")];
  const middle = x.add(1);
  const [a, b] = clone([middle.mul(2), x], { replace: [[middle, y]] });
  expect(await compile([y], a, { device })(4)).toBe(8);
  expect(b).toBe(x);
});

test("reaches what a scan captures", async () => {
  const [x, y] = [T.dscalar("x"), T.dscalar("y")];
  const [powers] = scan({ fn: (p: Variable) => p.mul(x), outputsInfo: T.constant(1, { dtype: "float64" }), nSteps: 3 });
  expect(await compile([y], clone(powers, { replace: [[x, y]] }).get(-1), { device })(2)).toBe(8);
});

test("refuses another type unless strict is false", async () => {
  const [x, f] = [T.dscalar("x"), T.fscalar("f")];
  const replace = [[x, f]] as const;
  expect(() => clone(x.add(1), { replace })).toThrow(expect.objectContaining({ code: "clone-type" }));
  expect(() => clone(x.add(1), { replace })).toThrow(DamoTypeError);
  expect(await compile([f], clone(x.add(1), { replace, strict: false }), { device })(2)).toBe(3);
});
