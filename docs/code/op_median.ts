/** The median of a vector: an op whose work is a function on the host, as Theano's ops in Python are. */
import { apply, compile, defineOp, grad, type HostBuffer, NdArray, T, TensorType, type Variable } from "damo";
import { checkOp } from "damo/testing";

const medianOp = defineOp({
  name: "median",
  doc: "The middle element of a vector in order, 0-d, of its dtype; of an even number the smaller of the two. The gradient goes to the elements equal to it. Error: `median-empty`.",
  infer: ([x]) => [new TensorType((x as TensorType).dtype, [])],
  shape: ({ shapes: [x], fail }) => (x?.[0] === 0 ? fail("median-empty", "median() of a vector without elements.", "give it one or more") : [[]]),
  lower: {
    kind: "routine",
    routine: () => ({
      name: "median", config: "",
      run: ([x], [out]) => {
        const sorted = (x as HostBuffer).data.slice().sort();
        (out as HostBuffer).data[0] = sorted[(sorted.length - 1) >> 1] as number;
      },
    }),
  },
  gradient: ({ inputs: [x], outputs: [m], cotangents: [g] }) => [T.mul(g as Variable, T.eq(x as Variable, m as Variable))],
  // Written another way than `run`, so that each checks the other: as many elements are below as the place says.
  reference: ([x], _, [type]) => {
    const xs = Array.from((x as NdArray).data);
    const place = (xs.length - 1) >> 1;
    const found = xs.find((m) => xs.filter((e) => e < m).length <= place && xs.filter((e) => e <= m).length > place);
    return [NdArray.scalar(found as number, (type as TensorType).dtype)];
  },
  samples: [
    { inputs: [{ dtype: "float64", shape: [5] }], params: {} },
    { inputs: [{ dtype: "float64", shape: [4], exact: [3, -1, 2, 7] }], params: {} },
    { inputs: [{ dtype: "float64", shape: [1] }], params: {} },
    { inputs: [{ dtype: "int32", shape: [3], exact: [5, 5, 1] }], params: {} },
  ],
});

const median = (x: Variable): Variable => apply(medianOp, [x])[0] as Variable;

await checkOp(medianOp, { devices: ["reference", "wasm"] });

const x = T.fvector("x");
const f = compile<[number, NdArray]>([x], [median(x.mul(2)), grad(median(x.mul(2)), x)], { device: "wasm" });
const [middle, slope] = await f([5, 1, 4]);
console.log(middle); // 8
console.log(slope.toArray()); // [ 0, 0, 2 ]
await f([]).catch((e: { code: string }) => console.log(e.code)); // median-empty
