/**
 * Python's pickles of numbers, strings, lists, tuples, dicts and NumPy arrays, as the tutorials' data sets are. The pickle machine is the library
 * pickleparser; here are NumPy's reducers for it, and Python 2's byte strings kept as latin-1.
 * Nothing of a pickle is ever executed: a global that is not in the list below is an error. Next: mnist_pkl.ts; programs read their own sets.
 */
import { BufferReader, NameRegistry, Parser } from "pickleparser";
import { NdArray } from "../numpy/ndarray.js";
import { DamoError, fail } from "../util/fail.js";
import { messageOf, readMaybeGzip } from "./files.js";
import { fromNumpyBytes } from "./numpy_bytes.js";

/** What a pickle may hold: lists and tuples are arrays, dicts are Maps. */
export type PickleValue = number | string | boolean | null | NdArray | readonly PickleValue[] | ReadonlyMap<PickleValue, PickleValue>;

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
    fail("data", "pickle-global", { what: `The pickle ${this.file} needs the Python object ${module}.${name}.`, fix: "only numbers, strings, lists, tuples, dicts and NumPy arrays can be read; save arrays as .npz instead" });
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

/** Python's objects as values of ours. Throws for an array that was never filled, and for what no type above has. */
function plain(x: unknown): PickleValue {
  if (x instanceof PickledArray) {
    if (x.value === undefined) throw new Error("an ndarray without state");
    return x.value;
  }
  if (Array.isArray(x)) return x.map(plain);
  if (x instanceof Map) return new Map([...(x as Map<unknown, unknown>)].map(([key, value]) => [plain(key), plain(value)]));
  if (x === null || typeof x === "number" || typeof x === "string" || typeof x === "boolean") return x;
  throw new Error(`a value of type ${typeof x}`);
}

/**
 * The objects of an inflated pickle, one for each `pickle.dump` that wrote it, with the dtypes its arrays have (int64 as int32). `file` is for
 * errors. Throws `pickle-corrupt`, `pickle-global`, and `numpy-*` as `fromNumpyBytes`.
 */
export function parsePickle(bytes: Uint8Array, file: string): PickleValue[] {
  const objects: PickleValue[] = [];
  try {
    const reader = new ByteReader(bytes);
    const parser = new Parser({ nameResolver: globals(file), unpicklingTypeOfDictionary: "Map" });
    while (objects.length === 0 || reader.hasNext()) objects.push(plain(parser.read<unknown>(reader)));
  } catch (e) {
    if (e instanceof DamoError) throw e;
    fail("data", "pickle-corrupt", { what: `The pickle ${file} is truncated, corrupt or no pickle.`, saw: [`${bytes.length} bytes after inflating`, `the parser says: ${messageOf(e)}`], fix: "fetch the file again" });
  }
  return objects;
}

/** The objects of a .pkl or .pkl.gz file. Throws what `parsePickle` throws, `file-read`, `gzip-corrupt`. */
export const loadPickle = async (file: string): Promise<PickleValue[]> => parsePickle(await readMaybeGzip(file), file);
