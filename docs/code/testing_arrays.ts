/** A property of an expression on any array, NaN and infinities among them: what a call gives, against JavaScript. */
import fc from "fast-check";
import { compile, type NdArray, T } from "damo";
import { arrays, shapes } from "damo/testing";

const x = T.fvector("x");
const relu = compile([x], T.maximum(x, 0), { device: "wasm" });

const vectors = arrays({ dtype: "float32", shape: shapes({ minRank: 1, maxRank: 1, maxLength: 20 }), specials: true });
await fc.assert(
  fc.asyncProperty(vectors, async (v) => {
    const got = (await relu(v)) as NdArray;
    return got.data.every((g, i) => g === Math.max(v.data[i] as number, 0) || Number.isNaN(v.data[i]));
  }),
  { numRuns: 50, seed: 7 },
);
console.log("holds"); // holds
