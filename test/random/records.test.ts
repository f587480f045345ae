/** Records of the random ops: on their samples, what the reference gives has the inferred types, and the compiled op gives the same. */
import { expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import type { Op } from "../../src/graph/op.js";
import { apply } from "../../src/graph/variable.js";
import { compile, T } from "../../src/index.js";
import { asarray } from "../../src/numpy/convert.js";
import type { ArrayLike } from "../../src/numpy/ndarray.js";
import { drawSample } from "../../src/ops/samples.js";
import { mrgLongDraw } from "../../src/random/mrg_long.js";
import { mrgAdvance, mrgDraw } from "../../src/random/mrg_op.js";
import { bernoulli, mtOps, pairRows } from "../../src/random/mt_op.js";
import { multinomialFromUniform } from "../../src/random/multinomial_op.js";

const [below] = pairRows(T.dmatrix("pair"));
const counts = multinomialFromUniform(T.dmatrix("p"), T.dvector("u"), 1);
const ops: readonly Op[] = [mrgDraw, mrgLongDraw, mrgAdvance, ...Object.values(mtOps), bernoulli.op, below.owner!.op, counts.owner!.op, counts.owner!.inputs[0]!.owner!.op];

test.each(ops.map((op) => [op.name, op] as const))("%s", async (_, op) => {
  expect(op.fields.samples.length).toBeGreaterThan(0);
  for (const sample of op.fields.samples) {
    const { variables, values } = drawSample(sample, 1);
    const outputs = apply(op, variables, sample.params);
    const expected = interpret(outputs, new Map(variables.map((v, i) => [v, values[i]!])));
    expected.forEach((x, i) => { expect([x.dtype, x.ndim]).toEqual([outputs[i]!.dtype, outputs[i]!.ndim]); });
    const got = await compile(variables, outputs, { device: "reference", onUnusedInput: "ignore" })(...values);
    expected.forEach((x, i) => {
      const array = asarray(got[i] as ArrayLike);
      expect(array.shape).toEqual(x.shape);
      x.data.forEach((e, n) => { expect(Number(array.data[n])).toBeCloseTo(e, 12); });
    });
  }
});
