/**
 * NumPy's array-interface type strings ("<f4", "|u1", …) and raw element bytes, to and from host arrays. Used by pickles and .npy members.
 * Every integer width is read into int32 (damo's only integer dtype), so a value that does not fit is an error.
 */
import { allocate, type DType, type TypedArray } from "../codegen/ir/dtype.js";
import { NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";

type Getter = (view: DataView, at: number, little: boolean) => number;

const READERS: Readonly<Record<string, { readonly bytes: number; readonly dtype: DType; readonly get: Getter }>> = {
  b1: { bytes: 1, dtype: "bool", get: (v, at) => (v.getUint8(at) ? 1 : 0) },
  u1: { bytes: 1, dtype: "int32", get: (v, at) => v.getUint8(at) },
  i1: { bytes: 1, dtype: "int32", get: (v, at) => v.getInt8(at) },
  u2: { bytes: 2, dtype: "int32", get: (v, at, little) => v.getUint16(at, little) },
  i2: { bytes: 2, dtype: "int32", get: (v, at, little) => v.getInt16(at, little) },
  u4: { bytes: 4, dtype: "int32", get: (v, at, little) => v.getUint32(at, little) },
  i4: { bytes: 4, dtype: "int32", get: (v, at, little) => v.getInt32(at, little) },
  u8: { bytes: 8, dtype: "int32", get: (v, at, little) => Number(v.getBigUint64(at, little)) },
  i8: { bytes: 8, dtype: "int32", get: (v, at, little) => Number(v.getBigInt64(at, little)) },
  f4: { bytes: 4, dtype: "float32", get: (v, at, little) => v.getFloat32(at, little) },
  f8: { bytes: 8, dtype: "float64", get: (v, at, little) => v.getFloat64(at, little) },
};

const HOST_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

export interface RawArray {
  /** Byte order and type: `<f4`; order is `<`, `>`, `=` or `|`. */
  readonly descr: string;
  readonly shape: Shape;
  readonly fortran: boolean;
  readonly bytes: Uint8Array;
}

/** Same-layout element bytes become a typed array by one copy; everything else goes element by element. */
function decode(raw: RawArray, kind: string, file: string): TypedArray {
  const reader = READERS[kind];
  if (reader === undefined) {
    fail("data", "numpy-dtype", { what: `${file} holds an array of dtype '${raw.descr}'.`, saw: [`known: ${Object.keys(READERS).join(", ")}`], fix: "save it as float32, float64, int32 or bool" });
  }
  const n = sizeOf(raw.shape);
  if (raw.bytes.length !== n * reader.bytes) {
    fail("data", "numpy-size", {
      what: `${file} holds an array whose bytes do not fill its shape (${raw.shape.join(", ")}).`,
      saw: [`expected ${n * reader.bytes} bytes of ${raw.descr}`, `found ${raw.bytes.length}`],
      fix: "the file is truncated or corrupt: fetch or save it again",
    });
  }
  const order = raw.descr[0] as string;
  const little = order === "<" || (order !== ">" && HOST_LITTLE);
  const out = allocate(reader.dtype, n);
  if (out.BYTES_PER_ELEMENT === reader.bytes && kind !== "u4" && kind !== "b1" && little === HOST_LITTLE) {
    new Uint8Array(out.buffer).set(raw.bytes);
    return out;
  }
  const view = new DataView(raw.bytes.buffer, raw.bytes.byteOffset, raw.bytes.byteLength);
  for (let i = 0; i < n; i++) {
    const x = reader.get(view, i * reader.bytes, little);
    out[i] = x;
    if (reader.dtype === "int32" && out[i] !== x) {
      fail("data", "numpy-int-range", { what: `${file} holds an integer that does not fit int32.`, saw: [`element ${i} of '${raw.descr}' is ${x}`], fix: "save it as float64" });
    }
  }
  return out;
}

/** The array that NumPy's bytes mean. `file` is for errors. Throws `numpy-dtype`, `numpy-size`, `numpy-int-range`. */
export function fromNumpyBytes(raw: RawArray, file: string): NdArray {
  const kind = raw.descr.replace(/^[<>=|]/, "");
  const data = decode(raw, kind, file);
  const dtype = (READERS[kind] as { dtype: DType }).dtype;
  if (!raw.fortran) return new NdArray(data, raw.shape, dtype);
  return new NdArray(data, [...raw.shape].reverse(), dtype).T;
}

const DESCR: Readonly<Record<DType, string>> = { bool: "|b1", int32: "<i4", float32: "<f4", float64: "<f8" };

/** Little-endian bytes and type string of an array, C order. */
export function toNumpyBytes(a: NdArray): RawArray {
  const bytes = new Uint8Array(a.data.buffer.slice(a.data.byteOffset, a.data.byteOffset + a.data.byteLength));
  const width = a.data.BYTES_PER_ELEMENT;
  if (!HOST_LITTLE) for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse();
  return { descr: DESCR[a.dtype], shape: a.shape, fortran: false, bytes };
}
