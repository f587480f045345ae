/**
 * Random draws on every device: the same bits as on the host for uniform and Bernoulli draws of both generators (normal draws to rounding), from
 * the first call to the tenth, in scans too.
 */
import { expect } from "vitest";
import { compile, MRGRandomStreams, type NdArray, RandomStreams, scan, shared, T, Updates, type Variable } from "damo";
import { difference } from "../../src/testing/parity.js";
import { finish, onEachDevice } from "./devices.js";

type Streams = MRGRandomStreams | RandomStreams;
const SOURCES: readonly [string, () => Streams][] = [["MRG", () => new MRGRandomStreams(42)], ["NumPy", () => new RandomStreams(42)]];

const bits = (x: unknown): number[] => Array.from((x as NdArray).data);

/** Three calls of one function on a device. */
async function calls(device: string, build: () => { outputs: readonly Variable[]; updates?: Updates }, times = 3): Promise<NdArray[][]> {
  const { outputs, updates } = build();
  const f = compile([], outputs, { device, ...(updates === undefined ? {} : { updates }) });
  const results: NdArray[][] = [];
  for (let i = 0; i < times; i++) results.push((await f()) as unknown as NdArray[]);
  return results;
}

for (const [name, make] of SOURCES) {
  const draws = () => {
    const streams = make();
    const p = shared([[0.1, 0.5, 0.9]], { dtype: "float32", broadcastable: [true, false] });
    return { outputs: [streams.uniform({ size: [3, 5], dtype: "float32" }), streams.binomial({ size: [40], p: 0.3 }), streams.binomial({ size: [7, 3], p, dtype: "float32" }), streams.uniform({ size: [0, 3], dtype: "float32" })] };
  };
  onEachDevice(`${name} draws are bit-equal`, async (suite) => {
    const want = await calls("reference", draws);
    const got = await calls(suite.name, draws);
    expect(bits(want[0]![0])).not.toEqual(bits(want[1]![0]));
    want.forEach((call, c) => call.forEach((w, i) => expect(bits(got[c]![i]), `call ${c}, draw ${i}`).toEqual(bits(w))));
  });

  onEachDevice(`${name} draws in a scan continue from call to call`, async (suite) => {
    const chain = () => {
      const streams = make();
      const [vs, updates] = scan({ outputsInfo: T.constant([0, 0, 0], { dtype: "float32" }), nSteps: 5, fn: (v: Variable) => v.mul(0.5).add(streams.binomial({ size: [3], p: T.nnet.sigmoid(v), dtype: "float32" })) });
      return { outputs: [vs], updates };
    };
    const want = await calls("reference", chain, 4);
    const got = await calls(suite.name, chain, 4);
    expect(bits(want[0]![0])).not.toEqual(bits(want[1]![0]));
    want.forEach((call, c) => expect(bits(got[c]![0]), `call ${c}`).toEqual(bits(call[0])));
  }, { only: (s) => s.share > 0.1 || name === "MRG" });
}

onEachDevice("normal draws agree to rounding", async (suite) => {
  const normals = () => ({ outputs: [new MRGRandomStreams(7).normal({ size: [30], dtype: "float32" })] });
  const [want, got] = [await calls("reference", normals, 2), await calls(suite.name, normals, 2)];
  want.forEach((call, c) => expect(difference(got[c]![0]!, call[0]!, 2e-5)).toBe(null));
});

finish();
