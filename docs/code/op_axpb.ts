/** a x + b as one op: its element, its gradient, a rewrite, and the checks of all three. */
import { compile, defineElementwise, element, grad, type NdArray, pattern, patternRule, registerRule, T, type Variable } from "damo";
import { checkOp, checkRewrite } from "damo/testing";

const axpb = defineElementwise(3, {
  name: "axpb",
  doc: "a x + b, elementwise; a, x and b stretch. Integers give floatX.",
  dtype: "float",
  expr: (a, x, b) => element.add(element.mul(a, x), b),
  reference: (a, x, b) => a * x + b,
  gradient: (g, a, x) => [T.mul(g, x), T.mul(g, a), g],
});

// -(a x + b) = (-a) x + (-b): the sign goes where it often meets a constant.
const rule = patternRule({
  name: "negAxpb", phase: "canonicalise", exactness: "exact", source: "-(a x + b) = (-a) x + (-b), exact in floating point",
  from: pattern(T.neg, pattern(axpb, "a", "x", "b")),
  build: ({ a, x, b }) => axpb(T.neg(a as Variable), x as Variable, T.neg(b as Variable)),
  example: () => {
    const [a, x, b] = T.dvectors("a x b");
    return { inputs: [a, x, b], before: T.neg(axpb(a, x, b)) };
  },
});

await checkOp(axpb.op, { devices: ["reference", "wasm"] }); // types, gradient, every device
checkRewrite(rule); // it fires, keeps the type, keeps the values
registerRule(rule);

const [a, x] = [T.fscalar("a"), T.fvector("x")];
const y = axpb(a, x, 1).neg();
const f = compile<[NdArray, number]>([a, x], [y, grad(y.sum(), a)], { device: "wasm" });
const [value, slope] = await f(3, [1, 2]);
console.log(value.toArray()); // [ -4, -7 ]
console.log(slope); // -3
console.log(f.explain().rewrites.negAxpb); // 1
