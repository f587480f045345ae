/**
 * An MT19937 state as an int32 vector, so that it lives in a shared variable like any value: 624 words of key, the position, whether a second
 * Gaussian is kept, and its float64 bits as two words. Must not know ops. Next: mt_op.ts.
 */
import { NdArray } from "../numpy/ndarray.js";
import { type MtState } from "./mt19937.js";

const KEY = 624;
/** Entries of a packed state. */
export const MT_STATE_SIZE = KEY + 4;

/** Writes a state into MT_STATE_SIZE words. */
export function writeState(state: MtState, into: Int32Array): void {
  into.set(new Int32Array(state.key.buffer, state.key.byteOffset, KEY));
  into[KEY] = state.pos;
  into[KEY + 1] = Number(state.hasGauss);
  into.set(new Int32Array(Float64Array.of(state.gauss).buffer), KEY + 2);
}

/** A state of its own from its words. */
export function readState(words: ArrayLike<number>): MtState {
  const all = Int32Array.from(words);
  return {
    key: new Uint32Array(all.buffer.slice(0, KEY * 4)),
    pos: all[KEY] as number,
    hasGauss: all[KEY + 1] !== 0,
    gauss: new Float64Array(all.buffer.slice((KEY + 2) * 4, MT_STATE_SIZE * 4))[0] as number,
  };
}

/** The int32[628] that a random variable's shared state holds. */
export function packState(state: MtState): NdArray {
  const words = new Int32Array(MT_STATE_SIZE);
  writeState(state, words);
  return new NdArray(words, [MT_STATE_SIZE], "int32");
}
