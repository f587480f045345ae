/** DAMO_FLAGS, as THEANO_FLAGS: names, values, and what is refused. */
import { expect, test } from "vitest";
import { parseFlags } from "../../src/util/config.js";

test("flags set what they name and leave the rest", () => {
  expect(parseFlags("")).toEqual({ floatX: "float32", device: "auto" });
  expect(parseFlags(" floatX = float64 , device=gpu:webasm,")).toEqual({ floatX: "float64", device: "gpu:webasm" });
});

test.each([
  ["config-flag", "floatx=float64"],
  ["config-flag", "device"],
  ["config-flag", "toString=1"],
  ["config-floatX", "floatX=float16"],
])("%s for '%s'", (code, flags) => {
  expect(() => parseFlags(flags)).toThrow(expect.objectContaining({ code }));
});
