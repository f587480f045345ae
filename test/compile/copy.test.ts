/** f.copy(): the same function on other shared variables, or without updates (acceptance case A5; theano's doc/tutorial/examples.txt). */
import { describe, expect, test } from "vitest";
import { compile, DamoTypeError, MRGRandomStreams, shared, type SharedVariable, T, ValueError } from "../../src/index.js";

const device = "reference";
const item = async (v: SharedVariable): Promise<unknown> => (await v.getValue()).item();

function accumulate() {
  const state = shared(0, { name: "state" });
  const inc = T.iscalar("inc");
  return { state, accumulator: compile([inc], state, { updates: [[state, state.add(inc)]], device, name: "accumulator" }) };
}

test("A5: a copy with another state", async () => {
  const { state, accumulator } = accumulate();
  await accumulator(10);
  expect(await item(state)).toBe(10);
  const newState = shared(0);
  const newAccumulator = accumulator.copy({ swap: [[state, newState]] });
  expect(await newAccumulator(100)).toBe(0);
  expect([await item(newState), await item(state)]).toEqual([100, 10]);
});

test("A5: a copy without updates", async () => {
  const { state, accumulator } = accumulate();
  await accumulator(10);
  const nullAccumulator = accumulator.copy({ deleteUpdates: true });
  expect(await nullAccumulator(9000)).toBe(10);
  expect(await item(state)).toBe(10);
  expect(await accumulator(1)).toBe(10);
});

test("records of outputs, defaults and random states go along", async () => {
  const x = T.dscalar("x");
  const draw = new MRGRandomStreams(3).uniform({ size: [2], dtype: "float64" });
  const f = compile([x], { moved: draw.add(x) }, { device });
  const first = (await f(0)).moved;
  const other = shared(await draw.rng.getValue());
  const g = f.copy({ swap: new Map([[draw.rng, other]]) });
  expect((await g(0)).moved).toEqual((await f(0)).moved);
  expect((await g(0)).moved).not.toEqual(first);
  expect(await other.getValue()).not.toEqual(await draw.rng.getValue());
});

describe("refuses", () => {
  const { state, accumulator } = accumulate();
  test("another type, or what is not shared", () => {
    expect(() => accumulator.copy({ swap: [[state, shared(0.5)]] })).toThrow(DamoTypeError);
    expect(() => accumulator.copy({ swap: [[state, T.iscalar() as unknown as SharedVariable]] })).toThrow("copy-swap-type");
  });
  test("a variable that the function does not have", () => {
    expect(() => accumulator.copy({ swap: [[shared(0), shared(0)]] })).toThrow(ValueError);
    expect(() => accumulator.copy({ swap: [[shared(0), shared(0)]] })).toThrow("copy-swap-unused");
  });
});
