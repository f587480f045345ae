import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { castScalar, type DType } from "../../../src/codegen/ir/dtype.js";
import { evalPrim, type Prim, PRIMS, type PrimDef, primDType } from "../../../src/codegen/ir/prims.js";
import { castJs, JS, LIBRARY, literal, primJs, type Row } from "../../../src/codegen/reference/prims.js";

const EDGES = [0, -0, 0.5, -0.5, 1, -1, 1.5, 2, -2, 2.5, 15, 15.5, 19.5, -88.5, -104, -710, -746, 1e300, -1e300, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 4503599627370495.5];
const INTS = [0, 1, -1, 2, -2, 7, 65536, 2147483647, -2147483648];
const float = fc.oneof(fc.constantFrom(...EDGES), fc.double(), fc.double({ min: -30, max: 30 }));
const int = fc.oneof(fc.constantFrom(...INTS), fc.integer());
const state = fc.integer({ min: 0, max: 2147483646 });
const sample = (d: DType): fc.Arbitrary<number> => (d === "bool" ? fc.constantFrom(0, 1) : d === "int32" ? int : d === "float32" ? float.map(Math.fround) : float);

/** The row as a function of its arguments. */
function asFunction(prim: Prim, dtype: DType): (...args: number[]) => number {
  const row: Row = JS[prim];
  const names = ["a", "b", "c"].slice(0, PRIMS[prim].arity);
  const texts = names.map((n, i) => (i < row.conditions ? `(${n} !== 0)` : n));
  const f = new Function("lib", ...names, `return ${primJs(prim, texts, dtype)};`) as (lib: typeof LIBRARY, ...args: number[]) => number;
  return (...args) => f(LIBRARY, ...args);
}

describe("primitives as JavaScript", () => {
  it.each(Object.keys(PRIMS) as Prim[])("%s computes what evalPrim computes", (prim) => {
    const def: PrimDef = PRIMS[prim];
    const dtypes: readonly DType[] = prim.startsWith("mrg") ? ["int32"] : ["float64", "float32", "int32", "bool"];
    for (const d of dtypes) {
      const args = Array.from({ length: def.arity }, (_, n) => (prim.startsWith("mrg") ? state : sample(prim === "select" && n === 0 ? "bool" : d)));
      const dtype = primDType(prim, args.map((_, n) => (prim === "select" && n === 0 ? "bool" : d)));
      const f = asFunction(prim, dtype);
      const same = (xs: readonly number[]): void => { expect(f(...xs), `${prim} ${dtype} of ${xs}`).toBe(evalPrim(prim, xs, dtype)); };
      fc.assert(fc.property(fc.tuple(...args), same), { numRuns: 500 });
      if (d === "float64") for (const x of EDGES) for (const y of EDGES) same([x, y, x].slice(0, def.arity));
    }
  });

  it("writes numbers that read back as themselves", () => {
    fc.assert(fc.property(float, (x) => { expect(new Function(`return ${literal(x)};`)()).toBe(x); }));
  });

  it("converts as castScalar does", () => {
    for (const d of ["bool", "int32", "float32", "float64"] as const) {
      const f = new Function("x", `return ${castJs("x", d)};`) as (x: number) => number;
      fc.assert(fc.property(float, (x) => { expect(f(x)).toBe(castScalar(x, d)); }));
    }
  });
});
