/** DAMO_FLAGS, as THEANO_FLAGS: names, values, and what is refused. */
import { expect, test } from "vitest";
import { parseFlags } from "../../src/util/config.js";

test("flags set what they name and leave the rest", () => {
  expect(parseFlags("")).toEqual({ floatX: "float32", device: "auto", threads: null, fma: null, exclude: [], mode: "fast_run" });
  expect(parseFlags(" floatX = float64 , device=gpu:webasm,")).toEqual({ floatX: "float64", device: "gpu:webasm", threads: null, fma: null, exclude: [], mode: "fast_run" });
  expect(parseFlags("device=wasm,floatX=float64,threads=1,fma=0")).toEqual({ floatX: "float64", device: "wasm", threads: 1, fma: false, exclude: [], mode: "fast_run" });
  expect(parseFlags("exclude=softplus:logSigmoid").exclude).toEqual(["softplus", "logSigmoid"]);
  expect(parseFlags("mode=FAST_COMPILE").mode).toBe("fast_compile");
  for (const [text, fma] of [["1", true], ["0", false], ["True", true], ["False", false], ["true", true], ["false", false]] as const) expect(parseFlags(`fma=${text}`).fma).toBe(fma);
});

test.each([
  ["config-flag", "floatx=float64"],
  ["config-flag", "device"],
  ["config-flag", "toString=1"],
  ["config-floatX", "floatX=float16"],
  ["config-flag", "fmas=1"],
  ["config-fma", "fma=2"],
  ["config-fma", "fma=toString"],
  ["config-fma", "fma="],
  ["config-mode", "mode=slow"],
  ["threads-count", "threads=0"],
  ["threads-count", "threads=1.5"],
  ["threads-count", "threads="],
  ["threads-count", "threads=many"],
])("%s for '%s'", (code, flags) => {
  expect(() => parseFlags(flags)).toThrow(expect.objectContaining({ code }));
});
