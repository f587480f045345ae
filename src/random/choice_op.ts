/**
 * Draws without replacement from rows of probabilities and uniforms, as Theano's ChoiceFromUniform (theano/sandbox/multinomial.py): the first outcome
 * whose running sum exceeds the uniform is taken, set to 0, and the row normalised again. Serial in its samples, so it is done on the host.
 * Must not know generators. Next: mrg_streams.ts.
 */
import type { HostBuffer } from "../codegen/ir/plan.js";
import type { Op } from "../graph/op.js";
import { tensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { NdArray } from "../numpy/ndarray.js";
import { defineOp } from "../ops/define.js";
import { fail } from "../util/fail.js";

type Numbers = Pick<HostBuffer, "data" | "shape">;

/** The first outcome whose running sum exceeds u, or -1; it is taken from the row. Sums run in float64, what is stored in the row's own dtype. */
function takeOne(row: HostBuffer["data"], u: number): number {
  let sum = 0;
  for (let m = 0; m < row.length; m++) {
    sum += row[m] as number;
    if (!(sum > u)) continue;
    const rest = row.slice(0, 1);
    rest[0] = sum - (row[m] as number);
    row[m] = 0;
    for (let k = m; k < row.length; k++) rest[0] = (rest[0] as number) + (row[k] as number);
    for (let k = 0; k < row.length; k++) row[k] = (row[k] as number) / (rest[0] as number);
    return m;
  }
  return -1;
}

/** Sample c of row r is decided by uniform c * rows + r. */
function choose({ data, shape: [rows = 0, outcomes = 0] }: Numbers, unis: ArrayLike<number>, count: number, out: Int32Array): void {
  const left = data.slice();
  for (let c = 0; c < count; c++) {
    for (let r = 0; r < rows; r++) out[r * count + c] = takeOne(left.subarray(r * outcomes, (r + 1) * outcomes), unis[c * rows + r] as number);
  }
}

function checkCount(count: number, outcomes: number): void {
  if (count > outcomes) fail("value", "choice-more", { what: `${count} of ${outcomes} outcomes cannot be drawn without replacement.`, fix: "ask for fewer" });
}

const op: Op = defineOp({
  name: "choiceFromUniform",
  doc: "Probabilities [rows, outcomes], uniforms [count * rows], a count -> int32[rows, count], for each row different outcomes. More than there are: `choice-more`.",
  infer: () => [tensorType("int32", 2)],
  shape: (ctx) => {
    const [rows, outcomes] = ctx.shapes[0] as readonly [number, number];
    const count = ctx.fixed(ctx.ints(2)[0] ?? ctx.fail("choice-more", "A draw got no count.", "pass a 0-d integer"));
    checkCount(count, outcomes);
    return [[rows, count]];
  },
  lower: {
    kind: "routine",
    routine: () => ({
      name: "choiceFromUniform", config: "",
      run: ([p, unis], [out]) => choose(p as HostBuffer, (unis as HostBuffer).data, out?.shape[1] as number, (out as HostBuffer).data as Int32Array),
    }),
  },
  reference: ([p, unis, n]) => {
    const [rows, outcomes] = (p as NdArray).shape as readonly [number, number];
    const count = n?.data[0] as number;
    checkCount(count, outcomes);
    const out = NdArray.zeros([rows, count], "int32");
    choose(p as NdArray, (unis as NdArray).data, count, out.data as Int32Array);
    return [out];
  },
  samples: [
    { inputs: [{ dtype: "float64", shape: [2, 3], exact: [0.25, 0.5, 0.25, 0.125, 0.125, 0.75] }, { dtype: "float64", shape: [4], exact: [0.3, 0.9, 0.6, 0.2] }, { dtype: "int32", shape: [], exact: [2] }], params: {} },
    { inputs: [{ dtype: "float64", shape: [0, 2] }, { dtype: "float64", shape: [0] }, { dtype: "int32", shape: [], exact: [1] }], params: {} },
  ],
});

/** For each row of `p` `count` different outcomes, decided by `count` uniforms a row. */
export const choiceFromUniform = (p: Variable, unis: Variable, count: Variable): Variable => apply1(op, [p, unis, count]);
