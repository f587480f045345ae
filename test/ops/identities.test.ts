/** Ops that change only gradients. */
import { expect, test } from "vitest";
import { grad } from "../../src/autodiff/grad.js";
import { interpret } from "../../src/autodiff/interpret.js";
import { tensorType } from "../../src/graph/types.js";
import { Variable } from "../../src/graph/variable.js";
import { asarray } from "../../src/numpy/convert.js";
import { considerConstant, disconnectedGrad, gradClip, gradScale, zeroGrad } from "../../src/ops/identities.js";
import { sum } from "../../src/ops/reduce.js";

const x = new Variable(tensorType("float64", 1), { name: "x" });
const env = new Map([[x, asarray([-3, 0.25, 2], { dtype: "float64" })]]);
const slope = (cost: Variable): number[] => [...interpret([grad(sum(cost), x)], env)[0]!.data];

test("values pass through unchanged", () => {
  for (const f of [zeroGrad, disconnectedGrad, (v: Variable) => gradClip(v, -1, 1), (v: Variable) => gradScale(v, -1)]) {
    expect(interpret([f(x)], env)[0]?.toArray()).toEqual([-3, 0.25, 2]);
    expect(f(x).type.equals(x.type)).toBe(true);
  }
});

test("held at zero, cut off, limited, reversed", () => {
  expect(slope(zeroGrad(x).mul(x))).toEqual([-3, 0.25, 2]);
  expect(slope(considerConstant(x))).toEqual([0, 0, 0]);
  expect(slope(disconnectedGrad(x).mul(x))).toEqual([-3, 0.25, 2]);
  expect(() => grad(sum(disconnectedGrad(x)), x)).toThrow("grad-disconnected");
  expect(slope(gradClip(x, -1, 0.5).sqr())).toEqual([-1, 0.5, 0.5]);
  expect(slope(gradScale(x, -2).sqr())).toEqual([12, -1, -8]);
});
