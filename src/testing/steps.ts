/**
 * The steps that generated graphs are made of, by kind: each takes what the pool has, applies an op, and offers the result to the pool.
 * Lengths, domains and broadcast flags fit by construction. scan_step.ts has the loops. Next: graphs.ts.
 */
import { isFloat } from "../codegen/ir/dtype.js";
import type { Op } from "../graph/op.js";
import { apply1, type Variable } from "../graph/variable.js";
import { sizeOf } from "../numpy/ndarray.js";
import { argmax } from "../ops/argmax.js";
import { allOps } from "../ops/define.js";
import { dimshuffle, padLeft } from "../ops/dimshuffle.js";
import { batchedDot, dot } from "../ops/dot.js";
import { cast, mod } from "../ops/elementwise.js";
import { get, type Index } from "../ops/indexing.js";
import { join, stack } from "../ops/join.js";
import "../ops/math.js";
import { logSoftmax, softmax } from "../ops/nnet.js";
import { unbroadcast } from "../ops/rebroadcast.js";
import { all, any, max, min, prod, sum } from "../ops/reduce.js";
import { flatten, reshape } from "../ops/reshape.js";
import { incSubtensor, setSubtensor } from "../ops/set_subtensor.js";
import { shapeAt } from "../ops/shape.js";
import { all as whole, slice } from "../ops/slices.js";
import { mean, variance } from "../ops/statistics.js";
import { MRGRandomStreams } from "../random/mrg_streams.js";
import { alikeBut, broadcasts, type Chooser } from "./choose.js";
import type { Entry } from "./pool.js";
import { scanStep } from "./scan_step.js";
import type { Tape } from "./tape.js";

/** Kinds of steps. `draw` is a random draw of MRGRandomStreams. */
export type Kind = "elementwise" | "reduce" | "dot" | "view" | "index" | "join" | "softmax" | "scan" | "draw";

/** Makes a variable of what there is, or null where nothing fits. */
type Step = (c: Chooser, allowed: (op: Op) => boolean) => Variable | null;

/** Debugging ops aside, every op that works element by element. */
const elementwiseOps = (): Op[] => allOps().filter((op) => op.fields.lower.kind === "elementwise" && op.fields.pure !== false);

const elementwise: Step = (c, allowed) => {
  const op = c.tape.oneOf(elementwiseOps().filter(allowed));
  const sample = op && c.tape.oneOf(op.fields.samples);
  if (op === undefined || sample === undefined) return null;
  const args: Entry[] = [];
  for (const s of sample.inputs) {
    const found = c.ofDType(s.dtype, (e) => args.every((a) => broadcasts(a, e)));
    const fitted = found && c.within(found, s.low ?? -2, s.high ?? 2);
    if (fitted === null) return null;
    args.push(fitted);
  }
  const ndim = Math.max(0, ...args.map((a) => a.v.ndim));
  return apply1(op, args.map(({ v }) => (v.ndim === ndim ? v : padLeft(v, ndim))), sample.params);
};

const FLOAT_REDUCERS = [sum, mean, max, min, prod, variance, (x: Variable, o: { axis?: number }) => argmax(x, o), (x: Variable, o: { axis?: number; keepdims?: boolean }) => sum(x, { ...o, keepdims: true })] as const;

const reduce: Step = (c) => {
  const e = c.entry((x) => x.value.size > 0);
  if (e === null) return null;
  const axis = c.tape.pick(e.v.ndim + 1);
  const options = axis < e.v.ndim ? { axis, keepdims: c.tape.chance(3) } : {};
  if (e.v.dtype === "bool") return c.tape.oneOf([any, all, sum] as const)(e.v, options);
  return isFloat(e.v.dtype) ? c.tape.oneOf(FLOAT_REDUCERS)(e.v, options) : c.tape.oneOf([sum, max, min] as const)(e.v, options);
};

const product: Step = (c) => {
  const a = c.float((e) => e.v.ndim > 0);
  if (a === null) return null;
  const last = a.value.shape[a.v.ndim - 1];
  const b = c.float((e) => e.v.ndim > 0 && e.value.shape[Math.max(0, e.v.ndim - 2)] === last);
  if (b !== null && sizeOf(a.value.shape.slice(0, -1)) * b.value.size <= 256) return dot(a.v, b.v);
  if (a.v.ndim === 3) return batchedDot(a.v, dimshuffle(a.v, 0, 2, 1));
  return a.v.ndim === 2 ? dot(a.v, dimshuffle(a.v, 1, 0)) : null;
};

