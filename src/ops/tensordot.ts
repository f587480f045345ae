/**
 * tensordot and batchedTensordot: products summed over several axes, as matrix products of reshaped tensors (theano/tensor/basic.py
 * _tensordot_as_dot), so that they need no records. Next: dot.ts.
 */
import type { Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { asTensors, type Operand } from "./define.js";
import { dimshuffle } from "./dimshuffle.js";
import { batchedDot, dot } from "./dot.js";
import { mul } from "./elementwise.js";
import { patternBroadcast } from "./rebroadcast.js";
import { type Named, optionOf } from "./options.js";
import { reshape } from "./reshape.js";
import { lengthsOf } from "./shape.js";

/** How many axes are summed (the last of a, the first of b), or which: for each tensor one or a list. */
export type SummedAxes = number | readonly [number | readonly number[], number | readonly number[]];

const listed = (axes: number | readonly number[]): readonly number[] => (typeof axes === "number" ? [axes] : axes);

/** The summed axes of each tensor; `first` is 1 where axis 0 is a batch. */
function readAxes(a: Variable, b: Variable, axes: SummedAxes, first: number): readonly [readonly number[], readonly number[]] {
  const bad = (what: string): never => fail("value", "tensordot-axes", { what, where: String(a.origin), saw: [`a: ${a}`, `b: ${b}`], fix: "give a number of axes, or two lists of as many axes" });
  if (typeof axes === "number") {
    if (!Number.isInteger(axes) || axes < 0 || axes > a.ndim - first || axes > b.ndim - first) bad(`tensordot cannot sum over ${axes} axes.`);
    return [Array.from({ length: axes }, (_, k) => a.ndim - axes + k), Array.from({ length: axes }, (_, k) => first + k)];
  }
  if (!Array.isArray(axes) || axes.length !== 2) bad(`Axes should be an integer or a list of 2, got ${String(axes)}.`);
  const [left, right] = axes.map(listed) as [readonly number[], readonly number[]];
  if (left.length !== right.length) bad("Axes elements must have the same length.");
  for (const [list, v] of [[left, a], [right, b]] as const) {
    if (list.some((x) => !Number.isInteger(x) || x < first || x >= v.ndim) || new Set(list).size !== list.length) bad(`The axes [${list.join(", ")}] are not ${v.ndim - first} different axes from ${first} on of ${v}.`);
  }
  return [left, right];
}

const productOf = (lengths: readonly Variable[]): Variable | 1 => (lengths.length === 0 ? 1 : lengths.reduce((x, y) => mul(x, y)));

function summed(x: Operand, y: Operand, given: Named<"axes", SummedAxes>, batched: boolean): Variable {
  const axes = optionOf(given, "axes") ?? 2;
  const [a, b] = asTensors([x, y]) as [Variable, Variable];
  const [left, right] = readAxes(a, b, axes, batched ? 1 : 0);
  const batch = batched ? [0] : [];
  const rest = (v: Variable, used: readonly number[]): number[] => v.broadcastable.map((_, k) => k).filter((k) => !used.includes(k) && !batch.includes(k));
  const [keptA, keptB] = [rest(a, left), rest(b, right)];
  const [na, nb] = [lengthsOf(a), lengthsOf(b)];
  const pick = (lengths: readonly Variable[], at: readonly number[]): Variable[] => at.map((k) => lengths[k] as Variable);
  const front = (v: readonly Variable[]): Variable[] => pick(v, batch);
  const m = reshape(dimshuffle(a, ...batch, ...keptA, ...left), [...front(na), productOf(pick(na, keptA)), productOf(pick(na, left))]);
  const n = reshape(dimshuffle(b, ...batch, ...right, ...keptB), [...front(nb), productOf(pick(nb, right)), productOf(pick(nb, keptB))]);
  const made = reshape((batched ? batchedDot : dot)(m, n), [...front(na), ...pick(na, keptA), ...pick(nb, keptB)]);
  return patternBroadcast(made, [...batch.map((k) => a.broadcastable[k] === true && b.broadcastable[k] === true), ...keptA.map((k) => a.broadcastable[k] as boolean), ...keptB.map((k) => b.broadcastable[k] as boolean)]);
}

/** Products summed over the last axes of a and the first of b (2 by default), or over axes given for each: `T.tensordot(a, b, [[1, 2], [3, 2]])`, or `{ axes }`. Error: `tensordot-axes`. */
export const tensordot = (a: Operand, b: Operand, axes: Named<"axes", SummedAxes> = 2): Variable => summed(a, b, axes, false);

/** For each i, tensordot of a[i] and b[i]; axes are those of a and b, so that 0 may not be summed. Error: `tensordot-axes`. */
export const batchedTensordot = (a: Operand, b: Operand, axes: Named<"axes", SummedAxes> = 2): Variable => summed(a, b, axes, true);
