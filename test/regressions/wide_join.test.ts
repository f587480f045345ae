/** A join of more parts than a device's kernels have parameters could not be cut into kernels. Found by review. */
import { describe, expect, test } from "vitest";
import { type Executable, registerBackend } from "../../src/codegen/backend.js";
import { allSteps, type Plan } from "../../src/codegen/ir/plan.js";
import { ReferenceBackend } from "../../src/codegen/reference/backend.js";
import { compile, grad, type NdArray, scan, T, type Variable } from "damo";

const MOST = 6;
class Narrow extends ReferenceBackend {
  override readonly caps = { ...new ReferenceBackend().caps, maxParams: MOST };
  override async compile(plan: Plan): Promise<Executable> {
    for (const s of allSteps(plan.steps)) if (s.kind === "launch") expect(s.reads.length).toBeLessThanOrEqual(MOST);
    return super.compile(plan);
  }
}
registerBackend({ name: "narrow", probe: async () => ({ available: true }), create: async () => new Narrow() });

const list = (x: unknown): unknown => (x as NdArray).toArray();
const vectors = (n: number): Variable[] => Array.from({ length: n }, (_, i) => T.fvector(`v${i}`));
/** Lengths 0, 1, 2, 0, … */
const values = (n: number): number[][] => Array.from({ length: n }, (_, i) => Array.from({ length: i % 3 }, (_, k) => 10 * i + k));

describe.each([["narrow", 7], ["narrow", 50], ["gpu:webasm", 70]] as const)("on %s, %i parts", (device, n) => {
  test("stored, reduced and inside an expression", async () => {
    const vs = vectors(n);
    const whole = T.join(0, ...vs);
    const f = compile(vs, [whole, whole.sum(), T.join(0, ...vs.map((v) => v.mul(2))).add(1)], { device });
    const all = values(n).flat();
    const [joined, sum, after] = (await f(...values(n))) as readonly [NdArray, number, NdArray];
    expect(list(joined)).toEqual(all);
    expect(sum).toBe(all.reduce((s, x) => s + x, 0));
    expect(list(after)).toEqual(all.map((x) => 2 * x + 1));
  });

  test("along another axis, of numbers, with a gradient, and in a loop", async () => {
    const vs = vectors(n);
    const given = vs.map((_, i) => [i, -i]);
    const wide = T.stack(vs, { axis: 1 });
    const cost = wide.mul(T.arange(n)).sum();
    const [rows] = scan({ outputsInfo: null, nSteps: 2, sequences: T.arange(2), fn: (i: Variable) => T.join(0, ...vs.map((v) => v.add(T.cast(i, "float32")))) });
    const f = compile(vs, [wide, grad(cost, vs[n - 1] as Variable), rows as Variable], { device });
    const [made, g, steps] = (await f(...given)) as readonly NdArray[];
    expect(list(made)).toEqual([given.map(([x]) => x), given.map(([, x]) => x)]);
    expect(list(g)).toEqual([n - 1, n - 1]);
    expect(list(steps)).toEqual([0, 1].map((i) => given.flat().map((x) => x + i)));
  });
});

test("whole numbers and truth values keep their digits in groups of their own", async () => {
  const vs = Array.from({ length: 20 }, (_, i) => (i < 10 ? T.bvector(`b${i}`) : i < 16 ? T.ivector(`i${i}`) : T.dvector(`d${i}`)));
  const given = vs.map((_, i) => (i < 10 ? i % 2 : i < 16 ? 2147483647 - i : 1 / i));
  expect(list(await compile(vs, T.join(0, ...vs), { device: "narrow" })(...given.map((x) => [x])))).toEqual(given);
});
