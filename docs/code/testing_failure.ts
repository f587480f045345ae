/** What a failure looks like: a wrong gradient, and a wrong op found by random graphs. */
import fc from "fast-check";
import { defineElementwise, element, T, type Variable } from "damo";
import { backendParity, expressions, verifyGrad } from "damo/testing";

const badSquare = defineElementwise(1, {
  name: "badSquare", doc: "x^2, with half of its gradient.", dtype: "float",
  expr: (x) => element.mul(x, x), reference: (x) => x * x, gradient: (g, x) => [T.mul(g, x)],
});
try {
  verifyGrad((x) => badSquare(x as Variable), [[3.5]], { rng: () => 0.5 });
} catch (e) {
  console.log((e as { code: string }).code, /element 0 is 3\.5; finite differences give (7|6\.9999)/.test(String(e))); // verify-grad true
}

// From here on random graphs may use it: they choose among all ops that are defined.
defineElementwise(1, {
  name: "badNeg", doc: "-x, whose kernel forgets the sign above 1.", dtype: "float",
  expr: (x) => element.select(element.lt(x, 1), element.neg(x), x), reference: (x) => -x,
});
const property = fc.asyncProperty(expressions({ kinds: ["elementwise"], ops: (op) => ["badNeg", "exp"].includes(op.name) }), (g) => backendParity(g, { devices: ["reference"] }));
const failure = await fc.check(property, { seed: 5, numRuns: 200 });
console.log(failure.failed, failure.seed); // true 5
const report = String((failure.errorInstance as Error).message);
console.log(/on reference in mode none: element \d+ is/.test(report), report.includes('applyOp("badNeg"'), report.includes("await backendParity(graph);")); // true true true

// The same case again, and nothing else:
const again = await fc.check(property, { seed: failure.seed, path: failure.counterexamplePath as string, endOnFailure: true });
console.log(again.failed, again.numRuns); // true 1
