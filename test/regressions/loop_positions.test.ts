/** Positions, lengths and counts that depend on a loop's step. Found by review: they were not checked, and memory outside the array was read. */
import { expect, test } from "vitest";
import { compile, NdArray, scan, slice, T } from "damo";

const device = "reference";
const list = (x: unknown): unknown => (x as NdArray).toArray();
const code = (made: Promise<unknown>): Promise<unknown> => made.then(() => "no error", (e: { code?: string }) => e.code);

test("a position that is the step's number", async () => {
  const [x, n] = [T.fvector("x"), T.iscalar("n")];
  const [rows] = scan({ fn: (i) => x.get(i), sequences: T.arange(n) });
  const f = compile([x, n], rows, { device });
  expect(list(await f([1, 2, 3], 3))).toEqual([1, 2, 3]);
  expect(list(await f([1, 2, 3], 0))).toEqual([]);
  expect(await code(f([1, 2, 3], 5))).toMatch(/index-range/);
});

test("a window that moves with the step", async () => {
  const x = T.fvector("x");
  const [sums] = scan({ fn: (i) => x.get(slice(i, i.add(2))).sum(), sequences: T.arange(4) });
  const f = compile([x], sums, { device });
  expect(list(await f([1, 2, 3, 4, 5]))).toEqual([3, 5, 7, 9]);
  expect(await code(f([1, 2, 3]))).toMatch(/index-range/);
});

test("an inner loop as long as the outer step's number", async () => {
  const [x, n] = [T.fvector("x"), T.iscalar("n")];
  const inner = (i: typeof n) => scan({ fn: (r, a) => a?.add(r) ?? r, sequences: x, outputsInfo: T.constant(0, { dtype: "float32" }), nSteps: i })[0].get(-1);
  const [sums] = scan({ fn: (i) => inner(i), sequences: T.arange(1, n) });
  const f = compile([x, n], sums, { device });
  expect(list(await f([1, 2, 3], 4))).toEqual([1, 3, 6]);
  expect(await code(f([1, 2, 3], 7))).toBe("scan-sequence-short");
});

test("the last of no steps is an IndexError, and a shape computed in a step is named", async () => {
  const [x, n, lengths] = [T.fvector("x"), T.iscalar("n"), T.ivector("lengths")];
  const [, last] = scan({ fn: (a) => [a.mul(2), a.add(5)], outputsInfo: [x, null], nSteps: n })[0];
  const f = compile([x, n], last?.get(-1), { device });
  expect(list(await f([1, 2], 2))).toEqual([7, 9]);
  expect(await code(f([1, 2], 0))).toBe("scan-no-last");
  expect(await code(f([1, 2], -1))).toBe("scan-negative-steps");
  const [sums] = scan({ fn: (i) => x.get(slice(0, i)).sum(), sequences: lengths });
  expect(await code(compile([x, lengths], sums, { device })([1, 2], [1, 2]))).toBe("scan-step-shape");
});
