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
import { passParams } from "./loops.js";
import { storeFour, storeOne } from "./memory_access.js";
import { mrgNext1, mrgNext2, mrgOutput } from "./mrg.js";
import { eachPart, eachRow, readRows, unitsOf, writeRows } from "./mrg_rows.js";
import { add, Func, i32, type Local, times } from "./wat.js";

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
  const state = readRows(fn, params.buffers[0] as string, row, lanes).map((x) => {
    const v = fn.local(partType("int32", lanes), "y");
    fn.line(v.set(x));
    return v;
  });
  const [a0, a1, a2, b0, b1, b2] = state as [Local, Local, Local, Local, Local, Local];
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
  writeRows(fn, params.results[0] as string, row, state.map((v) => v.get), lanes);
}

/** States [S,6] -> the next states and n uniforms, number i from stream i mod S. */
export function mrgFill(reads: readonly BufferType[], [states, samples]: readonly [BufferType, BufferType], id: string, { simd }: Features): KernelCode {
  const [streams, n] = [states.shape[0] as number, sizeOf(samples.shape)];
  const params = passParams({ params: reads, results: [states, samples], scalars: [] });
  const fill: Fill = { streams, dtype: samples.dtype as FloatDType, params };
  const [each, more] = [Math.floor(n / streams), n % streams];
  const parts = [{ from: 0, to: more, steps: each + 1 }, { from: more, to: streams, steps: each }].filter((p) => p.from < p.to);
  const fn = new Func(`$${id}`, params.list);
  eachPart(fn, streams, parts, ({ steps }, range) => eachRow(fn, range, simd, (row, lanes) => stepStreams(fn, fill, steps, row, lanes)));
  const ns = streams * ROW_COST + n * STEP_COST;
  return {
    packings: [], scratch: 0, own: 0, library: new Map(), inPlace: [[0], []],
    passes: [{ name: fn.name, text: fn.text(), units: unitsOf(streams), cost: simd ? ns : ns * 3 }],
    how: `MRG31k3p, ${simd ? "four streams" : "a stream"} from step to step`,
  };
}
