/** A shape that asks for a value which is bound already was specialised for ever. Found by review. */
import { expect, test } from "vitest";
import { device as open } from "../../src/compile/devices.js";
import { specialiseFor } from "../../src/compile/specialise.js";
import { Op } from "../../src/graph/op.js";
import { apply1 } from "../../src/graph/variable.js";
import { NdArray, T } from "damo";

const MANY = 65;
const greedy = new Op({
  name: "greedy", doc: "Its shape reads more elements than the host unrolls.", samples: [], infer: (inputs) => inputs, reference: (inputs) => inputs,
  shape: (ctx) => [[ctx.ints(0).length]],
  lower: { kind: "elementwise", expr: ([x]) => x as never },
});

test("a value that is bound and asked for again is an internal error", async () => {
  const x = T.ivector("x");
  const { caps } = (await open("reference")).backend;
  let asked = 0;
  const value = async (): Promise<NdArray> => NdArray.zeros([MANY], "int32");
  const made = specialiseFor([apply1(greedy, [x])], [{ variable: x, shape: [MANY], scalar: null, value: null }], caps, { scalars: "free", values: new Map() }, () => {
    asked++;
    return value();
  });
  await expect(made).rejects.toThrow(/is bound and still asked for/);
  expect(asked).toBe(1);
});
