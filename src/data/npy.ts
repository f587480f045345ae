/**
 * NumPy's .npy format, version 1.0 (numpy.lib.format): magic, header length, a Python dict literal, raw elements. One array per file.
 * Next: model_file.ts puts several into a .npz.
 */
import type { NdArray } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { fromNumpyBytes, toNumpyBytes } from "./numpy_bytes.js";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;

/** The .npy bytes of an array: float32, float64, int32 or bool, little-endian, C order; 0-d arrays are `()`. */
export function encodeNpy(a: NdArray): Uint8Array {
  const { descr, shape, bytes } = toNumpyBytes(a);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // The format asks that data start at a multiple of 64; 10 bytes come before the dict and a newline ends it.
  const padded = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`;
  const out = new Uint8Array(10 + padded.length + bytes.length);
  out.set([...MAGIC, 1, 0, padded.length & 255, padded.length >> 8]);
  out.set(Buffer.from(padded, "latin1"), 10);
  out.set(bytes, 10 + padded.length);
  return out;
}

function corrupt(name: string, why: string): never {
  fail("data", "npy-header", { what: `${name} is not a .npy array that can be read.`, saw: [why], fix: "the file is corrupt or of another format: save it again with numpy.save, numpy.savez or saveArrays" });
}

/** The array in .npy bytes (format versions 1 to 3, C or Fortran order). `name` is for errors. Throws `npy-header`, `numpy-*`. */
export function decodeNpy(bytes: Uint8Array, name: string): NdArray {
  if (bytes.length < 12 || MAGIC.some((b, i) => bytes[i] !== b)) corrupt(name, "it does not start with \\x93NUMPY");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(6);
  if (version < 1 || version > 3) corrupt(name, `format version ${version}; known are 1, 2 and 3`);
  const start = version === 1 ? 10 : 12;
  const end = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end > bytes.length) corrupt(name, `a header of ${end - start} bytes in a file of ${bytes.length}`);
  const dict = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  const descr = /'descr':\s*'([^']*)'/.exec(dict)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(dict)?.[1];
  const shape = /'shape':\s*\(([\d\s,]*)\)/.exec(dict)?.[1];
  if (descr === undefined || order === undefined || shape === undefined) corrupt(name, `header: ${dict.trimEnd()}`);
  const dims = shape.split(",").filter((d) => d.trim() !== "").map(Number);
  return fromNumpyBytes({ descr, shape: dims, fortran: order === "True", bytes: bytes.subarray(end) }, name);
}
