/**
 * What acceptance tests share: the devices and floatX they run with, and comparison of results with printed numbers.
 */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { config, NdArray } from "../../src/index.js";

export interface Setting {
  readonly device: string;
  readonly floatX: "float32" | "float64";
}

export const REFERENCE64: Setting = { device: "reference", floatX: "float64" };
/** float64 where it is, and float32 both on the device that defines kernels and on generated ones. */
export const SETTINGS: readonly Setting[] = [REFERENCE64, { device: "reference", floatX: "float32" }, { device: "gpu:webasm", floatX: "float32" }];

/** Runs a group of tests with each setting as the process's config. */
export function describeOn(settings: readonly Setting[], name: string, body: (setting: Setting) => void): void {
  describe.each(settings)(`${name} on $device in $floatX`, (setting) => {
    const before = { ...config };
    beforeAll(() => void Object.assign(config, setting));
    afterAll(() => void Object.assign(config, before));
    body(setting);
  });
}

/** Nested numbers of a result. */
export const nested = (x: unknown): unknown => (x instanceof NdArray ? x.toArray() : x);

/** Equal shapes, and numbers within a relative error (absolute below 1). */
export function expectNear(got: unknown, expected: unknown, tolerance = 1e-6): void {
  const value = nested(got);
  if (!Array.isArray(expected)) {
    expect(Math.abs(Number(value) - (expected as number)), `got ${value}, expected ${expected}`).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(expected as number)));
    return;
  }
  expect(value).toHaveLength(expected.length);
  for (const [i, e] of expected.entries()) expectNear((value as unknown[])[i], e, tolerance);
}
