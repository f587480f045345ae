/**
 * Piano-rolls of MIDI files and MIDI files of piano-rolls, as the `midiread` and `midiwrite` of rnnrbm.py. The library midi-file knows the format.
 * Must not know models.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { config, fail, NdArray } from "../index.js";

/** An event of a track, as midi-file has it; others than these have a deltaTime and a type too. */
export interface MidiEvent {
  /** Ticks since the event before. */
  readonly deltaTime: number;
  readonly type: string;
  readonly channel?: number;
  readonly noteNumber?: number;
  readonly velocity?: number;
  readonly microsecondsPerBeat?: number;
}

export interface MidiData {
  readonly header: {
    readonly format: 0 | 1 | 2;
    readonly numTracks: number;
    readonly ticksPerBeat?: number;
    readonly framesPerSecond?: number;
    readonly ticksPerFrame?: number;
  };
  readonly tracks: readonly (readonly MidiEvent[])[];
}

/** What is needed of midi-file. */
interface MidiCodec {
  parseMidi(bytes: Uint8Array): MidiData;
  writeMidi(data: MidiData): readonly number[];
}

/** Loaded where a file is read or written: models that have nothing to do with MIDI need not wait for it. */
const codecOf = async (): Promise<MidiCodec> => (await import("midi-file")).default as unknown as MidiCodec;

export interface RollOptions {
  /** Lowest pitch and the one above the highest, as MIDI note numbers; [21, 109] by default, the 88 keys of a piano. */
  readonly r?: readonly [number, number] | undefined;
  /** Seconds between time steps; 0.3 by default. */
  readonly dt?: number | undefined;
}

interface Timed {
  readonly tick: number;
  readonly event: MidiEvent;
}

/** Events of all tracks in the order of time. */
function inOrder({ tracks }: MidiData): Timed[] {
  const timed = tracks.flatMap((track) => {
    let tick = 0;
    return track.map((event) => {
      tick += event.deltaTime;
      return { tick, event };
    });
  });
  return timed.sort((a, b) => a.tick - b.tick);
}

/** Calls `visit` with each event and its time in seconds. Until a tempo is set a beat is half a second (Standard MIDI Files 1.0). */
function walk(data: MidiData, visit: (seconds: number, event: MidiEvent) => void): void {
  const { ticksPerBeat, framesPerSecond = 0, ticksPerFrame = 0 } = data.header;
  let secondsPerTick = ticksPerBeat === undefined ? 1 / (framesPerSecond * ticksPerFrame) : 0.5 / ticksPerBeat;
  let [seconds, last] = [0, 0];
  for (const { tick, event } of inOrder(data)) {
    seconds += (tick - last) * secondsPerTick;
    last = tick;
    if (event.type === "setTempo" && ticksPerBeat !== undefined) secondsPerTick = (event.microsecondsPerBeat as number) / 1e6 / ticksPerBeat;
    visit(seconds, event);
  }
}

/** The sums of deltas are off by a rounding; a note that begins on a time step must not fall behind it. */
const stepOf = (seconds: number, dt: number): number => Math.ceil(seconds / dt - 1e-6);

/** Which notes sound at the times 0, dt, 2 dt, …: floatX `[steps, r[1] - r[0]]`, until the last note ends. Drums (channel 9) have no pitch and are left out. */
export function pianoRollOf(data: MidiData, { r = [21, 109], dt = 0.3 }: RollOptions = {}): NdArray {
  const sounding: [note: number, from: number, to: number][] = [];
  const begun = new Map<string, number>();
  walk(data, (seconds, { type, channel = 0, noteNumber = 0, velocity = 0 }) => {
    if ((type !== "noteOn" && type !== "noteOff") || channel === 9) return;
    const key = `${channel} ${noteNumber}`;
    const from = begun.get(key);
    if (from !== undefined) sounding.push([noteNumber, stepOf(from, dt), stepOf(seconds, dt)]);
    begun.delete(key);
    if (type === "noteOn" && velocity > 0) begun.set(key, seconds);
  });
  const width = r[1] - r[0];
  const roll = NdArray.zeros([sounding.reduce((n, [, , to]) => Math.max(n, to), 0), width], config.floatX);
  for (const [note, from, to] of sounding) {
    if (note >= r[0] && note < r[1]) for (let t = from; t < to; t++) roll.data[t * width + note - r[0]] = 1;
  }
  return roll;
}

/** A roll as one track: a note that goes on in the next step is held. */
export function midiOf(roll: NdArray, { r = [21, 109], dt = 0.3 }: RollOptions = {}): MidiData {
  const [steps = 0, width = 0] = roll.shape;
  const on = (t: number, i: number): boolean => t >= 0 && t < steps && (roll.data[t * width + i] as number) > 0;
  const events: MidiEvent[] = [{ deltaTime: 0, type: "setTempo", microsecondsPerBeat: Math.round(dt * 1e6) }];
  let last = 0;
  const add = (t: number, type: "noteOn" | "noteOff", i: number): void => {
    events.push({ deltaTime: (t - last) * TICKS_PER_STEP, type, channel: 0, noteNumber: r[0] + i, velocity: type === "noteOn" ? 90 : 0 });
    last = t;
  };
  for (let t = 0; t <= steps; t++) {
    for (let i = 0; i < width; i++) if (on(t - 1, i) && !on(t, i)) add(t, "noteOff", i);
    for (let i = 0; i < width; i++) if (!on(t - 1, i) && on(t, i)) add(t, "noteOn", i);
  }
  return { header: { format: 0, numTracks: 1, ticksPerBeat: TICKS_PER_STEP }, tracks: [[...events, { deltaTime: 0, type: "endOfTrack" }]] };
}

/** A time step is written as one beat. */
const TICKS_PER_STEP = 96;

/** The piano-roll of a file. Throws `midi-read` (DataError). */
export async function midiread(file: string, options: RollOptions = {}): Promise<NdArray> {
  const codec = await codecOf();
  try {
    return pianoRollOf(codec.parseMidi(await readFile(file)), options);
  } catch (e) {
    fail("data", "midi-read", { what: `${file} cannot be read as MIDI.`, saw: [e instanceof Error ? e.message : String(e)], fix: "give Standard MIDI Files" });
  }
}

/** Writes a piano-roll as MIDI. */
export async function midiwrite(file: string, roll: NdArray, options: RollOptions = {}): Promise<void> {
  const codec = await codecOf();
  await writeFile(file, Uint8Array.from(codec.writeMidi(midiOf(roll, options))));
}

/** The piano-rolls of a folder's .mid files, in the order of their names. Throws what `midiread` throws, `midi-folder` (DataError). */
export async function loadMidiFolder(folder: string, options: RollOptions = {}): Promise<NdArray[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => /\.midi?$/i.test(name)).sort();
  if (files.length === 0) fail("data", "midi-folder", { what: `Training set is empty: there are no MIDI files in ${folder}.`, fix: "give a folder with .mid files, such as Nottingham/train" });
  const rolls: NdArray[] = [];
  for (const name of files) rolls.push(await midiread(join(folder, name), options));
  return rolls;
}
