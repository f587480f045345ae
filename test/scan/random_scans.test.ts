/** Random loops (fast-check): taps, states, captured values, directions, lengths. Rewritten and compiled they equal the interpreter; gradients equal finite differences. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { interpret } from "../../src/autodiff/interpret.js";
import { verifyGrad } from "../../src/autodiff/verify.js";
import { compile, grad, type NdArray, numpy as np, scan, T, type Variable } from "../../src/index.js";

/** A value of the step: an operation on two earlier values, by number modulo how many there are. */
interface Node { readonly op: "add" | "mul" | "sub" | "tanh"; readonly a: number; readonly b: number }
interface Loop {
  readonly nodes: readonly Node[];
  /** Taps of each state; which node is its next value. */
  readonly states: readonly { readonly taps: readonly number[]; readonly from: number }[];
  readonly sequenceTaps: readonly number[];
  /** Nodes that are outputs without being states. */
  readonly outputs: readonly number[];
  readonly goBackwards: boolean;
  readonly truncateGradient: number;
  readonly steps: number;
  readonly lastOnly: boolean;
}

const node = fc.record({ op: fc.constantFrom<Node["op"]>("add", "mul", "sub", "tanh"), a: fc.nat(20), b: fc.nat(20) });
const loop: fc.Arbitrary<Loop> = fc.record({
  nodes: fc.array(node, { minLength: 1, maxLength: 6 }),
  states: fc.array(fc.record({ taps: fc.constantFrom([-1], [-2], [-1, -2], [-3, -1]), from: fc.nat(20) }), { maxLength: 3 }),
  sequenceTaps: fc.constantFrom([0], [-1, 0], [1, -1]),
  outputs: fc.array(fc.nat(20), { minLength: 1, maxLength: 2 }),
  goBackwards: fc.boolean(), truncateGradient: fc.constantFrom(-1, -1, 2), steps: fc.integer({ min: 1, max: 4 }), lastOnly: fc.boolean(),
});

const VALUES = { x: [[0.3, -0.5], [0.8, 0.2], [-0.6, 0.4], [0.1, 0.7], [-0.2, 0.5], [0.4, -0.3]], s: [[0.2, 0.5], [-0.3, 0.1], [0.6, -0.4]], k: [0.7, -0.9] };

/** Outputs of the loop over a sequence, initial values and a captured vector. */
function build(l: Loop, x: Variable, s: Variable, k: Variable): Variable[] {
  const step = (...args: Variable[]): Variable[] => {
    const values = [...args, T.tanh(k)];
    const pick = (i: number): Variable => values[i % values.length] as Variable;
    for (const n of l.nodes) values.push(n.op === "tanh" ? T.tanh(pick(n.a)) : T[n.op](pick(n.a), pick(n.b)));
    return [...l.states.map((st) => T.tanh(pick(st.from))), ...l.outputs.map(pick)];
  };
  const info = l.states.map(({ taps }) => (taps.length === 1 && taps[0] === -1 ? s.get(0) : { initial: s, taps }));
  const [outputs] = scan({
    fn: step, sequences: { input: x, taps: l.sequenceTaps }, outputsInfo: [...info, ...l.outputs.map(() => null)], nSteps: T.constant(l.steps), goBackwards: l.goBackwards,
    truncateGradient: l.truncateGradient, returnList: true,
  });
  return l.lastOnly ? outputs.map((o) => o.get(-1)) : outputs;
}

test("compiled, with rewriting and without, loops and their gradients equal the interpreter", async () => {
  await fc.assert(
    fc.asyncProperty(loop, async (l) => {
      const [x, s, k] = [T.dmatrix("x"), T.dmatrix("s"), T.dvector("k")];
      const outputs = build(l, x, s, k);
      const cost = outputs.map((o) => o.sqr().sum()).reduce((a, b) => a.add(b));
      const wanted = [...outputs, ...grad(cost, [x, s, k], { disconnectedInputs: "ignore" })];
      const given = [VALUES.x, VALUES.s, VALUES.k];
      const expected = interpret(wanted, new Map([x, s, k].map((v, i) => [v, np.asarray(given[i] as never, { dtype: "float64" })] as const)));
      for (const mode of ["fast_run", "none"] as const) {
        const f = compile([x, s, k], wanted, { device: "reference", mode, onUnusedInput: "ignore" });
        const got = (await f(...(given as never[]))) as NdArray[];
        expected.forEach((e, i) => {
          expect(got[i]?.shape).toEqual(e.shape);
          e.data.forEach((v, j) => {
            expect(Math.abs((got[i]?.data[j] as number) - v)).toBeLessThan(1e-10 * (1 + Math.abs(v)));
          });
        });
        f.dispose();
      }
    }),
    { numRuns: 25, seed: 4 },
  );
}, 120_000);

test("gradients equal finite differences", () => {
  fc.assert(
    fc.property(loop, (l) => {
      verifyGrad((x, s, k) => build({ ...l, truncateGradient: -1 }, x, s, k), [VALUES.x, VALUES.s, VALUES.k]);
    }),
    { numRuns: 25, seed: 5 },
  );
}, 120_000);

test("second derivatives equal finite differences", () => {
  fc.assert(
    fc.property(loop, (l) => {
      verifyGrad((x, s, k) => {
        const cost = build({ ...l, truncateGradient: -1 }, x, s, k).map((o) => o.sqr().sum()).reduce((a, b) => a.add(b));
        return grad(cost, [x, s, k], { disconnectedInputs: "ignore" });
      }, [VALUES.x, VALUES.s, VALUES.k]);
    }),
    { numRuns: 6, seed: 6 },
  );
}, 120_000);