/** Axes in any order, those that stretch perhaps dropped, new ones perhaps inserted. */
function shuffled(e: Entry, tape: Tape): Variable {
  const left = e.v.broadcastable.flatMap((b, a) => (b && tape.chance(3) ? [] : [a]));
  const order: (number | "x")[] = [];
  while (left.length > 0) order.push(left.splice(left.length - 1 - tape.pick(left.length), 1)[0] as number);
  if (order.length < 4 && tape.chance(3)) order.splice(tape.pick(order.length + 1), 0, "x");
  return dimshuffle(e.v, ...order);
}

function reshaped(e: Entry, tape: Tape): Variable {
  const { size } = e.value;
  const divisors = Array.from({ length: size }, (_, d) => d + 1).filter((d) => size % d === 0);
  const d = tape.oneOf(divisors) ?? 1;
  if (size === 0) return flatten(e.v);
  const first = e.v.ndim > 0 ? shapeAt(e.v, 0) : 1;
  return reshape(e.v, tape.oneOf<readonly (number | Variable)[]>([[-1], [d, size / d], [1, -1], [size / d, 1, d], [first, -1]]));
}

const view: Step = (c) => {
  const { tape } = c;
  const e = c.entry();
  if (e === null) return null;
  switch (tape.pick(4)) {
    case 0: return shuffled(e, tape);
    case 1: return reshaped(e, tape);
    case 2: return flatten(e.v, Math.max(1, e.v.ndim - 1));
    default: return e.v.ndim > 0 ? unbroadcast(e.v, tape.pick(e.v.ndim)) : null;
  }
};

/** An index for one axis: everything, a slice in either direction, a position, a position that only the call knows, or positions (`count` of them). */
function indexFor(length: number, c: Chooser, count: number): Index {
  const { tape } = c;
  const at = (): number => tape.pick(length + 1);
  switch (tape.pick(length === 0 ? 3 : 6)) {
    case 0: return whole;
    case 1: return slice(at(), tape.chance(2) ? null : -1 - tape.pick(2));
    case 2: return slice(null, null, -1 - tape.pick(2));
    case 3: return tape.pick(length) - (tape.chance(2) ? length : 0);
    case 4: return Array.from({ length: count }, () => tape.pick(length));
    default: {
      const i = c.entry((e) => e.v.dtype === "int32" && e.v.ndim === 0);
      return i === null ? whole : mod(i.v, length);
    }
  }
}

const index: Step = (c) => {
  const e = c.entry((x) => x.v.ndim > 0);
  if (e === null) return null;
  const count = 1 + c.tape.pick(3);
  const region = get(e.v, ...e.value.shape.map((d) => indexFor(d, c, count)));
  const write = c.tape.pick(3);
  if (write === 0) return region;
  const value = c.entry((x) => x.v.dtype === e.v.dtype && x.v.ndim === 0);
  return value === null ? region : write === 1 ? setSubtensor(region, value.v) : incSubtensor(region, value.v);
};

const joined: Step = (c) => {
  const a = c.entry((e) => e.v.ndim > 0);
  if (a === null) return null;
  const axis = c.tape.pick(a.v.ndim);
  const b = c.entry((e) => alikeBut(a, e, axis)) ?? a;
  const same = b.value.shape[axis] === a.value.shape[axis];
  return same && c.tape.chance(2) ? stack([a.v, b.v], { axis }) : join(axis, a.v, b.v, ...(c.tape.chance(3) ? [a.v] : []));
};

const softmaxStep: Step = (c) => {
  const e = c.float((x) => x.v.ndim === 2 && (x.value.shape[1] as number) > 0);
  return e && (c.tape.chance(2) ? logSoftmax(e.v) : softmax(e.v));
};

const draw: Step = (c) => {
  const e = c.float();
  if (e === null) return null;
  const streams = new MRGRandomStreams(1 + c.tape.pick(1000));
  const { dtype } = c.pool;
  const size = e.value.shape;
  switch (c.tape.pick(3)) {
    case 0: return streams.uniform({ size, dtype });
    case 1: return cast(streams.binomial({ size, p: 0.25 }), dtype);
    default: {
      const p = c.within(e, 0.05, 0.95);
      return p && streams.binomial({ size, p: p.v, dtype });
    }
  }
};

export const STEPS: Readonly<Record<Kind, Step>> = { elementwise, reduce, dot: product, view, index, join: joined, softmax: softmaxStep, scan: scanStep, draw };

export const KINDS: readonly Kind[] = ["elementwise", "reduce", "dot", "view", "index", "join", "softmax", "scan", "draw"];
