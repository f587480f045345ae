/** DAMO_FLAGS, as THEANO_FLAGS: names, values, and what is refused. */
import { expect, test } from "vitest";
import { parseFlags } from "../../src/util/config.js";

test("flags set what they name and leave the rest", () => {
  const rest = { threads: null, fma: null, exclude: [], mode: "fast_run", computeTestValue: "off", printTestValue: false, exceptionVerbosity: "low", profile: false };
  expect(parseFlags("")).toEqual({ ...rest, floatX: "float32", device: "auto" });
  expect(parseFlags(" floatX = float64 , device=gpu:webasm,")).toEqual({ ...rest, floatX: "float64", device: "gpu:webasm" });
  expect(parseFlags("device=wasm,floatX=float64,threads=1,fma=0")).toEqual({ ...rest, floatX: "float64", device: "wasm", threads: 1, fma: false });
  expect(parseFlags("computeTestValue=raise,printTestValue=1,exceptionVerbosity=high,profile=True")).toMatchObject({ computeTestValue: "raise", printTestValue: true, exceptionVerbosity: "high", profile: true });
  expect(parseFlags("exclude=softplus:logSigmoid").exclude).toEqual(["softplus", "logSigmoid"]);
  expect(parseFlags("mode=FAST_COMPILE").mode).toBe("fast_compile");
  expect(["DebugMode", "DEBUG_MODE", "NanGuardMode", "nan_guard"].map((mode) => parseFlags(`mode=${mode}`).mode)).toEqual(["debug", "debug", "nan_guard", "nan_guard"]);
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
  ["config-mode", "mode=toString"],
  ["config-computeTestValue", "computeTestValue=pdb"],
  ["config-printTestValue", "printTestValue=maybe"],
  ["config-exceptionVerbosity", "exceptionVerbosity=medium"],
  ["config-profile", "profile=toString"],
  ["threads-count", "threads=0"],
  ["threads-count", "threads=1.5"],
  ["threads-count", "threads="],
  ["threads-count", "threads=many"],
])("%s for '%s'", (code, flags) => {
  expect(() => parseFlags(flags)).toThrow(expect.objectContaining({ code }));
});
