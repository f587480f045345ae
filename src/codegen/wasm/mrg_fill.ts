/**
 * Uniforms of MRG31k3p of which each stream gives more than one: a stream is stepped from its first to its last, where an expression for each
 * element would step it anew from the beginning. Streams are shared among threads. Must not know plans. Used by routines.ts.
 */
import { byteSize, type FloatDType, sizeOf } from "../ir/dtype.js";
import type { BufferType } from "../ir/kernel.js";
import { MRG_NORM } from "../ir/prims.js";
import type { Features, KernelCode, PassParams } from "./code.js";
import { convert, literal, settle } from "./convert.js";
import { partType, type Value } from "./lanes.js";
import { laneLoops, passParams } from "./loops.js";
import { storeFour, storeOne } from "./memory_access.js";
import { gatherRows6, mrgNext1, mrgNext2, mrgOutput, scatterRows6 } from "./mrg.js";
import { add, Func, greater, i32, lesser, times } from "./wat.js";

/** Streams of one unit. */
const BLOCK = 512;
const ROW_BYTES = 24;
const COLUMNS = [0, 1, 2, 3, 4, 5];
/** Nanoseconds of reading and writing a stream's state, and of one step of it. */
const ROW_COST = 1.5;
const STEP_COST = 1.5;

interface Fill { readonly streams: number; readonly dtype: FloatDType; readonly params: PassParams }

/** The integers `z` as uniforms: in float32 rounded first, as Theano does. */
function scaled(fn: Func, z: Value, dtype: FloatDType): Value {
  const { parts, lanes } = settle(fn, convert(fn, z, dtype));
  const [scalar, vector] = dtype === "float32" ? ["f32", "f32x4"] : ["f64", "f64x2"];
  const norm = literal(MRG_NORM[dtype]);
  const factor = lanes === 1 ? `(${scalar}.const ${norm})` : `(v128.const ${vector} ${Array(dtype === "float32" ? 4 : 2).fill(norm).join(" ")})`;
  return { dtype, lanes, parts: parts.map((x) => fn.let(partType(dtype, lanes), `(${lanes === 4 ? vector : scalar}.mul ${x} ${factor})`, "u")) };
}

/** One stream or four, from the state before to the state after `steps` numbers. Everything is read before anything is written, as states may be advanced in place. */
function stepStreams(fn: Func, { streams, dtype, params }: Fill, steps: number, row: string, lanes: 1 | 4): void {
  const from = fn.let("i32", add(params.buffers[0] as string, times(row, ROW_BYTES)), "p");
  const read = lanes === 4 ? gatherRows6(fn, from) : COLUMNS.map((c) => `(i32.load offset=${c * 4} ${from})`);
  const state = read.map((x) => {
    const v = fn.local(partType("int32", lanes), "y");
    fn.line(v.set(x));
    return v;
  });
  const [a0, a1, a2, b0, b1, b2] = state as [typeof state[0], typeof state[0], typeof state[0], typeof state[0], typeof state[0], typeof state[0]];
  const place = fn.local("i32", "at");
  fn.line(place.set(add(params.results[1] as string, times(row, byteSize(dtype)))));
  fn.loop(i32(0), i32(steps), 1, () => {
    const [next1, next2] = [mrgNext1(fn, lanes, [a1.get, a2.get]), mrgNext2(fn, lanes, [b0.get, b2.get])];
    const u = scaled(fn, { dtype: "int32", lanes, parts: [mrgOutput(fn, lanes, [next1, next2])] }, dtype);
    for (const [to, value] of [[a2, a1.get], [a1, a0.get], [a0, next1], [b2, b1.get], [b1, b0.get], [b0, next2]] as const) fn.line(to.set(value));
    if (lanes === 4) storeFour(fn, { text: place.get, offset: 0 }, 1, u);
    else storeOne(fn, { text: place.get, offset: 0 }, u);
    fn.line(place.set(`(i32.add ${place.get} ${i32(streams * byteSize(dtype))})`));
  });
  const to = fn.let("i32", add(params.results[0] as string, times(row, ROW_BYTES)), "q");
  const columns = state.map((v) => v.get);
  if (lanes === 4) scatterRows6(fn, to, columns);
  else columns.forEach((x, c) => { fn.line(`(i32.store offset=${c * 4} ${to} ${x})`); });
}

/** States [S,6] -> the next states and n uniforms, number i from stream i mod S. */
export function mrgFill(reads: readonly BufferType[], [states, samples]: readonly [BufferType, BufferType], id: string, { simd }: Features): KernelCode {
  const [streams, n] = [states.shape[0] as number, sizeOf(samples.shape)];
  const params = passParams({ params: reads, results: [states, samples], scalars: [] });
  const fill: Fill = { streams, dtype: samples.dtype as FloatDType, params };
  const [each, more] = [Math.floor(n / streams), n % streams];
  const fn = new Func(`$${id}`, params.list);
  const begin = fn.let("i32", times("(local.get $from)", BLOCK), "begin");
  const end = fn.let("i32", lesser(fn.let("i32", times("(local.get $to)", BLOCK), "end"), i32(streams)), "end");
  for (const [first, last, steps] of [[0, more, each + 1], [more, streams, each]] as const) {
    if (first === last) continue;
    const from = fn.let("i32", greater(begin, i32(first)), "from");
    const to = fn.let("i32", lesser(end, i32(last)), "to");
    fn.when(`(i32.lt_s ${from} ${to})`, () => {
      if (simd) laneLoops(fn, from, to, false, (row, lanes) => stepStreams(fn, fill, steps, row, lanes));
      else fn.loop(from, to, 1, (row) => stepStreams(fn, fill, steps, row, 1));
    });
  }
  const ns = streams * ROW_COST + n * STEP_COST;
  return {
    packings: [], scratch: 0, own: 0, library: new Map(), inPlace: [[0], []],
    passes: [{ name: fn.name, text: fn.text(), units: Math.ceil(streams / BLOCK), cost: simd ? ns : ns * 3 }],
    how: `MRG31k3p, ${simd ? "four streams" : "a stream"} from step to step`,
  };
}
