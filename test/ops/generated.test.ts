/** For every registered op: documentation, shapes and dtypes of its reference against infer, and its gradient against finite differences. */
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import { verifyGrad } from "../../src/autodiff/verify.js";
import { isFloat } from "../../src/codegen/ir/dtype.js";
import type { Op } from "../../src/graph/op.js";
import { apply } from "../../src/graph/variable.js";
import { allOps } from "../../src/ops/define.js";
import { drawSample } from "../../src/ops/samples.js";
import "../../src/ops/dimshuffle.js";
import "../../src/ops/elementwise.js";
import "../../src/ops/math.js";
import "../../src/ops/nnet.js";

const ops = allOps();

test("there are ops, with unique names and a sentence each", () => {
  expect(ops.length).toBeGreaterThan(50);
  expect(new Set(ops.map((o) => o.name)).size).toBe(ops.length);
  for (const o of ops) expect(o.fields.doc.trim(), o.name).toMatch(/\S.{3,}/);
});

describe.each(ops.map((o) => [o.name, o] as const))("%s", (_, op: Op) => {
  test("the reference gives what infer says", () => {
    expect(op.fields.samples.length).toBeGreaterThan(0);
    for (const sample of op.fields.samples) {
      const { variables, values } = drawSample(sample, 1);
      const outputs = apply(op, variables, sample.params);
      const env = new Map(variables.map((v, i) => [v, values[i]!]));
      const results = op.fields.reference(values, sample.params, outputs.map((o) => o.type));
      expect(results.length).toBe(outputs.length);
      outputs.forEach((o, i) => {
        expect(results[i]?.dtype).toBe(o.dtype);
        expect(results[i]?.ndim).toBe(o.ndim);
      });
      interpret(outputs, env);
    }
  });

  test.runIf(op.fields.gradient !== undefined)("the gradient agrees with finite differences", () => {
    for (const sample of op.fields.samples) {
      const { variables, values } = drawSample(sample, 2);
      if (!apply(op, variables, sample.params).some((o) => isFloat(o.dtype)) || !variables.some((v) => isFloat(v.dtype))) continue;
      verifyGrad((...xs) => apply(op, xs, sample.params), values, { broadcastable: variables.map((v) => v.broadcastable) });
    }
  });
});
