/**
 * Scans as a step of a generated graph: one or two states (with taps), sequences, constants, outputs that do not feed back, forwards and
 * backwards, all steps or the last. Must not know the other steps.
 */
import { scalarConstant, type Variable } from "../graph/variable.js";
import { add, mul, sub } from "../ops/elementwise.js";
import { sin, tanh } from "../ops/math.js";
import { patternBroadcast } from "../ops/rebroadcast.js";
import { sigmoid, softplus } from "../ops/sigmoid.js";
import { mean } from "../ops/statistics.js";
import { scan } from "../scan/scan.js";
import type { Chooser } from "./choose.js";
import type { Entry } from "./pool.js";

/** Smooth, and bounded however many steps there are. */
const CELLS: readonly [(h: Variable, x: Variable) => Variable, ...((h: Variable, x: Variable) => Variable)[]] = [
  (h, x) => tanh(add(h, x)),
  (h, x) => add(mul(h, scalarConstant(0.5, h.dtype)), sigmoid(x)),
  (h, x) => sub(sigmoid(softplus(h)), sin(x)),
  (h, x) => sin(mul(h, tanh(x))),
];

/** x as something that meets h without changing h's shape: itself where it has that shape, else its mean. */
function meeting(h: Entry, x: Variable, shape: readonly number[]): Variable {
  const fits = x.ndim === h.v.ndim && shape.every((d, a) => d === h.value.shape[a]) && x.type.samePattern(h.v.type);
  return fits ? x : mean(x);
}

const shaped = (v: Variable, like: Variable): Variable => (v.type.samePattern(like.type) ? v : patternBroadcast(v, like.broadcastable));

/** A scan over a float sequence with a float state. */
export function scanStep(c: Chooser): Variable | null {
  const { tape } = c;
  const h = c.float((e) => e.value.size <= 16);
  const x = c.float((e) => e.v.ndim > 0 && (e.value.shape[0] as number) > 1 && e.value.size <= 64);
  if (h === null || x === null) return null;
  const [cell, other] = [tape.oneOf(CELLS), tape.oneOf(CELLS)];
  const options = { sequences: x.v, goBackwards: tape.chance(2) };
  const row = x.value.shape.slice(1);
  const last = tape.chance(3);
  const pick = (v: Variable): Variable => (last ? v.get(-1) : v);
  switch (tape.pick(4)) {
    case 0: {
      const [outs] = scan({ ...options, outputsInfo: h.v, fn: (r, s) => shaped(cell(s as Variable, meeting(h, r as Variable, row)), s as Variable) });
      return pick(outs);
    }
    case 1: {
      const [outs] = scan({ ...options, outputsInfo: [h.v, null], fn: (r, s) => [shaped(cell(s as Variable, meeting(h, r as Variable, row)), s as Variable), mul(r as Variable, mean(s as Variable))] });
      return pick(outs[tape.pick(2)] as Variable);
    }
    case 2: {
      const k = c.float() ?? h;
      const [outs] = scan({
        ...options, outputsInfo: [h.v, h.v], nonSequences: k.v,
        fn: (r, s, t, w) => [shaped(cell(s as Variable, mean(t as Variable)), s as Variable), shaped(other(t as Variable, add(mean(r as Variable), mean(w as Variable))), t as Variable)],
      });
      return pick(outs[tape.pick(2)] as Variable);
    }
    default: {
      const pair = c.float((e) => e.v.ndim > 0 && e.value.shape[0] === 2 && e.v.broadcastable[0] === false);
      if (pair === null) return null;
      const [outs] = scan({ ...options, outputsInfo: { initial: pair.v, taps: [-2, -1] }, fn: (r, a, b) => shaped(cell(a as Variable, add(b as Variable, mean(r as Variable))), a as Variable) });
      return pick(outs);
    }
  }
}
