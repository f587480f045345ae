/**
 * mnist.pkl.gz, the tutorials' data: a Python-2 pickle of ((x, y), (x, y), (x, y)) of NumPy arrays, x float32 pixels k/256, y int64.
 * The pickle machine is the library pickleparser; here are NumPy's reducers for it, and Python 2's byte strings kept as latin-1.
 * Nothing of a pickle is ever executed: a global that is not in the list below is an error.
 */
import { BufferReader, NameRegistry, Parser } from "pickleparser";
import { NdArray } from "../numpy/ndarray.js";
import { DamoError, fail } from "../util/fail.js";
import { messageOf, readMaybeGzip } from "./files.js";
import { fromNumpyBytes } from "./numpy_bytes.js";

export type DataPair = readonly [x: NdArray, y: NdArray];

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\\": "\\", "'": "'", '"': '"' };

/** Python's repr escapes of a quoted line (opcode S), raw-unicode escapes of others (opcode V). */
function unescapeLine(line: string): string {
  if (line.startsWith("'") || line.startsWith('"')) {
    return line.replace(/\\(?:x([0-9a-fA-F]{2})|([nrt\\'"]))/g, (_, hex: string | undefined, c: string) => (hex ? String.fromCharCode(parseInt(hex, 16)) : (ESCAPES[c] as string)));
  }
  return line.replace(/\\u([0-9a-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** pickleparser decodes Python 2's byte strings as windows-1252 and leaves escapes in protocol 0's; this keeps every byte. */
class ByteReader extends BufferReader {
  override string(size: number, encoding: "ascii" | "utf-8"): string {
    if (encoding !== "ascii") return super.string(size, encoding);
    const b = this.bytes(size);
    return Buffer.from(b.buffer, b.byteOffset, b.byteLength).toString("latin1");
  }

  override line(): string {
    return unescapeLine(super.line());
  }
}

/** numpy.dtype("f4", …) and the byte order that BUILD gives it. */
class PickledDType {
  order = "=";
  constructor(readonly kind: string) {}
  __setstate__(state: readonly unknown[]): void {
    this.order = String(state[1]);
  }
}

/** numpy.ndarray as `_reconstruct` makes it; BUILD fills it with (version, shape, dtype, isFortran, bytes). */
class PickledArray {
  value: NdArray | undefined;
  constructor(readonly file: string) {}
  __setstate__(state: readonly unknown[]): void {
    const [, shape, dtype, fortran, content] = state;
    if (!Array.isArray(shape) || !(dtype instanceof PickledDType)) throw new Error("an ndarray state without shape or dtype");
    const bytes = typeof content === "string" ? Buffer.from(content, "latin1") : content;
    if (!(bytes instanceof Uint8Array)) throw new Error("an ndarray state without bytes");
    this.value = fromNumpyBytes({ descr: dtype.order + dtype.kind, shape: shape as number[], fortran: Boolean(fortran), bytes }, this.file);
  }
}

class Globals extends NameRegistry {
  constructor(private readonly file: string) {
    super();
  }
  override onMissingName(module: string, name: string): never {
    fail("data", "pickle-global", { what: `The pickle ${this.file} needs the Python object ${module}.${name}.`, fix: "only tuples and lists of NumPy arrays can be read; save the arrays as .npz instead" });
  }
}

function globals(file: string): Globals {
  const registry = new Globals(file);
  const reconstruct = (): PickledArray => new PickledArray(file);
  for (const core of ["numpy.core.multiarray", "numpy._core.multiarray"]) registry.register(core, "_reconstruct", reconstruct);
  registry.register("numpy", "ndarray", reconstruct);
  registry.register("numpy", "dtype", (kind: string) => new PickledDType(kind));
  // Python 3 writes bytes at protocol 0 to 2 as encode(u"…", "latin1").
  registry.register("_codecs", "encode", (text: string) => text);
  return registry;
}

function isPair(x: unknown): x is [PickledArray, PickledArray] {
  return Array.isArray(x) && x.length === 2 && x.every((a) => a instanceof PickledArray && a.value !== undefined);
}

/**
 * The three (x, y) pairs of an inflated pickle, with the dtypes it holds (int64 as int32). `file` is for errors.
 * Throws `pickle-corrupt`, `pickle-global`, `pickle-content`, and `numpy-*` as `fromNumpyBytes`.
 */
export function parseMnistPickle(bytes: Uint8Array, file: string): DataPair[] {
  let root: unknown;
  try {
    root = new Parser({ nameResolver: globals(file) }).read<unknown>(new ByteReader(bytes));
  } catch (e) {
    if (e instanceof DamoError) throw e;
    fail("data", "pickle-corrupt", { what: `The pickle ${file} is truncated, corrupt or no pickle.`, saw: [`${bytes.length} bytes after inflating`, `the parser says: ${messageOf(e)}`], fix: "fetch the file again" });
  }
  if (!Array.isArray(root) || root.length !== 3 || !root.every(isPair)) {
    fail("data", "pickle-content", { what: `The pickle ${file} does not hold three (x, y) pairs of NumPy arrays.`, fix: "give the tutorials' mnist.pkl.gz: ((train x, y), (valid x, y), (test x, y))" });
  }
  return root.map(([x, y]) => [x.value as NdArray, y.value as NdArray] as const);
}

/** Reads mnist.pkl or mnist.pkl.gz. Throws also `file-read`, `gzip-corrupt`. */
export const readMnistPickle = async (file: string): Promise<DataPair[]> => parseMnistPickle(await readMaybeGzip(file), file);
