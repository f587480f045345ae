/**
 * For every registered op: documentation, shapes and dtypes of its reference against infer, its gradient against finite differences, and its
 * element expression or its composition against the reference.
 */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import { verifyGrad } from "../../src/autodiff/verify.js";
import { type Const, constant } from "../../src/codegen/ir/expr.js";
import { isFloat } from "../../src/codegen/ir/dtype.js";
import type { Op } from "../../src/graph/op.js";
import { apply } from "../../src/graph/variable.js";
import { allOps } from "../../src/ops/define.js";
import { drawSample } from "../../src/ops/samples.js";

const folder = new URL("../../src/ops/", import.meta.url);
for (const file of readdirSync(folder).sort()) await import(new URL(file, folder).href);
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

  const { lower } = op.fields;
  test.runIf(lower.kind === "elementwise")("the element expression agrees with the reference", () => {
    for (const sample of op.fields.samples.filter((s) => s.inputs.every((i) => i.shape.length === 0 || i.shape.join() === "2,3"))) {
      const { variables, values } = drawSample(sample, 3);
      const [type] = op.fields.infer(variables.map((v) => v.type), sample.params);
      const [want] = op.fields.reference(values, sample.params, [type!]);
      want!.data.forEach((w, n) => {
        const args = values.map((v) => constant(v.data[n]!, v.dtype));
        const got = lower.kind === "elementwise" ? lower.expr(args, sample.params, type!.dtype) : null;
        expect(got).toMatchObject({ kind: "const", dtype: type!.dtype });
        expect((got as Const).value).toBeCloseTo(w, 12);
      });
    }
  });

  test.runIf(lower.kind === "graph")("the composition agrees with the reference", () => {
    for (const sample of op.fields.samples) {
      const { variables, values } = drawSample(sample, 4);
      const made = lower.kind === "graph" ? lower.expand(variables, sample.params) : [];
      const types = apply(op, variables, sample.params).map((o) => o.type);
      expect(made.map((v) => v.type.dtype)).toEqual(types.map((t) => t.dtype));
      const got = interpret(made, new Map(variables.map((v, i) => [v, values[i]!])));
      op.fields.reference(values, sample.params, types).forEach((want, i) => {
        expect(got[i]?.shape).toEqual(want.shape);
        want.data.forEach((w, n) => expect(got[i]?.data[n]).toBeCloseTo(w, 10));
      });
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
