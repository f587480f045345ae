/**
 * What one thread can do at most with 128-bit vectors in this engine: operations in registers that wait for nothing but themselves. As fused
 * multiply-add where `fma` is asked for, else as many multiplications as additions. Must not know jobs. table.mjs sets J5 against it.
 */
import { setFlagsFromString } from "node:v8";
import { compile } from "watr";

/** Chains: enough to cover the latency of the operations, and few enough for sixteen registers; what was fastest where this was written. */
const FUSED = { chains: 12, operations: 2 };
const APART = { chains: 14, operations: 1 };
const ROUNDS = 4_000_000;

function moduleText(fused, chains) {
  const names = Array.from({ length: chains }, (_, i) => `$a${i}`);
  const value = (a, i) => (fused ? `(f32x4.relaxed_madd (local.get $x) (local.get $x) (local.get ${a}))` : `(f32x4.${i % 2 ? "mul" : "add"} (local.get ${a}) (local.get $x))`);
  return `(module (func (export "run") (param $n i32) (result f32)
    ${names.map((a) => `(local ${a} v128)`).join(" ")} (local $x v128)
    (local.set $x (v128.const f32x4 1 1 1 1))
    (loop $l ${names.map((a, i) => `(local.set ${a} ${value(a, i)})`).join("\n")}
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (f32x4.extract_lane 0 ${names.reduce((sum, a) => `(f32x4.add ${sum} (local.get ${a}))`, "(local.get $x)")})))`;
}

/** GFLOP/s of one thread: the best of some runs. */
export function vectorPeak(fma) {
  if (fma) setFlagsFromString("--experimental-wasm-relaxed-simd");
  const { chains, operations } = fma ? FUSED : APART;
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(compile(moduleText(fma, chains)))).exports;
  let best = Infinity;
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    run(ROUNDS);
    best = Math.min(best, performance.now() - start);
  }
  return (operations * 4 * chains * ROUNDS) / best / 1e6;
}
