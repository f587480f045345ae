/**
 * Named arrays in one file: NumPy's .npz (an uncompressed zip of `<name>.npy`), so that `numpy.load` reads it and `numpy.savez` writes it.
 * One more member, `damo.json`, holds `{ format: "damo-arrays", version: 1, sha256: { name: hex }, meta: … }`: the caller's notes and the
 * checksums (zip readers skip CRCs). Must not know models; models/ names the arrays after its parameters.
 */
import { createHash } from "node:crypto";
import { unzipSync, zipSync } from "fflate";
import type { NdArray } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { messageOf, readBytes, writeFileAtomic } from "./files.js";
import { decodeNpy, encodeNpy } from "./npy.js";

/** JSON values, as notes beside the arrays. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type Meta = Readonly<Record<string, Json>>;

export interface ArrayFile {
  readonly arrays: Readonly<Record<string, NdArray>>;
  /** What `saveArrays` was given as meta; empty for files that NumPy wrote. */
  readonly meta: Meta;
}

const INDEX = "damo.json";

interface Index {
  readonly sha256: Readonly<Record<string, string>>;
  readonly meta: Meta;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/**
 * Writes arrays and notes to `path` (conventionally `*.npz`), atomically: an interrupted save leaves the old file.
 * Throws `array-name` for a name that is empty or has `/` or `\`, `file-write`.
 */
export async function saveArrays(path: string, arrays: Readonly<Record<string, NdArray>>, meta: Meta = {}): Promise<void> {
  const members: Record<string, Uint8Array> = {};
  const sums: Record<string, string> = {};
  for (const [name, a] of Object.entries(arrays)) {
    if (!/^[^/\\]+$/.test(name)) fail("value", "array-name", { what: `An array in ${path} is named '${name}'.`, fix: "use names that are not empty and have no slashes" });
    const bytes = encodeNpy(a);
    members[`${name}.npy`] = bytes;
    sums[name] = sha256(bytes);
  }
  members[INDEX] = Buffer.from(JSON.stringify({ format: "damo-arrays", version: 1, sha256: sums, meta }));
  await writeFileAtomic(path, zipSync(members, { level: 0 }));
}

function unzip(bytes: Uint8Array, path: string): Record<string, Uint8Array> {
  try {
    return unzipSync(bytes);
  } catch (e) {
    fail("data", "npz-corrupt", { what: `${path} is truncated, corrupt or no .npz file.`, saw: [`${bytes.length} bytes`, messageOf(e)], fix: "save it again with saveArrays or numpy.savez" });
  }
}

function readIndex(bytes: Uint8Array, path: string): Index {
  let index: { format?: unknown; version?: unknown } & Partial<Index>;
  try {
    index = JSON.parse(Buffer.from(bytes).toString("utf8")) as typeof index;
  } catch (e) {
    fail("data", "npz-index", { what: `${INDEX} in ${path} is no JSON.`, saw: [messageOf(e)], fix: "the file is corrupt: save it again" });
  }
  if (index.format !== "damo-arrays" || index.version !== 1 || !index.sha256 || !index.meta) {
    fail("data", "npz-version", { what: `${path} was written in another format.`, saw: [`format ${String(index.format)}, version ${String(index.version)}`, "expected damo-arrays, version 1"], fix: "read it with the version of damo that wrote it" });
  }
  return { sha256: index.sha256, meta: index.meta };
}

/**
 * Reads what `saveArrays` or `numpy.savez` wrote. Throws `npz-corrupt`, `npz-index`, `npz-version`, `npz-checksum`, `npz-member`, `npy-header`,
 * `numpy-dtype`, `file-read`.
 */
export async function loadArrays(path: string): Promise<ArrayFile> {
  const members = unzip(await readBytes(path), path);
  const index = members[INDEX] ? readIndex(members[INDEX], path) : { sha256: {}, meta: {} };
  const arrays: Record<string, NdArray> = {};
  for (const [member, bytes] of Object.entries(members)) {
    if (member === INDEX || !member.endsWith(".npy")) continue;
    const name = member.slice(0, -4);
    const expected = index.sha256[name];
    if (expected !== undefined && expected !== sha256(bytes)) {
      fail("data", "npz-checksum", { what: `The array '${name}' in ${path} is corrupt.`, saw: [`expected sha256 ${expected}`, `found ${sha256(bytes)}`], fix: "save it again" });
    }
    arrays[name] = decodeNpy(bytes, `${path}:${member}`);
  }
  const lost = Object.keys(index.sha256).find((name) => !Object.hasOwn(arrays, name));
  if (lost !== undefined) fail("data", "npz-member", { what: `${path} lacks the array '${lost}' that its ${INDEX} lists.`, fix: "the file was changed by another program: save it again" });
  return { arrays, meta: index.meta };
}
