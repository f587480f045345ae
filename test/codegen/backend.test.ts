import { expect, it } from "vitest";
import { backendFactory, backendNames, registerBackend } from "../../src/codegen/backend.js";
import { referenceFactory } from "../../src/codegen/reference/backend.js";

it("registers each device once and names those there are when asked for another", () => {
  const factory = { ...referenceFactory, name: "registry-test" };
  registerBackend(factory);
  expect(backendNames()).toContain("registry-test");
  expect(backendFactory("registry-test")).toBe(factory);
  expect(() => registerBackend(factory)).toThrow(expect.objectContaining({ code: "backend-twice" }));
  expect(() => backendFactory("abacus")).toThrow(/use one of .*registry-test[\s\S]*\[device-name\]/);
});

it("compares typed arrays down to the sign of zero, on which the parity tests rely", () => {
  expect(Float64Array.of(0, Number.NaN)).toEqual(Float64Array.of(0, Number.NaN));
  expect(Float64Array.of(0)).not.toEqual(Float64Array.of(-0));
  expect(Float64Array.of(1)).not.toEqual(Float32Array.of(1));
});
