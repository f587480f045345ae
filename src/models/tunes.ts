/**
 * Tunes made here, as piano-rolls: a melody over chords, in the manner of the folk tunes of Nottingham that rnnrbm.py learns. No file is needed.
 * Must not know models. Next: rnnrbm_program.ts.
 */
import { config, fail, NdArray, numpy as np, type RandomState } from "../index.js";

const SCALE = [0, 2, 4, 5, 7, 9, 11];
/** Chords by the degree of their root, each line four bars that end at home or on the way. */
const PHRASES = [[0, 3, 4, 0], [0, 5, 3, 4], [0, 4, 5, 3], [3, 0, 4, 0]];
const STEPS_PER_BAR = 8;
/** Tonics from G to D around the middle of the keyboard. */
const [LOWEST_TONIC, TONICS] = [55, 8];

/** Semitones of a degree of the scale above the tonic, over octaves. */
const pitch = (degree: number): number => 12 * Math.floor(degree / 7) + (SCALE[((degree % 7) + 7) % 7] as number);

function drawTune(rng: RandomState, [low, high]: readonly [number, number]): NdArray {
  const tonic = LOWEST_TONIC + rng.randint(TONICS);
  const nPhrases = 2 + rng.randint(3);
  const keys = high - low;
  const roll = NdArray.zeros([nPhrases * 4 * STEPS_PER_BAR, keys], config.floatX);
  const play = (t: number, degree: number, octave: number): void => {
    const key = tonic + pitch(degree) + 12 * octave - low;
    if (key >= 0 && key < keys) roll.data[t * keys + key] = 1;
  };
  let degree = 2 * rng.randint(4);
  for (let phrase = 0; phrase < nPhrases; phrase++) {
    const chords = phrase === nPhrases - 1 ? (PHRASES[0] as number[]) : (PHRASES[rng.randint(PHRASES.length)] as number[]);
    for (const [bar, root] of chords.entries()) {
      for (let t = 0; t < STEPS_PER_BAR; t++) {
        const at = (phrase * 4 + bar) * STEPS_PER_BAR + t;
        for (const third of [0, 2, 4]) play(at, root + third, -1);
        // On a beat the melody goes to the chord's nearest note, between beats to a neighbour or on.
        if (t % 4 === 0) degree = [0, 2, 4, 7].map((third) => root + third).reduce((best, d) => (Math.abs(d - degree) < Math.abs(best - degree) ? d : best));
        else if (t % 2 === 0) degree = Math.min(9, Math.max(0, degree + rng.randint(3) - 1));
        play(at, degree, 1);
      }
    }
  }
  return roll;
}

export interface TuneOptions {
  readonly seed?: number | undefined;
  /** Lowest MIDI note number and the one above the highest; [21, 109] by default, the 88 keys of a piano. */
  readonly r?: readonly [number, number] | undefined;
}

/** `n` tunes of 64, 96 or 128 time steps: floatX `[steps, r[1] - r[0]]` of zeros and ones. Throws `tunes-count` (ValueError). */
export function makeTunes(n: number, { seed = 1234, r = [21, 109] }: TuneOptions = {}): NdArray[] {
  if (!Number.isInteger(n) || n < 1) fail("value", "tunes-count", { what: `There are no ${n} tunes.`, fix: "ask for a whole number of at least 1" });
  const rng = new np.random.RandomState(seed);
  return Array.from({ length: n }, () => drawTune(rng, r));
}
