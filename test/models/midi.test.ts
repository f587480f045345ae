/** Piano-rolls of MIDI events as the library midi-file gives them, and back; files read and written. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import fc from "fast-check";
import { config, type DamoError, NdArray } from "../../src/index.js";
import { loadMidiFolder, type MidiEvent, midiOf, midiread, midiwrite, pianoRollOf } from "../../src/models/midi.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-midi-"));
});
afterAll(() => rm(folder, { recursive: true }));

const codeOf = async (p: Promise<unknown>): Promise<string> => p.then(() => "none", (e: DamoError) => e.code);

const on = (deltaTime: number, noteNumber: number, velocity = 64, channel = 0): MidiEvent => ({ deltaTime, type: "noteOn", channel, noteNumber, velocity });
const off = (deltaTime: number, noteNumber: number, channel = 0): MidiEvent => ({ deltaTime, type: "noteOff", channel, noteNumber, velocity: 0 });
const tempo = (deltaTime: number, microsecondsPerBeat: number): MidiEvent => ({ deltaTime, type: "setTempo", microsecondsPerBeat });
const rolls = (...tracks: MidiEvent[][]) => pianoRollOf({ header: { format: 1, numTracks: tracks.length, ticksPerBeat: 100 }, tracks }, { r: [60, 64], dt: 0.25 });

describe("pianoRollOf", () => {
  test("a beat is half a second until a tempo is set, in whatever track", () => {
    // C from 0 to 0.5 s, D from 0.5 s on; then a beat lasts 1 s: D until 1.5 s.
    const roll = rolls([on(0, 60), off(100, 60), on(0, 62), off(100, 62)], [tempo(100, 1_000_000)]);
    expect(roll.toArray()).toEqual([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 1, 0]]);
    expect(roll.dtype).toBe(config.floatX);
  });

  test("a note sounds at the steps within it; notes outside the range, and drums, are left out; velocity 0 ends a note", () => {
    // E from 0.1 s to 0.3 s sounds at 0.25 s; F from 0.3 s to 0.45 s at no step.
    expect(rolls([on(20, 63), on(40, 63, 0), on(0, 61), off(30, 61), on(0, 90), off(10, 90), on(0, 60, 64, 9), off(100, 60, 9)]).toArray()).toEqual([[0, 0, 0, 0], [0, 0, 0, 1]]);
  });

  test("frames per second", () => {
    const data = { header: { format: 0 as const, numTracks: 1, framesPerSecond: 25, ticksPerFrame: 40 }, tracks: [[on(0, 60), off(500, 60)]] };
    expect(pianoRollOf(data, { r: [60, 61], dt: 0.25 }).toArray()).toEqual([[1], [1]]);
  });

  test("is the inverse of midiOf", () => {
    const roll = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 6 })).chain(([steps, width]) => fc.array(fc.constantFrom(0, 1), { minLength: steps * width, maxLength: steps * width }).map((x) => [x, steps, width] as const));
    fc.assert(fc.property(roll, fc.constantFrom(0.3, 0.1, 1 / 3), ([x, steps, width], dt) => {
      // The last step must sound, as a file ends with its last note.
      x[(steps - 1) * width] = 1;
      const made = NdArray.zeros([steps, width], config.floatX);
      made.data.set(x);
      const options = { r: [40, 40 + width] as const, dt };
      expect(pianoRollOf(midiOf(made, options), options).toArray()).toEqual(made.toArray());
    }));
  });
});

describe("files", () => {
  /** One track at 96 ticks per beat: C and E together for two beats, then G for one, written by hand from the Standard MIDI Files 1.0. */
  const FILE = Buffer.from("4d54686400000006000000010060" + "4d54726b00000024" + "00ff5103" + "0493e0" + "00903c40" + "00904040" + "8140803c00" + "00804000" + "00904340" + "60804300" + "00ff2f00", "hex");

  test("a folder without MIDI files is refused", async () => {
    expect(await codeOf(loadMidiFolder(folder))).toBe("midi-folder");
    expect(await codeOf(loadMidiFolder(join(folder, "none")))).toBe("midi-folder");
  });

  test("are read and written", async () => {
    const file = join(folder, "a.mid");
    await writeFile(file, FILE);
    const written = join(folder, "b.mid");
    const roll = await midiread(file, { r: [60, 68], dt: 0.3 });
    expect(roll.toArray()).toEqual([[1, 0, 0, 0, 1, 0, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 1]]);
    await midiwrite(written, roll, { r: [60, 68], dt: 0.3 });
    expect((await readFile(written)).subarray(0, 4).toString()).toBe("MThd");
    expect(await loadMidiFolder(folder, { r: [60, 68], dt: 0.3 })).toEqual([roll, roll]);
    await writeFile(written, "no music");
    expect(await codeOf(midiread(written))).toBe("midi-read");
  });
});
