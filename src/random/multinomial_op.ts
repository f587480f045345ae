/**
 * Multinomial draws from uniforms, as Theano's MultinomialFromUniform (theano/sandbox/multinomial.py): running sums of each row of
 * probabilities, then for each uniform the first outcome whose running sum exceeds it. Must not know generators. Next: mrg_streams.ts.
 */
import { cast, constant, type Expr, prim } from "../codegen/ir/expr.js";
import { iadd, imul, int } from "../codegen/ir/index.js";
import type { Lazy, Op, Params } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { defineOp } from "../ops/define.js";

const runningSum: Op = defineOp({
  name: "runningSum",
  doc: "Sums of the first 1, 2, … entries of each row of a matrix, accumulated in float64 where the device has it.",
  infer: ([x]) => [x as TensorType],
  shape: ({ shapes }) => [shapes[0] as Shape],
  lower: {
    kind: "reduce",
    reduce: ({ inputs }) => {
      const x = inputs[0] as Lazy;
      const term = ([row, last]: readonly Expr[], [k]: readonly Expr[]): Expr =>
        prim("select", prim("le", k as Expr, last as Expr), cast(x.at([row as Expr, k as Expr]), "float64"), constant(0, "float64"));
      return { op: "sum", extents: [x.shape[1] as number], dtype: "float64", term };
    },
  },
  reference: ([x]) => {
    const { data, shape, dtype } = x as NdArray;
    let total = 0;
    const sums = Float64Array.from(data, (p, i) => (total = i % (shape[1] as number) === 0 ? p : total + p));
    return [new NdArray(sums, shape, "float64").astype(dtype)];
  },
  samples: [{ inputs: [{ dtype: "float64", shape: [2, 3] }], params: {} }],
});

interface Trials extends Params { readonly n: number }

const countOutcomes: Op = defineOp<Trials>({
  name: "countOutcomes",
  doc: "Running sums [rows, outcomes] and uniforms [n * rows] -> int32 counts [rows, outcomes]: trial c of row r is decided by uniform c * rows + r.",
  infer: ([sums]) => [(sums as TensorType).withDType("int32")],
  shape: ({ shapes }) => [shapes[0] as Shape],
  lower: {
    kind: "reduce",
    reduce: ({ inputs, params }) => {
      const [sums, unis] = inputs as [Lazy, Lazy];
      const term = ([row, m]: readonly Expr[], [c]: readonly Expr[]): Expr => {
        const u = unis.at([iadd(imul(c as Expr, int(sums.shape[0] as number)), row as Expr)]);
        const above = (outcome: Expr): Expr => prim("lt", u, sums.at([row as Expr, outcome]));
        const before = prim("select", prim("lt", int(0), m as Expr), above(iadd(m as Expr, int(-1))), constant(0, "bool"));
        return cast(prim("and", above(m as Expr), prim("not", before)), "int32");
      };
      return { op: "sum", extents: [params.n], dtype: "int32", term };
    },
  },
  reference: ([sums, unis], { n }) => {
    const [rows, outcomes] = (sums as NdArray).shape as [number, number];
    const out = NdArray.zeros([rows, outcomes], "int32");
    for (let t = 0; t < n * rows; t++) {
      const at = (t % rows) * outcomes;
      const won = (sums as NdArray).data.subarray(at, at + outcomes).findIndex((s) => s > (unis?.data[t] as number));
      if (won >= 0) out.data[at + won] = (out.data[at + won] as number) + 1;
    }
    return [out];
  },
  samples: [{ inputs: [{ dtype: "float64", shape: [2, 3], exact: [0.25, 0.5, 1, 0.125, 0.25, 0.75] }, { dtype: "float64", shape: [4], exact: [0.25, 0.1, 0.9, 0.8] }], params: { n: 2 } }],
});

/** Counts of n trials for each row of `pvals`, decided by n uniforms a row. A row whose sum a uniform reaches counts no outcome for it. */
export const multinomialFromUniform = (pvals: Variable, unis: Variable, n: number): Variable => apply1(countOutcomes, [apply1(runningSum, [pvals]), unis], { n });
