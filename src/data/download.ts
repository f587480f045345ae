/**
 * Fetching files of known size and checksum over HTTP: several mirrors, resumed downloads, a cache folder. A file appears under its final
 * name only when it is complete and its SHA-256 is right. Must not know what is in the files; load.ts does.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { DamoError, fail } from "../util/fail.js";
import { messageOf } from "./files.js";

export interface RemoteFile {
  readonly name: string;
  readonly bytes: number;
  /** Lower-case hexadecimal SHA-256 of the file as served. */
  readonly sha256: string;
}

export interface DownloadProgress {
  readonly file: string;
  readonly received: number;
  readonly total: number;
}

export interface DownloadOptions {
  /** Folder of the finished files; made if needed. */
  readonly folder: string;
  /** Base addresses, tried in order: `<mirror>/<name>`. */
  readonly mirrors: readonly string[];
  /** Attempts per mirror, each resuming where the last broke off; 3 by default. */
  readonly attempts?: number;
  /** A connection that is silent for this long is cut; 30 000 by default. */
  readonly stallMs?: number;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** The four original MNIST files (sizes and sums as published by the projects that mirror them). */
export const MNIST_FILES: readonly RemoteFile[] = [
  { name: "train-images-idx3-ubyte.gz", bytes: 9912422, sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609" },
  { name: "train-labels-idx1-ubyte.gz", bytes: 28881, sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c" },
  { name: "t10k-images-idx3-ubyte.gz", bytes: 1648877, sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6" },
  { name: "t10k-labels-idx1-ubyte.gz", bytes: 4542, sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6" },
];

export const MNIST_MIRRORS: readonly string[] = [
  "https://ossci-datasets.s3.amazonaws.com/mnist",
  "https://storage.googleapis.com/cvdf-datasets/mnist",
];

/** Where downloads are kept: `DAMO_CACHE`, else `~/.cache/damo`. */
export const cacheFolder = (): string => process.env.DAMO_CACHE || join(homedir(), ".cache", "damo");

async function sizeOfFile(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

const isComplete = async (path: string, file: RemoteFile): Promise<boolean> => (await sizeOfFile(path)) === file.bytes && (await sha256Of(path)) === file.sha256;

/** Aborts a fetch that has been silent for `ms`; `feed` at each sign of life. */
function watchdog(ms: number) {
  const controller = new AbortController();
  const bark = (): void => controller.abort(new Error(`no data for ${ms} ms`));
  let timer = setTimeout(bark, ms);
  return {
    signal: controller.signal,
    feed: (): void => {
      clearTimeout(timer);
      timer = setTimeout(bark, ms);
    },
    stop: (): void => clearTimeout(timer),
  };
}

/** Where in the file a response's body starts: 0 for a server that ignores Range, throws for a useless answer. */
function startOf(response: Response, asked: number): number {
  if (response.status === 200) return 0;
  if (response.status !== 206) throw new Error(`HTTP ${response.status} ${response.statusText}`.trimEnd());
  const from = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  if (Number(from) !== asked) throw new Error(`asked for bytes from ${asked}, the server answered with Content-Range '${response.headers.get("content-range")}'`);
  return asked;
}

/** One request that appends to (or restarts) the partial file; rejects when the connection breaks, keeping what came. */
async function fetchInto(part: string, url: string, file: RemoteFile, options: DownloadOptions): Promise<void> {
  const have = await sizeOfFile(part);
  const dog = watchdog(options.stallMs ?? 30000);
  try {
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    if (have > 0) headers.range = `bytes=${have}-`;
    const response = await fetch(url, { headers, signal: dog.signal });
    if (response.status === 416) await rm(part, { force: true });
    let received = startOf(response, have);
    if (response.body === null) throw new Error("an empty answer");
    const out = await open(part, received > 0 ? "a" : "w");
    try {
      for await (const chunk of response.body) {
        dog.feed();
        received += chunk.length;
        if (received > file.bytes) break;
        await out.write(chunk);
        options.onProgress?.({ file: file.name, received, total: file.bytes });
      }
    } finally {
      await out.close();
    }
    if (received > file.bytes) {
      await rm(part, { force: true });
      throw new Error(`expected ${file.bytes} bytes, the server sent more`);
    }
  } finally {
    dog.stop();
  }
}

/** Tries one mirror; gives null when the file is in place, else why not. */
async function tryMirror(target: string, mirror: string, file: RemoteFile, options: DownloadOptions): Promise<string | null> {
  const part = `${target}.part`;
  let reason = "";
  for (let attempt = 0; attempt < (options.attempts ?? 3); attempt++) {
    try {
      if ((await sizeOfFile(part)) !== file.bytes) await fetchInto(part, `${mirror.replace(/\/+$/, "")}/${file.name}`, file, options);
      const size = await sizeOfFile(part);
      if (size < file.bytes) throw new Error(`expected ${file.bytes} bytes, got ${size}`);
      const sum = await sha256Of(part);
      if (sum !== file.sha256) {
        await rm(part, { force: true });
        throw new Error(`wrong checksum: expected sha256 ${file.sha256}, found ${sum}`);
      }
      await rename(part, target);
      return null;
    } catch (e) {
      const cause = e instanceof Error && e.cause instanceof Error ? ` (${e.cause.message})` : "";
      reason = messageOf(e) + cause;
    }
  }
  return reason;
}

/**
 * The path of `folder/name`, downloaded unless a copy with the right size and checksum is there. An interrupted download stays as `name.part`
 * and is resumed by the next call; bytes with a wrong checksum are deleted. Throws `download-failed` with every mirror's reason.
 */
export async function downloadFile(file: RemoteFile, options: DownloadOptions): Promise<string> {
  const target = join(options.folder, file.name);
  if (await isComplete(target, file)) return target;
  const saw: string[] = [];
  try {
    await mkdir(options.folder, { recursive: true });
    for (const mirror of options.mirrors) {
      const reason = await tryMirror(target, mirror, file, options);
      if (reason === null) return target;
      saw.push(`${mirror}: ${reason}`);
    }
  } catch (e) {
    if (e instanceof DamoError) throw e;
    saw.push(messageOf(e));
  }
  fail("data", "download-failed", {
    what: `${file.name} (${file.bytes} bytes) could not be downloaded into ${options.folder}.`,
    saw,
    fix: "check the network and call again (a partial download is resumed), or put the file there by hand, or use the dataset 'digits', which needs no network",
  });
}

/** Downloads the four MNIST files into `folder` (default `<cache>/mnist`) and gives that folder. Throws `download-failed`. */
export async function downloadMnist(options: Partial<DownloadOptions> = {}): Promise<string> {
  const all: DownloadOptions = { ...options, folder: options.folder ?? join(cacheFolder(), "mnist"), mirrors: options.mirrors ?? MNIST_MIRRORS };
  for (const file of MNIST_FILES) await downloadFile(file, all);
  return all.folder;
}
