/**
 * Conjugate gradients: SciPy 1.10.1's iterates on standard functions, evaluations included; and for random functions that a found step satisfies the
 * strong Wolfe conditions and a minimisation ends where the gradient is zero.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CgState, cgStart, cgStep } from "../../src/models/fmin_cg.js";
import { strongWolfe } from "../../src/models/line_search.js";

interface Case {
  readonly f: (x: readonly number[], evaluation?: number) => number;
  readonly fprime: (x: readonly number[]) => number[];
}

async function minimise({ f, fprime }: Case, x0: readonly number[], most = 200): Promise<{ readonly states: readonly CgState[]; readonly evaluations: number; readonly end: CgState }> {
  let evaluations = 0;
  const state = cgStart(x0);
  const states: CgState[] = [];
  const objective = { f: async (x: readonly number[]) => f(x, evaluations++), fprime: async (x: readonly number[]) => fprime(x) };
  while (states.length < most && (await cgStep(objective, state))) states.push({ ...state });
  return { states, evaluations, end: state };
}

/** Rosenbrock's function of any dimension. */
const rosenbrock: Case = {
  f: (x) => x.slice(1).reduce((s, b, i) => s + 100 * (b - x[i]! ** 2) ** 2 + (1 - x[i]!) ** 2, 0),
  fprime: (x) => x.map((_, i) => (i + 1 < x.length ? -400 * x[i]! * (x[i + 1]! - x[i]! ** 2) - 2 * (1 - x[i]!) : 0) + (i > 0 ? 200 * (x[i]! - x[i - 1]! ** 2) : 0)),
};
/** Powell's singular function. */
const powell: Case = {
  f: ([a = 0, b = 0, c = 0, d = 0]) => (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4,
  fprime: ([a = 0, b = 0, c = 0, d = 0]) => [2 * (a + 10 * b) + 40 * (a - d) ** 3, 20 * (a + 10 * b) + 4 * (b - 2 * c) ** 3, 10 * (c - d) - 8 * (b - 2 * c) ** 3, -10 * (c - d) - 40 * (a - d) ** 3],
};
const exponentials: Case = { f: (x) => x.reduce((s, v, i) => s + Math.exp(v) - v * (i + 1), 0), fprime: (x) => x.map((v, i) => Math.exp(v) - (i + 1)) };
/** Not convex, not a minimum in one place. */
const cosines: Case = { f: (x) => x.reduce((s, v) => s + 1 - Math.cos(v) + 0.1 * v * v, 0), fprime: (x) => x.map((v) => Math.sin(v) + 0.2 * v) };

describe("as scipy.optimize.fmin_cg", () => {
  test.each<[string, Case, readonly number[], { readonly iterations: number; readonly evaluations: number; readonly values: Readonly<Record<number, number>>; readonly x: readonly [number, readonly number[]] }]>([
    ["Powell", powell, [3, -1, 0, 1], {
      iterations: 56, evaluations: 112, values: { 0: 36.30864784600628, 1: 14.41687123544604, 2: 8.034189117961517, 5: 0.3878121371580292, 12: 0.00639019383248341, 30: 1.8568278018413533e-6 },
      x: [12, [0.07763890770200599, -0.01413115225301656, 0.0327254914414252, 0.012172183399426967]],
    }],
    ["exponentials", exponentials, [5, -3, 2, 0.5], {
      iterations: 14, evaluations: 26, values: { 0: 56.99541643492466, 2: 3.680126113000636, 3: 0.0469723238620694, 5: -0.22001486891381172, 12: -0.22730867120591136 },
      x: [5, [-0.10007885330636002, 0.6837830559341983, 1.1341824235401265, 1.3714098235424526]],
    }],
    ["cosines", cosines, [6, -5, 9], {
      iterations: 14, evaluations: 30, values: { 0: 9.717445984006813, 1: 6.704626615974514, 3: 6.443940540837529, 5: 6.430188794115201, 12: 6.428959780813361 },
      x: [8, [0.0005211691604892032, -4.907223600969092, 4.906817270843275]],
    }],
    // The second step needs the second search: the first finds one after which the direction would hardly descend.
    ["Rosenbrock", rosenbrock, [-1.2, 1], {
      iterations: 36, evaluations: 78, values: { 0: 4.130132204266522, 1: 3.764850483366364, 2: 2.264659464736446, 5: 1.4400749981383774, 12: 0.2620628456252212, 20: 0.0015030211887905958 },
      x: [8, [0.151780166552964, -0.009937890266019274]],
    }],
  ])("%s", async (_, problem, x0, expected) => {
    const { states, evaluations } = await minimise(problem, x0);
    expect([states.length, evaluations]).toEqual([expected.iterations, expected.evaluations]);
    for (const [i, value] of Object.entries(expected.values)) expect(Math.abs(states[Number(i)]!.value / value - 1)).toBeLessThan(1e-9);
    const [i, x] = expected.x;
    for (const [j, v] of x.entries()) expect(Math.abs(states[i]!.x[j]! - v)).toBeLessThan(1e-9);
  });
});

describe("strongWolfe", () => {
  /** A polynomial that goes up far away, and down at 0. */
  const line = fc.record({ a: fc.double({ min: 0.01, max: 5, noNaN: true }), b: fc.double({ min: -10, max: 10, noNaN: true }), c: fc.double({ min: -10, max: 10, noNaN: true }), down: fc.double({ min: 0.01, max: 20, noNaN: true }), first: fc.double({ min: 1e-3, max: 10, noNaN: true }) });

  test("a found step decreases enough, and is flat enough; on a polynomial one is found", async () => {
    await fc.assert(fc.asyncProperty(line, async ({ a, b, c, down, first }) => {
      const value = (s: number): number => a * s ** 4 + b * s ** 3 + c * s ** 2 - down * s;
      const slope = (s: number): number => 4 * a * s ** 3 + 3 * b * s ** 2 + 2 * c * s - down;
      const at = async (step: number) => ({ step, value: value(step), slope: slope(step) });
      const found = await strongWolfe(at, { step: 0, value: 0, slope: -down }, { first, c1: 1e-4, c2: 0.4, least: 1e-100, most: 1e100 });
      expect(found).not.toBeNull();
      expect(found!.step).toBeGreaterThan(0);
      expect(found!.value).toBeLessThanOrEqual(-1e-4 * found!.step * down);
      expect(Math.abs(found!.slope)).toBeLessThanOrEqual(0.4 * down);
    }));
  });

  test("nothing is found on a line that only goes down, or where the slope at 0 is not the function's", async () => {
    const options = { first: 1, c1: 1e-4, c2: 0.4, least: 1e-100, most: 1e10 };
    expect(await strongWolfe(async (step) => ({ step, value: -step, slope: -1 }), { step: 0, value: 0, slope: -1 }, options)).toBeNull();
    expect(await strongWolfe(async (step) => ({ step, value: step, slope: 1 }), { step: 0, value: 0, slope: -1 }, options)).toBeNull();
  });
});

test("a convex quadratic ends where its gradient is zero, from anywhere; a state from there stays", async () => {
  const numbers = fc.array(fc.tuple(fc.double({ min: 0.1, max: 10, noNaN: true }), fc.double({ min: -10, max: 10, noNaN: true }), fc.double({ min: -10, max: 10, noNaN: true })), { minLength: 1, maxLength: 6 });
  await fc.assert(fc.asyncProperty(numbers, async (terms) => {
    const problem: Case = { f: (x) => terms.reduce((s, [a, m], i) => s + (a * (x[i]! - m) ** 2) / 2, 0), fprime: (x) => terms.map(([a, m], i) => a * (x[i]! - m)) };
    const { end, states } = await minimise(problem, terms.map(([, , x]) => x), 500);
    expect(states.length).toBeLessThan(500);
    for (const [i, [, m]] of terms.entries()) expect(Math.abs(end.x[i]! - m)).toBeLessThan(1e-3);
    const again = { ...end };
    expect(await cgStep({ f: async (x) => problem.f(x), fprime: async (x) => problem.fprime(x) }, again)).toBe(false);
    expect(again).toEqual(end);
  }), { numRuns: 30 });
});
