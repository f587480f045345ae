/**
 * Reading files that may be gzipped, and writing files so that a crash or a full disk leaves either the old file or the new one.
 * Must not know what the bytes mean. Next: idx.ts, mnist_pkl.ts and model_file.ts parse them.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { gunzipSync } from "node:zlib";
import { fail } from "../util/fail.js";

export const messageOf = (e: unknown): string => (e instanceof Error ? e.message : String(e));

/** Whether bytes start as a gzip member does (RFC 1952, ID1 ID2 = 1f 8b). */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The bytes, inflated if they are gzipped. Throws `gzip-corrupt` naming `file` when the member is truncated or damaged. */
export function inflate(bytes: Uint8Array, file: string): Uint8Array {
  if (!isGzip(bytes)) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (e) {
    fail("data", "gzip-corrupt", {
      what: `The gzip file ${file} is truncated or corrupt.`,
      saw: [`${bytes.length} bytes on disk`, `zlib says: ${messageOf(e)}`],
      fix: "delete the file and fetch it again",
    });
  }
}

/** The file's bytes, inflated if gzipped. Throws `file-read` when it cannot be read, `gzip-corrupt` as `inflate`. */
export async function readMaybeGzip(file: string): Promise<Uint8Array> {
  return inflate(await readBytes(file), file);
}

/** The file's bytes. Throws `file-read` when it cannot be read. */
export async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (e) {
    fail("data", "file-read", { what: `The file ${file} cannot be read.`, saw: [messageOf(e)], fix: "check that the path exists and is a readable file" });
  }
}

/**
 * Writes a file through a temporary neighbour and a rename, making its folder if needed: no reader ever sees half of it.
 * Throws `file-write` when the folder or disk refuses; then neither the file nor the temporary one is changed or left.
 */
export async function writeFileAtomic(file: string, bytes: Uint8Array | string): Promise<void> {
  const temporary = `${file}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(temporary, bytes);
    await rename(temporary, file);
  } catch (e) {
    await rm(temporary, { force: true }).catch(() => undefined);
    fail("data", "file-write", { what: `The file ${file} cannot be written.`, saw: [messageOf(e)], fix: "check the folder, its permissions and the free space" });
  }
}
